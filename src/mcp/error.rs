//! What can be wrong with an MCP connection.

use reqwest::Url;

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
    },
    /// An answer that no agent can use.
    #[error("{url} gave an unusable answer: {problem}")]
    Unusable {
        /// The server.
        url: Url,
        /// What is wrong with the answer.
        problem: ServerProblem,
    },
    /// A tool was asked for that the agent would not get.
    #[error("some of the allowed tools are not offered")]
    ToolUnknown(Unresolved),
    /// A fault of this program.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// Why a server's answer can't be used, as the rest of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerProblem {
    /// Another status than success.
    #[error("{0}")]
    Status(ErrorResponse),
    /// The token is not sent to another address.
    #[error("it redirects ({response}) to {location}, and the token is never sent on to another address")]
    Redirect {
        /// What the server answered.
        response: ErrorResponse,
        /// The header `Location`.
        location: Quote,
    },
    /// A success of another type than MCP's.
    #[error("{status}, {kind}")]
    NotMcp {
        /// The status.
        status: u16,
        /// What it is.
        kind: BodyKind,
    },
    /// JSON, but no JSON-RPC.
    #[error("it is no JSON-RPC message but {0}")]
    NotAMessage(ErrorResponse),
    /// An event whose data is no JSON-RPC.
    #[error("an event in it is no JSON-RPC message")]
    NotAMessageEvent,
    /// No event stream in spite of its type.
    #[error("it is no stream of events")]
    NotEvents,
    /// The id is that of no request.
    #[error("it answers another request")]
    OtherId,
    /// Without what the answer to this method has to have.
    #[error("it is no answer to `{0}`")]
    NotAResult(&'static str),
    /// A revision of the protocol that this program doesn't know.
    #[error("it speaks a version of MCP that is not known here: {0}")]
    UnknownVersion(Quote),
    /// A list of tools that goes on and on.
    #[error("its list of tools has no end")]
    Endless,
    /// A JSON-RPC error.
    #[error("the JSON-RPC error {code}, {message}")]
    Rpc {
        /// Its code.
        code: i64,
        /// Its message.
        message: Quote,
    },
    /// Over the limit.
    #[error("it is larger than 1 MiB")]
    TooLarge,
    /// No HTTP, or HTTP that can't be decoded.
    #[error("it is not HTTP: {0}")]
    NotHttp(Quote),
}
