//! The response to an exchange: a token, or what went wrong.

use std::borrow::Cow;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::body_kind::{BodyKind, header};
use super::error::{ErrorResponse, ExchangeProblem, ResponseProblem};
use super::region::TokenEndpoint;
use super::token::{Token, seconds_from_json};
use crate::net::HttpResponse;
use crate::net::retry::{AttemptError, is_retryable, retry_after};
use crate::redact::{Quote, Redactor, Secret};

/// The members that hold tokens, at either endpoint.
const TOKENS: [&str; 2] = ["accessToken", "access_token"];

/// The names of one endpoint's members: Port's own, or those of RFC 6749 section 5.1.
struct Names {
    token: &'static str,
    expires_in: &'static str,
    token_type: &'static str,
}

impl Names {
    fn of(kind: TokenEndpoint) -> Self {
        match kind {
            TokenEndpoint::Api => Self { token: "accessToken", expires_in: "expiresIn", token_type: "tokenType" },
            TokenEndpoint::Mcp => Self { token: "access_token", expires_in: "expires_in", token_type: "token_type" },
        }
    }
}

/// Reads a token from a response.
///
/// # Errors
/// What keeps it from being a token that can be used.
pub fn read_token_response(
    kind: TokenEndpoint,
    response: &HttpResponse,
    redactor: &Redactor,
    now: Timestamp,
) -> Result<Token, AttemptError<ExchangeProblem>> {
    let body: Option<Map<String, Value>> = serde_json::from_slice(without_byte_order_mark(&response.body)).ok();
    let redactor = &*knowing_tokens(redactor, body.as_ref());
    if response.head.status.is_success() && response.head.status != StatusCode::NO_CONTENT {
        return read_token(kind, response, body, redactor, now).map_err(AttemptError::permanent);
    }
    Err(read_error(kind, response, body.as_ref(), redactor, now))
}

/// A byte order mark is no part of JSON, but some servers write it.
fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body)
}

fn read_token(
    kind: TokenEndpoint,
    response: &HttpResponse,
    body: Option<Map<String, Value>>,
    redactor: &Redactor,
    now: Timestamp,
) -> Result<Token, ExchangeProblem> {
    // Of a body that may hold a token, only the members that are meant for people are shown.
    let Some(body) = body else {
        let problem = ResponseProblem::NotJson(BodyKind::of(&response.head.headers, redactor));
        return Err(ExchangeProblem::BadResponse { problem, message: redactor.quote("") });
    };
    let bad = |problem| ExchangeProblem::BadResponse { problem, message: quote_members(&body, redactor) };
    let names = Names::of(kind);
    if body.get("ok") == Some(&Value::Bool(false)) {
        return Err(bad(ResponseProblem::NotOk));
    }
    if let Some(token_type) = body.get(names.token_type)
        && !token_type.as_str().is_some_and(|text| text.eq_ignore_ascii_case("bearer"))
    {
        return Err(bad(ResponseProblem::TokenType(names.token_type)));
    }
    let text = match body.get(names.token) {
        Some(Value::String(text)) => text,
        Some(other) => return Err(bad(ResponseProblem::TokenForm { name: names.token, found: json_kind(other) })),
        None => return Err(bad(ResponseProblem::NoToken(names.token))),
    };
    let expires_in = body.get(names.expires_in).and_then(seconds_from_json);
    Token::new(Secret::new(text), expires_in, now).map_err(|problem| bad(problem.into()))
}

/// What a JSON value is, in words.
fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn read_error(
    kind: TokenEndpoint,
    response: &HttpResponse,
    body: Option<&Map<String, Value>>,
    redactor: &Redactor,
    now: Timestamp,
) -> AttemptError<ExchangeProblem> {
    let (status, headers) = (response.head.status, &response.head.headers);
    let said = ErrorResponse::read(response, redactor);
    // RFC 6749 section 5.2 lets a server answer 400 to wrong client credentials.
    let invalid_client =
        kind == TokenEndpoint::Mcp && body.and_then(|body| body.get("error")).and_then(Value::as_str) == Some("invalid_client");
    let error = match status {
        StatusCode::UNAUTHORIZED => ExchangeProblem::CredentialsRejected(said),
        _ if invalid_client && status.is_client_error() => ExchangeProblem::CredentialsRejected(said),
        StatusCode::FORBIDDEN => ExchangeProblem::Forbidden(said),
        StatusCode::NOT_FOUND => ExchangeProblem::NotFound(said),
        StatusCode::TOO_MANY_REQUESTS => ExchangeProblem::RateLimited { response: said, wait: None },
        _ if status.is_redirection() => {
            let location = redactor.quote(&header(headers, "location").unwrap_or_default());
            ExchangeProblem::Redirected { response: said, location }
        }
        _ if status.is_client_error() => ExchangeProblem::RequestRejected(said),
        StatusCode::NETWORK_AUTHENTICATION_REQUIRED => return AttemptError::permanent(ExchangeProblem::NetworkSignIn(said)),
        _ if status.is_server_error() => ExchangeProblem::Unavailable(said),
        _ => ExchangeProblem::BadResponse { problem: ResponseProblem::Status(said.status), message: said.message },
    };
    AttemptError { error, retryable: is_retryable(status), retry_after: retry_after(status, headers, now) }
}

impl ErrorResponse {
    /// Reads what a server said when it didn't give what was asked for.
    #[must_use]
    pub fn read(response: &HttpResponse, redactor: &Redactor) -> Self {
        let headers = &response.head.headers;
        let body: Option<Map<String, Value>> = serde_json::from_slice(without_byte_order_mark(&response.body)).ok();
        let redactor = &*knowing_tokens(redactor, body.as_ref());
        let trace_id = header(headers, "x-trace-id").map(|id| redactor.quote(&id));
        Self {
            status: response.head.status.as_u16(),
            message: match &body {
                Some(body) => quote_members(body, redactor),
                None => quote_text(headers, &response.body, redactor),
            },
            is_ports_form: body.is_some_and(|body| trace_id.is_some() || body.contains_key("ok")),
            trace_id,
        }
    }
}

/// A token that comes with an error, or can't be used, is a secret too: the same response may repeat it in its message.
fn knowing_tokens<'a>(redactor: &'a Redactor, body: Option<&Map<String, Value>>) -> Cow<'a, Redactor> {
    let tokens: Vec<_> = TOKENS.iter().filter_map(|name| body?.get(*name)?.as_str()).collect();
    if tokens.is_empty() {
        return Cow::Borrowed(redactor);
    }
    let mut redactor = redactor.clone();
    for token in tokens {
        redactor.learn(&Secret::new(token));
    }
    Cow::Owned(redactor)
}

/// The members that Port (`error`, `message`) and OAuth (`error`, `error_description`) use for people.
fn quote_members(body: &Map<String, Value>, redactor: &Redactor) -> Quote {
    // The `error` of JSON-RPC is an object.
    let text = |member: &'_ Value| member.as_str().or_else(|| member.get("message")?.as_str()).map(str::to_owned);
    let texts: Vec<_> = ["error", "message", "error_description"].iter().filter_map(|name| body.get(*name).and_then(text)).collect();
    redactor.quote(&texts.join(": "))
}

/// A message that is not JSON: its words if it is plain text, or else what it is.
fn quote_text(headers: &HeaderMap, body: &[u8], redactor: &Redactor) -> Quote {
    if body.is_empty() {
        return redactor.quote("");
    }
    let is_plain = header(headers, "content-type").is_some_and(|text| text.starts_with("text/plain"));
    match std::str::from_utf8(body) {
        Ok(text) if is_plain => redactor.quote(text),
        _ => redactor.quote(&BodyKind::of(headers, redactor).to_string()),
    }
}
