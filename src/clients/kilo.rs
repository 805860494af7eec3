//! Kilo's CLI: `kilo.json` in `~/.config/kilo`, or the variable `KILO_CONFIG_CONTENT`. Seen with 7.7.7.
//! <https://kilo.ai/docs/automate/mcp/using-in-kilo-code>

use serde_json::Value;

use super::client::Client;
use super::connection::{BOTH, Connection, Transport};
use super::opencode;
use super::source::Source;

/// The agent.
pub struct Kilo;

impl Client for Kilo {
    fn id(&self) -> &'static str {
        "kilo"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["kilo"]
    }

    fn source(&self) -> Source {
        Source::Variable("KILO_CONFIG_CONTENT")
    }

    /// Not in a project's `kilo.json`, where Kilo ignores a server with a reference.
    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        opencode::config(connection)
    }

    fn rules(&self) -> &'static [&'static str] {
        opencode::RULES
    }

    fn obstacles(&self, base: &Value, connection: &Connection<'_>) -> Vec<String> {
        opencode::obstacles(base, connection)
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        opencode::tool_name(server_name, tool)
    }
}
