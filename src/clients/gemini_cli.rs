//! Gemini CLI: `settings.json` in `.gemini`. Seen with 0.61.0. <https://geminicli.com/docs/tools/mcp-server/>

use serde_json::{Map, Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, in_braces, merged};
use super::naming::Naming;
use super::source::{Folder, Source};
use super::{filters, mcp_remote};

/// The agent.
pub struct GeminiCli;

impl Client for GeminiCli {
    fn id(&self) -> &'static str {
        "gemini-cli"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["gemini"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Project, ".gemini/settings.json")
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        config(connection)
    }

    /// Both lists are of all that there is: `tools.core` too, though its name says otherwise. An empty list of servers means all.
    fn additions(&self, base: &Value, connection: &Connection<'_>) -> Value {
        let server = connection.server_name;
        let mut additions = Map::new();
        if filters::list(base, "/mcp/allowed").is_some_and(|servers| !servers.is_empty()) {
            additions.insert("mcp".to_owned(), json!({ "allowed": [server] }));
        }
        if filters::list(base, "/tools/core").is_some() {
            let all = ["*".to_owned()];
            let tools = if connection.tools.is_empty() { all.as_slice() } else { connection.tools };
            let tools: Vec<_> = tools.iter().map(|tool| self.tool_name(server, tool)).collect();
            additions.insert("tools".to_owned(), json!({ "core": tools }));
        }
        Value::Object(additions)
    }

    /// `tools.exclude` takes bare names too.
    fn obstacles(&self, base: &Value, connection: &Connection<'_>) -> Vec<String> {
        let spelled = |tool: &str| self.tool_name(connection.server_name, tool);
        let is_tool = |entry: &str| {
            [&spelled as &dyn Fn(&str) -> String, &str::to_owned].iter().any(|spelled| filters::matches_a_tool(entry, connection, spelled))
        };
        let servers = filters::entries(base, "/mcp/excluded", &|entry| entry == connection.server_name);
        [servers, filters::entries(base, "/tools/exclude", &is_tool)].concat()
    }

    /// One underscore, not two.
    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("mcp_{server_name}_{tool}")
    }

    /// The middle of longer names is left out.
    fn naming(&self) -> Naming {
        Naming { longest: Some(63), ..Naming::COMMON }
    }
}

/// The config, which Qwen Code takes too: it comes from Gemini CLI.
///
/// `url` meant the older transport in earlier versions; `httpUrl` never did. Without `trust`, no tool is offered to the model in
/// headless mode.
pub(super) fn config(connection: &Connection<'_>) -> Value {
    let server = match connection.transport {
        Transport::Http => json!({ "httpUrl": connection.url.as_str(), "headers": connection.all_headers(in_braces) }),
        Transport::McpRemote => mcp_remote::entry(connection, in_braces),
    };
    let server = connection.with_tools(merged(server, json!({ "trust": true })), "includeTools");
    json!({ "mcpServers": { connection.server_name: server } })
}
