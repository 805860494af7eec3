//! Zed: `settings.json` in `.zed` or `~/.config/zed`. By documentation, read on 22 November 2026:
//! <https://zed.dev/docs/ai/mcp>, <https://zed.dev/docs/ai/tool-permissions>

use serde_json::{Map, Value, json};

use super::client::Client;
use super::connection::{Connection, Transport, merged, no_reference};
use super::naming::Naming;
use super::source::{Folder, Source};
use super::{filters, mcp_remote};

/// The agent.
pub struct Zed;

impl Client for Zed {
    fn id(&self) -> &'static str {
        "zed"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["zed"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Project, ".zed/settings.json")
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

    /// By documentation: a profile offers the tools of the servers that it names, or of all.
    fn obstacles(&self, base: &Value, connection: &Connection<'_>) -> Vec<String> {
        let setting =
            |pointer: &str, value: Value| (base.pointer(pointer) == Some(&value)).then(|| format!("{}: {value}", filters::shown(pointer)));
        let profile = |(name, profile): (&String, &Value)| {
            let names_it = profile.get("context_servers").is_some_and(|servers| servers.get(connection.server_name).is_some());
            let is_closed = profile.get("enable_all_context_servers") == Some(&json!(false)) && !names_it;
            is_closed.then(|| format!("agent.profiles.{name}.enable_all_context_servers: false"))
        };
        let profiles = base.pointer("/agent/profiles").and_then(Value::as_object).into_iter().flatten().filter_map(profile);
        setting("/disable_ai", json!(true)).into_iter().chain(profiles).collect()
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("mcp:{server_name}:{tool}")
    }

    /// No limit is documented.
    fn naming(&self) -> Naming {
        Naming { longest: None, ..Naming::COMMON }
    }
}
