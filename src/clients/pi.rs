//! Pi: `mcp.json` in `~/.pi/agent`, or in `.pi` of a trusted project. Seen with 1.6.0. <https://pi.dev/docs/mcp>

use serde_json::{Map, Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, in_braces, merged};
use super::mcp_remote;
use super::source::{Folder, Source};

/// The agent.
pub struct Pi;

impl Client for Pi {
    fn id(&self) -> &'static str {
        "pi"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["pi"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Home, ".pi/agent/mcp.json")
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => json!({ "url": connection.url.as_str(), "headers": connection.all_headers(in_braces) }),
            Transport::McpRemote => mcp_remote::entry(connection, in_braces),
        };
        json!({ "mcpServers": { connection.server_name: merged(server, exposure(connection.tools)) } })
    }

    /// The model sees all characters but letters and digits as underscores.
    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        let cleaned = |name: &str| name.replace(|character: char| !character.is_ascii_alphanumeric(), "_");
        format!("mcp__{}__{}", cleaned(server_name), cleaned(tool))
    }
}

/// By default, Pi doesn't show a server's tools to the model, which has to find them from a script.
fn exposure(tools: &[String]) -> Value {
    if tools.is_empty() {
        return json!({ "exposure": "direct" });
    }
    let direct: Map<_, _> = tools.iter().map(|tool| (tool.clone(), json!("direct"))).collect();
    json!({ "exposure": "hidden", "toolExposure": direct })
}
