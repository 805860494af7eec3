//! Why Port gives no token that can be used.

use std::fmt;
use std::time::Duration;

use super::body_kind::BodyKind;
use super::region::Endpoint;
use super::token::{EndFrom, TokenProblem};
use crate::net::{NoAnswer, Phase, TimedOut, TlsProblem};
use crate::redact::Quote;
use crate::runner;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The exchange failed.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The token ends too soon.
    #[error("the token is valid for {:?}, not for {:?}", .0.left, .0.needed)]
    Expiring(Shortfall),
    /// The credentials belong to another organization than the input `organization` says.
    #[error("the credentials belong to another organization than {expected}")]
    Organization {
        /// The input.
        expected: String,
        /// What the token names; `None` if it names none.
        found: Option<Quote>,
    },
    /// The step's time was up.
    #[error("{limit} while Port's response was awaited")]
    TimedOut {
        /// The step's time limit.
        limit: TimedOut,
        /// What was awaited.
        phase: Phase,
        /// The host that was asked.
        host: String,
        /// What went wrong in the attempt before.
        previous: Option<Box<Error>>,
    },
    /// The token can't be masked.
    #[error(transparent)]
    Runner(#[from] runner::Error),
    /// A fault of this program.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl Error {
    /// Whether Port answered that there were too many requests.
    #[must_use]
    pub fn is_rate_limit(&self) -> bool {
        matches!(self, Self::Exchange(ExchangeError { problem: ExchangeProblem::RateLimited { .. }, .. }))
    }
}

/// Why an exchange failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("POST {} failed: {problem}", endpoint.url)]
pub struct ExchangeError {
    /// Where a token was asked for.
    pub endpoint: Endpoint,
    /// How many requests were made.
    pub attempts: u32,
    /// What happened.
    pub problem: ExchangeProblem,
}

/// What happened instead of a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeProblem {
    /// 401, or OAuth's `invalid_client`.
    #[error("the credentials are rejected: {0}")]
    CredentialsRejected(ErrorResponse),
    /// 403
    #[error("forbidden: {0}")]
    Forbidden(ErrorResponse),
    /// 404
    #[error("not found: {0}")]
    NotFound(ErrorResponse),
    /// Another 4xx.
    #[error("the request is rejected: {0}")]
    RequestRejected(ErrorResponse),
    /// 429
    #[error("rate limited: {response}")]
    RateLimited {
        /// What Port answered.
        response: ErrorResponse,
        /// The wait that Port asks for, if it doesn't fit into the time that is left.
        wait: Option<Duration>,
    },
    /// 5xx
    #[error("unavailable: {0}")]
    Unavailable(ErrorResponse),
    /// 5xx, and a wait that is longer than the time that is left.
    #[error("unavailable for {wait:?}: {response}")]
    UnavailableFor {
        /// What Port answered.
        response: ErrorResponse,
        /// The wait that Port asks for.
        wait: Duration,
    },
    /// 407: only a proxy answers that.
    #[error("the proxy in {variable} wants credentials: {response}")]
    ProxyCredentials {
        /// What the proxy answered.
        response: ErrorResponse,
        /// The variable that names the proxy.
        variable: &'static str,
        /// Whether the request went through that proxy.
        proxied: bool,
    },
    /// 511: the network wants a sign-in first (RFC 6585 section 6).
    #[error("the network wants a sign-in: {0}")]
    NetworkSignIn(ErrorResponse),
    /// 3xx
    #[error("redirected to {location}: {response}")]
    Redirected {
        /// What Port answered.
        response: ErrorResponse,
        /// The header `Location`.
        location: Quote,
    },
    /// A response that holds no token that can be used.
    #[error("{problem}")]
    BadResponse {
        /// What is wrong with it.
        problem: ResponseProblem,
        /// What it says to people, if it says something.
        message: Quote,
    },
    /// DNS, connect, reset, or an early end.
    #[error("unreachable: {detail}")]
    Unreachable {
        /// What happened.
        detail: Quote,
        /// Of which kind that is.
        cause: NoAnswer,
    },
    /// The proxy refused, or can't be reached.
    #[error("the proxy in {variable} failed: {detail}")]
    Proxy {
        /// What happened.
        detail: Quote,
        /// The variable that names the proxy.
        variable: &'static str,
    },
    /// No trusted connection.
    #[error("no trusted TLS connection: {detail}")]
    Tls {
        /// What happened.
        detail: Quote,
        /// Of which kind that is.
        problem: TlsProblem,
    },
}

/// Why a response holds no token that can be used, as the rest of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseProblem {
    /// Something else than a JSON object.
    #[error("it is no JSON object but {0}")]
    NotJson(BodyKind),
    /// `"ok": false` with status 200.
    #[error("it says `ok: false`")]
    NotOk,
    /// The member of this name is not `Bearer` (RFC 6750).
    #[error("its `{0}` is not Bearer")]
    TokenType(&'static str),
    /// No member of this name.
    #[error("it has no `{0}`")]
    NoToken(&'static str),
    /// The member of this name is something else than text.
    #[error("its `{name}` is {found}")]
    TokenForm {
        /// The member's name.
        name: &'static str,
        /// What it is instead.
        found: &'static str,
    },
    /// The token itself can't be used.
    #[error(transparent)]
    Token(#[from] TokenProblem),
    /// Neither a success nor an error.
    #[error("its status is {0}")]
    Status(u16),
    /// Over the limit.
    #[error("its body is larger than 1 MiB")]
    TooLarge,
    /// Not what its `Content-Encoding` says.
    #[error("its body can't be decoded: {0}")]
    Undecodable(Quote),
    /// No HTTP.
    #[error("it is not HTTP: {0}")]
    NotHttp(Quote),
}

/// What a server answered instead of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The HTTP status.
    pub status: u16,
    /// The server's own words; empty if it had none.
    pub message: Quote,
    /// Port's `x-trace-id`, which its support asks for.
    pub trace_id: Option<Quote>,
    /// Whether it has the form of Port's answers. One that has not is likely to be that of something before Port.
    pub is_ports_form: bool,
}

impl ErrorResponse {
    /// Whether Port says that it has no such user, in its own words.
    #[must_use]
    pub fn names_user(&self) -> bool {
        self.message.as_str().to_ascii_lowercase().contains("user not found")
    }

    /// Whether Port says that the address is not on the organization's IP allow-list, in its own words.
    #[must_use]
    pub fn names_allow_list(&self) -> bool {
        self.message.as_str().contains("IP not whitelisted")
    }
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if !self.message.is_empty() {
            write!(f, ", {}", self.message)?;
        }
        if let Some(trace_id) = &self.trace_id {
            write!(f, " (trace id {trace_id})")?;
        }
        Ok(())
    }
}

/// Why a token does not live long enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The time that the token has left.
    pub left: Duration,
    /// What says so.
    pub end_from: EndFrom,
    /// The input `min_validity`.
    pub needed: Duration,
    /// The input `max_wait`.
    pub max_wait: Duration,
    /// How long a new token lives, if that is known to be less than what is needed.
    pub lifetime: Option<Duration>,
}
