//! Qwen Code: `settings.json` in `.qwen`, or `--mcp-config`. Seen with 0.24.4.
//! <https://qwenlm.github.io/qwen-code-docs/en/users/features/mcp/>

use serde_json::Value;
use zeroize::Zeroizing;

use super::{BOTH, Client, Connection, Token, gemini_cli, shell};
use crate::inputs::Transport;

/// The agent.
pub struct QwenCode;

impl Client for QwenCode {
    fn id(&self) -> &'static str {
        "qwen-code"
    }

    /// In settings files only, not in `--mcp-config`.
    fn variables(&self) -> &'static [Transport] {
        BOTH
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        gemini_cli::config(connection)
    }

    /// None with a variable: behind `--mcp-config`, the reference would be sent as it stands.
    fn arguments(&self, connection: &Connection<'_>, config: &str) -> Zeroizing<String> {
        match connection.token {
            Token::Literal(_) => shell::repeated("--mcp-config", [config]),
            Token::Variable(_) => Zeroizing::default(),
        }
    }

    fn tool(&self, server_name: &str, tool: &str) -> String {
        format!("mcp__{server_name}__{tool}")
    }
}
