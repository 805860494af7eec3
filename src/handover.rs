//! What an agent is to be connected with, put together from what was asked for and what Port issued.

use crate::clients::{self, Connection, Token};
use crate::config_file;
use crate::environment::Environment;
use crate::error::Error;
use crate::inputs::Inputs;
use crate::secret::Secret;

/// The connection of an agent with the MCP server.
#[must_use]
pub fn connection<'a>(inputs: &'a Inputs, token: &'a Secret, tools: &'a [String], offered: &'a [String], proxied: bool) -> Connection<'a> {
    Connection {
        server_name: &inputs.server_name,
        url: &inputs.mcp_url,
        token: inputs.token_env.as_deref().map_or(Token::Literal(token), Token::Variable),
        headers: clients::port_headers(inputs),
        transport: inputs.transport,
        tools,
        offered,
        proxied,
    }
}

/// Puts the config together with a stand-in for the token, so that what doesn't fit is known before a token is asked for. A config
/// of its own fits everywhere.
///
/// # Errors
/// When the config that is there can't take the server, or the file can't be written.
pub fn rehearse(inputs: &Inputs, environment: &Environment) -> Result<(), Error> {
    if inputs.base_config.is_none() && inputs.config_file.is_none() {
        return Ok(());
    }
    let stand_in = Secret::new("token");
    let ours = inputs.client.config(&connection(inputs, &stand_in, &[], &[], false));
    config_file::compose(&ours, inputs, environment).map(drop)
}
