//! How an agent is described.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use super::connection::{BOTH, Connection, Transport};
use super::naming::Naming;
use super::shell::{Flag, for_shell};
use super::source::Source;
use crate::config::Format;
use crate::mcp::AnswerReader;

/// What this program knows about one agent. The facts were verified with the version that the agent's file names, or come from
/// the agent's documentation if the file says so.
pub trait Client: Sync {
    /// The agent's name in the input `client`.
    fn id(&self) -> &'static str;

    /// The format of the agent's config.
    fn format(&self) -> Format {
        Format::Json
    }

    /// The transports that the agent speaks without exposing the token; the first is the best.
    fn transports(&self) -> &'static [Transport] {
        BOTH
    }

    /// The transports with which the config can refer to an environment variable instead of holding the token.
    fn token_env_transports(&self) -> &'static [Transport];

    /// Whether the agent sends custom headers. Without them, only its own list of tools limits what it may do.
    fn sends_headers(&self) -> bool {
        true
    }

    /// Whether the agent connects to the MCP server from the job, and not from its provider's servers.
    fn runs_in_job(&self) -> bool {
        true
    }

    /// What the agent reads a server's answers with, as far as that was seen.
    fn answer_reader(&self) -> AnswerReader {
        AnswerReader::Other
    }

    /// The config, complete and ready to paste.
    fn config(&self, connection: &Connection<'_>) -> Value;

    /// The path of the table with a rule for each tool; empty if the config has none.
    fn rules(&self) -> &'static [&'static str] {
        &[]
    }

    /// Fields to add to a config that exists, because it lists all servers or tools that the agent may use.
    fn additions(&self, _base: &Value, _connection: &Connection<'_>) -> Value {
        Value::Null
    }

    /// The settings of a config that exists which keep the agent from the server, or from allowed tools, each as its path and value.
    fn obstacles(&self, _base: &Value, _connection: &Connection<'_>) -> Vec<String> {
        Vec::new()
    }

    /// The flags that hand `config` and the allowed tools to the agent; none where it has none.
    fn flags(&self, _connection: &Connection<'_>, _config: &str) -> Vec<Flag> {
        Vec::new()
    }

    /// The same as text, quoted for a shell.
    fn cli_flags(&self, connection: &Connection<'_>, config: &str) -> Zeroizing<String> {
        for_shell(&self.flags(connection, config))
    }

    /// The names of the agent's program.
    fn programs(&self) -> &'static [&'static str] {
        &[]
    }

    /// Where the agent, when it is started by hand, finds its config.
    fn source(&self) -> Source {
        Source::Unknown
    }

    /// A tool's full name, as the agent spells it in permissions, flags and prompts, where tools of several servers are mixed.
    fn tool_name(&self, server_name: &str, tool: &str) -> String;

    /// A tool's full name, as the agent offers it to the model.
    fn model_name(&self, server_name: &str, tool: &str) -> String {
        self.tool_name(server_name, tool)
    }

    /// What the agent takes as the names of servers and tools.
    fn naming(&self) -> Naming {
        Naming::COMMON
    }
}

impl fmt::Debug for dyn Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
