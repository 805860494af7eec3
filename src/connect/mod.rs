//! What the action and `exec` share: the token and the MCP connection, what an agent is connected with, and what a gateway is told.

mod agent;
mod connected;
mod gateway;

pub use agent::{AgentAccess, check_fit, config, connection, headers, server_entry};
pub use connected::{Connected, connect};
pub use gateway::{Door, check, gateway_url, new_key, random_bytes, settings};
