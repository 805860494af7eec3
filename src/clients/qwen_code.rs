//! Qwen Code: `settings.json` in `.qwen`, or `--mcp-config`. Seen with 0.24.4.
//! <https://qwenlm.github.io/qwen-code-docs/en/users/features/mcp/>

use serde_json::Value;
use zeroize::Zeroizing;

use super::client::Client;
use super::connection::{BOTH, Connection, TokenValue, Transport};
use super::naming::Naming;
use super::{gemini_cli, shell};

/// The agent.
pub struct QwenCode;

impl Client for QwenCode {
    fn id(&self) -> &'static str {
        "qwen-code"
    }

    /// Works in settings files only, not in `--mcp-config`.
    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        gemini_cli::config(connection)
    }

    /// None with a variable: in `--mcp-config`, the reference would be sent literally.
    fn cli_flags(&self, connection: &Connection<'_>, config: &str) -> Zeroizing<String> {
        match connection.token {
            TokenValue::Literal(_) => shell::repeated("--mcp-config", [config]),
            TokenValue::Variable(_) => Zeroizing::default(),
        }
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("mcp__{server_name}__{tool}")
    }

    /// Longer names, and those with a dot, get a hash. Names of JavaScript's own are dropped.
    fn naming(&self) -> Naming {
        Naming { reserved: &["constructor", "prototype"], takes_dots: false, ..Naming::COMMON }
    }
}
