//! Why a message got no answer that can be used.

use http::StatusCode;
use reqwest::Response;
use serde_json::Value;

use super::message::{INVALID_PARAMS, METHOD_NOT_FOUND, RpcError};
use crate::net::retry::is_retryable;
use crate::net::{HttpResponse, RequestError};

/// `UnsupportedProtocolVersionError` of revision 2026-07-28.
const UNSUPPORTED_VERSION: i64 = -32022;

/// Why a message got no answer that can be used.
#[derive(Debug)]
pub enum MessageError {
    /// No whole response.
    Request(RequestError),
    /// A response whose status is no success.
    Status(HttpResponse),
    /// The server has ended the session: a new one is needed.
    SessionEnded,
    /// The transport of revision 2024-11-05.
    OlderTransport,
    /// 202 for a request: no answer comes.
    NoAnswer,
    /// A redirect that leads to the next, again and again.
    TooManyRedirects,
    /// A success of another type than MCP's. No agent reads more of it.
    NotMcp(Response),
    /// No JSON-RPC message.
    NotAMessage(HttpResponse),
    /// A stream that ended before the answer, and can't be resumed.
    StreamEnded,
    /// The answer to another request.
    OtherId,
    /// Not what the answer to this method has to be.
    NotAResult(&'static str),
    /// A revision that is not known.
    UnknownVersion(String),
    /// A list with too many pages or tools.
    Endless,
    /// A JSON-RPC error.
    Rpc(RpcError),
    /// A fault of this program.
    Internal(anyhow::Error),
}

impl MessageError {
    /// Whether the server may only dislike the way in which the conversation begins: it says so, or refuses it without JSON-RPC.
    pub fn may_be_of_revision(&self) -> bool {
        let is_of_revision = |code| matches!(code, UNSUPPORTED_VERSION | METHOD_NOT_FOUND | INVALID_PARAMS);
        match self {
            Self::Rpc(error) => is_of_revision(error.code),
            Self::Status(response) => {
                let status = response.head.status;
                let is_of_way_there =
                    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PROXY_AUTHENTICATION_REQUIRED);
                is_refusal(status) && !is_of_way_there && Self::rpc_error(response).is_none_or(|error| is_of_revision(error.code))
            }
            _ => false,
        }
    }

    /// Whether the server answered with a JSON-RPC error.
    pub fn is_json_rpc(&self) -> bool {
        match self {
            Self::Rpc(_) => true,
            Self::Status(response) => Self::rpc_error(response).is_some(),
            _ => false,
        }
    }

    /// The JSON-RPC error in a response whose status is no success.
    pub fn rpc_error(response: &HttpResponse) -> Option<RpcError> {
        let body: Value = serde_json::from_slice(&response.body).ok()?;
        body.get("jsonrpc")?;
        body.get("error").filter(|error| error.is_object()).map(RpcError::read)
    }
}

/// Whether a status refuses a message, and would refuse it again.
pub fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error() && !is_retryable(status)
}
