//! HTTP for the whole program: one client with its TLS roots and proxies, no redirects, and what its failures mean.

mod budget;
mod client;
mod error;
mod events;
mod phase;
mod preconnect;
mod proxy;
mod redirect;
mod resolve;
pub mod retry;
mod tls;
mod tunnel;
mod unix;
mod url;

pub use budget::{Budget, TimedOut};
pub use client::{Http, HttpResponse, RequestTrace, next_chunk, read_body_up_to};
pub use error::{NoAnswer, RequestError};
pub use events::{Event, EventReader};
pub use phase::Phase;
pub use proxy::{Network, ProxyUrl, ProxyUrlProblem};
pub use redirect::{MOST_REDIRECTS, redirected};
pub use tls::{KeyKind, TlsProblem};
pub use unix::unix_client;
pub use url::{UrlProblem, host_and_port, join, parse_url};
