//! Gemini CLI: `settings.json` in `.gemini`. Seen with 0.61.0. <https://geminicli.com/docs/tools/mcp-server/>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, in_braces, merged};
use super::mcp_remote;
use super::naming::Naming;

/// The agent.
pub struct GeminiCli;

impl Client for GeminiCli {
    fn id(&self) -> &'static str {
        "gemini-cli"
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        config(connection)
    }

    /// One underscore, not two.
    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("mcp_{server_name}_{tool}")
    }

    /// The middle of longer names is left out.
    fn naming(&self) -> Naming {
        Naming { longest: Some(63), ..Naming::COMMON }
    }
}

/// The config, which Qwen Code takes too: it comes from Gemini CLI.
///
/// `url` meant the older transport in earlier versions; `httpUrl` never did. Without `trust`, no tool is offered to the model in
/// headless mode.
pub(super) fn config(connection: &Connection<'_>) -> Value {
    let server = match connection.transport {
        Transport::Http => json!({ "httpUrl": connection.url.as_str(), "headers": connection.all_headers(in_braces) }),
        Transport::McpRemote => mcp_remote::entry(connection, in_braces),
    };
    let server = connection.with_tools(merged(server, json!({ "trust": true })), "includeTools");
    json!({ "mcpServers": { connection.server_name: server } })
}
