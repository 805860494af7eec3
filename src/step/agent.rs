//! What an agent is connected with, put together from what was asked for and what Port issued.

use serde_json::Value;

use crate::clients::{Connection, TokenValue, config_for};
use crate::config::Draft;
use crate::inputs::Inputs;
use crate::redact::Secret;

/// The connection of an agent with the MCP server.
pub fn connection<'a>(inputs: &'a Inputs, token: &'a Secret, tools: &'a [String], offered: &'a [String], proxied: bool) -> Connection<'a> {
    Connection {
        server_name: &inputs.server_name,
        url: &inputs.mcp_url,
        token: inputs.token_env.as_deref().map_or(TokenValue::Literal(token), TokenValue::Variable),
        headers: inputs.access.headers(),
        transport: inputs.transport,
        tools,
        offered,
        proxied,
    }
}

/// The agent's config for it, which is added to the existing one.
pub fn config(draft: &Draft, inputs: &Inputs, connection: &Connection<'_>) -> Value {
    config_for(draft.base().map(|(_, base)| base), inputs.client, connection)
}
