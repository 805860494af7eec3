//! Droid, Factory's agent: `mcp.json` in `.factory`. Seen with 0.215.0. <https://docs.factory.ai/cli/configuration/mcp>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, in_braces, merged};
use super::mcp_remote;
use super::source::{Folder, Source};

/// The agent.
pub struct Droid;

impl Client for Droid {
    fn id(&self) -> &'static str {
        "droid"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["droid"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Project, ".factory/mcp.json")
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    /// A server without `type` is silently ignored.
    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => json!({ "type": "http", "url": connection.url.as_str(), "headers": connection.all_headers(in_braces) }),
            Transport::McpRemote => merged(json!({ "type": "stdio" }), mcp_remote::entry(connection, in_braces)),
        };
        let server = connection.with_tools(merged(server, json!({ "disabled": false })), "enabledTools");
        json!({ "mcpServers": { connection.server_name: server } })
    }

    /// As the flag `--only-tools` expects it. The flag is not used, since it also removes the agent's own tools, and `enabledTools`
    /// already hides the server's others.
    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("MCP:{server_name}/{tool}")
    }

    fn model_name(&self, server_name: &str, tool: &str) -> String {
        format!("{server_name}___{tool}")
    }
}
