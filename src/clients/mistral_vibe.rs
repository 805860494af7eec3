//! Mistral Vibe: `config.toml` in `~/.vibe`. Seen with 3.0.2. <https://docs.mistral.ai/mistral-vibe/introduction/configuration>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{Connection, TokenValue, Transport, merged, no_reference, set};
use super::mcp_remote;
use super::source::{Folder, Source};
use crate::config::Format;

/// The agent.
pub struct MistralVibe;

/// How long the bridge may take to start, in seconds. Vibe's default is 10, but the first start downloads the bridge.
const BRIDGE_START: u32 = 60;

impl Client for MistralVibe {
    fn id(&self) -> &'static str {
        "mistral-vibe"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["vibe"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Home, ".vibe/config.toml")
    }

    fn format(&self) -> Format {
        Format::Toml
    }

    /// By a field that only servers over HTTP have.
    fn token_env_transports(&self) -> &'static [Transport] {
        &[Transport::Http]
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => http(connection),
            Transport::McpRemote => {
                merged(json!({ "transport": "stdio", "startup_timeout_sec": BRIDGE_START }), mcp_remote::entry(connection, no_reference))
            }
        };
        let mut server = merged(json!({ "name": connection.server_name }), server);
        // There is no list of allowed tools, so the others are disabled by name.
        if !connection.tools.is_empty() {
            let others: Vec<_> = connection.offered.iter().filter(|tool| !connection.tools.contains(tool)).collect();
            set(&mut server, "disabled_tools", json!(others));
        }
        json!({ "mcp_servers": [server] })
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("{server_name}_{tool}")
    }
}

/// The variable holds the token without `Bearer`, which Vibe adds.
fn http(connection: &Connection<'_>) -> Value {
    let auth = match connection.token {
        TokenValue::Literal(_) => json!({ "type": "static", "headers": connection.all_headers(no_reference) }),
        TokenValue::Variable(name) => json!({ "type": "static", "api_key_env": name, "headers": connection.port_headers() }),
    };
    json!({ "transport": "streamable-http", "url": connection.url.as_str(), "auth": auth })
}
