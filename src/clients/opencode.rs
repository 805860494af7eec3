//! opencode: `opencode.json` in a project, or the variable `OPENCODE_CONFIG_CONTENT`. Seen with 1.18.33.
//! <https://opencode.ai/docs/mcp-servers/>

use serde_json::{Map, Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, merged};
use super::mcp_remote;

/// The agent.
pub struct OpenCode;

impl Client for OpenCode {
    fn id(&self) -> &'static str {
        "opencode"
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        config(connection)
    }

    /// `"permission": "allow"` is short for `{"*": "allow"}`. <https://opencode.ai/docs/permissions/>
    fn rules(&self) -> &'static [&'static str] {
        RULES
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        tool_name(server_name, tool)
    }
}

/// Where the rules for tools are.
pub(super) const RULES: &[&str] = &["permission"];

/// The config, which Kilo takes too: it is built on opencode.
pub(super) fn config(connection: &Connection<'_>) -> Value {
    let server = match connection.transport {
        // Without `oauth: false`, a refused token starts a sign-in that nobody can finish.
        Transport::Http => {
            json!({ "type": "remote", "url": connection.url.as_str(), "oauth": false, "headers": connection.all_headers(reference) })
        }
        Transport::McpRemote => json!({
            "type": "local",
            "command": command(connection),
            "environment": mcp_remote::environment(connection, reference),
        }),
    };
    let server = merged(server, json!({ "enabled": true }));
    let servers = json!({ "mcp": { connection.server_name: server } });
    if connection.tools.is_empty() { servers } else { merged(servers, json!({ "permission": permission(connection) })) }
}

/// The last rule that matches counts, so the one that denies all comes first.
fn permission(connection: &Connection<'_>) -> Map<String, Value> {
    let rule = |tool: &str, verdict: &str| (tool_name(connection.server_name, tool), json!(verdict));
    let allowed = connection.tools.iter().map(|tool| rule(tool, "allow"));
    std::iter::once(rule("*", "deny")).chain(allowed).collect()
}

/// Program and arguments are one list here. No `${NAME}` is read in them.
fn command(connection: &Connection<'_>) -> Vec<String> {
    std::iter::once("npx".to_owned()).chain(mcp_remote::named_arguments(connection)).collect()
}

/// A tool's name.
pub(super) fn tool_name(server_name: &str, tool: &str) -> String {
    format!("{server_name}_{}", tool.replace('.', "_"))
}

fn reference(name: &str) -> String {
    format!("{{env:{name}}}")
}
