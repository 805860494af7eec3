//! A conversation with an MCP server over streamable HTTP.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports>

use std::pin::pin;
use std::time::Duration;

use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::stream::{StreamExt, try_unfold};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response, Url};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::message::{Answer, Message, RpcError, notification, request};
use crate::net::{Http, HttpResponse, LARGEST_BODY, RequestError, next_chunk, read_body};

/// Names the session. <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management>
const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// Names the revision of the protocol.
/// <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#protocol-version-header>
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// Repeats the message's method, from revision 2026-07-28 on.
const METHOD: HeaderName = HeaderName::from_static("mcp-method");

/// The revisions in which a conversation begins with `initialize`.
const REVISIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// The newest of them.
const NEWEST_WITH_INITIALIZE: &str = "2025-11-25";

/// The revision in which a conversation begins with `server/discover`, and each message names the revision.
const NEWEST: &str = "2026-07-28";

/// `UnsupportedProtocolVersionError` of revision 2026-07-28.
const UNSUPPORTED_VERSION: i64 = -32022;

/// How long the end of a stream is awaited after the answer. A connection is only reused if its last response was read to the end.
const STREAM_END_TIMEOUT: Duration = Duration::from_millis(100);

/// How long the answer to the end of the session is awaited. Nothing depends on it, and the request is sent when this begins.
const SESSION_CLOSE_TIMEOUT: Duration = Duration::from_millis(10);

/// Why a message got no answer that can be used.
#[derive(Debug)]
pub enum Failure {
    /// No whole response.
    Request(RequestError),
    /// A response whose status is no success.
    Status(HttpResponse),
    /// A success of another type than MCP's.
    NotMcp(HttpResponse),
    /// JSON, but no message.
    NotAMessage(HttpResponse),
    /// An event whose data is no message.
    NotAMessageEvent,
    /// No stream of events.
    NotEvents,
    /// The answer to another request.
    OtherId,
    /// Not what the answer to this method has to be.
    NotAResult(&'static str),
    /// A revision that is not known.
    UnknownVersion(String),
    /// A list that goes on and on.
    Endless,
    /// A JSON-RPC error.
    Rpc(RpcError),
    /// A fault of this program.
    Internal(anyhow::Error),
}

impl Failure {
    /// Whether the server only says that it speaks another revision of the protocol.
    fn is_of_version(&self) -> bool {
        let code = match self {
            Self::Rpc(error) => Some(error.code),
            Self::Status(response) => {
                let body: Option<Value> = serde_json::from_slice(&response.body).ok();
                body.and_then(|body| Some(RpcError::read(body.get("error")?).code))
            }
            _ => None,
        };
        code == Some(UNSUPPORTED_VERSION)
    }
}

/// A conversation. It begins with [`Session::open`].
pub struct Session<'a> {
    http: &'a Http,
    url: &'a Url,
    headers: &'a HeaderMap,
    last_id: u64,
    era: Era,
}

/// What was agreed on for all further messages.
enum Era {
    /// Nothing yet.
    Begin,
    /// By `initialize`. A server without sessions gives no id.
    Initialized { version: HeaderValue, session: Option<HeaderValue> },
    /// By `server/discover`.
    Discovered,
}

impl<'a> Session<'a> {
    /// Begins a conversation in which every request has these headers.
    ///
    /// # Errors
    /// If the server and this program can't agree on a revision.
    pub async fn open(http: &'a Http, url: &'a Url, headers: &'a HeaderMap) -> Result<Self, Failure> {
        let new = || Self { http, url, headers, last_id: 0, era: Era::Begin };
        let mut session = new();
        match session.initialize().await {
            Err(failure) if failure.is_of_version() => {
                let mut session = new();
                session.discover().await?;
                Ok(session)
            }
            begun => begun.map(|()| session),
        }
    }

    async fn initialize(&mut self) -> Result<(), Failure> {
        let params = json!({ "protocolVersion": NEWEST_WITH_INITIALIZE, "capabilities": {}, "clientInfo": client_info() });
        let (result, session) = self.exchange("initialize", Some(params)).await?;
        let version = result.get("protocolVersion").and_then(Value::as_str).ok_or(Failure::NotAResult("initialize"))?;
        if !result.get("capabilities").is_some_and(Value::is_object) || !result.get("serverInfo").is_some_and(Value::is_object) {
            return Err(Failure::NotAResult("initialize"));
        }
        // An agent ends the conversation here too.
        let known = REVISIONS.iter().find(|known| **known == version).ok_or_else(|| Failure::UnknownVersion(version.to_owned()))?;
        self.era = Era::Initialized { version: HeaderValue::from_static(known), session };
        self.notify("notifications/initialized").await
    }

    async fn discover(&mut self) -> Result<(), Failure> {
        self.era = Era::Discovered;
        let result = self.request("server/discover", None).await?;
        let supported = result.get("supportedVersions").and_then(Value::as_array).ok_or(Failure::NotAResult("server/discover"))?;
        if supported.iter().any(|version| version == NEWEST) {
            return Ok(());
        }
        let versions: Vec<_> = supported.iter().filter_map(Value::as_str).collect();
        Err(Failure::UnknownVersion(versions.join(", ")))
    }

    /// Makes a request, and returns its result.
    ///
    /// # Errors
    /// If there is no result.
    pub async fn request(&mut self, method: &'static str, params: Option<Value>) -> Result<Value, Failure> {
        Ok(self.exchange(method, params).await?.0)
    }

    /// Ends the session, if there is one. A server may refuse this (405), and then ends it by itself.
    pub async fn close(self) {
        if let Era::Initialized { session: Some(_), .. } = &self.era {
            let request = self.http.client().delete(self.url.clone());
            drop(timeout(SESSION_CLOSE_TIMEOUT, self.send(request, "")).await);
        }
    }

    async fn exchange(&mut self, method: &'static str, params: Option<Value>) -> Result<(Value, Option<HeaderValue>), Failure> {
        let id = self.last_id;
        self.last_id += 1;
        let message = request(id, method, self.with_meta(params));
        let response = self.post(&message, method).await?;
        let session = response.headers().get(SESSION_ID).cloned();
        let answer = match media_type(&response).as_deref() {
            Some("application/json") => {
                let response = read_body(response).await.map_err(Failure::Request)?;
                let Some(message) = Message::parse(&response.body) else {
                    return Err(Failure::NotAMessage(response));
                };
                message.into_answer(id).ok_or(Failure::OtherId)?
            }
            Some("text/event-stream") => read_events(response, id).await?,
            _ => return Err(Failure::NotMcp(read_body(response).await.map_err(Failure::Request)?)),
        };
        Ok((answer.map_err(Failure::Rpc)?, session))
    }

    async fn notify(&self, method: &str) -> Result<(), Failure> {
        let response = self.post(&notification(method), method).await?;
        // Nothing in the answer to a notification matters.
        drop(timeout(STREAM_END_TIMEOUT, read_body(response)).await);
        Ok(())
    }

    async fn post(&self, message: &Value, method: &str) -> Result<Response, Failure> {
        let request = self.http.client().post(self.url.clone()).header(ACCEPT, "application/json, text/event-stream").json(message);
        self.send(request, method).await
    }

    async fn send(&self, request: RequestBuilder, method: &str) -> Result<Response, Failure> {
        let request = request.headers(self.headers.clone()).headers(self.era.headers(method));
        let request = request.build().map_err(|error| Failure::Internal(error.into()))?;
        let response = self.http.open(request).await.map_err(Failure::Request)?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(Failure::Status(read_body(response).await.map_err(Failure::Request)?))
    }

    /// In the newest revision, each request says what `initialize` said once in the others.
    fn with_meta(&self, params: Option<Value>) -> Option<Value> {
        if !matches!(self.era, Era::Discovered) {
            return params;
        }
        let mut params = params.unwrap_or_else(|| json!({}));
        if let Some(params) = params.as_object_mut() {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": NEWEST,
                "io.modelcontextprotocol/clientInfo": client_info(),
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            params.insert("_meta".to_owned(), meta);
        }
        Some(params)
    }
}

impl Era {
    fn headers(&self, method: &str) -> HeaderMap {
        match self {
            Self::Begin => HeaderMap::new(),
            Self::Initialized { version, session } => {
                let session = session.iter().map(|session| (SESSION_ID, session.clone()));
                std::iter::once((PROTOCOL_VERSION, version.clone())).chain(session).collect()
            }
            Self::Discovered => {
                let method = HeaderValue::from_str(method).ok().map(|method| (METHOD, method));
                std::iter::once((PROTOCOL_VERSION, HeaderValue::from_static(NEWEST))).chain(method).collect()
            }
        }
    }
}

fn client_info() -> Value {
    json!({ "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") })
}

/// The answer in a stream of events. Whatever else the server says there is meant for longer conversations.
async fn read_events(response: Response, id: u64) -> Result<Answer, Failure> {
    let chunks = try_unfold((response, 0), |(mut response, read)| async move {
        let Some(chunk) = next_chunk(&mut response).await? else {
            return Ok(None);
        };
        let read = read + chunk.len();
        if read > LARGEST_BODY {
            return Err(RequestError::TooLarge);
        }
        Ok(Some((chunk, (response, read))))
    });
    let mut events = pin!(chunks.eventsource());
    while let Some(event) = events.next().await {
        let event = event.map_err(|error| match error {
            EventStreamError::Transport(error) => Failure::Request(error),
            EventStreamError::Utf8(_) | EventStreamError::Parser(_) => Failure::NotEvents,
        })?;
        if event.event != "message" || event.data.trim().is_empty() {
            continue;
        }
        let message = Message::parse(event.data.as_bytes()).ok_or(Failure::NotAMessageEvent)?;
        if let Some(answer) = message.into_answer(id) {
            drop(timeout(STREAM_END_TIMEOUT, async { while events.next().await.is_some_and(|event| event.is_ok()) {} }).await);
            return Ok(answer);
        }
    }
    Err(Failure::Request(RequestError::Unreachable("the stream ended before the answer".to_owned())))
}

/// The response's type, without parameters.
fn media_type(response: &Response) -> Option<String> {
    let value = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|kind| kind.trim().to_ascii_lowercase())
}
