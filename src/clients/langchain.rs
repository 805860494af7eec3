//! The MCP adapters of `LangChain`: the servers of a `MultiServerMCPClient`, for a script. Seen with `langchain-mcp-adapters` 0.3.2.
//! <https://docs.langchain.com/oss/python/langchain/mcp>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{Connection, Transport, merged, no_reference};
use super::mcp_remote;

/// The library.
pub struct LangChain;

impl Client for LangChain {
    fn id(&self) -> &'static str {
        "langchain"
    }

    /// The library uses all values literally.
    fn token_env_transports(&self) -> &'static [Transport] {
        &[]
    }

    /// `transport` is required, and a field `type` is an error. There is no list of tools: the script has to filter them.
    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => {
                json!({ "transport": "http", "url": connection.url.as_str(), "headers": connection.all_headers(no_reference) })
            }
            Transport::McpRemote => merged(json!({ "transport": "stdio" }), mcp_remote::entry(connection, no_reference)),
        };
        json!({ connection.server_name: server })
    }

    /// Without the server's name.
    fn tool_name(&self, _server_name: &str, tool: &str) -> String {
        tool.to_owned()
    }
}
