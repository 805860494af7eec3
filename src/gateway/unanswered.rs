//! Why there is no answer of the server's.

use http::{HeaderValue, Response, StatusCode, header::RETRY_AFTER};
use hyper::body::Bytes;
use serde_json::json;

use super::body::{AnswerBody, BrokenOff};
use super::json::Json;
use super::reply::{error, response};
use crate::redact::Quote;

/// The first code that JSON-RPC leaves to servers (section 5.1).
const SERVER_ERROR: i64 = -32000;

/// What is there instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// There is no token.
    #[error("the gateway gets no token from Port: {0}")]
    NoToken(Quote),
    /// No connection, or it broke off before the answer. The call may have run.
    #[error("there is no answer from Port's MCP server: {0}")]
    Unreachable(Quote),
    /// A new token is refused too.
    #[error("Port's MCP server refuses a new token too (401)")]
    Unauthorized,
    /// 429 or 5xx
    #[error("Port's MCP server can't answer now (status {})", .0.as_u16())]
    Busy(StatusCode, Option<HeaderValue>),
    /// 3xx
    #[error("Port's MCP server redirects to another address (status {}), which the gateway does not follow", .0.as_u16())]
    Redirected(StatusCode),
    /// From one address to the next, again and again.
    #[error("Port's MCP server redirects again and again")]
    TooManyRedirects,
    /// No message.
    #[error("what Port's MCP server answers is not MCP")]
    NotMcp,
    /// More than is held, so that the memory lasts.
    #[error("the answer of Port's MCP server is larger than what the gateway reads (8 MiB)")]
    TooLarge,
    /// The answer broke off.
    #[error("the answer of Port's MCP server broke off")]
    BrokenOff,
}

impl From<BrokenOff> for Unanswered {
    fn from(why: BrokenOff) -> Self {
        match why {
            BrokenOff::Early => Self::BrokenOff,
            BrokenOff::TooLarge => Self::TooLarge,
        }
    }
}

impl Unanswered {
    /// The answer to the agent. Its clients read a JSON-RPC error with a status of success only.
    pub fn response(&self, id: Option<&Json>) -> Response<AnswerBody> {
        let (status, retry_after) = match self {
            Self::Busy(status, retry_after) => (*status, retry_after.as_ref()),
            _ => (StatusCode::BAD_GATEWAY, None),
        };
        let data = match self {
            Self::Busy(status, after) => {
                let after = after.as_ref().and_then(|after| after.to_str().ok());
                Some(json!({ "status": status.as_u16(), "retryAfter": after }))
            }
            _ => None,
        };
        let status = if id.is_some() { StatusCode::OK } else { status };
        let mut response = response(status, "application/json", error(id, SERVER_ERROR, &self.text(), data));
        if let Some(retry_after) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, retry_after.clone());
        }
        response
    }

    /// The answer as the last event of a stream. An event that broke off ends before it.
    pub fn event(&self, id: &Json) -> Bytes {
        let error = error(Some(id), SERVER_ERROR, &self.text(), None);
        [b"\n\nevent: message\ndata: ", &*error, b"\n\n"].concat().into()
    }

    fn text(&self) -> String {
        format!("The gateway of port-mcp-auth: {self}.")
    }
}
