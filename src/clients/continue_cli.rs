//! Continue's CLI, `cn`: a YAML file behind `--config`. Seen with 1.5.47. <https://docs.continue.dev/customize/deep-dives/mcp>

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, merged};
use super::{mcp_remote, shell};
use crate::config::Format;

/// The agent.
pub struct Continue;

impl Client for Continue {
    fn id(&self) -> &'static str {
        "continue"
    }

    fn format(&self) -> Format {
        Format::Yaml
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    /// The first three fields are asked of each file. The type is `streamable-http`: with `http`, `cn` exits with 1.
    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => json!({
                "type": "streamable-http",
                "url": connection.url.as_str(),
                "requestOptions": { "headers": connection.all_headers(reference) },
            }),
            Transport::McpRemote => merged(json!({ "type": "stdio" }), mcp_remote::entry(connection, reference)),
        };
        let server = merged(json!({ "name": connection.server_name }), server);
        json!({ "name": "port", "version": "1.0.0", "schema": "v1", "mcpServers": [server] })
    }

    /// There is no list of allowed tools, and headless every tool runs unasked: so the others are taken away by name. The
    /// config itself has to lie in one file with the models.
    fn cli_flags(&self, connection: &Connection<'_>, _config: &str) -> Zeroizing<String> {
        if connection.tools.is_empty() {
            return Zeroizing::default();
        }
        shell::repeated("--exclude", connection.offered.iter().filter(|tool| !connection.tools.contains(tool)))
    }

    /// Without the server's name.
    fn tool_name(&self, _server_name: &str, tool: &str) -> String {
        tool.to_owned()
    }
}

/// Not GitHub's, though it looks alike: `cn` reads it from its environment.
fn reference(name: &str) -> String {
    format!("${{{{ secrets.{name} }}}}")
}
