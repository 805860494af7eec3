//! Why the gateway doesn't let something through.

use http::StatusCode;

use super::json::JsonProblem;

/// `-32700` (JSON-RPC 2.0 section 5.1).
const PARSE_ERROR: i64 = -32700;

/// `-32600` (JSON-RPC 2.0 section 5.1).
const INVALID_REQUEST: i64 = -32600;

/// `-32601` (JSON-RPC 2.0 section 5.1).
const METHOD_NOT_FOUND: i64 = -32601;

/// `-32602` (JSON-RPC 2.0 section 5.1).
const INVALID_PARAMS: i64 = -32602;

/// `-32020`: headers and body disagree (MCP revision 2026-07-28).
const HEADER_MISMATCH: i64 = -32020;

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request names another host than the gateway's.
    #[error("the request names another host than the gateway's")]
    Host,
    /// A web page sent it.
    #[error("the request comes from a web page")]
    Origin,
    /// No key, or a wrong one.
    #[error("the request has no key, or a wrong one")]
    Key,
    /// Another path than the gateway's, or a query.
    #[error("the gateway has no such path")]
    Path,
    /// An HTTP method that MCP doesn't have.
    #[error("the gateway doesn't take this HTTP method")]
    HttpMethod,
    /// What hyper refuses.
    #[error("the request is not valid HTTP")]
    NotHttp,
    /// A body that is not plain JSON.
    #[error("the body must be plain JSON (`Content-Type: application/json`, no encoding)")]
    MediaType,
    /// Over the limit.
    #[error("the message is larger than the gateway takes")]
    TooLarge,
    /// The body doesn't arrive.
    #[error("the message did not arrive in time")]
    TooSlow,
    /// The body breaks off.
    #[error("the message broke off")]
    BrokenOff,
    /// The gateway is about to end.
    #[error("the gateway is ending")]
    Ending,
    /// The record can't be written, and nothing goes on without it.
    #[error("the gateway can't write its record, so it lets nothing through")]
    NoRecord,
    /// A header that stands twice, or has a value that it can't have.
    #[error("the header `{0}` stands twice, or has a value that it can't have")]
    Header(&'static str),
    /// A header says something else than the body.
    #[error("the header `{0}` doesn't agree with the message")]
    Mismatch(String),
    /// No strict JSON.
    #[error("the message {0}")]
    Json(JsonProblem),
    /// Several messages in an array.
    #[error("the gateway takes one message at a time, not an array")]
    Batch,
    /// JSON, but no message.
    #[error("this is not a JSON-RPC message")]
    NotAMessage,
    /// A method that is not on the list.
    #[error("the gateway doesn't let this method through")]
    Method,
    /// A method of the other era of the protocol.
    #[error("this revision of MCP doesn't have the method")]
    Era,
    /// Parameters that are not those of the method.
    #[error("the parameters are not those of the method")]
    Params,
    /// A tool that is not allowed.
    #[error(transparent)]
    Tool(#[from] Limit),
}

/// The limit that a call meets. Each text says which input sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// It is not in `allowed_tools`.
    #[error("the tool is not one of those that this job may use (input `allowed_tools`)")]
    AllowedTools,
    /// It writes.
    #[error("the tool writes, and this job may only read (input `read_only`)")]
    ReadOnly,
    /// It runs actions, and none may run.
    #[error("the tool runs actions, and this job may run none (input `allowed_actions`)")]
    NoActions,
    /// It runs an action that may not run.
    #[error("this action is not one of those that this job may run (input `allowed_actions`)")]
    AllowedActions,
    /// Which action it would run can't be told.
    #[error(
        "the gateway can't tell which action this call would run, so it lets none run (input `allowed_actions`): list the tools first, and name the action once, in the argument that the tool's schema has for it"
    )]
    UnclearAction,
}

impl Limit {
    /// The input that sets it.
    #[must_use]
    pub fn input(self) -> &'static str {
        match self {
            Self::AllowedTools => "allowed_tools",
            Self::ReadOnly => "read_only",
            Self::NoActions | Self::AllowedActions | Self::UnclearAction => "allowed_actions",
        }
    }
}

impl Refusal {
    /// Its name in the record.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Key => "key",
            Self::Path => "path",
            Self::HttpMethod => "http_method",
            Self::NotHttp => "not_http",
            Self::MediaType => "media_type",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::BrokenOff => "broken_off",
            Self::Ending => "ending",
            Self::NoRecord => "no_record",
            Self::Header(_) => "header",
            Self::Mismatch(_) => "header_mismatch",
            Self::Json(_) => "json",
            Self::Batch => "batch",
            Self::NotAMessage => "not_a_message",
            Self::Method => "method",
            Self::Era => "era",
            Self::Params => "params",
            Self::Tool(Limit::AllowedTools) => "tool",
            Self::Tool(Limit::ReadOnly) => "writes",
            Self::Tool(Limit::NoActions | Limit::AllowedActions) => "action",
            Self::Tool(Limit::UnclearAction) => "unclear_action",
        }
    }

    /// The status of the answer. MCP's clients read a JSON-RPC answer with any status of success only.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Host | Self::Origin | Self::Key => StatusCode::FORBIDDEN,
            Self::Path => StatusCode::NOT_FOUND,
            Self::HttpMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Ending | Self::NoRecord => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotHttp | Self::BrokenOff | Self::Header(_) | Self::Mismatch(_) | Self::Json(_) | Self::Batch | Self::NotAMessage => {
                StatusCode::BAD_REQUEST
            }
            Self::Method | Self::Era | Self::Params | Self::Tool(_) => StatusCode::OK,
        }
    }

    /// The code of a JSON-RPC error.
    #[must_use]
    pub fn code(&self) -> i64 {
        match self {
            Self::Json(_) => PARSE_ERROR,
            Self::Mismatch(_) => HEADER_MISMATCH,
            Self::Method | Self::Era => METHOD_NOT_FOUND,
            Self::Params => INVALID_PARAMS,
            _ => INVALID_REQUEST,
        }
    }
}
