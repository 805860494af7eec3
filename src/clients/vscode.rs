//! VS Code: `mcp.json` in `.vscode`. By documentation, read on 22 November 2026:
//! <https://code.visualstudio.com/docs/agents/reference/mcp-configuration>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, Transport, merged};
use super::mcp_remote;
use super::naming::Naming;
use super::source::{Folder, Source};

/// The agent.
pub struct VsCode;

impl Client for VsCode {
    fn id(&self) -> &'static str {
        "vscode"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["code"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Project, ".vscode/mcp.json")
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    /// `servers`, not `mcpServers`, and the type must be given. Tools are chosen in the editor, or in a custom agent's file.
    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => json!({ "type": "http", "url": connection.url.as_str(), "headers": connection.all_headers(reference) }),
            Transport::McpRemote => merged(json!({ "type": "stdio" }), mcp_remote::entry(connection, reference)),
        };
        json!({ "servers": { connection.server_name: server } })
    }

    /// As `tools` of a custom agent takes it.
    /// <https://docs.github.com/copilot/reference/custom-agents-configuration>
    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("{server_name}/{tool}")
    }

    /// No limit is documented.
    fn naming(&self) -> Naming {
        Naming { longest: None, ..Naming::COMMON }
    }
}

/// One of the variables that VS Code knows in all of its files.
/// <https://code.visualstudio.com/docs/reference/variables-reference#_environment-variables>
fn reference(name: &str) -> String {
    format!("${{env:{name}}}")
}
