//! Claude Code: `--mcp-config`, and `.mcp.json` in a project. Seen with 2.1.330. <https://code.claude.com/docs/en/mcp>

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, in_braces};
use super::naming::Naming;
use super::{mcp_remote, shell};
use crate::mcp::AnswerReader;

/// The agent.
pub struct ClaudeCode;

/// Servers of its own. A server of such a name is not loaded, or none of its tools is offered.
const RESERVED: &[&str] = &[
    "workspace",
    "ide",
    "computer-use",
    "claude-in-chrome",
    "Claude_in_Chrome",
    "Claude_Browser",
    "Claude_Preview",
    "claude-device",
    "claude-code-remote",
    "claude_ai",
    "ccr-email",
    "hearthbot",
    "remote-devices",
    "webagent",
];

impl Client for ClaudeCode {
    fn id(&self) -> &'static str {
        "claude-code"
    }

    /// Seen with lists that break MCP's schema: the server is connected, and has no tools.
    fn answer_reader(&self) -> AnswerReader {
        AnswerReader::ClaudeCode
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    /// Claude Code silently ignores a server with a `url` and no `type`.
    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => json!({ "type": "http", "url": connection.url.as_str(), "headers": connection.all_headers(in_braces) }),
            Transport::McpRemote => mcp_remote::entry(connection, in_braces),
        };
        json!({ "mcpServers": { connection.server_name: server } })
    }

    /// The flag is left out for an empty list: with an empty value it would mean something else.
    fn cli_flags(&self, connection: &Connection<'_>, config: &str) -> Zeroizing<String> {
        let tools: Vec<_> = connection.tools.iter().map(|tool| self.tool_name(connection.server_name, tool)).collect();
        let mut arguments = shell::repeated("--mcp-config", [config]);
        if !tools.is_empty() {
            *arguments += &format!(" --allowedTools {}", *shell::quoted(&tools.join(",")));
        }
        arguments
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("mcp__{server_name}__{}", tool.replace('.', "_"))
    }

    /// Anthropic's API takes no longer names everywhere. Claude Code itself drops tools with more than 128 characters.
    fn naming(&self) -> Naming {
        Naming { reserved: RESERVED, ..Naming::COMMON }
    }
}
