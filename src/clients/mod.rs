//! The agents: each takes an MCP server in its own form.

mod claude_code;
mod mcp_remote;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::inputs::urls::ServerUrl;
use crate::inputs::{AllowedActions, Inputs, Transport};
use crate::secret::Secret;

/// Hides every write tool. <https://docs.port.io/ai-interfaces/port-mcp-server/>
const READ_ONLY_HEADER: (&str, &str) = ("x-read-only-mode", "1");

/// Names the self-service actions that may run; empty allows none.
const ALLOWED_ACTIONS_HEADER: &str = "x-allowed-actions-to-run";

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
    /// Whether a proxy stands between this container and the server, and so probably between the agent and it.
    pub proxied: bool,
}

impl<'a> Connection<'a> {
    /// The connection that the inputs ask for.
    #[must_use]
    pub fn new(inputs: &'a Inputs, token: &'a Secret, proxied: bool) -> Self {
        Self {
            server_name: &inputs.server_name,
            url: &inputs.mcp_url,
            token,
            headers: port_headers(inputs),
            transport: inputs.transport,
            proxied,
        }
    }

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

/// The config for Claude Code.
#[must_use]
pub fn config(connection: &Connection<'_>) -> Zeroizing<String> {
    claude_code::config(connection)
}

/// JSON on one line and without a single quote, which survives `'${{ … }}'` in a shell and in `claude_args`.
fn quote_proof(value: &Value) -> Zeroizing<String> {
    Zeroizing::new(value.to_string().replace('\'', "\\u0027"))
}
