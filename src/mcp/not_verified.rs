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
}
