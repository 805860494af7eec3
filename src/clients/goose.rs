//! Goose: `config.yaml` in `~/.config/goose`. Seen with 1.52.0 and 1.34.0.
//! <https://block.github.io/goose/docs/getting-started/using-extensions>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, TokenValue, Transport, in_braces, merged, no_reference, set};
use super::mcp_remote;
use super::naming::Naming;
use super::source::{Folder, Source};
use crate::config::Format;

/// The agent.
pub struct Goose;

/// Extensions of its own, which are started instead of ours.
const RESERVED: &[&str] = &[
    "analyze",
    "apps",
    "chatrecall",
    "code_execution",
    "developer",
    "extensionmanager",
    "orchestrator",
    "scheduler",
    "skills",
    "summarize",
    "summon",
    "todo",
    "tom",
];

/// How long a call may take, in seconds. Goose requires the field.
const TIMEOUT: u32 = 60;

impl Client for Goose {
    fn id(&self) -> &'static str {
        "goose"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["goose"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Config, "goose/config.yaml")
    }

    fn format(&self) -> Format {
        Format::Yaml
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        let name = connection.server_name;
        let server = match connection.transport {
            Transport::Http => {
                json!({ "type": "streamable_http", "uri": connection.url.as_str(), "headers": connection.all_headers(in_braces) })
            }
            Transport::McpRemote => bridge(connection),
        };
        let common = json!({ "enabled": true, "name": name, "description": "Port", "timeout": TIMEOUT });
        let mut extension = merged(common, server);
        // A variable that isn't listed is not read: its reference would be sent literally.
        if let TokenValue::Variable(name) = connection.token {
            set(&mut extension, "env_keys", json!([name]));
        }
        json!({ "extensions": { name: connection.with_tools(extension, "available_tools") } })
    }

    /// In these modes Goose calls no tools, or waits for a person, unless the variable of the same name says otherwise.
    fn obstacles(&self, base: &Value, _connection: &Connection<'_>) -> Vec<String> {
        let mode = base.get("GOOSE_MODE").and_then(Value::as_str).filter(|mode| ["chat", "approve"].contains(mode));
        mode.map(|mode| format!("GOOSE_MODE: {mode}")).into_iter().collect()
    }

    /// Goose writes the server's name in lower case.
    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("{}__{tool}", server_name.to_ascii_lowercase())
    }

    /// All names go to the API as they are, which takes no dots.
    fn naming(&self) -> Naming {
        Naming { reserved: RESERVED, takes_dots: false, ..Naming::COMMON }
    }
}

/// Goose uses `args` and `envs` literally, and passes the variables that `env_keys` lists.
fn bridge(connection: &Connection<'_>) -> Value {
    let (arguments, variables) = match connection.token {
        TokenValue::Literal(_) => (mcp_remote::named_arguments(connection), mcp_remote::environment(connection, no_reference)),
        TokenValue::Variable(name) => (mcp_remote::inheriting_arguments(connection, name), json!({})),
    };
    json!({ "type": "stdio", "cmd": "npx", "args": arguments, "envs": variables })
}
