//! A conversation with an MCP server over streamable HTTP.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports>

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use reqwest::{Response, Url};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::message::{Answer, Message, is_json, notification, reply, request};
use super::message_error::{MessageError, is_refusal};
use super::schema::{self, AnswerReader, Revision, Violation};
use crate::net::{Event, EventReader, Http, MOST_REDIRECTS, NoAnswer, RequestError, next_chunk, read_body_up_to, redirected};

/// Names the session. <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management>
const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// Names the revision of the protocol.
/// <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#protocol-version-header>
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// Repeats the message's method, from revision 2026-07-28 on.
const RPC_METHOD: HeaderName = HeaderName::from_static("mcp-method");

/// Names the last event of a stream that is resumed.
/// <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery>
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The revisions in which a conversation begins with `initialize`, as the official SDKs know them.
const REVISIONS: [&str; 5] = ["2024-10-07", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// The newest of them.
const NEWEST_WITH_INITIALIZE: &str = "2025-11-25";

/// The revision in which a conversation begins with `server/discover`, and each message names the revision.
const NEWEST: &str = "2026-07-28";

/// The largest response that is read, in bytes. Agents have no such limit; most lists have a hundredth of it.
pub const LARGEST_RESPONSE: usize = 8 * 1024 * 1024;

/// How often a stream is resumed.
const MOST_RESUMES: usize = 20;

/// The pause before a stream is resumed, if the server names none.
const RESUME_AFTER: Duration = Duration::from_secs(1);

/// How long the answer to a first `server/discover` is awaited. The official TypeScript SDK waits as long, as `tests/agents/shapes` shows.
const DISCOVER_TIMEOUT: Duration = Duration::from_secs(6);

/// How long the end of a stream is awaited after the answer. A connection is only reused if its last response was read to the end.
const STREAM_END_TIMEOUT: Duration = Duration::from_millis(100);

/// How long the answer to the end of the session is awaited. Nothing depends on it, and the request is sent when this begins.
const SESSION_CLOSE_TIMEOUT: Duration = Duration::from_millis(10);

/// A conversation. It begins with [`Session::open`].
pub struct Session<'a> {
    http: &'a Http,
    url: Url,
    headers: &'a HeaderMap,
    last_id: u64,
    era: Era,
    /// What the server's answers had that MCP's schema doesn't allow.
    pub violations: Vec<Violation>,
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

/// How a stream of events ended.
enum StreamEnd {
    Answer(Answer),
    /// Before the answer. It can be resumed after this event.
    Early {
        last_event_id: Option<HeaderValue>,
        resume_after: Option<Duration>,
    },
}

impl<'a> Session<'a> {
    /// Begins a conversation in which every request has these headers, in the way that this reader begins it.
    ///
    /// # Errors
    /// If the server and this program can't agree on a revision.
    pub async fn open(http: &'a Http, url: &Url, headers: &'a HeaderMap, reader: AnswerReader) -> Result<Self, MessageError> {
        let new = || Self { http, url: url.clone(), headers, last_id: 0, era: Era::Begin, violations: Vec::new() };
        let mut asked = None;
        if reader == AnswerReader::ClaudeCode {
            let (newest, discovered) = Self::probe(&new).await;
            match discovered {
                Ok(()) if newest.violations.iter().all(Violation::is_lack_of_tools) => return Ok(newest),
                Err(MessageError::Request(error)) if !error.is_from_server() => return Err(MessageError::Request(error)),
                _ => asked = Some((newest, discovered)),
            }
        }
        let mut session = new();
        let Err(failure) = session.initialize().await else {
            return Ok(session);
        };
        if !failure.may_be_of_revision() {
            return Err(failure);
        }
        let (newest, discovered) = if let Some(asked) = asked {
            asked
        } else {
            let mut newest = new();
            let discovered = newest.discover().await;
            (newest, discovered)
        };
        match discovered {
            // If an agent doesn't take the answer, what is wrong with it is the reason that it has no tools.
            Ok(()) => Ok(newest),
            Err(discover) => Err(new().why_neither(failure, discover).await),
        }
    }

    /// Claude Code asks for `server/discover` first, and begins anew with `initialize` whatever goes wrong with that. A connection that
    /// was opened ahead may be gone by now, which says nothing of the server: then it is asked once more.
    async fn probe(new: &impl Fn() -> Self) -> (Self, Result<(), MessageError>) {
        let asked = Self::probe_once(new()).await;
        let is_closed = matches!(asked.1, Err(MessageError::Request(RequestError::NoAnswer(NoAnswer::Closed, _))));
        if is_closed { Self::probe_once(new()).await } else { asked }
    }

    async fn probe_once(mut session: Self) -> (Self, Result<(), MessageError>) {
        let discovered = timeout(DISCOVER_TIMEOUT, session.discover()).await.unwrap_or_else(|_| {
            let detail = format!("server/discover was not answered within {} s", DISCOVER_TIMEOUT.as_secs());
            Err(MessageError::Request(RequestError::NoAnswer(NoAnswer::Other, detail)))
        });
        (session, discovered)
    }

    /// Why the server and this program can't agree, from what `initialize` and `server/discover` failed with.
    async fn why_neither(&mut self, initialize: MessageError, discover: MessageError) -> MessageError {
        if !discover.may_be_of_revision() {
            return discover;
        }
        if self.has_older_transport().await {
            return MessageError::OlderTransport;
        }
        // The server knows neither way. What isn't JSON-RPC is certain: no client can use it.
        if initialize.is_json_rpc() && !discover.is_json_rpc() { discover } else { initialize }
    }

    /// Whether the server speaks HTTP with SSE, the transport of revision 2024-11-05, to which agents fall back.
    /// <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#backwards-compatibility>
    async fn has_older_transport(&mut self) -> bool {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/event-stream"))]);
        let response = self.send(Method::GET, headers, None).await;
        response.is_ok_and(|response| media_type(&response).as_deref() == Some("text/event-stream"))
    }

    /// In which revisions the server answers.
    pub fn revision(&self) -> Revision {
        if matches!(self.era, Era::Discovered) { Revision::WithDiscover } else { Revision::WithInitialize }
    }

    /// Whether the server opened a session.
    pub fn has_id(&self) -> bool {
        matches!(self.era, Era::Initialized { session: Some(_), .. })
    }

    async fn initialize(&mut self) -> Result<(), MessageError> {
        let params = json!({ "protocolVersion": NEWEST_WITH_INITIALIZE, "capabilities": {}, "clientInfo": client_info() });
        let (result, session) = self.exchange("initialize", Some(params)).await?;
        let version = result.get("protocolVersion").and_then(Value::as_str).ok_or(MessageError::NotAResult("initialize"))?;
        self.violations.extend(schema::of_initialize(&result));
        let known = REVISIONS.iter().find(|known| **known == version).ok_or_else(|| MessageError::UnknownVersion(version.to_owned()))?;
        self.era = Era::Initialized { version: HeaderValue::from_static(known), session };
        match self.notify("notifications/initialized").await {
            // Python's SDK goes on. The others close the connection.
            Err(MessageError::Status(response)) if is_refusal(response.head.status) => self.violations.push(schema::of_initialized()),
            sent => sent?,
        }
        Ok(())
    }

    async fn discover(&mut self) -> Result<(), MessageError> {
        self.era = Era::Discovered;
        let result = self.request("server/discover", None).await?;
        self.violations.extend(schema::of_discover(&result));
        let supported = result.get("supportedVersions").and_then(Value::as_array).ok_or(MessageError::NotAResult("server/discover"))?;
        if supported.iter().any(|version| version == NEWEST) {
            return Ok(());
        }
        let versions: Vec<_> = supported.iter().filter_map(Value::as_str).collect();
        Err(MessageError::UnknownVersion(versions.join(", ")))
    }

    /// Makes a request, and returns its result.
    ///
    /// # Errors
    /// If there is no result.
    pub async fn request(&mut self, method: &'static str, params: Option<Value>) -> Result<Value, MessageError> {
        Ok(self.exchange(method, params).await?.0)
    }

    /// Ends the session, if there is one. A server may refuse this (405), and then ends it by itself.
    pub async fn close(mut self) {
        if self.has_id() {
            drop(timeout(SESSION_CLOSE_TIMEOUT, self.send(Method::DELETE, HeaderMap::new(), None)).await);
        }
    }

    async fn exchange(&mut self, method: &'static str, params: Option<Value>) -> Result<(Value, Option<HeaderValue>), MessageError> {
        let id = self.last_id;
        self.last_id += 1;
        let message = request(id, method, self.with_meta(params));
        let response = self.post(&message, method).await?;
        let session = response.headers().get(SESSION_ID).cloned();
        let answer = match media_type(&response).as_deref() {
            // It says that no answer comes: agents wait for one elsewhere.
            _ if response.status() == StatusCode::ACCEPTED => return Err(MessageError::NoAnswer),
            Some(kind) if kind.starts_with("application/json") => {
                if kind != "application/json" {
                    self.violations.push(schema::of_media_type());
                }
                self.read_json(response, id).await?
            }
            Some("text/event-stream") => self.read_stream(response, id).await?,
            _ => return Err(MessageError::NotMcp(response)),
        };
        let result = answer.map_err(MessageError::Rpc)?;
        if result.is_object() { Ok((result, session)) } else { Err(MessageError::NotAResult(method)) }
    }

    async fn read_json(&mut self, response: Response, id: u64) -> Result<Answer, MessageError> {
        let response = read_body_up_to(response, LARGEST_RESPONSE).await.map_err(MessageError::Request)?;
        let messages = Message::read(&response.body).unwrap_or_default();
        if messages.is_empty() {
            return Err(MessageError::NotAMessage(response));
        }
        let found = messages.iter().find_map(|message| Some((message, message.answer_to(id).or_else(|| message.error_without_id())?)));
        let (message, answer) = found.ok_or(MessageError::OtherId)?;
        self.note_unknown_members(message, &answer);
        Ok(answer)
    }

    /// The official SDKs refuse a message with members that JSON-RPC doesn't know.
    fn note_unknown_members(&mut self, message: &Message, answer: &Answer) {
        if answer.is_ok() && message.has_unknown_members() {
            self.violations.push(Violation::of_envelope());
        }
    }

    async fn read_stream(&mut self, response: Response, id: u64) -> Result<Answer, MessageError> {
        let mut response = response;
        for _ in 0..MOST_RESUMES {
            let (last_event_id, resume_after) = match self.read_events(response, id).await? {
                StreamEnd::Answer(answer) => return Ok(answer),
                StreamEnd::Early { last_event_id, resume_after } => (last_event_id.ok_or(MessageError::StreamEnded)?, resume_after),
            };
            sleep(resume_after.unwrap_or(RESUME_AFTER)).await;
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/event-stream")), (LAST_EVENT_ID, last_event_id)]);
            response = self.send(Method::GET, headers, None).await?;
        }
        Err(MessageError::StreamEnded)
    }

    /// Reads events up to the answer. An event that is no JSON-RPC message is skipped, as agents do.
    async fn read_events(&mut self, mut response: Response, id: u64) -> Result<StreamEnd, MessageError> {
        let mut events = EventReader::default();
        let mut size = 0;
        loop {
            let piece = match next_chunk(&mut response).await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                // What was sent before the connection broke can be resumed.
                Err(error) if error.is_retryable() && !events.last_event_id().is_empty() => break,
                Err(error) => return Err(MessageError::Request(error)),
            };
            size += piece.len();
            if size > LARGEST_RESPONSE {
                return Err(MessageError::Request(RequestError::TooLarge));
            }
            for event in events.read(&piece) {
                if let Some(answer) = self.read_event(&event, id).await? {
                    drop(timeout(STREAM_END_TIMEOUT, read_body_up_to(response, LARGEST_RESPONSE)).await);
                    return Ok(StreamEnd::Answer(answer));
                }
            }
        }
        let last_event_id = HeaderValue::from_str(events.last_event_id()).ok().filter(|id| !id.is_empty());
        Ok(StreamEnd::Early { last_event_id, resume_after: events.retry() })
    }

    /// The answer in an event, if it is there. A request of the server's is answered.
    async fn read_event(&mut self, event: &Event, id: u64) -> Result<Option<Answer>, MessageError> {
        if event.kind != "message" {
            return Ok(None);
        }
        if !event.data.is_empty() && !is_json(&event.data) && !matches!(self.era, Era::Begin) {
            self.violations.push(schema::of_event());
        }
        let Some(message) = Message::in_event(&event.data) else {
            return Ok(None);
        };
        if let Some((id, method)) = message.request() {
            // What the server thinks of the reply changes nothing for an agent.
            drop(self.post(&reply(id, method), "").await);
        }
        let answer = message.answer_to(id);
        if let Some(answer) = &answer {
            self.note_unknown_members(&message, answer);
        }
        Ok(answer)
    }

    async fn notify(&mut self, method: &str) -> Result<(), MessageError> {
        let response = self.post(&notification(method), method).await?;
        // Nothing in the answer to a notification matters.
        drop(timeout(STREAM_END_TIMEOUT, read_body_up_to(response, LARGEST_RESPONSE)).await);
        Ok(())
    }

    async fn post(&mut self, message: &Value, method: &str) -> Result<Response, MessageError> {
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"))]);
        if let (Era::Discovered, Ok(method)) = (&self.era, HeaderValue::from_str(method)) {
            headers.insert(RPC_METHOD, method);
        }
        self.send(Method::POST, headers, Some(message)).await
    }

    /// Sends a request, and follows redirects that keep the method and the origin, as agents do.
    async fn send(&mut self, method: Method, headers: HeaderMap, body: Option<&Value>) -> Result<Response, MessageError> {
        for _ in 0..MOST_REDIRECTS {
            let request = self.http.client().request(method.clone(), self.url.clone());
            let request = match body {
                Some(body) => request.json(body),
                None => request,
            };
            let request = request.headers(headers.clone()).headers(self.headers.clone()).headers(self.era.headers());
            let request = request.build().map_err(|error| MessageError::Internal(error.into()))?;
            let response = self.http.open(request).await.map_err(MessageError::Request)?;
            if response.status().is_success() {
                return Ok(response);
            }
            match redirected(&response, &self.url) {
                Some(url) => self.url = url,
                None => {
                    return Err(MessageError::Status(read_body_up_to(response, LARGEST_RESPONSE).await.map_err(MessageError::Request)?));
                }
            }
        }
        Err(MessageError::TooManyRedirects)
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
    fn headers(&self) -> HeaderMap {
        match self {
            Self::Begin => HeaderMap::new(),
            Self::Initialized { version, session } => {
                let session = session.iter().map(|session| (SESSION_ID, session.clone()));
                std::iter::once((PROTOCOL_VERSION, version.clone())).chain(session).collect()
            }
            Self::Discovered => HeaderMap::from_iter([(PROTOCOL_VERSION, HeaderValue::from_static(NEWEST))]),
        }
    }
}

fn client_info() -> Value {
    json!({ "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") })
}

/// The response's type, without parameters.
fn media_type(response: &Response) -> Option<String> {
    let value = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|kind| kind.trim().to_ascii_lowercase())
}
