//! Before anything is sent: the inputs, and what the config is added to.

use crate::config::Draft;
use crate::connect::{AgentAccess, config, connection, server_entry};
use crate::inputs::{Inputs, RawInputs};
use crate::mcp::ServerUrl;
use crate::redact::Secret;
use crate::report::Failure;
use crate::runner::{Console, Environment};

/// All that is known before anything is sent.
pub struct Prepared {
    /// The inputs.
    pub inputs: Inputs,
    /// What the config is added to, and where it goes.
    pub draft: Draft,
}

/// Reads the inputs, opens the place of the config file, and parses the config that exists.
pub fn prepare(raw: RawInputs, environment: &Environment, console: &Console) -> Result<Prepared, Failure> {
    // First of all: users put the secret into other inputs too, and errors quote values.
    for secret in raw.client_secrets() {
        console.mask(&secret, [])?;
    }
    let mut inputs = console.with_redactor(|redactor| Inputs::parse(raw, environment, redactor))?;
    inputs.network.passwords().for_each(|password| console.learn_password(&password));
    let draft = Draft::open(inputs.client.format(), inputs.base_config.take(), inputs.config_file.as_ref(), environment)?;
    if draft.base().is_some() {
        check_fit(&draft, &inputs)?;
    }
    Ok(Prepared { inputs, draft })
}

/// A name of a tool, where the server's own are not known yet.
const SAMPLE_TOOL: &str = "list_blueprints";

/// What stands for the gateway's address in an error, as long as it has none.
const GATEWAY: &str = "gateway";

/// Adds a server with a placeholder for the token, so that a config which can't take it is reported before a token is requested.
/// Most agents have a list of tools there too.
fn check_fit(draft: &Draft, inputs: &Inputs) -> Result<(), Failure> {
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
