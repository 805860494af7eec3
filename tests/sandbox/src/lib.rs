//! An embedded Port for the demo and the tests. Never shipped.
//!
//! One [`Sandbox`] serves what `port-mcp-auth` talks to: the auth API, the OAuth token endpoint and the MCP
//! server, each over plain HTTP and over TLS, on loopback, from a thread of its own. It answers as Port's
//! documentation says Port answers, records what it was asked, and misbehaves on request.
//!
//! `tools/ci/layers` has the list of its layers, and checks that no module uses an upper one.
//!
//! ```
//! use port_sandbox::{Fault, Options, Route, Sandbox};
//!
//! let sandbox = Sandbox::start(Options::default());
//! sandbox.set_faults(Route::AccessToken, [Fault::status(503), Fault::Reset]);
//! assert!(sandbox.auth_base_url().ends_with("/v1"));
//! assert!(sandbox.requests().is_empty());
//! ```
#![allow(clippy::expect_used, reason = "a sandbox that can't start must end the test or demo that asked for it")]

mod answer;
mod catalog;
mod clock;
mod endpoints;
mod faults;
mod limit;
mod observe;
mod options;
mod prompts;
mod random;
mod record;
mod request;
mod route;
mod sandbox;
mod server;
mod shared;
mod tls;
mod tokens;
mod tools;
mod wire;

pub use faults::{Fault, SecretForm, Wait};
pub use options::{
    Accepts, CLIENT_ID, CLIENT_SECRET, Certificate, Credential, McpMode, Options, RateLimit, Refusal, Role, Stated, TokenKind,
};
pub use record::Recorded;
pub use route::Route;
pub use sandbox::Sandbox;
