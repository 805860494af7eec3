//! Zed: `settings.json` in `.zed` or `~/.config/zed`. By documentation, read on 22 November 2026:
//! <https://zed.dev/docs/ai/mcp>, <https://zed.dev/docs/ai/tool-permissions>

use serde_json::{Map, Value, json};

use super::client::Client;
use super::connection::{Connection, Transport, merged, no_reference};
use super::mcp_remote;
use super::naming::Naming;

/// The agent.
pub struct Zed;

impl Client for Zed {
    fn id(&self) -> &'static str {
        "zed"
    }

    /// None is documented.
    fn token_env_transports(&self) -> &'static [Transport] {
        &[]
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => json!({ "url": connection.url.as_str(), "headers": connection.all_headers(no_reference) }),
            Transport::McpRemote => mcp_remote::entry(connection, no_reference),
        };
        let servers = json!({ "context_servers": { connection.server_name: server } });
        if connection.tools.is_empty() {
            return servers;
        }
        let allow = |tool: &String| (self.tool_name(connection.server_name, tool), json!({ "default": "allow" }));
        let rules: Map<_, _> = connection.tools.iter().map(allow).collect();
        merged(servers, json!({ "agent": { "tool_permissions": { "tools": rules } } }))
    }

    fn rules(&self) -> &'static [&'static str] {
        &["agent", "tool_permissions", "tools"]
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("mcp:{server_name}:{tool}")
    }

    /// No limit is documented.
    fn naming(&self) -> Naming {
        Naming { longest: None, ..Naming::COMMON }
    }
}
