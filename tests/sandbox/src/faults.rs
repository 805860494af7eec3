//! Misbehaviour on request.

use std::{
    collections::{HashMap, VecDeque},
    fmt::{self, Write as _},
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use futures_util::stream;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimePrinter};
use serde_json::{Value, json};

use crate::{server::TRACE_ID, wire::Cut};

/// A route of the sandbox: what faults are set for, and what a record is filed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// `POST {auth_base_url}/auth/access_token`.
    AccessToken,
    /// `POST {mcp_url}/token`.
    OAuthToken,
    /// The MCP server, all methods.
    Mcp,
    /// MCP requests with this JSON-RPC method, such as `tools/list`. Only for setting faults: they come
    /// before those of [`Route::Mcp`], which is what the request is recorded as.
    Rpc(&'static str),
    /// Anything else. Answered with 404, so only seen in records.
    Other,
}

impl Route {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/v1/auth/access_token" => Self::AccessToken,
            "/mcp/v1/token" => Self::OAuthToken,
            "/mcp/v1" => Self::Mcp,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessToken => "access_token",
            Self::OAuthToken => "oauth_token",
            Self::Mcp => "mcp",
            Self::Rpc(method) => method,
            Self::Other => "other",
        })
    }
}

/// What goes wrong with one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing. Keeps a place in a queue.
    None,
    /// An answer of one's own. See [`Fault::status`] and [`Fault::header`].
    Status {
        /// The status.
        status: u16,
        /// Its headers.
        headers: Vec<(String, String)>,
        /// Its body.
        body: Vec<u8>,
    },
    /// The right answer, this much later.
    Delay(Duration),
    /// No answer, and the connection stays open.
    Hang,
    /// Head and some body, and then nothing more.
    HangMidBody,
    /// A TCP reset instead of an answer.
    Reset,
    /// Head and some body, and then a TCP reset.
    ResetMidBody,
    /// A body that ends before its `Content-Length`.
    Truncated,
    /// A 200 with a body of this many bytes.
    Huge(usize),
    /// A 200 with a body that never ends, in chunks.
    Endless,
    /// A redirect.
    Redirect {
        /// The status.
        status: u16,
        /// The `Location`.
        location: String,
    },
    /// An error of Port's shape with this text as `error` and `message`, and in `x-trace-id` as far as a
    /// header can hold it.
    Hostile {
        /// The status.
        status: u16,
        /// The text.
        text: String,
    },
    /// A 200 with this body.
    Body {
        /// The content type.
        content_type: String,
        /// The body.
        body: Vec<u8>,
    },
    /// An error whose message holds the secret that the request carried: the client secret, or the bearer
    /// token. The first form is in `x-trace-id` too.
    EchoSecret {
        /// The status.
        status: u16,
        /// In which forms, one after the other.
        forms: Vec<SecretForm>,
    },
    /// A JSON-RPC error with the request's id.
    RpcError {
        /// The code.
        code: i64,
        /// The message.
        message: String,
    },
    /// The right answer, with `Connection: close`.
    ConnectionClose,
    /// This status before the body is read, with `Connection: close`. The record has no body.
    CloseEarly(u16),
    /// This status with a `Retry-After`.
    RetryAfter {
        /// The status.
        status: u16,
        /// The form and length of the wait.
        wait: Wait,
    },
}

/// The forms of `Retry-After`.
#[derive(Clone, Debug)]
pub enum Wait {
    /// Seconds.
    Seconds(u64),
    /// An HTTP date, this far from the answer.
    Date(Duration),
    /// Any text.
    Text(String),
}

/// Forms in which a secret can leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretForm {
    /// As it is.
    Raw,
    /// In base64.
    Base64,
    /// In base64 for URLs, without padding.
    Base64Url,
    /// In base64 behind `id:`, as in an `Authorization: Basic` header.
    Basic,
    /// In lower-case hexadecimal.
    Hex,
    /// In upper-case hexadecimal.
    HexUpper,
    /// Every byte percent-encoded.
    Percent,
    /// Every character as `\u0000`, which a JSON parser undoes.
    Unicode,
}

impl SecretForm {
    /// Every form.
    pub const ALL: [Self; 8] =
        [Self::Raw, Self::Base64, Self::Base64Url, Self::Basic, Self::Hex, Self::HexUpper, Self::Percent, Self::Unicode];

    /// The secret in this form.
    #[must_use]
    pub fn of(self, secret: &str) -> String {
        let bytes = secret.as_bytes();
        let mut text = String::new();
        match self {
            Self::Raw => text.push_str(secret),
            Self::Base64 => BASE64.encode_append(bytes, &mut text),
            Self::Base64Url => BASE64URL_NOPAD.encode_append(bytes, &mut text),
            Self::Basic => BASE64.encode_append(format!("id:{secret}").as_bytes(), &mut text),
            Self::Hex => HEXLOWER.encode_append(bytes, &mut text),
            Self::HexUpper => HEXUPPER.encode_append(bytes, &mut text),
            // Writing to a `String` can't fail.
            Self::Percent => bytes.iter().for_each(|b| {
                let _ = write!(text, "%{b:02X}");
            }),
            Self::Unicode => secret.encode_utf16().for_each(|unit| {
                let _ = write!(text, "\\u{unit:04x}");
            }),
        }
        text
    }
}

impl Fault {
    /// An answer with this status and an empty body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::answer(status, "")
    }

    /// An answer with this status and body.
    #[must_use]
    pub fn answer(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Status { status, headers: Vec::new(), body: body.into() }
    }

    /// A 200 with this JSON.
    #[must_use]
    pub fn json(body: &Value) -> Self {
        Self::Body { content_type: "application/json".to_owned(), body: body.to_string().into() }
    }

    /// The same with a header more. Only a [`Fault::Status`] has headers; others are returned as they are.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Self::Status { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }
}

/// The faults in waiting.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    queues: Mutex<HashMap<Route, Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    next: VecDeque<Fault>,
    forever: Option<Fault>,
}

impl Queue {
    fn take(&mut self) -> Option<Fault> {
        self.next.pop_front().or_else(|| self.forever.clone())
    }

    fn peek(&self) -> Option<&Fault> {
        self.next.front().or(self.forever.as_ref())
    }
}

impl Faults {
    pub(crate) fn set(&self, route: Route, next: VecDeque<Fault>, forever: Option<Fault>) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.insert(route, Queue { next, forever });
    }

    /// The status to answer with before the body is read, if the route's next fault is of that kind.
    pub(crate) fn take_early(&self, route: Route) -> Option<StatusCode> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.get_mut(&route)?;
        let Some(&Fault::CloseEarly(status)) = queue.peek() else {
            return None;
        };
        queue.take();
        Some(code(status))
    }

    /// The next fault for a request.
    pub(crate) fn take(&self, route: Route, rpc_method: Option<&str>) -> Option<Fault> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let by_method = queues
            .iter_mut()
            .find(|(key, _)| matches!(key, Route::Rpc(method) if Some(*method) == rpc_method))
            .and_then(|(_, queue)| queue.take());
        by_method.or_else(|| queues.get_mut(&route)?.take())
    }
}

/// What a fault needs to know of the request.
#[derive(Debug)]
pub(crate) struct Victim<'a> {
    pub(crate) secret: &'a str,
    pub(crate) rpc_id: &'a Value,
    pub(crate) cut: &'a Cut,
}

/// What a fault comes to.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Answer rightly after all.
    GoOn,
    /// Answer rightly, and then close.
    GoOnAndClose,
    /// Answer with this.
    Answer(Response),
}

impl Fault {
    /// Plays the fault.
    pub(crate) async fn play(self, victim: Victim<'_>) -> Effect {
        Effect::Answer(match self {
            Self::None => return Effect::GoOn,
            Self::Delay(time) => {
                tokio::time::sleep(time).await;
                return Effect::GoOn;
            }
            Self::ConnectionClose => return Effect::GoOnAndClose,
            Self::Hang => std::future::pending().await,
            Self::Status { status, headers, body } => {
                let mut response = (code(status), body).into_response();
                // The fault says what the answer is; a content type that it does not name is none.
                response.headers_mut().remove(CONTENT_TYPE);
                for (name, value) in &headers {
                    let name = HeaderName::try_from(name).expect("a fault's header name is valid");
                    response.headers_mut().append(name, header_value(value));
                }
                response
            }
            Self::Reset => {
                // Whatever is returned now can't be written any more.
                victim.cut.now();
                ().into_response()
            }
            Self::ResetMidBody => {
                let cut = victim.cut.clone();
                broken_body(async move {
                    cut.now();
                    Err(io::ErrorKind::ConnectionReset.into())
                })
            }
            Self::HangMidBody => broken_body(std::future::pending()),
            Self::Truncated => {
                let mut response = broken_body(async { Err(io::ErrorKind::UnexpectedEof.into()) });
                response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(4096));
                response
            }
            Self::Huge(bytes) => json_body(Body::from(vec![b' '; bytes])),
            Self::Endless => {
                json_body(Body::from_stream(stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[b' '; 16 * 1024])))))
            }
            Self::Redirect { status, location } => (code(status), [(LOCATION, header_value(&location))]).into_response(),
            Self::Hostile { status, text } => error_with_trace(status, &text, &text),
            Self::Body { content_type, body } => ([(CONTENT_TYPE, header_value(&content_type))], body).into_response(),
            Self::EchoSecret { status, forms } => {
                let forms: Vec<_> = forms.iter().map(|form| form.of(victim.secret)).collect();
                let trace = forms.first().map_or("", String::as_str);
                error_with_trace(status, &format!("refused: {}", forms.join(" ")), trace)
            }
            Self::RpcError { code, message } => json_body(Body::from(
                json!({
                    "jsonrpc": "2.0",
                    "id": victim.rpc_id,
                    "error": {"code": code, "message": message},
                })
                .to_string(),
            )),
            Self::CloseEarly(status) => closing(code(status).into_response()),
            Self::RetryAfter { status, wait } => {
                let value = match wait {
                    Wait::Seconds(seconds) => seconds.to_string(),
                    Wait::Date(ahead) => http_date(ahead),
                    Wait::Text(text) => text,
                };
                (code(status), [(RETRY_AFTER, header_value(&value))]).into_response()
            }
        })
    }
}

/// The beginning of an answer that looks right so far.
const SOME_JSON: Bytes = Bytes::from_static(br#"{"ok":true,"accessToken":""#);

/// Head and some body are sent before `then` decides how it goes on. The server closes a connection whose
/// body fails.
fn broken_body(then: impl Future<Output = io::Result<Bytes>> + Send + 'static) -> Response {
    let rest = async {
        // The server flushes what it has when the body makes it wait.
        tokio::task::yield_now().await;
        then.await
    };
    json_body(Body::from_stream(futures_util::StreamExt::chain(stream::iter([Ok(SOME_JSON)]), stream::once(rest))))
}

fn json_body(body: Body) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// An error of Port's shape with a trace id of one's own.
fn error_with_trace(status: u16, text: &str, trace: &str) -> Response {
    let body = json!({"ok": false, "error": text, "message": text});
    let mut response = (code(status), axum::Json(body)).into_response();
    response.headers_mut().insert(TRACE_ID, header_value(trace));
    response
}

/// Announces the end of the connection, which the server then keeps to.
pub(crate) fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A status of one's own, however odd.
fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a fault's status is a status")
}

/// Text as a header value, without what no header can hold.
fn header_value(text: &str) -> HeaderValue {
    let fits = |b: &u8| *b == b'\t' || (*b >= b' ' && *b != 0x7f);
    let bytes: Vec<u8> = text.bytes().filter(fits).collect();
    HeaderValue::from_bytes(&bytes).expect("the misfits are gone")
}

fn http_date(ahead: Duration) -> String {
    let ahead = SignedDuration::try_from(ahead).unwrap_or(SignedDuration::MAX);
    let then = Timestamp::now().saturating_add(ahead);
    DateTimePrinter::new().timestamp_to_rfc9110_string(&then.expect("a duration without units adds up")).expect("the year has four digits")
}
