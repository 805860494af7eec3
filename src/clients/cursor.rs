//! Cursor: `mcp.json` in `.cursor`, for the editor and for its CLI. By documentation, read on 22 November 2026:
//! <https://cursor.com/docs/mcp>, <https://cursor.com/docs/cli/reference/permissions>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, Transport};
use super::mcp_remote;
use super::naming::Naming;
use super::source::{Folder, Source};

/// The agent.
pub struct Cursor;

impl Client for Cursor {
    fn id(&self) -> &'static str {
        "cursor"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["cursor-agent", "cursor"]
    }

    fn source(&self) -> Source {
        Source::File(Folder::Project, ".cursor/mcp.json")
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    /// Permissions for tools lie in another file, `cli.json`.
    fn config(&self, connection: &Connection<'_>) -> Value {
        let server = match connection.transport {
            Transport::Http => json!({ "url": connection.url.as_str(), "headers": connection.all_headers(reference) }),
            Transport::McpRemote => mcp_remote::entry(connection, reference),
        };
        json!({ "mcpServers": { connection.server_name: server } })
    }

    /// As `permissions.allow` in `cli.json` takes it.
    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("Mcp({server_name}:{tool})")
    }

    /// Cursor counts both names together.
    fn model_name(&self, server_name: &str, tool: &str) -> String {
        format!("{server_name}{tool}")
    }

    /// Tools with longer names may be left out.
    fn naming(&self) -> Naming {
        Naming { longest: Some(60), ..Naming::COMMON }
    }
}

/// Cursor's references name their kind. A bare `${NAME}` is none of them.
fn reference(name: &str) -> String {
    format!("${{env:{name}}}")
}
