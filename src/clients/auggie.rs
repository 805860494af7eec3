//! Auggie: `--mcp-config`, and `mcpServers` in `~/.augment/settings.json`. Seen with 0.36.0.
//! <https://docs.augmentcode.com/cli/integrations>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{Connection, Transport, in_braces, no_reference};
use super::shell::{Flag, repeated};
use super::source::{Folder, Source};
use super::{filters, mcp_remote};

/// The agent.
pub struct Auggie;

impl Client for Auggie {
    fn id(&self) -> &'static str {
        "auggie"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["auggie"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Home, ".augment/settings.json")
    }

    /// It replaces `${NAME}` in `env`, but sends it as it is in a header.
    fn token_env_transports(&self) -> &'static [Transport] {
        &[Transport::McpRemote]
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => json!({ "type": "http", "url": connection.url.as_str(), "headers": connection.all_headers(no_reference) }),
            Transport::McpRemote => mcp_remote::shell_entry(connection, in_braces),
        };
        json!({ "mcpServers": { connection.server_name: server } })
    }

    /// The first rule for a tool counts. Rules and lists hold whole names.
    fn obstacles(&self, base: &Value, connection: &Connection<'_>) -> Vec<String> {
        let tools: Vec<_> = filters::tools(connection).into_iter().map(|tool| self.tool_name(connection.server_name, tool)).collect();
        let is_tool = |entry: &str| tools.iter().any(|tool| tool == entry);
        let name = |rule: &Value| ["toolName", "tool-name"].iter().find_map(|field| rule.get(field)?.as_str().map(str::to_owned));
        let kind = |rule: &Value| rule.pointer("/permission/type").and_then(Value::as_str).map(str::to_owned);
        let rules = base.get("toolPermissions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let first = tools.iter().filter_map(|tool| rules.iter().find(|rule| name(rule).as_ref() == Some(tool)));
        let denied = first.filter(|rule| kind(rule).is_some_and(|kind| ["deny", "ask-user"].contains(&kind.as_str())));
        let denied = denied.map(|rule| format!("toolPermissions: {rule}"));
        filters::entries(base, "/removedTools", &is_tool).into_iter().chain(denied).collect()
    }

    /// There is no list of allowed tools, and rules for tools take no patterns: so the others are removed by name.
    fn flags(&self, connection: &Connection<'_>, config: &str) -> Vec<Flag> {
        let withheld = connection.offered.iter().filter(|tool| !connection.tools.is_empty() && !connection.tools.contains(tool));
        let withheld = withheld.map(|tool| self.tool_name(connection.server_name, tool));
        repeated("--mcp-config", [config]).into_iter().chain(repeated("--remove-tool", withheld)).collect()
    }

    /// The server's name comes last.
    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("{}_{server_name}", tool.replace('.', "_"))
    }
}
