//! The Claude Agent SDK: a file for the option `mcp_servers`. Seen with the Python package `claude-agent-sdk` 0.2.189.
//! <https://platform.claude.com/docs/en/agent-sdk/mcp>

use serde_json::Value;

use super::claude_code::ClaudeCode;
use super::client::Client;
use super::connection::{Connection, Transport};
use crate::mcp::AnswerReader;

/// The library. It starts Claude Code.
pub struct ClaudeAgentSdk;

impl Client for ClaudeAgentSdk {
    fn id(&self) -> &'static str {
        "claude-agent-sdk"
    }

    fn answer_reader(&self) -> AnswerReader {
        ClaudeCode.answer_reader()
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        ClaudeCode.token_env_transports()
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        ClaudeCode.config(connection)
    }

    /// As the option `allowed_tools` expects it.
    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        ClaudeCode.tool_name(server_name, tool)
    }
}
