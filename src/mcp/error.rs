//! What can be wrong with an MCP connection.

use reqwest::Url;

use super::quoted::{Challenge, QuotedViolation};
use super::selection::Unresolved;
use crate::port::{BodyKind, ErrorResponse, TokenEndpoint};
use crate::redact::Quote;

/// Why the agent would have no tools, or not those that it was to have.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 401 or 403
    #[error("{url} refuses the token: {response}")]
    Refused {
        /// The server.
        url: Url,
        /// What issued the token.
        token_from: TokenEndpoint,
        /// What the server answered.
        response: ErrorResponse,
        /// What it says about the token.
        challenge: Option<Challenge>,
    },
    /// An answer that no agent can use.
    #[error("{url} gave an unusable answer: {problem}")]
    Unusable {
        /// The server.
        url: Url,
        /// What is wrong with the answer.
        problem: ServerProblem,
    },
    /// An answer that the agent throws away.
    #[error("the agent rejects an answer of {url}: {} {}", violation.field, violation.problem)]
    Rejected {
        /// The server.
        url: Url,
        /// What is wrong with the answer.
        violation: QuotedViolation,
    },
    /// A tool was asked for that the agent would not get.
    #[error("some of the allowed tools are not offered")]
    ToolUnknown(Unresolved),
    /// A fault of this program.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// Why a server's answer can't be used by any agent, as the rest of a sentence that begins with "it".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerProblem {
    /// A status that says that there is nothing here.
    #[error("answered {0}")]
    Status(ErrorResponse),
    /// The token is not sent to another address.
    #[error("redirects ({response}) to {location}, and the token is never sent on to another address")]
    Redirect {
        /// What the server answered.
        response: ErrorResponse,
        /// The header `Location`.
        location: Quote,
    },
    /// 202 for a request.
    #[error("answered 202, which says that no answer comes")]
    NoAnswer,
    /// Redirects that end nowhere.
    #[error("redirects again and again")]
    TooManyRedirects,
    /// A success of another type than MCP's.
    #[error("answered {status} with {kind}")]
    NotMcp {
        /// The status.
        status: u16,
        /// What it is.
        kind: BodyKind,
    },
    /// No JSON-RPC.
    #[error("answered {0}, which is no JSON-RPC message")]
    NotAMessage(ErrorResponse),
}
