//! The engine's API over its socket.

use std::path::Path;

use hyper::body::Bytes;
use reqwest::header::{CONNECTION, UPGRADE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::UnixStream;

use super::error::Error;
use super::task::Task;
use super::version::Spoken;
use crate::net::{read_body_up_to, unix_client};
use crate::redact::Quote;
use crate::runner::Console;

/// The largest answer that is read, in bytes. A list of some hundred containers has less.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// The engine, in the version of its API that both sides speak.
#[derive(Clone)]
pub struct Engine {
    client: Client,
    version: String,
    console: Console,
}

/// An error in Docker's form, which is also Podman's.
#[derive(Deserialize)]
struct ErrorBody {
    message: String,
}

impl Engine {
    /// Connects with the engine.
    ///
    /// # Errors
    /// If there is none, or it doesn't say which versions of the API it speaks.
    pub async fn connect(socket: &Path, console: &Console) -> Result<Self, Error> {
        // The library would hide the system's own error.
        drop(UnixStream::connect(socket).await.map_err(|source| Error::Socket { path: socket.to_owned(), source })?);
        let mut engine = Self { client: unix_client(socket.to_owned())?, version: String::new(), console: console.clone() };
        let spoken: Spoken = engine.get(Task::Version, "version", &[]).await?;
        let version = spoken.choose().ok_or_else(|| engine.unreadable(Task::Version, "it names no version of the API"))?;
        engine.version = format!("v{version}/");
        Ok(engine)
    }

    /// Reads an answer in JSON.
    pub(super) async fn get<T: DeserializeOwned>(&self, task: Task, path: &str, query: &[(&str, &str)]) -> Result<T, Error> {
        let body = self.call(task, Method::GET, path, query, None).await?;
        serde_json::from_slice(&body).map_err(|error| self.unreadable(task, &error.to_string()))
    }

    /// Sends a request, and reads the whole answer.
    pub(super) async fn call(
        &self,
        task: Task,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Bytes, Error> {
        let request = self.request(method, path, query)?;
        let response = self.send(
            task,
            match body {
                Some(body) => request.json(body),
                None => request,
            },
        );
        let response = read_body_up_to(response.await?, LARGEST_ANSWER).await;
        Ok(Bytes::from(std::mem::take(&mut *response.map_err(|error| self.no_answer(task, &error.to_string()))?.body)))
    }

    /// Sends a request, and leaves the answer's body to be read.
    pub(super) async fn open(&self, task: Task, path: &str, query: &[(&str, &str)]) -> Result<Response, Error> {
        self.send(task, self.request(Method::GET, path, query)?).await
    }

    /// Sends a request for a connection of raw bytes.
    pub(super) async fn upgrade(&self, task: Task, path: &str, query: &[(&str, &str)]) -> Result<reqwest::Upgraded, Error> {
        let request = self.request(Method::POST, path, query)?.header(CONNECTION, "Upgrade").header(UPGRADE, "tcp");
        let response = self.send(task, request).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.refused(task, response).await);
        }
        response.upgrade().await.map_err(|error| self.no_answer(task, &error.to_string()))
    }

    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> Result<RequestBuilder, Error> {
        let mut url = Url::parse(&format!("http://engine/{}{path}", self.version)).map_err(anyhow::Error::from)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(self.client.request(method, url))
    }

    async fn send(&self, task: Task, request: RequestBuilder) -> Result<Response, Error> {
        let response = request.send().await.map_err(|error| self.no_answer(task, &with_sources(&error)))?;
        match response.status() {
            // 304: the container is started, or stopped, already.
            status if status.is_success() || matches!(status, StatusCode::SWITCHING_PROTOCOLS | StatusCode::NOT_MODIFIED) => Ok(response),
            _ => Err(self.refused(task, response).await),
        }
    }

    async fn refused(&self, task: Task, response: Response) -> Error {
        let status = response.status().as_u16();
        let body = read_body_up_to(response, LARGEST_ANSWER).await.map(|response| response.body).unwrap_or_default();
        let message = match serde_json::from_slice::<ErrorBody>(&body) {
            Ok(body) => self.console.quote(&body.message),
            Err(_) => self.console.quote(&String::from_utf8_lossy(&body)),
        };
        Error::Refused { task, status, message }
    }

    pub(super) fn no_answer(&self, task: Task, detail: &str) -> Error {
        Error::NoAnswer { task, detail: self.quote(detail) }
    }

    pub(super) fn unreadable(&self, task: Task, detail: &str) -> Error {
        Error::Unreadable { task, detail: self.quote(detail) }
    }

    pub(super) fn quote(&self, text: &str) -> Quote {
        self.console.quote(text)
    }
}

/// The library's own text names only the URL, which is made up.
fn with_sources(error: &reqwest::Error) -> String {
    let sources = std::iter::successors(std::error::Error::source(error), |error| error.source());
    let texts: Vec<_> = sources.map(ToString::to_string).collect();
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}

/// Whether the engine says that there is no such thing.
#[must_use]
pub fn is_not_found(error: &Error) -> bool {
    matches!(error, Error::Refused { status: 404, .. })
}
