//! Amp: `settings.json` in `~/.config/amp`. Seen with 0.0.1790142911-g7618fb up to the list of tools; a call needs an account.
//! <https://ampcode.com/manual#mcp>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{Connection, Transport, in_braces};

/// The agent.
pub struct Amp;

/// Amp expands variables of `env` in `args`, and has no escape: with the bridge, the token would be in its arguments.
const TRANSPORTS: &[Transport] = &[Transport::Http];

impl Client for Amp {
    fn id(&self) -> &'static str {
        "amp"
    }

    fn transports(&self) -> &'static [Transport] {
        TRANSPORTS
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        TRANSPORTS
    }

    /// `includeTools` follows the documentation, but `amp tools list` also showed the other tools.
    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = json!({ "url": connection.url.as_str(), "headers": connection.all_headers(in_braces) });
        json!({ "amp.mcpServers": { connection.server_name: connection.with_tools(server, "includeTools") } })
    }

    /// With underscores, but none at the ends of the server's name.
    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        let server = server_name.replace('-', "_");
        let server = match server.trim_matches('_') {
            "" => "server",
            trimmed => trimmed,
        };
        format!("mcp__{server}__{}", tool.replace(['-', '.'], "_"))
    }
}
