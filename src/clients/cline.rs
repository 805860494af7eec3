//! Cline's CLI: `cline_mcp_settings.json` in `~/.cline/data/settings`. Seen with 3.0.65.
//! <https://docs.cline.bot/mcp/configuring-mcp-servers>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{Connection, Transport, merged, no_reference};
use super::mcp_remote;
use super::naming::Naming;
use super::source::{Folder, Source};

/// The agent.
pub struct Cline;

/// How long the bridge may take to start, in seconds. By default Cline waits a few seconds and then continues without it, but the
/// first start downloads the bridge.
const BRIDGE_START: u32 = 60;

impl Client for Cline {
    fn id(&self) -> &'static str {
        "cline"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["cline"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Home, ".cline/data/settings/cline_mcp_settings.json")
    }

    /// None: references of every kind were sent literally.
    fn token_env_transports(&self) -> &'static [Transport] {
        &[]
    }

    /// The type is `streamableHttp`: with `http` the server is silently ignored. No field was found that limits the tools.
    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => {
                json!({ "type": "streamableHttp", "url": connection.url.as_str(), "headers": connection.all_headers(no_reference) })
            }
            Transport::McpRemote => {
                merged(json!({ "type": "stdio", "timeout": BRIDGE_START }), mcp_remote::entry(connection, no_reference))
            }
        };
        json!({ "mcpServers": { connection.server_name: server } })
    }

    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("{server_name}__{tool}")
    }

    /// Longer names, and those with a dot, end in a hash.
    fn naming(&self) -> Naming {
        Naming { takes_dots: false, ..Naming::COMMON }
    }
}
