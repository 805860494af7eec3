//! A server that can't be judged from here.

use crate::net::TlsProblem;
use crate::port::ErrorResponse;
use crate::redact::Quote;

/// The server can't be judged from here: the agent may reach it, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotVerified {
    /// The server's host.
    pub host: String,
    /// What is in the way.
    pub obstacle: Obstacle,
}

/// What keeps this container from judging the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// No answer.
    Unreachable(Quote),
    /// The proxy failed.
    Proxy(Quote),
    /// No trusted connection.
    Tls(TlsProblem, Quote),
    /// The server is not available for now.
    Unavailable(ErrorResponse),
    /// The step's time was up before there was an answer.
    NoTime,
    /// An answer from which nothing follows for the agent.
    Answer(UnclearAnswer),
}

/// An answer from which nothing follows for the agent, as the rest of a sentence that begins with "it".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnclearAnswer {
    /// A JSON-RPC error.
    #[error("answered with the JSON-RPC error {code}, {message}")]
    Rpc {
        /// Its code.
        code: i64,
        /// Its message.
        message: Quote,
    },
    /// HTTP with SSE.
    #[error("speaks MCP's older transport, HTTP with SSE, which this step doesn't")]
    OlderTransport,
    /// A stream that ends too early.
    #[error("ended the stream before the answer")]
    StreamEnded,
    /// The id is that of no request.
    #[error("answered another request than the one that was made")]
    OtherId,
    /// Without what the answer to this method has to have.
    #[error("gave no answer to `{0}` that this step understands")]
    NotAResult(&'static str),
    /// A revision of the protocol that this program doesn't know.
    #[error("speaks a revision of MCP that this step doesn't know: {0}")]
    UnknownVersion(Quote),
    /// A list of tools that is longer than what is read here.
    #[error("lists more tools or pages than this step reads (10,000 tools, 100 pages)")]
    Endless,
    /// The server ended the new session too.
    #[error("ended each session at once")]
    SessionEnded,
    /// Over the limit.
    #[error("sent an answer that is larger than what this step reads (8 MiB)")]
    TooLarge,
    /// A body that is not what its `Content-Encoding` says.
    #[error("sent a body that this step can't decode: {0}")]
    Undecodable(Quote),
    /// No HTTP.
    #[error("sent an answer that this step can't read as HTTP: {0}")]
    NotHttp(Quote),
}
