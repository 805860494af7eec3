//! The HTTP side of an MCP connection: each of the SDK's messages as one request of our own client.
//!
//! The SDK brings a backend for `reqwest`. This one is used instead because of what it does otherwise: it keeps what went
//! wrong as it was, where the SDK keeps a text; it marks the token as sensitive; it reads bodies up to the step's limit;
//! and it opens no stream for messages that nobody asked for.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt, try_unfold};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response, Url};
use rmcp::model::{ClientJsonRpcMessage, ErrorCode, JsonRpcResponse, ProtocolVersion, RequestId, ServerJsonRpcMessage, ServerResult};
use rmcp::transport::streamable_http_client::{SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse};
use serde_json::Value;
use sse_stream::{Sse, SseStream};
use tokio::time::timeout;

use crate::net::{self, Answered, Fault, Http, LARGEST_BODY, early};

/// Names the session. <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management>
const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// How long the end of a stream is awaited once the answer is there. A connection is only used again when it was read to its end.
const TAIL: Duration = Duration::from_millis(100);

/// How long the answer to a session's end is awaited. It says nothing that matters, and the request is out when this begins.
const GOODBYE: Duration = Duration::from_millis(10);

/// Why a message got no usable answer.
#[derive(Debug)]
pub enum Failure {
    /// No whole answer came.
    Fault(Fault),
    /// The answer's status is no success.
    Status(Answered),
    /// The answer is a success, but of another type than MCP's.
    NotMcp(Answered),
    /// The answer is JSON, but no message.
    NotAMessage(Answered),
    /// The answer means nothing here. The first text is ours; the second is what the server said, where it said it plainly. Raw
    /// bodies are never kept as text: in them a secret can be written in more ways than anyone cleans.
    Nonsense(&'static str, Option<String>),
    /// A JSON-RPC error.
    Rpc(i32, String),
}

impl Failure {
    /// Whether the server only says that it speaks another version of the protocol.
    pub fn is_of_version(&self) -> bool {
        let code = match self {
            Self::Rpc(code, _) => Some(i64::from(*code)),
            Self::Status(answered) => {
                let body: Option<Value> = serde_json::from_slice(&answered.body).ok();
                body.and_then(|body| body.pointer("/error/code")?.as_i64())
            }
            _ => None,
        };
        code == Some(i64::from(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION.0))
    }
}

/// Sends messages, and keeps the first failure.
#[derive(Clone)]
pub struct Backend {
    http: Arc<Http>,
    url: Url,
    headers: HeaderMap,
    failure: Arc<Mutex<Option<Failure>>>,
}

/// Stands for a failure that the backend keeps.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("no usable answer")]
pub struct Kept;

impl Backend {
    /// A backend that sends these headers with everything.
    pub fn new(http: Arc<Http>, url: Url, headers: HeaderMap) -> Self {
        Self { http, url, headers, failure: Arc::default() }
    }

    /// The first failure, once.
    pub fn take_failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, failure: Failure) -> StreamableHttpError<Kept> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
        StreamableHttpError::Client(Kept)
    }

    async fn send(
        &self,
        request: RequestBuilder,
        session: Option<Arc<str>>,
        of_protocol: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Response, Failure> {
        let mut headers = self.headers.clone();
        headers.extend(of_protocol);
        if let Some(session) = session {
            let session = HeaderValue::from_str(&session).map_err(|_| nonsense("its session id is no header value"))?;
            headers.insert(SESSION_ID, session);
        }
        let request = request.headers(headers).build().map_err(|_| nonsense("no request for it can be made"))?;
        let response = early::used(self.http.open(request)).await.map_err(Failure::Fault)?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(Failure::Status(net::read(response).await.map_err(Failure::Fault)?))
    }

    async fn post(
        &self,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        of_protocol: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let request = self.http.client().post(self.url.clone()).header(ACCEPT, "application/json, text/event-stream").json(&message);
        let response = self.send(request, session, of_protocol).await?;
        let ClientJsonRpcMessage::Request(asked) = message else {
            // Nothing in the answer to a notification matters.
            drop(timeout(TAIL, net::read(response)).await);
            return Ok(StreamableHttpPostResponse::Accepted);
        };
        let session = response.headers().get(SESSION_ID).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let message = match media_type(&response).as_deref() {
            Some("application/json") => {
                let answered = net::read(response).await.map_err(Failure::Fault)?;
                let Ok(message) = serde_json::from_slice(&answered.body) else {
                    return Err(Failure::NotAMessage(answered));
                };
                if !answers(&message, &asked.id) {
                    return Err(nonsense("it answers another request"));
                }
                message
            }
            Some("text/event-stream") => read_events(response, &asked.id).await?,
            _ => return Err(Failure::NotMcp(net::read(response).await.map_err(Failure::Fault)?)),
        };
        known_version(&message)?;
        Ok(StreamableHttpPostResponse::Json(message, session))
    }
}

impl StreamableHttpClient for Backend {
    type Error = Kept;

    async fn post_message(
        &self,
        _uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        _authorization: Option<String>,
        of_protocol: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, StreamableHttpError<Kept>> {
        self.post(message, session, of_protocol).await.map_err(|failure| self.keep(failure))
    }

    async fn delete_session(
        &self,
        _uri: Arc<str>,
        session: Arc<str>,
        _authorization: Option<String>,
        of_protocol: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), StreamableHttpError<Kept>> {
        let request = self.http.client().delete(self.url.clone());
        // A server may refuse this (405), and then ends the session by itself.
        drop(timeout(GOODBYE, self.send(request, Some(session), of_protocol)).await);
        Ok(())
    }

    /// The stream for messages that no request asked for: this connection is over before any comes.
    async fn get_stream(
        &self,
        _uri: Arc<str>,
        _session: Option<Arc<str>>,
        _last_event: Option<String>,
        _authorization: Option<String>,
        _of_protocol: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, StreamableHttpError<Kept>> {
        Err(StreamableHttpError::ServerDoesNotSupportSse)
    }
}

/// The answer in a stream of events. What the server says besides is meant for longer conversations.
async fn read_events(response: Response, id: &RequestId) -> Result<ServerJsonRpcMessage, Failure> {
    let chunks = try_unfold((response, 0), |(mut response, read)| async move {
        let Some(chunk) = net::chunk(&mut response).await? else {
            return Ok(None);
        };
        let read = read + chunk.len();
        if read > LARGEST_BODY {
            return Err(Fault::TooLarge);
        }
        Ok(Some((chunk, (response, read))))
    });
    let mut events = pin!(SseStream::from_bytes_stream(chunks));
    while let Some(event) = events.next().await {
        let event = event.map_err(of_stream)?;
        let is_message = event.event.as_deref().is_none_or(|name| name == "message");
        let Some(data) = event.data.filter(|data| is_message && !data.trim().is_empty()) else {
            continue;
        };
        let message = serde_json::from_str(&data).map_err(|_| nonsense("an event in it is no JSON-RPC message"))?;
        if answers(&message, id) {
            drop(timeout(TAIL, async { while events.next().await.is_some_and(|event| event.is_ok()) {} }).await);
            return Ok(message);
        }
    }
    Err(Failure::Fault(Fault::Unreachable("the stream ended before the answer".to_owned())))
}

fn of_stream(error: SseError) -> Failure {
    match error {
        SseError::Body(error) => match error.downcast::<Fault>() {
            Ok(fault) => Failure::Fault(*fault),
            Err(error) => Failure::Fault(Fault::Unreachable(error.to_string())),
        },
        _ => nonsense("it is no stream of events"),
    }
}

/// Whether this is the answer to that request. A server that can't read a request's id leaves it out of the error.
fn answers(message: &ServerJsonRpcMessage, id: &RequestId) -> bool {
    // Some servers answer a number in quotes.
    let same = |other: &RequestId| other.to_string() == id.to_string();
    match message {
        ServerJsonRpcMessage::Response(response) => same(&response.id),
        ServerJsonRpcMessage::Error(error) => error.id.as_ref().is_none_or(same),
        _ => false,
    }
}

/// The SDK takes any version, and would go on in one that neither side understands. Agents end here.
fn known_version(message: &ServerJsonRpcMessage) -> Result<(), Failure> {
    let ServerJsonRpcMessage::Response(JsonRpcResponse { result: ServerResult::InitializeResult(server), .. }) = message else {
        return Ok(());
    };
    if ProtocolVersion::KNOWN_VERSIONS.contains(&server.protocol_version) {
        return Ok(());
    }
    Err(Failure::Nonsense("it speaks a version of MCP that is not known here", Some(server.protocol_version.to_string())))
}

/// The type without its parameters.
fn media_type(response: &Response) -> Option<String> {
    let value = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|kind| kind.trim().to_ascii_lowercase())
}

fn nonsense(problem: &'static str) -> Failure {
    Failure::Nonsense(problem, None)
}
