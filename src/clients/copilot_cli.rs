//! GitHub Copilot CLI: `mcp-config.json` in `~/.copilot`, or `--additional-mcp-config`. Seen with 1.0.102.
//! <https://docs.github.com/en/copilot/how-tos/copilot-cli>

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, in_braces, merged};
use super::{mcp_remote, shell};

/// The agent.
pub struct CopilotCli;

impl Client for CopilotCli {
    fn id(&self) -> &'static str {
        "copilot-cli"
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
    fn cli_flags(&self, connection: &Connection<'_>, config: &str) -> Zeroizing<String> {
        let mut arguments = shell::repeated("--additional-mcp-config", [config]);
        for tool in connection.tools {
            *arguments += &format!(" --allow-tool {}", *shell::quoted(&self.tool_name(connection.server_name, tool)));
        }
        arguments
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("{server_name}({tool})")
    }

    /// Longer names are cut off, so that several tools can have the same one.
    fn model_name(&self, server_name: &str, tool: &str) -> String {
        format!("{server_name}-{tool}")
    }
}
