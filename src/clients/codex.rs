//! Codex CLI: `config.toml` in `CODEX_HOME`, or `-c` for each setting. Seen with 0.169.0.
//! <https://developers.openai.com/codex/mcp>

use serde_json::{Value, json};

use super::client::Client;
use super::connection::{BOTH, Connection, TokenValue, Transport, merged, no_reference, set};
use super::mcp_remote;
use super::naming::Naming;
use super::shell::{Flag, repeated};
use super::source::Source;
use crate::config::{Format, write};

/// The agent.
pub struct Codex;

/// Where the servers are.
const SERVERS: &str = "mcp_servers";

/// Which variables Codex passes to the commands that it runs. By default, it writes its whole environment to a file that every
/// user can read while it runs. `set` clears one variable and leaves the user's other rules unchanged.
const SHELL: &str = "shell_environment_policy";

/// How long the bridge may take to start, in seconds. Codex's default is 10, but the first start downloads the bridge.
const BRIDGE_START: u32 = 60;

impl Client for Codex {
    fn id(&self) -> &'static str {
        "codex"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["codex"]
    }

    fn source(&self) -> Source {
        Source::Flags
    }

    fn format(&self) -> Format {
        Format::Toml
    }

    fn token_env_transports(&self) -> &'static [Transport] {
        BOTH
    }

    fn config(&self, connection: &Connection<'_>) -> Value {
        let servers = servers(connection);
        match connection.token {
            TokenValue::Literal(_) => servers,
            TokenValue::Variable(name) => merged(servers, json!({ SHELL: { "set": { name: "" } } })),
        }
    }

    /// One flag for each setting of the server: in TOML, each line below the table's header is one.
    fn flags(&self, connection: &Connection<'_>, _config: &str) -> Vec<Flag> {
        let table = write(self.format(), &servers(connection));
        let settings = table.lines().filter_map(|line| line.split_once(" = "));
        let settings = settings.map(|(key, value)| format!("{SERVERS}.{}.{key}={value}", connection.server_name));
        let shell = match connection.token {
            TokenValue::Literal(_) => None,
            TokenValue::Variable(name) => Some(format!("{SHELL}.set.{name}=\"\"")),
        };
        repeated("-c", settings.chain(shell))
    }

    /// The model sees both names with underscores.
    fn tool_name(&self, server_name: &str, tool: &str) -> String {
        format!("mcp__{}__{}", server_name.replace('-', "_"), tool.replace(['-', '.'], "_"))
    }

    /// Longer names end in a hash.
    fn naming(&self) -> Naming {
        Naming { reserved: &["codex_apps"], longest: Some(128), ..Naming::COMMON }
    }
}

fn servers(connection: &Connection<'_>) -> Value {
    json!({ SERVERS: { connection.server_name: server(connection) } })
}

fn server(connection: &Connection<'_>) -> Value {
    let server = match connection.transport {
        Transport::Http => http(connection),
        Transport::McpRemote => bridge(connection),
    };
    // Without `required`, Codex continues if the server refuses it, and exits with 0.
    let mut server = connection.with_tools(merged(server, json!({ "required": true })), "enabled_tools");
    if !connection.tools.is_empty() {
        // `codex exec` can't ask for approval, and refuses every tool that may write.
        set(&mut server, "default_tools_approval_mode", json!("approve"));
    }
    server
}

/// Headers can't contain references. There is a separate field for a variable, which holds the token without `Bearer`.
fn http(connection: &Connection<'_>) -> Value {
    let url = connection.url.as_str();
    match connection.token {
        TokenValue::Literal(_) => json!({ "url": url, "http_headers": connection.all_headers(no_reference) }),
        TokenValue::Variable(name) => json!({ "url": url, "bearer_token_env_var": name, "http_headers": connection.port_headers() }),
    }
}

/// Codex uses `args` and `env` literally, and passes only the variables that `env_vars` lists.
fn bridge(connection: &Connection<'_>) -> Value {
    let bridge = match connection.token {
        TokenValue::Literal(_) => mcp_remote::entry(connection, no_reference),
        TokenValue::Variable(name) => {
            json!({ "command": "npx", "args": mcp_remote::inheriting_arguments(connection, name), "env_vars": [name] })
        }
    };
    merged(bridge, json!({ "startup_timeout_sec": BRIDGE_START }))
}
