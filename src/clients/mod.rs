//! The agents: each has its own form of config for an MCP server.
//!
//! A new agent is one file with a [`Client`], its `mod` line, and one line in [`REGISTRY`].

mod amp;
mod anthropic_api;
mod auggie;
mod claude_agent_sdk;
mod claude_code;
mod client;
mod cline;
mod codex;
mod connection;
mod continue_cli;
mod copilot_cli;
mod cursor;
mod droid;
mod filters;
mod fit;
mod gemini_cli;
mod generic;
mod goose;
mod grok;
mod kilo;
mod kimi_code;
mod langchain;
mod mcp_remote;
mod mistral_vibe;
mod naming;
mod openai_api;
mod openclaw;
mod opencode;
mod pi;
mod qwen_code;
mod shell;
mod source;
mod spelling;
mod vscode;
mod zed;

pub use claude_code::ClaudeCode;
pub use client::Client;
pub use connection::{Connection, TokenValue, Transport};
pub use filters::config_for;
pub use fit::{Misnamed, misnamed, server_name_problem};
pub use mcp_remote::OWN_VARIABLES;
pub use shell::Flag;
pub use source::{Folder, Source};
pub use spelling::{bare, is_whole_server, understood};

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
    &pi::Pi,
    &openclaw::OpenClaw,
    &mistral_vibe::MistralVibe,
    &auggie::Auggie,
    &cursor::Cursor,
    &vscode::VsCode,
    &zed::Zed,
    &claude_agent_sdk::ClaudeAgentSdk,
    &langchain::LangChain,
    &anthropic_api::AnthropicApi,
    &openai_api::OpenAiApi,
    &generic::Generic,
];

/// The agent of this name, in any case.
#[must_use]
pub fn find(id: &str) -> Option<&'static dyn Client> {
    REGISTRY.iter().copied().find(|client| client.id().eq_ignore_ascii_case(id))
}

/// The agent whose program has this name.
#[must_use]
pub fn find_by_program(name: &str) -> Option<&'static dyn Client> {
    REGISTRY.iter().copied().find(|client| client.programs().contains(&name))
}
