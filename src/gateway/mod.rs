//! The gateway: it stands between an agent and Port's MCP server, holds the token, and lets through what the inputs allow.

mod settings;

pub use settings::{AllowedTool, Proxies, ProxyAddress, Rules, Settings, SettingsProblem, TokenAddress, TokenInHand};
