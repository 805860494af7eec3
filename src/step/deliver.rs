//! The config file and the outputs: all of them, or none.

use serde_json::Value;
use zeroize::Zeroizing;

use super::agent;
use super::connect::Connected;
use super::prepare::{Prepared, server_entry};
use crate::inputs::Inputs;
use crate::report::Failure;
use crate::runner::{OutputFile, StateFile};

/// Writes the config file and the outputs. Returns the inputs, and whether the file holds the token itself.
pub fn deliver(
    prepared: Prepared,
    connected: &Connected,
    outputs: &mut OutputFile,
    mut state: Option<StateFile>,
) -> Result<(Inputs, bool), Failure> {
    let Prepared { inputs, draft } = prepared;
    let Connected { token, toolset, proxied, .. } = connected;
    let allowed: Vec<_> = toolset.allowed.iter().map(ToString::to_string).collect();
    let offered: Vec<_> = toolset.offered.iter().flatten().map(|tool| tool.name.to_string()).collect();
    let connection = agent::connection(&inputs, token.secret(), &allowed, &offered, *proxied);
    let rendered = draft.render(&inputs.client.config(&connection), server_entry(&inputs))?;
    let flags = inputs.client.cli_flags(&connection, &rendered.output);
    let names: Vec<_> = allowed.iter().map(|tool| inputs.client.tool_name(&inputs.server_name, tool)).collect();
    let (headers, port_headers) = agent::headers(&connection, token.secret());
    let path = inputs.config_file.as_ref().map(ToString::to_string).unwrap_or_default();

    let written = draft.write(&rendered, state.as_mut())?;
    let text = |text: String| Zeroizing::new(text);
    let done = outputs.write(&[
        ("access_token", text(token.secret().reveal().to_owned())),
        ("mcp_config", rendered.output.clone()),
        ("client_args", flags),
        ("allowed_tools", text(names.join(","))),
        ("tools", text(Value::from(offered.as_slice()).to_string())),
        ("expires_at", text(token.expires_at().to_string())),
        ("expires_in", text(token.left_on_arrival().as_secs().to_string())),
        ("mcp_url", text(inputs.mcp_url.as_str().to_owned())),
        ("server_name", text(inputs.server_name.clone())),
        ("headers", headers),
        ("port_headers", port_headers),
        ("config_file", text(path)),
    ]);
    if let (Err(_), Some(written)) = (&done, &written) {
        written.take_back();
    }
    done?;
    let file_holds_token = rendered.reveals(token.secret());
    Ok((inputs, file_holds_token))
}
