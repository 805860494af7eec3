//! HTTP for the whole program: one client with its TLS roots and proxies, no redirects, and what its failures mean.

mod budget;
mod client;
mod error;
mod preconnect;
mod proxy;
pub mod retry;
mod url;

pub use budget::{Budget, TimedOut};
pub use client::{Http, HttpResponse, LARGEST_BODY, RequestTrace, next_chunk, read_body};
pub use error::{RequestError, TlsProblem};
pub use proxy::{Network, ProxyUrl, ProxyUrlProblem};
pub use url::{UrlProblem, host_and_port, join, parse_url};
