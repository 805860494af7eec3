//! Port's answer to the exchange, read: a token, or what went wrong.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::region::{Endpoint, TokenEndpoint};
use super::retry::{asked_wait, is_passing};
use super::token::{Token, seconds_from_json};
use crate::error::{Answer, Error};
use crate::net::Answered;
use crate::redact::{Quote, Redactor};
use crate::secret::Secret;

/// Why there is no token, and whether the next attempt may get one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setback {
    /// The error, should this be the last attempt.
    pub error: Error,
    /// Whether asking again makes sense.
    pub passing: bool,
    /// How long the server asks to wait first.
    pub wait: Option<Duration>,
}

impl Setback {
    /// A setback that stays.
    #[must_use]
    pub fn final_(error: Error) -> Self {
        Self { error, passing: false, wait: None }
    }

    /// A setback that may pass by itself.
    #[must_use]
    pub fn passing(error: Error) -> Self {
        Self { error, passing: true, wait: None }
    }
}

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

/// Reads an answer to the `attempt`-th request.
///
/// # Errors
/// Whatever keeps the answer from being a usable token.
pub fn read(endpoint: &Endpoint, answered: &Answered, redactor: &Redactor, attempt: u32, now: Timestamp) -> Result<Token, Setback> {
    let body: Option<Map<String, Value>> = serde_json::from_slice(&answered.body).ok();
    let redactor = &*knowing_tokens(redactor, body.as_ref());
    if answered.head.status == StatusCode::OK {
        return read_token(endpoint, answered, body, redactor, now).map_err(Setback::final_);
    }
    Err(read_refusal(endpoint, answered, body.as_ref(), redactor, attempt, now))
}

fn read_token(
    endpoint: &Endpoint,
    answered: &Answered,
    body: Option<Map<String, Value>>,
    redactor: &Redactor,
    now: Timestamp,
) -> Result<Token, Error> {
    let bad = |problem: String, said: Quote| Error::BadResponse { endpoint: endpoint.clone(), problem, said };
    // Of a body that may hold a token only the members made for people are shown, and those without what else it holds.
    let Some(body) = body else {
        return Err(bad(format!("it is no JSON object but {}", kind_of_body(&answered.head.headers, redactor)), redactor.quote("")));
    };
    let names = Names::of(endpoint.kind);
    let said = || quote_members(&body, redactor);
    if body.get("ok") == Some(&Value::Bool(false)) {
        return Err(bad("it says `ok: false`".to_owned(), said()));
    }
    if let Some(token_type) = body.get(names.token_type)
        && !token_type.as_str().is_some_and(|text| text.eq_ignore_ascii_case("bearer"))
    {
        return Err(bad(format!("its `{}` is not Bearer", names.token_type), said()));
    }
    let Some(Value::String(text)) = body.get(names.token) else {
        return Err(bad(format!("it has no `{}`", names.token), said()));
    };
    let expires_in = body.get(names.expires_in).and_then(seconds_from_json);
    Token::new(Secret::new(text), expires_in, now).map_err(|problem| bad(problem.to_string(), said()))
}

fn read_refusal(
    endpoint: &Endpoint,
    answered: &Answered,
    body: Option<&Map<String, Value>>,
    redactor: &Redactor,
    attempt: u32,
    now: Timestamp,
) -> Setback {
    let (status, headers) = (answered.head.status, &answered.head.headers);
    let answer = describe(answered, redactor);
    let endpoint = endpoint.clone();
    // RFC 6749 section 5.2 lets a server say 400 where it means that the client's credentials are wrong.
    let invalid_client =
        endpoint.kind == TokenEndpoint::Mcp && body.and_then(|body| body.get("error")).and_then(Value::as_str) == Some("invalid_client");
    let error = match status {
        StatusCode::UNAUTHORIZED => Error::CredentialsRejected { endpoint, answer },
        _ if invalid_client && status.is_client_error() => Error::CredentialsRejected { endpoint, answer },
        StatusCode::FORBIDDEN => Error::Forbidden { endpoint, answer },
        StatusCode::NOT_FOUND => Error::NotFound { endpoint, answer },
        StatusCode::TOO_MANY_REQUESTS => Error::RateLimited { endpoint, answer, wait: None, attempts: attempt },
        _ if status.is_redirection() => {
            Error::Redirected { endpoint, answer, location: redactor.quote(&header(headers, "location").unwrap_or_default()) }
        }
        _ if status.is_client_error() => Error::RequestRejected { endpoint, answer },
        _ if status.is_server_error() => Error::PortUnavailable { endpoint, answer, attempts: attempt },
        _ => Error::BadResponse { endpoint, problem: format!("its status is {}", answer.status), said: answer.said },
    };
    Setback { error, passing: is_passing(status), wait: asked_wait(status, headers, now) }
}

/// What a server said when it gave nothing.
#[must_use]
pub fn describe(answered: &Answered, redactor: &Redactor) -> Answer {
    let headers = &answered.head.headers;
    let body: Option<Map<String, Value>> = serde_json::from_slice(&answered.body).ok();
    let redactor = &*knowing_tokens(redactor, body.as_ref());
    Answer {
        status: answered.head.status.as_u16(),
        said: match &body {
            Some(body) => quote_members(body, redactor),
            None => quote_text(headers, &answered.body, redactor),
        },
        trace_id: header(headers, "x-trace-id").map(|id| redactor.quote(&id)),
    }
}

/// The members that hold tokens, at either endpoint.
const TOKENS: [&str; 2] = ["accessToken", "access_token"];

/// A token that comes with a refusal, or is of no use, is a secret too: the same answer may show it in its words.
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

/// A refusal that is no JSON: its words when it is plain text, else what it is.
fn quote_text(headers: &HeaderMap, body: &[u8], redactor: &Redactor) -> Quote {
    if body.is_empty() {
        return redactor.quote("");
    }
    let is_plain = header(headers, "content-type").is_some_and(|text| text.starts_with("text/plain"));
    match std::str::from_utf8(body) {
        Ok(text) if is_plain => redactor.quote(text),
        _ => redactor.quote(&kind_of_body(headers, redactor)),
    }
}

/// What a body is, where its text is no help.
#[must_use]
pub fn kind_of_body(headers: &HeaderMap, redactor: &Redactor) -> String {
    if let Some(encoding) = header(headers, "content-encoding") {
        return format!("a body in the encoding {}, which was not asked for", redactor.quote(&encoding));
    }
    match header(headers, "content-type") {
        Some(kind) if kind.starts_with("text/html") => "an HTML page".to_owned(),
        Some(kind) => format!("a body of type {}", redactor.quote(&kind)),
        None => "a body without a type".to_owned(),
    }
}

/// A header's value.
#[must_use]
pub fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
