//! Claude Code: `--mcp-config`, and `.mcp.json` in a project. <https://code.claude.com/docs/en/mcp>

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::format::Format;
use super::mcp_remote::{self, AUTHORIZATION_VARIABLE};
use super::{Client, Connection};
use crate::inputs::Transport;

/// The agent.
pub struct ClaudeCode;

impl Client for ClaudeCode {
    fn id(&self) -> &'static str {
        "claude-code"
    }

    fn format(&self) -> Format {
        Format::Json
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Http, Transport::McpRemote]
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => http(connection),
            Transport::McpRemote => bridge(connection),
        };
        json!({ "mcpServers": { connection.server_name: server } })
    }

    /// In single quotes, which `shell-quote` leaves alone; none of the values can hold one. An empty list of tools is left
    /// out: an empty value would turn the flag into a switch.
    fn arguments(&self, connection: &Connection<'_>, config: &str) -> Zeroizing<String> {
        let tools: Vec<_> = connection.tools.iter().map(|tool| self.tool(connection.server_name, tool)).collect();
        let mut arguments = Zeroizing::new(format!("--mcp-config '{config}'"));
        if !tools.is_empty() {
            *arguments += &format!(" --allowedTools '{}'", tools.join(","));
        }
        arguments
    }

    fn tool(&self, server_name: &str, tool: &str) -> String {
        format!("mcp__{server_name}__{tool}")
    }
}

/// Claude Code drops a server that has a `url` and no `type`, without a word.
fn http(connection: &Connection<'_>) -> Value {
    let mut headers = Map::new();
    headers.insert("Authorization".to_owned(), json!(*connection.authorization()));
    for (name, value) in &connection.headers {
        headers.insert((*name).to_owned(), json!(value));
    }
    json!({ "type": "http", "url": connection.url.as_str(), "headers": headers })
}

/// Claude Code puts variables of its own environment into `args`, but leaves a name alone that is not set there, and doesn't
/// look into `env`. So `${PORT_MCP_AUTHORIZATION}` reaches the bridge, which takes the value from `env` (seen with 2.1.330).
fn bridge(connection: &Connection<'_>) -> Value {
    json!({
        "command": "npx",
        "args": mcp_remote::npx_arguments(connection),
        "env": { AUTHORIZATION_VARIABLE: *connection.authorization() },
    })
}
