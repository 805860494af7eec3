//! What an agent is connected with, put together from what was asked for and what Port issued.

use crate::clients::{Connection, TokenValue};
use crate::inputs::Inputs;
use crate::mcp::ServerUrl;
use crate::redact::Secret;

/// The server that an agent is connected with: Port's, or the gateway before it.
pub struct Access<'a> {
    /// Its address.
    pub url: &'a ServerUrl,
    /// What authorizes the agent there.
    pub secret: &'a Secret,
    /// The headers beside `Authorization`.
    pub headers: Vec<(&'static str, String)>,
    /// Whether it is reached through a proxy.
    pub proxied: bool,
}

/// The connection of an agent with the MCP server.
pub fn connection<'a>(inputs: &'a Inputs, access: &Access<'a>, tools: &'a [String], offered: &'a [String]) -> Connection<'a> {
    Connection {
        server_name: &inputs.server_name,
        url: access.url,
        token: inputs.token_env.as_deref().map_or(TokenValue::Literal(access.secret), TokenValue::Variable),
        headers: access.headers.clone(),
        transport: inputs.transport,
        tools,
        offered,
        proxied: access.proxied,
    }
}
