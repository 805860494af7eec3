//! The agents: each takes an MCP server in its own form.
//!
//! A new agent is one file with a [`Client`] in it, and its line in [`REGISTRY`].

mod amp;
mod anthropic_api;
mod claude_code;
mod cline;
mod codex;
mod continue_cli;
mod copilot_cli;
mod cursor;
mod droid;
pub mod format;
mod gemini_cli;
mod generic;
mod goose;
mod grok;
mod kilo;
mod kimi_code;
mod mcp_remote;
mod openai_api;
mod opencode;
mod qwen_code;
mod shell;
mod vscode;
mod zed;

pub use claude_code::ClaudeCode;
use format::Format;
pub use mcp_remote::OWN_VARIABLES;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::inputs::urls::ServerUrl;
use crate::inputs::{AllowedActions, Inputs, Transport};
use crate::secret::Secret;

/// Hides every write tool. <https://docs.port.io/ai-interfaces/port-mcp-server/>
const READ_ONLY_HEADER: (&str, &str) = ("x-read-only-mode", "1");

/// Names the self-service actions that may run; empty allows none.
const ALLOWED_ACTIONS_HEADER: &str = "x-allowed-actions-to-run";

/// Every agent that the input `client` can name.
pub static REGISTRY: &[&dyn Client] = &[
    &ClaudeCode,
    &codex::Codex,
    &gemini_cli::GeminiCli,
    &copilot_cli::CopilotCli,
    &opencode::OpenCode,
    &goose::Goose,
    &continue_cli::Continue,
    &qwen_code::QwenCode,
    &cline::Cline,
    &droid::Droid,
    &kimi_code::KimiCode,
    &kilo::Kilo,
    &amp::Amp,
    &grok::Grok,
    &cursor::Cursor,
    &vscode::VsCode,
    &zed::Zed,
    &anthropic_api::AnthropicApi,
    &openai_api::OpenAiApi,
    &generic::Generic,
];

/// Both ways to a server; the first is the better one.
const BOTH: &[Transport] = &[Transport::Http, Transport::McpRemote];

/// The agent of this name, in any case.
#[must_use]
pub fn find(id: &str) -> Option<&'static dyn Client> {
    REGISTRY.iter().copied().find(|client| client.id().eq_ignore_ascii_case(id))
}

/// What this program knows of one agent. The facts were seen with the version that the agent's file names, or are taken from
/// the documentation where it says so.
pub trait Client: Sync {
    /// The agent's name in the input `client`.
    fn id(&self) -> &'static str;

    /// The format of the agent's config.
    fn format(&self) -> Format {
        Format::Json
    }

    /// The transports that the agent speaks without giving the token away; the first is the best.
    fn transports(&self) -> &'static [Transport] {
        BOTH
    }

    /// The transports with which the config can name an environment variable in place of the token.
    fn variables(&self) -> &'static [Transport];

    /// Whether the agent sends headers of our choice. Without them nothing but its own list of tools narrows what it may do.
    fn sends_headers(&self) -> bool {
        true
    }

    /// The config, with everything that a user pastes.
    fn config(&self, connection: &Connection<'_>) -> Value;

    /// The flags that hand `config` and the allowed tools to the agent, quoted for a shell; empty where it has none.
    fn arguments(&self, _connection: &Connection<'_>, _config: &str) -> Zeroizing<String> {
        Zeroizing::default()
    }

    /// A tool's full name, as the agent spells it where tools of several servers stand side by side: in permissions, flags
    /// and prompts.
    fn tool(&self, server_name: &str, tool: &str) -> String;
}

/// What the config holds of the token.
#[derive(Debug, Clone, Copy)]
pub enum Token<'a> {
    /// The token itself.
    Literal(&'a Secret),
    /// The name of the environment variable that the agent takes it from.
    Variable(&'a str),
}

/// The server that an agent is to be connected with.
pub struct Connection<'a> {
    /// Its name in the config.
    pub server_name: &'a str,
    /// Its address.
    pub url: &'a ServerUrl,
    /// What it is shown.
    pub token: Token<'a>,
    /// The headers beside `Authorization`.
    pub headers: Vec<(&'static str, String)>,
    /// How it is reached.
    pub transport: Transport,
    /// The tools that the agent may use, as the server names them; empty means no restriction.
    pub tools: &'a [String],
    /// The tools that the server offers; empty if it wasn't asked.
    pub offered: &'a [String],
    /// Whether a proxy stands between this container and the server, and so probably between the agent and it.
    pub proxied: bool,
}

/// How an agent writes a reference to an environment variable.
type Reference = fn(&str) -> String;

impl Connection<'_> {
    /// The token, or the agent's reference to the variable that holds it.
    fn token(&self, reference: Reference) -> Zeroizing<String> {
        Zeroizing::new(match self.token {
            Token::Literal(secret) => secret.reveal().to_owned(),
            Token::Variable(name) => reference(name),
        })
    }

    /// The value of the header `Authorization` (RFC 6750 section 2.1).
    fn authorization(&self, reference: Reference) -> Zeroizing<String> {
        Zeroizing::new(format!("Bearer {}", *self.token(reference)))
    }

    /// All headers.
    fn all_headers(&self, reference: Reference) -> Map<String, Value> {
        let authorization = ("Authorization".to_owned(), json!(*self.authorization(reference)));
        std::iter::once(authorization).chain(self.port_headers()).collect()
    }

    /// The headers beside `Authorization`.
    fn port_headers(&self) -> Map<String, Value> {
        self.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
    }

    /// Adds the list of allowed tools to a server's entry, if there is one.
    fn with_tools(&self, mut entry: Value, field: &str) -> Value {
        if !self.tools.is_empty() {
            set(&mut entry, field, json!(self.tools));
        }
        entry
    }
}

/// Adds a field to an object.
fn set(object: &mut Value, field: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

/// The fields of both objects, those of the first before those of the second.
fn merged(first: Value, second: Value) -> Value {
    let fields = [first, second].into_iter().filter_map(|object| match object {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    Value::Object(fields.flatten().collect())
}

/// `${NAME}`, as most agents write it.
fn in_braces(name: &str) -> String {
    format!("${{{name}}}")
}

/// For agents that know no reference. The inputs see to it that they get none, so this is text that no server takes.
fn no_reference(_: &str) -> String {
    String::new()
}

/// The headers with which Port narrows what an agent may do.
#[must_use]
pub fn port_headers(inputs: &Inputs) -> Vec<(&'static str, String)> {
    let read_only = inputs.read_only.then(|| (READ_ONLY_HEADER.0, READ_ONLY_HEADER.1.to_owned()));
    let actions = match &inputs.allowed_actions {
        AllowedActions::Any => None,
        AllowedActions::Only(names) => Some((ALLOWED_ACTIONS_HEADER, names.join(","))),
    };
    read_only.into_iter().chain(actions).collect()
}
