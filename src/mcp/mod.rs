//! MCP: is the connection good, and which tools may the agent use?

mod error;
mod message;
mod message_error;
mod not_verified;
mod preflight;
mod quoted;
mod schema;
mod selection;
mod server;
mod session;
mod tools;
mod toolset;
mod verdict;

pub use error::{Error, ServerProblem};
pub use message::parse as read_json;
pub use not_verified::{NotVerified, Obstacle};
pub use preflight::Preflight;
pub use quoted::{Challenge, QuotedViolation};
pub use schema::AnswerReader;
pub use selection::{Doubt, Glob, Policy, Selection, Unresolved, Wanted};
pub use server::{Server, ServerUrl};
pub use tools::{Offer, Tool, ToolName, is_name_byte};
pub use toolset::{Listing, Toolset};
