//! Anthropic's Messages API: the fields `mcp_servers` and `tools` of a request. By documentation, read on 22 November 2026:
//! <https://platform.claude.com/docs/en/agents-and-tools/mcp-connector>

use serde_json::{Map, Value, json};

use super::client::Client;
use super::connection::{Connection, Transport, merged, no_reference};
use super::naming::Naming;

/// The API.
pub struct AnthropicApi;

impl Client for AnthropicApi {
    fn id(&self) -> &'static str {
        "anthropic-api"
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Http]
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        &[]
    }

    fn runs_in_job(&self) -> bool {
        false
    }

    /// There is a field for the token, but none for headers.
    fn sends_headers(&self) -> bool {
        false
    }

    /// Headers can't limit what the model may do, so the list of tools has to: everything else is disabled, even if the list is
    /// empty.
    fn config(&self, connection: &Connection<'_>) -> Value {
        let toolset = json!({ "type": "mcp_toolset", "mcp_server_name": connection.server_name });
        let unrestricted = connection.tools.is_empty() && connection.headers.is_empty();
        let limits = if unrestricted { json!({}) } else { only(connection.tools) };
        json!({
            "mcp_servers": [{
                "type": "url",
                "url": connection.url.as_str(),
                "name": connection.server_name,
                "authorization_token": *connection.token(no_reference),
            }],
            "tools": [merged(toolset, limits)],
        })
    }

    fn tool_name(&self, _server_name: &str, tool: &str) -> String {
        tool.to_owned()
    }

    /// No limit is documented.
    fn naming(&self) -> Naming {
        Naming { longest: None, ..Naming::COMMON }
    }
}

fn only(tools: &[String]) -> Value {
    let enabled: Map<_, _> = tools.iter().map(|tool| (tool.clone(), json!({ "enabled": true }))).collect();
    json!({ "default_config": { "enabled": false }, "configs": enabled })
}
