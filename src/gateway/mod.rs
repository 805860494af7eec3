//! The gateway: it stands between an agent and Port's MCP server, holds the token, and lets through what the inputs allow.
//!
//! The agent has the gateway's key and nothing else. The story of a request is [`proxy::answer`]; [`judge`] decides, [`tokens`] renews,
//! and [`record`] tells what happened.

mod body;
mod error;
mod events;
mod headers;
mod json;
mod judge;
mod message;
mod proxy;
mod record;
mod refusal;
mod reply;
mod schema;
mod serve;
mod settings;
mod start;
mod state;
mod tokens;
mod unanswered;
mod unready;

pub use error::Error;
#[cfg(feature = "testing")]
pub use events::{EventCutter, EventTooLong};
#[cfg(feature = "testing")]
pub use headers::{AgentHeaders, ProtocolEra};
#[cfg(feature = "testing")]
pub use json::{Json, JsonProblem, Object};
#[cfg(feature = "testing")]
pub use judge::{Call, Judge, Passed};
#[cfg(feature = "testing")]
pub use message::AgentMessage;
pub use record::{CallOutcome, Line, Record, RecordEvent};
#[cfg(feature = "testing")]
pub use refusal::{Limit, Refusal};
pub use settings::{AllowedTool, ProxyAddress, ProxySettings, Rules, Settings, SettingsProblem, TokenAddress, TokenInHand};
pub use start::{run, start};
pub use unready::{GatewayForm, Unready};
