//! What an agent is connected with, put together from what was asked for and what Port issued.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::clients::{Connection, TokenValue, config_for};
use crate::config::{Draft, Format, ServerEntry, write};
use crate::inputs::Inputs;
use crate::mcp::ServerUrl;
use crate::redact::Secret;
use crate::report::Failure;

/// The server that an agent is connected with: Port's, or the gateway before it.
pub struct AgentAccess<'a> {
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
pub fn connection<'a>(inputs: &'a Inputs, access: &AgentAccess<'a>, tools: &'a [String], offered: &'a [String]) -> Connection<'a> {
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

/// The server's entry in the config.
pub fn server_entry<'a>(inputs: &'a Inputs, url: &'a ServerUrl) -> ServerEntry<'a> {
    ServerEntry { name: &inputs.server_name, url: url.as_str(), rules: inputs.client.rules() }
}

/// A name of a tool, where the server's own are not known yet.
const SAMPLE_TOOL: &str = "list_blueprints";

/// What stands for the gateway's address in an error, as long as it has none.
const GATEWAY: &str = "gateway";

/// Adds a server with a placeholder for the token, so that a config which can't take it is reported before a token is requested.
/// Most agents have a list of tools there too.
pub fn check_fit(draft: &Draft, inputs: &Inputs) -> Result<(), Failure> {
    let placeholder = Secret::new("token");
    // The gateway's address is known when it runs.
    let gateway = inputs.gateway.map(|_| ServerUrl::of_gateway(GATEWAY)).transpose()?;
    let url = gateway.as_ref().unwrap_or(&inputs.mcp_url);
    let access = AgentAccess { url, secret: &placeholder, headers: inputs.access.headers(), proxied: false };
    let has_tools = inputs.verify || !inputs.allowed_tools.0.is_empty();
    let tools: &[String] = if has_tools { &[SAMPLE_TOOL.to_owned()] } else { &[] };
    let config = config(draft, inputs, &connection(inputs, &access, tools, tools));
    draft.render(&config, server_entry(inputs, url))?;
    Ok(())
}
