//! OpenClaw: `openclaw.json` in `~/.openclaw`, or the file of `--config`. Seen with 2026.9.6. <https://docs.openclaw.ai/cli/mcp>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, in_braces, set};
use super::mcp_remote;
use super::source::{Folder, Source};

/// The agent.
pub struct OpenClaw;

impl Client for OpenClaw {
    fn id(&self) -> &'static str {
        "openclaw"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["openclaw"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Home, ".openclaw/openclaw.json")
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        let mut server = match connection.transport {
            Transport::Http => {
                let headers = connection.all_headers(in_braces);
                json!({ "transport": "streamable-http", "url": connection.url.as_str(), "headers": headers })
            }
            Transport::McpRemote => mcp_remote::doubled_entry(connection, in_braces),
        };
        if !connection.tools.is_empty() {
            set(&mut server, "toolFilter", json!({ "include": connection.tools }));
        }
        json!({ "mcp": { "servers": { connection.server_name: server } } })
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("{server_name}__{tool}")
    }
}
