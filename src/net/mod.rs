//! HTTP for the whole program: one client with its TLS roots and proxies, no redirects, and what its failures mean.

mod budget;
mod client;
mod error;
mod phase;
mod preconnect;
mod proxy;
mod resolve;
pub mod retry;
mod tls;
mod tunnel;
mod url;

pub use budget::{Budget, TimedOut};
pub use client::{Http, HttpResponse, LARGEST_BODY, RequestTrace, next_chunk, read_body};
pub use error::{NoAnswer, RequestError};
pub use phase::Phase;
pub use proxy::{Network, ProxyUrl, ProxyUrlProblem};
pub use tls::{KeyKind, TlsProblem};
pub use url::{UrlProblem, host_and_port, join, parse_url};
