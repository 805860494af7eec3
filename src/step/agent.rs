//! What an agent is connected with, put together from what was asked for and what Port issued.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::clients::{Connection, TokenValue, config_for};
use crate::config::{Draft, Format, write};
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

/// What the outputs `headers` and `port_headers` hold, for programs that take a URL and headers and that no config is known for.
/// With the token itself: a reference to a variable would mean nothing to them.
pub fn headers(connection: &Connection<'_>, token: &Secret) -> (Zeroizing<String>, Zeroizing<String>) {
    let object = |headers| write(Format::Json, &Value::Object(headers));
    (object(connection.literal_headers(token)), object(connection.port_headers()))
}
