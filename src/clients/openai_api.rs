//! OpenAI's Responses API: an entry of a request's `tools`. By documentation, read on 22 November 2026:
//! <https://platform.openai.com/docs/guides/tools-connectors-mcp>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{Connection, Transport, merged, no_reference};
use super::naming::Naming;

/// The API.
pub struct OpenAiApi;

impl Client for OpenAiApi {
    fn id(&self) -> &'static str {
        "openai-api"
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

    /// The token has a separate field, without `Bearer`. By default, the API asks the caller to approve each tool call; this is
    /// turned off for the listed tools.
    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = json!({
            "type": "mcp",
            "server_label": connection.server_name,
            "server_url": connection.url.as_str(),
            "authorization": *connection.token(no_reference),
            "headers": connection.port_headers(),
        });
        if connection.tools.is_empty() {
            return server;
        }
        merged(server, json!({ "allowed_tools": connection.tools, "require_approval": "never" }))
    }

    fn tool_name(&self, _server_name: &str, tool: &str) -> String {
        tool.to_owned()
    }

    /// No limit is documented.
    fn naming(&self) -> Naming {
        Naming { longest: None, ..Naming::COMMON }
    }
}
