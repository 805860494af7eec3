//! Amp: `settings.json` in `~/.config/amp`. Seen with 0.0.1790142911-g7618fb up to the list of tools; a call needs an account.
//! <https://ampcode.com/manual#mcp>

use serde_json::{Value, json};
use wildmatch::WildMatch;

use super::client::Client;
use super::connection::{Connection, Transport, in_braces};
use super::filters;
use super::source::{Folder, Source};

/// The agent.
pub struct Amp;

/// Amp expands variables of `env` in `args`, and has no escape: with the bridge, the token would be in its arguments.
const TRANSPORTS: &[Transport] = &[Transport::Http];

impl Client for Amp {
    fn id(&self) -> &'static str {
        "amp"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["amp"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Home, ".config/amp/settings.json")
    }

    fn transports(&self) -> &'static [Transport] {
        TRANSPORTS
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        TRANSPORTS
    }

    /// `includeTools` follows the documentation, but `amp tools list` also showed the other tools.
    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = json!({ "url": connection.url.as_str(), "headers": connection.all_headers(in_braces) });
        json!({ "amp.mcpServers": { connection.server_name: connection.with_tools(server, "includeTools") } })
    }

    /// The first rule that matches counts, so one that rejects the server's address stays in force. The others are by documentation.
    fn obstacles(&self, base: &Value, connection: &Connection<'_>) -> Vec<String> {
        let is_tool = |entry: &str| filters::matches_a_tool(entry, connection, &|tool| self.tool_name(connection.server_name, tool));
        let text = |rule: &Value, pointer: &str| rule.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let first = |list: &str, pointer: &str, fits: &dyn Fn(&str) -> bool| {
            let rules = base.get(list).and_then(Value::as_array)?;
            let matching = rules.iter().find(|rule| text(rule, pointer).is_some_and(|value| fits(&value)))?;
            (text(matching, "/action").as_deref() == Some("reject")).then(|| format!("{list}: {matching}"))
        };
        let is_server = |pattern: &str| WildMatch::new(pattern).matches(connection.url.as_str());
        let servers = first("amp.mcpPermissions", "/matches/url", &is_server);
        let tools = first("amp.permissions", "/tool", &is_tool);
        servers.into_iter().chain(tools).chain(filters::entries(base, "/amp.tools.disable", &is_tool)).collect()
    }

    /// With underscores, but none at the ends of the server's name.
    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        let server = server_name.replace('-', "_");
        let server = match server.trim_matches('_') {
            "" => "server",
            trimmed => trimmed,
        };
        format!("mcp__{server}__{}", tool.replace(['-', '.'], "_"))
    }
}
