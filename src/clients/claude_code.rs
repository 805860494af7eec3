//! Claude Code: `--mcp-config`, and `.mcp.json` in a project. Seen with 2.1.330. <https://code.claude.com/docs/en/mcp>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, in_braces};
use super::mcp_remote;
use super::naming::Naming;
use super::shell::Flag;
use super::source::Source;
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

    fn programs(&self) -> &'static [&'static str] {
        &["claude"]
    }

    fn source(&self) -> Source {
        Source::Flags
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
    fn flags(&self, connection: &Connection<'_>, config: &str) -> Vec<Flag> {
        let tools: Vec<_> = connection.tools.iter().map(|tool| self.tool_name(connection.server_name, tool)).collect();
        let tools = (!tools.is_empty()).then(|| Flag::new("--allowedTools", tools.join(",")));
        [Flag::new("--mcp-config", config)].into_iter().chain(tools).collect()
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("mcp__{server_name}__{}", tool.replace('.', "_"))
    }

    /// Anthropic's API takes no longer names everywhere. Claude Code itself drops tools with more than 128 characters.
    fn naming(&self) -> Naming {
        Naming { reserved: RESERVED, ..Naming::COMMON }
    }
}
