//! GitHub Copilot CLI: `mcp-config.json` in `~/.copilot`, or `--additional-mcp-config`. Seen with 1.0.102.
//! <https://docs.github.com/en/copilot/how-tos/copilot-cli>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, in_braces, merged};
use super::mcp_remote;
use super::shell::{Flag, repeated};
use super::source::Source;

/// The agent.
pub struct CopilotCli;

impl Client for CopilotCli {
    fn id(&self) -> &'static str {
        "copilot-cli"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["copilot"]
    }

    fn source(&self) -> Source {
        Source::Flags
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    /// Copilot also expands variables of `env` in `args`, so the bridge's entry is escaped.
    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => json!({ "type": "http", "url": connection.url.as_str(), "headers": connection.all_headers(in_braces) }),
            Transport::McpRemote => merged(json!({ "type": "local" }), mcp_remote::escaped_entry(connection, in_braces)),
        };
        json!({ "mcpServers": { connection.server_name: connection.with_tools(server, "tools") } })
    }

    /// Every tool that doesn't only read needs a grant.
    fn flags(&self, connection: &Connection<'_>, config: &str) -> Vec<Flag> {
        let mut flags = vec![Flag::new("--additional-mcp-config", config)];
        flags.extend(repeated("--allow-tool", connection.tools.iter().map(|tool| self.tool_name(connection.server_name, tool))));
        flags
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("{server_name}({tool})")
    }

    /// Longer names are cut off, so that several tools can have the same one.
    fn model_name(&self, server_name: &str, tool: &str) -> String {
        format!("{server_name}-{tool}")
    }
}
