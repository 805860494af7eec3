//! opencode: `opencode.json` in a project, or the variable `OPENCODE_CONFIG_CONTENT`. Seen with 1.18.33.
//! <https://opencode.ai/docs/mcp-servers/>

use serde_json::{Map, Value, json};
use wildmatch::WildMatch;

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, merged};
use super::source::Source;
use super::{filters, mcp_remote};

/// The agent.
pub struct OpenCode;

impl Client for OpenCode {
    fn id(&self) -> &'static str {
        "opencode"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["opencode"]
    }

    fn source(&self) -> Source {
        Source::Variable("OPENCODE_CONFIG_CONTENT")
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

    fn obstacles(&self, base: &Value, connection: &Connection<'_>) -> Vec<String> {
        obstacles(base, connection)
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

/// Where rules for tools are. The second is the older form.
const TABLES: [&str; 2] = ["permission", "tools"];

/// The rules that deny our tools. Those of an agent count more than those that are added. Without a list of tools, none are added.
pub(super) fn obstacles(base: &Value, connection: &Connection<'_>) -> Vec<String> {
    let tools: Vec<_> = filters::tools(connection).iter().map(|tool| tool_name(connection.server_name, tool)).collect();
    let mut found = own_obstacles(base, connection, &tools);
    for key in ["agent", "mode"] {
        let agents = base.get(key).and_then(Value::as_object);
        for (name, agent) in agents.into_iter().flatten() {
            found.extend(TABLES.iter().flat_map(|table| denied_in(agent, table, &tools, &format!("{key}.{name}.{table}"))));
        }
    }
    found
}

/// The rules that are added come after the user's. But a tool that is switched off by its full name stays so.
fn own_obstacles(base: &Value, connection: &Connection<'_>, tools: &[String]) -> Vec<String> {
    if connection.tools.is_empty() {
        return TABLES.iter().flat_map(|table| denied_in(base, table, tools, table)).collect();
    }
    let is_off = |tool: &&String| base.get("tools").and_then(|rules| rules.get(tool.as_str())) == Some(&json!(false));
    tools.iter().filter(is_off).map(|tool| format!("tools: {tool}")).collect()
}

/// The rules of a table that deny tools, each once: for each tool, the last rule that matches counts.
fn denied_in(holder: &Value, table: &str, tools: &[String], path: &str) -> Vec<String> {
    let denies = |value: &Value| value == "deny" || value == false;
    let rules = match holder.get(table) {
        Some(Value::Object(rules)) => rules,
        Some(rule) if denies(rule) => return vec![format!("{path}: deny")],
        _ => return Vec::new(),
    };
    let rule_for = |tool: &String| rules.iter().rfind(|(pattern, _)| WildMatch::new(pattern).matches(tool));
    let denying: Vec<_> = tools.iter().filter_map(rule_for).filter(|(_, value)| denies(value)).map(|(pattern, _)| pattern).collect();
    rules.keys().filter(|pattern| denying.contains(pattern)).map(|pattern| format!("{path}: {pattern}")).collect()
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
