//! What each fault does to a request.

use std::{io, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimePrinter};
use serde_json::{Value, json};

use super::fault::{Fault, Wait};
use crate::{
    answer::{TRACE_ID, closing},
    wire::Reset,
};

/// What a fault needs to know of the request that it hits.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) secret: &'a str,
    pub(crate) rpc_id: &'a Value,
    pub(crate) reset: &'a Reset,
}

/// How the request goes on after a fault.
#[derive(Debug)]
pub(crate) enum Effect {
    /// With the normal answer.
    Continue,
    /// With the normal answer, after which the connection is closed.
    ContinueAndClose,
    /// With this answer.
    Answer(Response),
}

impl Fault {
    /// Applies the fault to the request.
    pub(crate) async fn play(self, target: Target<'_>) -> Effect {
        Effect::Answer(match self {
            Self::None => return Effect::Continue,
            Self::Delay(time) => {
                tokio::time::sleep(time).await;
                return Effect::Continue;
            }
            Self::ConnectionClose => return Effect::ContinueAndClose,
            Self::Hang => std::future::pending().await,
            Self::Status { status, headers, body } => {
                let mut response = (code(status), body).into_response();
                // Only the fault's own headers are sent, so no content type that it doesn't name.
                response.headers_mut().remove(CONTENT_TYPE);
                for (name, value) in &headers {
                    let name = HeaderName::try_from(name).expect("a fault's header name is valid");
                    response.headers_mut().append(name, header_value(value));
                }
                response
            }
            Self::Reset => {
                // Whatever is returned now can't be written any more.
                target.reset.now();
                ().into_response()
            }
            Self::ResetMidBody => {
                let reset = target.reset.clone();
                broken_body(async move {
                    reset.now();
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
                let forms: Vec<_> = forms.iter().map(|form| form.of(target.secret)).collect();
                let trace = forms.first().map_or("", String::as_str);
                error_with_trace(status, &format!("refused: {}", forms.join(" ")), trace)
            }
            Self::RpcError { code, message } => json_body(Body::from(
                json!({
                    "jsonrpc": "2.0",
                    "id": target.rpc_id,
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

/// The beginning of a normal answer.
const SOME_JSON: Bytes = Bytes::from_static(br#"{"ok":true,"accessToken":""#);

/// Sends the head and some of the body; `then` decides what follows. The server closes a connection whose
/// body fails.
fn broken_body(then: impl Future<Output = io::Result<Bytes>> + Send + 'static) -> Response {
    let rest = async {
        // The server flushes what it has when the body makes it wait.
        tokio::task::yield_now().await;
        then.await
    };
    json_body(Body::from_stream(stream::iter([Ok(SOME_JSON)]).chain(stream::once(rest))))
}

fn json_body(body: Body) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// An error in Port's format, with a chosen trace id.
fn error_with_trace(status: u16, text: &str, trace: &str) -> Response {
    let body = json!({"ok": false, "error": text, "message": text});
    let mut response = (code(status), axum::Json(body)).into_response();
    response.headers_mut().insert(TRACE_ID, header_value(trace));
    response
}

/// A status code, however unusual.
fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a fault's status is a status")
}

/// Text as a header value, without the characters that no header can hold.
fn header_value(text: &str) -> HeaderValue {
    let fits = |b: &u8| *b == b'\t' || (*b >= b' ' && *b != 0x7f);
    let bytes: Vec<u8> = text.bytes().filter(fits).collect();
    HeaderValue::from_bytes(&bytes).expect("only allowed bytes are left")
}

fn http_date(ahead: Duration) -> String {
    let ahead = SignedDuration::try_from(ahead).unwrap_or(SignedDuration::MAX);
    let then = Timestamp::now().saturating_add(ahead);
    DateTimePrinter::new().timestamp_to_rfc9110_string(&then.expect("a duration without units adds up")).expect("the year has four digits")
}
