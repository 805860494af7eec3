//! Every other client that takes the common `mcpServers`, such as the MCP Inspector (seen with 2.12.0).

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{Connection, Transport, in_braces, no_reference};
use super::mcp_remote;
use super::naming::Naming;

/// Any client.
pub struct Generic;

impl Client for Generic {
    fn id(&self) -> &'static str {
        "generic"
    }

    /// `${NAME}` in a header is what most clients that read this format replace. What they replace in a bridge's `env` differs.
    fn token_env_transports(&self) -> &'static [Transport] {
        &[Transport::Http]
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => json!({ "type": "http", "url": connection.url.as_str(), "headers": connection.all_headers(in_braces) }),
            Transport::McpRemote => mcp_remote::entry(connection, no_reference),
        };
        json!({ "mcpServers": { connection.server_name: server } })
    }

    fn tool_name(&self, _server_name: &str, tool: &str) -> String {
        tool.to_owned()
    }

    /// No limit is documented.
    fn naming(&self) -> Naming {
        Naming { longest: None, ..Naming::COMMON }
    }
}
