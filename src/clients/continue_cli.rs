//! Continue's CLI, `cn`: a YAML file behind `--config`. Seen with 1.5.47. <https://docs.continue.dev/customize/deep-dives/mcp>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, merged};
use super::mcp_remote;
use super::naming::Naming;
use super::shell::{Flag, repeated};
use super::source::{Folder, Source};
use crate::config::Format;

/// The agent.
pub struct Continue;

impl Client for Continue {
    fn id(&self) -> &'static str {
        "continue"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["cn"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Home, ".continue/config.yaml")
    }

    fn format(&self) -> Format {
        Format::Yaml
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    /// Every file must have the first three fields. The type is `streamable-http`: with `http`, `cn` exits with 1.
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

    /// There is no list of allowed tools, and in headless mode every tool runs without approval: so the others are excluded by
    /// name. There is no flag for the config, which must be in the same file as the models.
    fn flags(&self, connection: &Connection<'_>, _config: &str) -> Vec<Flag> {
        if connection.tools.is_empty() {
            return Vec::new();
        }
        repeated("--exclude", connection.offered.iter().filter(|tool| !connection.tools.contains(tool)))
    }

    /// Without the server's name.
    fn tool_name(&self, _server_name: &str, tool: &str) -> String {
        tool.to_owned()
    }

    /// All names go to the API as they are, which takes no dots.
    fn naming(&self) -> Naming {
        Naming { takes_dots: false, ..Naming::COMMON }
    }
}

/// Not an expression of GitHub's, though it looks like one: `cn` reads it from its environment.
fn reference(name: &str) -> String {
    format!("${{{{ secrets.{name} }}}}")
}
