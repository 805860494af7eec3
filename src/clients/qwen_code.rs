//! Qwen Code: `settings.json` in `.qwen`, or `--mcp-config`. Seen with 0.24.4.
//! <https://qwenlm.github.io/qwen-code-docs/en/users/features/mcp/>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, TokenValue, Transport};
use super::naming::Naming;
use super::shell::{Flag, repeated};
use super::source::{Folder, Source};
use super::{filters, gemini_cli};

/// The agent.
pub struct QwenCode;

impl Client for QwenCode {
    fn id(&self) -> &'static str {
        "qwen-code"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["qwen"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Home, ".qwen/settings.json")
    }

    /// Works in settings files only, not in `--mcp-config`.
    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        gemini_cli::config(connection)
    }

    /// None with a variable: in `--mcp-config`, the reference would be sent literally.
    fn flags(&self, connection: &Connection<'_>, config: &str) -> Vec<Flag> {
        match connection.token {
            TokenValue::Literal(_) => repeated("--mcp-config", [config]),
            TokenValue::Variable(_) => Vec::new(),
        }
    }

    /// A list of servers, even an empty one, is of all that there are.
    fn additions(&self, base: &Value, connection: &Connection<'_>) -> Value {
        match filters::list(base, "/mcp/allowed") {
            Some(_) => json!({ "mcp": { "allowed": [connection.server_name] } }),
            None => Value::Null,
        }
    }

    /// A rule can name the server instead of tools. What would be asked for is denied in headless mode.
    fn obstacles(&self, base: &Value, connection: &Connection<'_>) -> Vec<String> {
        let server = connection.server_name;
        let is_tool = |entry: &str| {
            entry == format!("mcp__{server}") || filters::matches_a_tool(entry, connection, &|tool| self.tool_name(server, tool))
        };
        let servers = filters::entries(base, "/mcp/excluded", &|entry| entry == server);
        let tools = ["/tools/exclude", "/permissions/deny", "/permissions/ask"].map(|list| filters::entries(base, list, &is_tool));
        std::iter::once(servers).chain(tools).flatten().collect()
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("mcp__{server_name}__{tool}")
    }

    /// Longer names, and those with a dot, get a hash. Names of JavaScript's own are dropped.
    fn naming(&self) -> Naming {
        Naming { reserved: &["constructor", "prototype"], takes_dots: false, ..Naming::COMMON }
    }
}
