//! The connection, handed to the command: by flags, a file or a variable, as the agent takes it.

use std::ffi::OsString;

use zeroize::Zeroizing;

use super::arguments::with_flags;
use super::place::ConfigFile;
use super::prepare::{KEY, PreparedCommand};
use super::program::Program;
use super::variable::Variable;
use crate::clients::{Client, Connection, Flag, Source, config_for};
use crate::config::{Draft, Rendered, Seal, Written, write};
use crate::connect::{AgentAccess, Connected, config, connection, headers, server_entry};
use crate::inputs::Inputs;
use crate::report::{ConnectedBy, Failure, Obstacles, log_way, report_withdrawn, warn_of_obstacles};
use crate::runner::Console;

/// What the command gets.
pub struct Handed {
    /// The command with the agent's flags in it.
    pub command: Vec<OsString>,
    /// Variables to set.
    pub variables: Vec<(String, Zeroizing<String>)>,
    /// What was asked for.
    pub inputs: Inputs,
    written: Option<WrittenFile>,
}

/// The agent's file, as it was written.
struct WrittenFile {
    file: ConfigFile,
    written: Written,
    rendered: Rendered,
}

/// Hands the connection over.
pub fn hand_over(
    prepared: PreparedCommand,
    program: &Program,
    connected: &Connected,
    access: &AgentAccess<'_>,
    console: &Console,
    variable: Variable,
) -> Result<Handed, Failure> {
    let PreparedCommand { inputs, draft, file } = prepared;
    let allowed: Vec<_> = connected.toolset.allowed.iter().map(ToString::to_string).collect();
    let offered: Vec<_> = connected.toolset.offered.iter().flatten().map(|tool| tool.name.to_string()).collect();
    let connection = connection(&inputs, access, &allowed, &offered);
    let client = inputs.client;
    let rendered = draft.render(&config(&draft, &inputs, &connection), server_entry(&inputs, access.url))?;
    warn_of_settings(&draft, &inputs, &connection, console);
    let flags = client.flags(&connection, &rendered.output);
    // What is in a file is needed nowhere else: every process can read a command line.
    let flags: Vec<_> = flags.iter().filter(|flag| file.is_none() || !flag.holds(&rendered.output)).flat_map(Flag::words).collect();
    let (all_headers, _) = headers(&connection, access.secret);
    let key = inputs.token_env.clone().unwrap_or_else(|| KEY.to_owned());
    let mut variables = vec![
        ("PORT_MCP_URL".to_owned(), Zeroizing::new(access.url.as_str().to_owned())),
        ("PORT_MCP_HEADERS".to_owned(), all_headers),
        // Without what else is in the agent's config.
        ("PORT_MCP_CONFIG".to_owned(), write(client.format(), &config_for(None, client, &connection))),
        (key, Zeroizing::new(access.secret.reveal().to_owned())),
    ];
    if let (Source::Variable(name), None) = (client.source(), &file) {
        variables.push((name.to_owned(), rendered.output.clone()));
    }
    variables.extend(exceptions(variable));
    log_way(client, &way(client, file.as_ref()), console);
    let written = draft.write(&rendered, None, &Seal::new(&inputs.credentials.client_secret));
    let written = written.map_err(|error| match &file {
        Some(file) => file.named_in(error),
        None => error,
    })?;
    let written = written.zip(file).map(|(written, file)| WrittenFile { file, written, rendered });
    Ok(Handed { command: with_flags(&program.command, client, &flags), variables, inputs, written })
}

impl Handed {
    /// Takes the file back.
    pub fn take_back(&self, console: &Console) {
        if let Some(WrittenFile { file, written, rendered }) = &self.written {
            let withdrawn = written.withdraw(self.inputs.client.format(), rendered, &self.inputs.server_name);
            report_withdrawn(&file.shown, &withdrawn, console);
        }
    }
}

fn warn_of_settings(draft: &Draft, inputs: &Inputs, connection: &Connection<'_>, console: &Console) {
    if let Some((input, base)) = draft.base() {
        warn_of_obstacles(&Obstacles { input, settings: inputs.client.obstacles(base, connection) }, inputs.client, console);
    }
}

fn way<'a>(client: &dyn Client, file: Option<&'a ConfigFile>) -> ConnectedBy<'a> {
    match (file, client.source()) {
        (_, Source::Flags) => ConnectedBy::Flags,
        (Some(file), _) => ConnectedBy::File(&file.shown),
        (None, Source::Variable(name)) => ConnectedBy::Variable(name),
        (None, Source::File(..) | Source::Unknown) => ConnectedBy::Unknown,
    }
}

/// The gateway is on this machine: an agent that uses a proxy for every address would not find it.
fn exceptions(variable: Variable) -> Vec<(String, Zeroizing<String>)> {
    const PROXIES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    if !PROXIES.iter().any(|name| variable(name).is_some_and(|value| !value.is_empty())) {
        return Vec::new();
    }
    let given = ["no_proxy", "NO_PROXY"].iter().find_map(|name| variable(name)?.into_string().ok()).unwrap_or_default();
    let list = if given.trim().is_empty() { "127.0.0.1".to_owned() } else { format!("{given},127.0.0.1") };
    ["no_proxy", "NO_PROXY"].map(|name| (name.to_owned(), Zeroizing::new(list.clone()))).to_vec()
}
