//! One request of an agent: checked, decided on, passed on, and answered.

use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::poll_fn;
use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, ORIGIN, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::{Body, Bytes, Incoming};
use subtle::ConstantTimeEq;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use super::body::{AnswerBody, LastWords, Note, Streamed};
use super::headers::{AgentHeaders, ProtocolEra, SESSION_ID, single};
use super::judge::Passed;
use super::message::AgentMessage;
use super::record::{CallOutcome, Line, RecordEvent};
use super::refusal::Refusal;
use super::reply;
use super::reply::{error, response, tool_result};
use super::state::State;
use super::unanswered::Unanswered;
use crate::mcp::{ToolName, read_json};
use crate::net::{MOST_REDIRECTS, RequestError, read_body_up_to, redirected};
use crate::redact::Scrubber;

/// Where agents find the server.
const MCP: &str = "/mcp";

/// Where the record is.
const AUDIT: &str = "/audit";

/// The largest message, in bytes. Port's API takes 1 MiB.
const LARGEST_MESSAGE: usize = 4 * 1024 * 1024;

/// A larger message needs a permit.
const LARGE: usize = 64 * 1024;

/// How long a message may take to arrive.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(10);

/// The largest answer that is held as a whole, in bytes: a list of tools has a hundredth of it.
const LARGEST_HELD: usize = 8 * 1024 * 1024;

/// The largest error text that is passed on, in bytes.
const LARGEST_ERROR: usize = 64 * 1024;

/// Requests whose answers lose what the agent may not use.
const CUT: [&str; 3] = ["tools/list", "initialize", "server/discover"];

/// A request that goes on until the agent ends it.
const LISTEN: &str = "subscriptions/listen";

/// A refusal, and what is known of what is refused.
struct Refused {
    refusal: Refusal,
    message: Option<AgentMessage>,
    http_method: Method,
    bytes: u64,
    era: ProtocolEra,
}

/// Answers a request.
pub async fn answer(state: Rc<State>, request: Request<Incoming>) -> Response<AnswerBody> {
    let (parts, body) = request.into_parts();
    let refused = match serve(&state, &parts, body).await {
        Ok(response) => return response,
        Err(refused) => *refused,
    };
    // A refusal is told even if it can't be recorded.
    drop(state.record.write(refused.line(&state)));
    refused.response()
}

async fn serve(state: &Rc<State>, parts: &Parts, body: Incoming) -> Result<Response<AnswerBody>, Box<Refused>> {
    let refused =
        |refusal| Box::new(Refused { refusal, message: None, http_method: parts.method.clone(), bytes: 0, era: ProtocolEra::Unsaid });
    if *state.ending.borrow() {
        return Err(refused(Refusal::Ending));
    }
    check_access(state, parts).map_err(refused)?;
    match (&parts.method, parts.uri.path(), parts.uri.query()) {
        (&Method::GET, AUDIT, None) => Ok(response(StatusCode::OK, "application/x-ndjson", state.record.lines().into())),
        (&Method::POST, MCP, None) => post(state, parts, body).await,
        (&Method::GET | &Method::DELETE, MCP, None) => {
            let headers = AgentHeaders::read(&parts.headers).map_err(refused)?;
            without_message(state, parts, &headers).await.map_err(refused)
        }
        (_, MCP | AUDIT, None) => Err(refused(Refusal::HttpMethod)),
        _ => Err(refused(Refusal::Path)),
    }
}

/// Who asks, and for whom. Everything else comes after that.
fn check_access(state: &State, parts: &Parts) -> Result<(), Refusal> {
    let text = |name, shown| -> Result<Option<String>, Refusal> {
        let value = single(&parts.headers, &name, shown)?;
        Ok(value.and_then(|value| value.to_str().ok().map(str::to_ascii_lowercase)))
    };
    let is_known = |host: &str| state.hosts.iter().any(|known| known == host);
    let host = text(HOST, "Host").map_err(|_| Refusal::Host)?;
    // A request to a proxy names a host in its first line.
    if parts.uri.authority().is_some() || !host.as_deref().is_some_and(is_known) {
        return Err(Refusal::Host);
    }
    let origin = text(ORIGIN, "Origin").map_err(|_| Refusal::Origin)?;
    if !origin.is_none_or(|origin| origin.strip_prefix("http://").is_some_and(is_known)) {
        return Err(Refusal::Origin);
    }
    let authorization = single(&parts.headers, &AUTHORIZATION, "Authorization").map_err(|_| Refusal::Key)?;
    let (scheme, key) = authorization.as_ref().and_then(|value| value.to_str().ok()?.split_once(' ')).ok_or(Refusal::Key)?;
    let is_key = bool::from(key.as_bytes().ct_eq(state.key.reveal().as_bytes()));
    if is_key && scheme.eq_ignore_ascii_case("bearer") { Ok(()) } else { Err(Refusal::Key) }
}

async fn post(state: &Rc<State>, parts: &Parts, body: Incoming) -> Result<Response<AnswerBody>, Box<Refused>> {
    let refused = |refusal, message, bytes, era| Box::new(Refused { refusal, message, http_method: Method::POST, bytes, era });
    let plain = |refusal| refused(refusal, None, 0, ProtocolEra::Unsaid);
    let headers = AgentHeaders::read(&parts.headers).map_err(plain)?;
    AgentHeaders::check_body(&parts.headers).map_err(plain)?;
    let (body, _permit) = timeout(ARRIVAL_LIMIT, read(state, body)).await.map_err(|_| plain(Refusal::TooSlow))?.map_err(plain)?;
    let bytes = body.len() as u64;
    let message = AgentMessage::read(&body).map_err(|refusal| refused(refusal, None, bytes, headers.era))?;
    drop(body);
    let passed = match state.judge.decide(message.clone(), &headers, &parts.headers) {
        Ok(passed) => passed,
        Err(refusal) => return Err(refused(refusal, Some(message), bytes, headers.era)),
    };
    let note = begin(state, Some(&passed), &Method::POST, bytes).map_err(|refusal| refused(refusal, Some(message), bytes, headers.era))?;
    Ok(pass(state, &passed, &headers, &parts.headers, note).await)
}

/// Reads a body whole.
async fn read(state: &Rc<State>, mut body: Incoming) -> Result<(Vec<u8>, Option<SemaphorePermit<'_>>), Refusal> {
    let (mut read, mut permit) = (Vec::new(), None);
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(piece) = frame.map_err(|_| Refusal::BrokenOff)?.into_data() else {
            continue;
        };
        let size = read.len() + piece.len();
        if size > LARGEST_MESSAGE {
            return Err(Refusal::TooLarge);
        }
        if size > LARGE && permit.is_none() {
            permit = Some(state.large_messages.acquire().await.map_err(|_| Refusal::Ending)?);
        }
        read.extend_from_slice(&piece);
    }
    Ok((read, permit))
}

/// Writes the first line of the record. Nothing goes on without it.
fn begin(state: &State, passed: Option<&Passed>, http_method: &Method, bytes: u64) -> Result<Note, Refusal> {
    let call = passed.and_then(|passed| passed.call.as_ref());
    let id = state.record.number();
    let line = Line {
        event: RecordEvent::Call,
        id: Some(id),
        method: Some(passed.map_or(http_method.as_str(), |passed| passed.message.method().unwrap_or("response")).to_owned()),
        tool: call.map(|call| call.tool.clone()),
        kind: call.map(|call| call.kind.to_string()),
        action: call.and_then(|call| call.action.clone()),
        decision: Some("allowed".to_owned()),
        bytes: Some(bytes),
        ..Line::default()
    };
    state.record.write(line).map_err(|_| Refusal::NoRecord)?;
    Ok(Note::new(Rc::clone(&state.record), id))
}

/// Sends a message, and passes on the answer.
async fn pass(state: &Rc<State>, passed: &Passed, headers: &AgentHeaders, raw: &HeaderMap, mut note: Note) -> Response<AnswerBody> {
    let message = &passed.message;
    let out = headers.for_message(message, raw);
    let body = Bytes::from(message.to_json().as_str().to_owned());
    let sent = send(state, &Method::POST, out, Some(body)).await;
    if let Ok(response) = &sent {
        note.status = Some(response.status().as_u16());
    }
    let is_request = message.id().is_some();
    let answered = match sent {
        Ok(response) if response.status().is_success() => match kind_of(&response) {
            Kind::Json if message.method().is_some_and(|method| CUT.contains(&method)) => {
                return held(state, response, message, note).await;
            }
            Kind::Json => return stream(state, response, note, |streamed| streamed),
            Kind::Events => {
                let cuts = message.method().is_some_and(|method| CUT.contains(&method));
                let last_words = message.id().cloned().map(|id| -> LastWords { Box::new(move |why| Unanswered::from(why).event(&id)) });
                let listens = message.method() == Some(LISTEN);
                let until = listens.then(|| Rc::clone(state).end());
                return stream(state, response, note, |streamed| {
                    let streamed = streamed.events(cuts, last_words);
                    match until {
                        Some(until) => streamed.until(Box::pin(until)),
                        None => streamed,
                    }
                });
            }
            Kind::Other if response.status() == StatusCode::ACCEPTED || !is_request => {
                note.end();
                return plain(&response);
            }
            Kind::Other => Err(Unanswered::NotMcp),
        },
        Ok(response) => not_a_success(response),
        Err(unanswered) => Err(unanswered),
    };
    match answered {
        Ok(response) => pass_error(state, response, note).await,
        Err(unanswered) => {
            note.outcome = CallOutcome::Failed;
            note.message = Some(unanswered.to_string());
            unanswered.response(message.id())
        }
    }
}

/// A request for a stream, or for the end of a session.
async fn without_message(state: &Rc<State>, parts: &Parts, headers: &AgentHeaders) -> Result<Response<AnswerBody>, Refusal> {
    let mut note = begin(state, None, &parts.method, 0)?;
    let sent = send(state, &parts.method, headers.for_stream(), None).await;
    if let Ok(response) = &sent {
        note.status = Some(response.status().as_u16());
    }
    let answered = match sent {
        Ok(response) if response.status().is_success() => {
            if kind_of(&response) == Kind::Events {
                let end = Box::pin(Rc::clone(state).end());
                // A stream that is resumed may hold any answer.
                return Ok(stream(state, response, note, |streamed| streamed.events(true, None).until(end)));
            }
            note.end();
            return Ok(plain(&response));
        }
        Ok(response) => not_a_success(response),
        Err(unanswered) => Err(unanswered),
    };
    Ok(match answered {
        Ok(response) => pass_error(state, response, note).await,
        Err(unanswered) => {
            note.outcome = CallOutcome::Failed;
            note.message = Some(unanswered.to_string());
            unanswered.response(None)
        }
    })
}

/// Sends a request with the token; once more with another one if the server refuses the first. A request that is refused was not run.
async fn send(state: &State, method: &Method, headers: HeaderMap, body: Option<Bytes>) -> Result<reqwest::Response, Unanswered> {
    let send = async |token: &str| {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Unanswered::NotMcp)?;
        authorization.set_sensitive(true);
        let mut url = state.mcp_url.clone();
        // Redirects that keep the method and the origin are followed, as agents do: what is redirected was not run.
        for _ in 0..MOST_REDIRECTS {
            let request = state.http.client().request(method.clone(), url.clone());
            let request = request.headers(state.port_headers.clone()).headers(headers.clone()).header(AUTHORIZATION, authorization.clone());
            let request = match &body {
                Some(body) => request.body(body.clone()),
                None => request,
            };
            let request = request.build().map_err(|_| Unanswered::NotMcp)?;
            let opened = state.http.open(request).await;
            let response = opened.map_err(|error| Unanswered::Unreachable(state.tokens.quote(&error.to_string())))?;
            match redirected(&response, &url) {
                Some(target) => url = target,
                None => return Ok(response),
            }
        }
        Err(Unanswered::TooManyRedirects)
    };
    let token = state.tokens.get(&state.http, &state.record).await.map_err(Unanswered::NoToken)?;
    let response = send(token.secret.reveal()).await?;
    if response.status() != StatusCode::UNAUTHORIZED {
        return Ok(response);
    }
    drop(response);
    let token = state.tokens.replace(&token, &state.http, &state.record).await.map_err(Unanswered::NoToken)?;
    let response = send(token.secret.reveal()).await?;
    if response.status() == StatusCode::UNAUTHORIZED { Err(Unanswered::Unauthorized) } else { Ok(response) }
}

/// What an answer of another status is: one for the agent, or the gateway's to explain.
fn not_a_success(response: reqwest::Response) -> Result<reqwest::Response, Unanswered> {
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER).cloned();
    match status {
        _ if status.is_redirection() => Err(Unanswered::Redirected(status)),
        StatusCode::TOO_MANY_REQUESTS => Err(Unanswered::Busy(status, retry_after)),
        _ if status.is_server_error() => Err(Unanswered::Busy(status, retry_after)),
        _ => Ok(response),
    }
}

/// An error that is for the agent, such as that of a session that is over.
async fn pass_error(state: &State, response: reqwest::Response, mut note: Note) -> Response<AnswerBody> {
    let status = response.status();
    let kind = if kind_of(&response) == Kind::Json { "application/json" } else { "text/plain; charset=utf-8" };
    let body = read_body_up_to(response, LARGEST_ERROR).await.map(|response| response.body.to_vec()).unwrap_or_default();
    let body = scrubbed(state, body);
    note.see(&body);
    note.outcome = CallOutcome::Error;
    reply::response(status, kind, body)
}

/// Reads an answer whole, and passes it on without what the agent may not use.
async fn held(state: &State, response: reqwest::Response, message: &AgentMessage, mut note: Note) -> Response<AnswerBody> {
    let (status, session) = (response.status(), response.headers().get(SESSION_ID).cloned());
    let read = match read_body_up_to(response, LARGEST_HELD).await {
        // As agents decode it: a byte that is not UTF-8 is replaced.
        Ok(response) => read_json(&String::from_utf8_lossy(&response.body)).ok_or(Unanswered::NotMcp),
        Err(RequestError::TooLarge) => Err(Unanswered::TooLarge),
        Err(_) => Err(Unanswered::BrokenOff),
    };
    let mut body = match read {
        Ok(body) => body,
        // What can't be read can't be cut.
        Err(unanswered) => {
            note.outcome = CallOutcome::Failed;
            note.message = Some(unanswered.to_string());
            return unanswered.response(message.id());
        }
    };
    state.cut(&mut body);
    let body = scrubbed(state, body.to_string().into_bytes());
    note.see(&body);
    note.end();
    let mut response = reply::response(status, "application/json", body);
    if let Some(session) = session {
        response.headers_mut().insert(SESSION_ID, session);
    }
    response
}

fn scrubbed(state: &State, body: Vec<u8>) -> Bytes {
    let mut scrubber = Scrubber::default();
    let needles = state.tokens.needles();
    let mut clean = scrubber.scrub(&needles, &body).unwrap_or(body);
    clean.extend(scrubber.rest(&needles));
    clean.into()
}

fn stream(state: &Rc<State>, response: reqwest::Response, note: Note, with: impl FnOnce(Streamed) -> Streamed) -> Response<AnswerBody> {
    let mut head = plain(&response);
    let (_, upstream) = Response::from(response).into_parts();
    *head.body_mut() = AnswerBody::Streamed(Box::new(with(Streamed::new(upstream, Rc::clone(state), note))));
    head
}

/// An answer with the server's status, type and session, and nothing else of it.
fn plain(response: &reqwest::Response) -> Response<AnswerBody> {
    let mut answer = Response::new(AnswerBody::Whole(None));
    *answer.status_mut() = response.status();
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let passed = [CONTENT_TYPE, SESSION_ID].into_iter().filter_map(|name| Some((name.clone(), response.headers().get(name)?.clone())));
    headers.extend(passed);
    answer
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Events,
    Other,
}

fn kind_of(response: &reqwest::Response) -> Kind {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        kind if kind.starts_with("application/json") => Kind::Json,
        "text/event-stream" => Kind::Events,
        _ => Kind::Other,
    }
}

impl Refused {
    fn line(&self, state: &State) -> Line {
        let Self { refusal, message, http_method, bytes, .. } = self;
        let method = message.as_ref().map_or(http_method.as_str(), |message| message.method().unwrap_or("response"));
        let method = state.tokens.quote(method).shortened(60).as_str().to_owned();
        let is_call = method == "tools/call";
        let name = message.as_ref().filter(|_| is_call).and_then(|message| message.params()?.get("name")?.text());
        let tool = name.map(|name| match ToolName::parse(&name) {
            Some(name) => state.tokens.quote(name.as_str()).shortened(128).as_str().to_owned(),
            None => "(not a tool's name)".to_owned(),
        });
        let input = match refusal {
            Refusal::Tool(limit) => Some(limit.input().to_owned()),
            _ => None,
        };
        Line {
            event: RecordEvent::Refused,
            id: Some(state.record.number()),
            method: Some(method),
            tool,
            decision: Some("refused".to_owned()),
            reason: Some(refusal.name().to_owned()),
            input,
            message: Some(refusal.to_string()),
            bytes: Some(*bytes),
            ..Line::default()
        }
    }

    fn response(&self) -> Response<AnswerBody> {
        let Self { refusal, message, era, .. } = self;
        let id = message.as_ref().and_then(AgentMessage::id);
        let text = format!("Refused by the gateway of port-mcp-auth: {refusal}.");
        // What wants no answer gets none.
        if matches!((refusal, message), (Refusal::Method, Some(AgentMessage::Notification { .. }))) {
            return response(StatusCode::ACCEPTED, "application/json", Bytes::new());
        }
        let body = match (refusal, id) {
            (Refusal::Tool(_), Some(id)) => tool_result(id, &text, *era),
            _ => error(id, refusal.code(), &text, None),
        };
        let mut response = response(refusal.status(), "application/json", body);
        if *refusal == Refusal::HttpMethod {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST, DELETE"));
        }
        response
    }
}
