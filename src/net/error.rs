//! Why a request got no response.

use std::error::Error as StdError;
use std::io;

use super::tls;
use super::tls::TlsProblem;

/// What the error of hyper-util for a failed `CONNECT` begins with. Its type is private; `tests/network.rs` provokes the cases.
const TUNNEL: &str = "tunnel error: ";

/// What that error says if the proxy answered 407.
const TUNNEL_AUTH: &str = "proxy authorization required";

/// What that error says if the proxy answered with another status, or without HTTP.
const TUNNEL_REFUSED: &str = "tunnel error: unsuccessful";

/// What the C library says of a name that has no address (`gai_strerror`).
const NO_SUCH_NAME: [&str; 2] = ["Name or service not known", "No address associated with hostname"];

/// Why there is no response. The texts are those of libraries and servers: clean them before they are shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No answer, or not a whole one.
    #[error("no answer: {1}")]
    NoAnswer(NoAnswer, String),
    /// The proxy refused, and would refuse again.
    #[error("the proxy refused: {0}")]
    ProxyRefused(String),
    /// The proxy couldn't be reached, or couldn't reach the server.
    #[error("the proxy failed: {0}")]
    ProxyUnreachable(String),
    /// No trusted connection.
    #[error("no trusted TLS connection: {1}")]
    Tls(TlsProblem, String),
    /// The body is larger than [`super::LARGEST_BODY`].
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    /// The body is not what its `Content-Encoding` says.
    #[error("the body can't be decoded: {0}")]
    Undecodable(String),
    /// The response is not HTTP.
    #[error("not HTTP: {0}")]
    NotHttp(String),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// DNS knows no address of this name.
    UnknownName,
    /// DNS gave no answer.
    NameServer,
    /// Nobody listens there, or a firewall says so.
    Refused,
    /// No connection within its limit.
    ConnectTimeout,
    /// No way to this address.
    NoRoute,
    /// The connection ended before there was an answer.
    Closed,
    /// The connection ended within the answer.
    CutOff,
    /// Something else.
    Other,
}

impl RequestError {
    /// Whether the next attempt may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::NoAnswer(..) | Self::ProxyUnreachable(_))
    }

    /// Whether the server took the request, or may have taken it.
    #[must_use]
    pub fn is_from_server(&self) -> bool {
        match self {
            Self::NoAnswer(reason, _) => matches!(reason, NoAnswer::Closed | NoAnswer::CutOff | NoAnswer::Other),
            Self::TooLarge | Self::Undecodable(_) | Self::NotHttp(_) => true,
            Self::ProxyRefused(_) | Self::ProxyUnreachable(_) | Self::Tls(..) => false,
        }
    }

    /// No response at all.
    pub(super) fn of(error: &reqwest::Error, proxied: bool) -> Self {
        let detail = if error.is_timeout() { "the connection timed out".to_owned() } else { innermost(error) };
        if proxied && causes(error).any(|cause| cause.to_string().starts_with(TUNNEL)) {
            let refused = causes(error).any(|cause| cause.to_string().contains(TUNNEL_AUTH));
            return if refused { Self::ProxyRefused(format!("407, {TUNNEL_AUTH}")) } else { Self::ProxyUnreachable(detail) };
        }
        if let Some(error) = find::<rustls::Error>(error) {
            return Self::Tls(TlsProblem::of(error), tls::detail(error).unwrap_or(detail));
        }
        if error.is_connect() && proxied {
            return Self::ProxyUnreachable(detail);
        }
        if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
            return Self::NotHttp(detail);
        }
        Self::NoAnswer(NoAnswer::of(error), detail)
    }

    /// A response that doesn't arrive whole.
    pub(super) fn in_body(error: &reqwest::Error) -> Self {
        // Trouble of the connection comes from hyper, trouble of the decoder does not.
        if find::<hyper::Error>(error).is_none() && find::<io::Error>(error).is_some() {
            return Self::Undecodable(innermost(error));
        }
        match Self::of(error, false) {
            Self::NoAnswer(_, detail) => Self::NoAnswer(NoAnswer::CutOff, detail),
            other => other,
        }
    }

    /// A look-up that gave no address.
    pub(super) fn of_look_up(error: &io::Error, host: &str, of_proxy: bool) -> Self {
        let said = error.to_string();
        let detail = format!("DNS look-up of {host}: {}", said.trim_start_matches("failed to lookup address information: "));
        let unknown = NO_SUCH_NAME.iter().any(|words| said.contains(words));
        match (of_proxy, unknown) {
            (true, _) => Self::ProxyUnreachable(detail),
            (false, true) => Self::NoAnswer(NoAnswer::UnknownName, detail),
            (false, false) => Self::NoAnswer(NoAnswer::NameServer, detail),
        }
    }
}

impl NoAnswer {
    fn of(error: &reqwest::Error) -> Self {
        use io::ErrorKind::{
            AddrNotAvailable, BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkDown,
            NetworkUnreachable, NotConnected, UnexpectedEof,
        };
        if error.is_timeout() {
            return Self::ConnectTimeout;
        }
        let kind = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind).last();
        match kind {
            Some(ConnectionRefused) => Self::Refused,
            Some(AddrNotAvailable | HostUnreachable | NetworkDown | NetworkUnreachable | NotConnected) => Self::NoRoute,
            Some(BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof) => Self::Closed,
            _ if find::<hyper::Error>(error).is_some_and(|error| error.is_incomplete_message() || error.is_closed()) => Self::Closed,
            _ => Self::Other,
        }
    }
}

/// Whether a proxy refused a tunnel, with a status that is not told.
pub fn is_refused_tunnel(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.to_string() == TUNNEL_REFUSED)
}

/// The error and what it wraps, outermost first. An `io::Error` hides the one that it wraps.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    })
}

fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The innermost two causes: the outer ones only say that something failed, and name the URL.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in causes(error).skip(1) {
        let text = cause.to_string();
        // Wrappers often repeat what they wrap.
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
    }
    match texts.as_slice() {
        [] => error.to_string(),
        [.., outer, inner] => format!("{outer}: {inner}"),
        [only] => only.clone(),
    }
}
