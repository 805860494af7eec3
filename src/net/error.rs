//! Why a request got no response.

use std::error::Error as StdError;
use std::io;

use rustls::CertificateError;

/// What the error of hyper-util for a failed `CONNECT` begins with. Its type is private; `tests/network.rs` provokes both cases.
const TUNNEL: &str = "tunnel error: ";

/// What that error says if the proxy answered 407.
const TUNNEL_AUTH: &str = "proxy authorization required";

/// Why there is no response. The texts are those of libraries and servers: clean them before they are shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// DNS, connect, reset, or an early end.
    #[error("no answer: {0}")]
    Unreachable(String),
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
    /// The response is not HTTP, or can't be decoded.
    #[error("not HTTP: {0}")]
    NotHttp(String),
}

/// Why a TLS connection is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsProblem {
    /// No known authority signed the certificate.
    Signer,
    /// The certificate has expired, or is not valid yet.
    Date,
    /// The certificate is for another host.
    Name,
    /// The handshake ended before there was a certificate, or the certificate breaks the rules.
    Handshake,
}

impl TlsProblem {
    fn of(error: &rustls::Error) -> Self {
        use CertificateError::{
            BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext, UnknownIssuer,
        };
        match error {
            rustls::Error::InvalidCertificate(problem) => match problem {
                UnknownIssuer | BadSignature => Self::Signer,
                Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. } => Self::Date,
                NotValidForName | NotValidForNameContext { .. } => Self::Name,
                _ => Self::Handshake,
            },
            _ => Self::Handshake,
        }
    }
}

impl RequestError {
    /// Whether the next attempt may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::ProxyUnreachable(_))
    }

    pub(super) fn of(error: &reqwest::Error, proxied: bool) -> Self {
        let detail = innermost(error);
        if proxied && causes(error).any(|cause| cause.to_string().starts_with(TUNNEL)) {
            let refused = causes(error).any(|cause| cause.to_string().contains(TUNNEL_AUTH));
            return if refused { Self::ProxyRefused(detail) } else { Self::ProxyUnreachable(detail) };
        }
        if let Some(error) = find::<rustls::Error>(error) {
            return Self::Tls(TlsProblem::of(error), detail);
        }
        if error.is_connect() && proxied {
            return Self::ProxyUnreachable(detail);
        }
        if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
            return Self::NotHttp(detail);
        }
        Self::Unreachable(detail)
    }
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
