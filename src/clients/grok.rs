//! Grok's CLI: `config.toml` in `~/.grok`. Seen with 1.0.41, which brings its manual along.

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, in_braces, merged};
use super::naming::{Form, Naming};
use super::shell::{Flag, repeated};
use super::source::{Folder, Source};
use super::{filters, mcp_remote};
use crate::config::Format;

/// The agent.
pub struct Grok;

/// Under another name, the server is connected, but none of its tools is offered.
const FORM: Form = Form {
    fits: |name| name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') && !name.ends_with('_'),
    rule: "must begin with a letter or `_`, and must not end with `_`",
};

impl Client for Grok {
    fn id(&self) -> &'static str {
        "grok"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["grok"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Home, ".grok/config.toml")
    }

    fn format(&self) -> Format {
        Format::Toml
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    /// No field hides a tool. But in headless mode, only permitted tools run.
    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => json!({ "url": connection.url.as_str(), "headers": connection.all_headers(in_braces) }),
            Transport::McpRemote => mcp_remote::entry(connection, in_braces),
        };
        let servers = json!({ "mcp_servers": { connection.server_name: server } });
        if connection.tools.is_empty() {
            return servers;
        }
        let rules: Vec<_> = connection.tools.iter().map(|tool| format!("MCPTool({}__{tool})", connection.server_name)).collect();
        merged(servers, json!({ "permission": { "allow": rules } }))
    }

    /// There is no flag for the config.
    fn flags(&self, connection: &Connection<'_>, _config: &str) -> Vec<Flag> {
        repeated("--allow", connection.tools.iter().map(|tool| self.tool_name(connection.server_name, tool)))
    }

    /// Rules that deny come first. What would be asked for is denied in headless mode.
    fn obstacles(&self, base: &Value, connection: &Connection<'_>) -> Vec<String> {
        let server = connection.server_name;
        let is_tool = |entry: &str| {
            let rule = entry.strip_prefix("MCPTool(").and_then(|rule| rule.strip_suffix(')'));
            let by_rule = rule.is_some_and(|rule| filters::matches_a_tool(rule, connection, &|tool| format!("{server}__{tool}")));
            by_rule || filters::matches_a_tool(entry, connection, &|tool| self.tool_name(server, tool))
        };
        ["/permission/deny", "/permission/ask"].map(|list| filters::entries(base, list, &is_tool)).concat()
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("mcp__{server_name}__{tool}")
    }

    /// Tools with a dot are not offered.
    fn naming(&self) -> Naming {
        Naming { form: Some(FORM), takes_dots: false, ..Naming::COMMON }
    }
}
