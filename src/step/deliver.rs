//! The config file and the outputs: all of them, or none.

use serde_json::Value;
use zeroize::Zeroizing;

use super::gateway::Gateway;
use super::prepare::Prepared;
use crate::config::{Seal, path_for_later_steps};
use crate::connect::{AgentAccess, Connected, config, connection, headers, server_entry};
use crate::inputs::Inputs;
use crate::report::{Failure, Obstacles};
use crate::runner::{Environment, OutputFile, StateFile};

/// What was handed on, as far as the report has to know it.
pub struct Delivered {
    pub inputs: Inputs,
    /// Whether the file holds the token itself, or the gateway's key.
    pub file_holds_token: bool,
    /// The settings of the existing config that keep the agent from the server or its tools, and the input that it comes from.
    pub obstacles: Option<Obstacles>,
    /// The outputs that are too long for an argument or a variable.
    pub oversized: Vec<&'static str>,
}

/// The longest argument or variable that Linux hands to a program, less the variable's name (`MAX_ARG_STRLEN`).
const LONGEST_ARGUMENT: usize = 128 * 1024 - 256;

/// Writes the config file and the outputs.
pub fn deliver(
    prepared: Prepared,
    environment: &Environment,
    connected: &Connected,
    gateway: Option<&Gateway>,
    outputs: &mut OutputFile,
    state: Option<&mut StateFile>,
) -> Result<Delivered, Failure> {
    let Prepared { inputs, draft } = prepared;
    let Connected { token, toolset, proxied, .. } = connected;
    let allowed: Vec<_> = toolset.allowed.iter().map(ToString::to_string).collect();
    let offered: Vec<_> = toolset.offered.iter().flatten().map(|tool| tool.name.to_string()).collect();
    let access = match gateway {
        // The gateway adds Port's headers itself.
        Some(gateway) => AgentAccess { url: &gateway.url, secret: &gateway.key, headers: Vec::new(), proxied: false },
        None => AgentAccess { url: &inputs.mcp_url, secret: token.secret(), headers: inputs.access.headers(), proxied: *proxied },
    };
    let (expires_at, expires_in) =
        gateway.map_or_else(|| (token.expires_at(), token.left_on_arrival()), |gateway| (gateway.ends_at, gateway.lifetime));
    let connection = connection(&inputs, &access, &allowed, &offered);
    let rendered = draft.render(&config(&draft, &inputs, &connection), server_entry(&inputs, access.url))?;
    let obstacles = draft.base().map(|(input, base)| Obstacles { input, settings: inputs.client.obstacles(base, &connection) });
    let flags = inputs.client.cli_flags(&connection, &rendered.output);
    let lengths = [("client_args", flags.len()), ("mcp_config", rendered.output.len())];
    let oversized = lengths.into_iter().filter(|(_, length)| *length > LONGEST_ARGUMENT).map(|(name, _)| name).collect();
    let names: Vec<_> = allowed.iter().map(|tool| inputs.client.tool_name(&inputs.server_name, tool)).collect();
    let (headers, port_headers) = headers(&connection, access.secret);
    let path = inputs.config_file.as_ref().map(|place| path_for_later_steps(place, environment)).unwrap_or_default();

    let written = draft.write(&rendered, state, &Seal::new(&inputs.credentials.client_secret))?;
    let text = |text: String| Zeroizing::new(text);
    let done = outputs.write(&[
        ("access_token", text(access.secret.reveal().to_owned())),
        ("mcp_config", rendered.output.clone()),
        ("client_args", flags),
        ("allowed_tools", text(names.join(","))),
        ("tools", text(Value::from(offered.as_slice()).to_string())),
        ("expires_at", text(expires_at.to_string())),
        ("expires_in", text(expires_in.as_secs().to_string())),
        ("mcp_url", text(access.url.as_str().to_owned())),
        ("server_name", text(inputs.server_name.clone())),
        ("headers", headers),
        ("port_headers", port_headers),
        ("config_file", text(path)),
    ]);
    if let (Err(_), Some(written)) = (&done, &written) {
        written.take_back();
    }
    done?;
    let file_holds_token = rendered.reveals(access.secret);
    Ok(Delivered { inputs, file_holds_token, obstacles, oversized })
}
