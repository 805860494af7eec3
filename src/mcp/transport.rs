//! The HTTP side of an MCP connection: each of the SDK's messages as one request of our own client.
//!
//! The SDK brings a transport for streamable HTTP. This one is used instead because of what it does otherwise: it keeps what
//! went wrong as it was, where the SDK keeps a text; it marks the token as sensitive; it reads bodies up to the step's limit;
//! it opens no stream for messages that nobody asked for; and it reads no answer but those to what the step asks, which is
//! an eighth of the program less.

use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::stream::{StreamExt, try_unfold};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response, Url};
use rmcp::RoleClient;
use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, ErrorCode, ErrorData, GetMeta, JsonRpcResponse, JsonRpcVersion2_0, ProtocolVersion, RequestId,
    ServerJsonRpcMessage, ServerResult,
};
use rmcp::transport::Transport;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use sse_stream::{Error as SseError, SseStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::net::{self, Answered, Fault, Http, LARGEST_BODY, early};

/// Names the session. <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management>
const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// Names the version that both sides agreed on.
/// <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#protocol-version-header>
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// Repeats the message's method, from revision 2026-07-28 of the protocol on.
const METHOD: HeaderName = HeaderName::from_static("mcp-method");

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

    fn keep(&self, failure: Failure) -> Kept {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
        Kept
    }

    async fn send(&self, request: RequestBuilder, of_protocol: HeaderMap) -> Result<Response, Failure> {
        let request = request.headers(self.headers.clone()).headers(of_protocol);
        let request = request.build().map_err(|_| nonsense("no request for it can be made"))?;
        let response = early::used(self.http.open(request)).await.map_err(Failure::Fault)?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(Failure::Status(net::read(response).await.map_err(Failure::Fault)?))
    }

    /// The answer to a message; `None` where there is nothing to answer.
    async fn post(&self, message: &ClientJsonRpcMessage, agreed: &OnceLock<Agreed>) -> Result<Option<ServerJsonRpcMessage>, Failure> {
        let request = self.http.client().post(self.url.clone()).header(ACCEPT, "application/json, text/event-stream").json(message);
        let response = self.send(request, headers_for(message, agreed.get())?).await?;
        let ClientJsonRpcMessage::Request(asked) = message else {
            // Nothing in the answer to a notification matters.
            drop(timeout(TAIL, net::read(response)).await);
            return Ok(None);
        };
        let session = response.headers().get(SESSION_ID).cloned();
        let answer = match media_type(&response).as_deref() {
            Some("application/json") => {
                let answered = net::read(response).await.map_err(Failure::Fault)?;
                let Some(message) = Message::parse(&answered.body) else {
                    return Err(Failure::NotAMessage(answered));
                };
                message.answer_to(&asked.id).ok_or_else(|| nonsense("it answers another request"))?
            }
            Some("text/event-stream") => read_events(response, &asked.id).await?,
            _ => return Err(Failure::NotMcp(net::read(response).await.map_err(Failure::Fault)?)),
        };
        let message = answer.typed(&asked.request, asked.id.clone())?;
        if let Some(version) = agreed_version(&message)? {
            // It is agreed on once, by the one `initialize` of a conversation.
            let _ = agreed.set(Agreed { version, session });
        }
        Ok(Some(message))
    }
}

/// What the answer to `initialize` settles for all that follows.
#[derive(Debug)]
struct Agreed {
    version: HeaderValue,
    /// A server without sessions names none.
    session: Option<HeaderValue>,
}

impl Agreed {
    fn headers(&self) -> HeaderMap {
        let session = self.session.iter().map(|session| (SESSION_ID, session.clone()));
        std::iter::once((PROTOCOL_VERSION, self.version.clone())).chain(session).collect()
    }
}

/// The headers that the protocol asks for with a message. A message of the newest protocol names its version itself.
fn headers_for(message: &ClientJsonRpcMessage, agreed: Option<&Agreed>) -> Result<HeaderMap, Failure> {
    let ClientJsonRpcMessage::Request(asked) = message else {
        return Ok(agreed.map(Agreed::headers).unwrap_or_default());
    };
    let Some(version) = asked.request.get_meta().protocol_version() else {
        return Ok(agreed.map(Agreed::headers).unwrap_or_default());
    };
    let method = HeaderValue::from_str(asked.request.method()).map_err(|_| nonsense("no request for it can be made"))?;
    Ok(HeaderMap::from_iter([(PROTOCOL_VERSION, of_version(&version)?), (METHOD, method)]))
}

/// One conversation with the server: the SDK's messages go out through it, and the answers come back.
pub struct Conversation {
    backend: Backend,
    agreed: Arc<OnceLock<Agreed>>,
    answered: UnboundedSender<ServerJsonRpcMessage>,
    answers: UnboundedReceiver<ServerJsonRpcMessage>,
}

impl Conversation {
    /// A conversation in which nothing was said yet.
    pub fn new(backend: Backend) -> Self {
        let (answered, answers) = unbounded_channel();
        Self { backend, agreed: Arc::default(), answered, answers }
    }
}

impl Transport<RoleClient> for Conversation {
    type Error = Kept;

    fn send(&mut self, message: ClientJsonRpcMessage) -> impl Future<Output = Result<(), Kept>> + Send + 'static {
        let (backend, agreed, answered) = (self.backend.clone(), Arc::clone(&self.agreed), self.answered.clone());
        async move {
            let answer = backend.post(&message, &agreed).await.map_err(|failure| backend.keep(failure))?;
            // Where nobody listens any more, the conversation is over.
            answer.map_or(Ok(()), |answer| answered.send(answer).map_err(|_| Kept))
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        self.answers.recv().await
    }

    /// Ends the session, if there is one. A server may refuse this (405), and then ends it by itself.
    async fn close(&mut self) -> Result<(), Kept> {
        if let Some(agreed) = self.agreed.get().filter(|agreed| agreed.session.is_some()) {
            let request = self.backend.http.client().delete(self.backend.url.clone());
            drop(timeout(GOODBYE, self.backend.send(request, agreed.headers())).await);
        }
        Ok(())
    }
}

/// A message of the server's, as far as it must be known to find the answer among others (JSON-RPC 2.0 section 5).
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "jsonrpc")]
    _version: JsonRpcVersion2_0,
    id: Option<RequestId>,
    result: Option<Value>,
    error: Option<ErrorData>,
    /// Of requests and notifications. What the server says besides answers is meant for longer conversations.
    method: Option<IgnoredAny>,
}

/// What a request came to.
enum Answer {
    Result(Value),
    Error(ErrorData),
}

impl Message {
    /// Reads a message; `None` for what is none.
    fn parse(text: &[u8]) -> Option<Self> {
        let message: Self = serde_json::from_slice(text).ok()?;
        let is_one = message.result.is_some() || message.error.is_some() || message.method.is_some();
        is_one.then_some(message)
    }

    /// The answer in it, if it is the one to that request. A server that can't read a request's id leaves it out of the error.
    fn answer_to(self, asked: &RequestId) -> Option<Answer> {
        // Some servers answer a number in quotes.
        let same = |id: &RequestId| id.to_string() == asked.to_string();
        match self {
            Self { error: Some(error), id, .. } if id.as_ref().is_none_or(same) => Some(Answer::Error(error)),
            Self { result: Some(result), id: Some(id), .. } if same(&id) => Some(Answer::Result(result)),
            _ => None,
        }
    }
}

impl Answer {
    /// The SDK's form of it, for one of the three requests that are ever made here.
    fn typed(self, asked: &ClientRequest, id: RequestId) -> Result<ServerJsonRpcMessage, Failure> {
        let value = match self {
            Self::Error(error) => return Ok(ServerJsonRpcMessage::error(error, Some(id))),
            Self::Result(value) => value,
        };
        let result = match asked {
            ClientRequest::InitializeRequest(_) => serde_json::from_value(value).map(ServerResult::InitializeResult),
            ClientRequest::DiscoverRequest(_) => serde_json::from_value(value).map(ServerResult::DiscoverResult),
            _ => serde_json::from_value(value).map(ServerResult::ListToolsResult),
        };
        let result = result.map_err(|_| match asked {
            ClientRequest::InitializeRequest(_) => nonsense("it is no answer to `initialize`"),
            ClientRequest::DiscoverRequest(_) => nonsense("it is no answer to `server/discover`"),
            _ => nonsense("it is no answer to `tools/list`"),
        })?;
        Ok(ServerJsonRpcMessage::response(result, id))
    }
}

/// The answer in a stream of events. What the server says besides is meant for longer conversations.
async fn read_events(response: Response, id: &RequestId) -> Result<Answer, Failure> {
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
        let message = Message::parse(data.as_bytes()).ok_or_else(|| nonsense("an event in it is no JSON-RPC message"))?;
        if let Some(answer) = message.answer_to(id) {
            drop(timeout(TAIL, async { while events.next().await.is_some_and(|event| event.is_ok()) {} }).await);
            return Ok(answer);
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

/// The version that an answer to `initialize` settles. The SDK takes any, and would go on in one that neither side understands.
/// Agents end here.
fn agreed_version(message: &ServerJsonRpcMessage) -> Result<Option<HeaderValue>, Failure> {
    let ServerJsonRpcMessage::Response(JsonRpcResponse { result: ServerResult::InitializeResult(server), .. }) = message else {
        return Ok(None);
    };
    let version = &server.protocol_version;
    if ProtocolVersion::KNOWN_VERSIONS.contains(version) { of_version(version).map(Some) } else { Err(unknown_version(version)) }
}

fn of_version(version: &ProtocolVersion) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(version.as_str()).map_err(|_| unknown_version(version))
}

fn unknown_version(version: &ProtocolVersion) -> Failure {
    Failure::Nonsense("it speaks a version of MCP that is not known here", Some(version.to_string()))
}

/// The type without its parameters.
fn media_type(response: &Response) -> Option<String> {
    let value = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|kind| kind.trim().to_ascii_lowercase())
}

fn nonsense(problem: &'static str) -> Failure {
    Failure::Nonsense(problem, None)
}
