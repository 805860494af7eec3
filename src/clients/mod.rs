//! The agents: each takes an MCP server in its own form.
//!
//! A new agent is one file with a [`Client`] in it, and one line in [`REGISTRY`].

mod claude_code;
pub mod format;
mod mcp_remote;

pub use claude_code::ClaudeCode;
use format::Format;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::inputs::urls::ServerUrl;
use crate::inputs::{AllowedActions, Inputs, Transport};
use crate::secret::Secret;

/// Hides every write tool. <https://docs.port.io/ai-interfaces/port-mcp-server/>
const READ_ONLY_HEADER: (&str, &str) = ("x-read-only-mode", "1");

/// Names the self-service actions that may run; empty allows none.
const ALLOWED_ACTIONS_HEADER: &str = "x-allowed-actions-to-run";

/// Every agent that the input `client` can name.
pub static REGISTRY: &[&dyn Client] = &[&ClaudeCode];

/// What this program knows of one agent.
pub trait Client: Sync {
    /// The agent's name in the input `client`.
    fn id(&self) -> &'static str;

    /// The format of the agent's config.
    fn format(&self) -> Format;

    /// The transports that the agent speaks; the first is the best.
    fn transports(&self) -> &'static [Transport];

    /// The config, with everything that a user pastes.
    fn config(&self, connection: &Connection<'_>) -> Value;

    /// The flags that hand `config` and the allowed tools to the agent, quoted for a shell; empty where it has none.
    fn arguments(&self, connection: &Connection<'_>, config: &str) -> Zeroizing<String>;

    /// A tool's name as the agent spells it in allow-lists.
    fn tool(&self, server_name: &str, tool: &str) -> String;
}

/// The server that an agent is to be connected with.
pub struct Connection<'a> {
    /// Its name in the config.
    pub server_name: &'a str,
    /// Its address.
    pub url: &'a ServerUrl,
    /// What it is shown.
    pub token: &'a Secret,
    /// The headers beside `Authorization`.
    pub headers: Vec<(&'static str, String)>,
    /// How it is reached.
    pub transport: Transport,
    /// The tools that the agent may use, as the server names them.
    pub tools: &'a [String],
    /// Whether a proxy stands between this container and the server, and so probably between the agent and it.
    pub proxied: bool,
}

impl Connection<'_> {
    /// The value of the header `Authorization` (RFC 6750 section 2.1).
    fn authorization(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("Bearer {}", self.token.reveal()))
    }
}

/// The headers with which Port narrows what an agent may do.
#[must_use]
pub fn port_headers(inputs: &Inputs) -> Vec<(&'static str, String)> {
    let read_only = inputs.read_only.then(|| (READ_ONLY_HEADER.0, READ_ONLY_HEADER.1.to_owned()));
    let actions = match &inputs.allowed_actions {
        AllowedActions::Any => None,
        AllowedActions::Only(names) => Some((ALLOWED_ACTIONS_HEADER, names.join(","))),
    };
    read_only.into_iter().chain(actions).collect()
}
