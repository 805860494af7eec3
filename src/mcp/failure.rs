//! Why a message got no answer that can be used.

use serde_json::Value;

use super::message::RpcError;
use crate::net::{HttpResponse, RequestError};

/// Why a message got no answer that can be used.
#[derive(Debug)]
pub enum Failure {
    /// No whole response.
    Request(RequestError),
    /// A response whose status is no success.
    Status(HttpResponse),
    /// The server has ended the session: a new one is needed.
    SessionEnded,
    /// A redirect that leads to the next, again and again.
    TooManyRedirects,
    /// A success of another type than MCP's.
    NotMcp(HttpResponse),
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

impl Failure {
    /// The code of the JSON-RPC error that the server answered with, whatever the HTTP status.
    pub fn rpc_code(&self) -> Option<i64> {
        match self {
            Self::Rpc(error) => Some(error.code),
            Self::Status(response) => Self::rpc_error(response).map(|error| error.code),
            _ => None,
        }
    }

    /// The JSON-RPC error in a response whose status is no success.
    pub fn rpc_error(response: &HttpResponse) -> Option<RpcError> {
        let body: Value = serde_json::from_slice(&response.body).ok()?;
        body.get("jsonrpc")?;
        body.get("error").filter(|error| error.is_object()).map(RpcError::read)
    }
}
