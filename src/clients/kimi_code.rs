//! Kimi Code: `mcp.json` in `~/.kimi-code`. Seen with 2.1.0.
//! <https://moonshotai.github.io/kimi-code/en/customization/mcp.html>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{Connection, TokenValue, Transport, no_reference};
use super::mcp_remote;
use super::source::{Folder, Source};

/// The agent.
pub struct KimiCode;

impl Client for KimiCode {
    fn id(&self) -> &'static str {
        "kimi-code"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["kimi"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Home, ".kimi-code/mcp.json")
    }

    /// By a field that only servers over HTTP have.
    fn token_env_transports(&self) -> &'static [Transport] {
        &[Transport::Http]
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => http(connection),
            Transport::McpRemote => mcp_remote::entry(connection, no_reference),
        };
        json!({ "mcpServers": { connection.server_name: connection.with_tools(server, "enabledTools") } })
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("mcp__{server_name}__{}", tool.replace('.', "_"))
    }
}

/// The variable holds the token without `Bearer`.
fn http(connection: &Connection<'_>) -> Value {
    let url = connection.url.as_str();
    match connection.token {
        TokenValue::Literal(_) => json!({ "url": url, "headers": connection.all_headers(no_reference) }),
        TokenValue::Variable(name) => json!({ "url": url, "bearerTokenEnvVar": name, "headers": connection.port_headers() }),
    }
}
