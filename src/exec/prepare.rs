//! Before anything is sent: the inputs out of flags and variables, and what the config is added to.

use std::ffi::OsString;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use reqwest::Url;

use super::place::{ConfigFile, config_file};
use super::program::Program;
use super::variable::Variable;
use crate::clients::Source;
use crate::config::{Document, Draft, Error, remove_dead};
use crate::connect::check_fit;
use crate::inputs::{CommandLine, Inputs, RawInputs, Verb};
use crate::report::{Failure, log_file};
use crate::runner::{Console, Environment};

/// The agent for a command that is none of those that are known.
const OTHER: &str = "generic";

/// The variable that configs refer to.
pub const KEY: &str = "PORT_MCP_KEY";

/// How long a gateway of this machine may take to take a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// All that is known before anything is sent.
pub struct PreparedCommand {
    /// The inputs.
    pub inputs: Inputs,
    /// What the config is added to.
    pub draft: Draft,
    /// Where it goes, if that is a file.
    pub file: Option<ConfigFile>,
}

/// Reads the inputs, and opens the place of the config.
pub fn prepare(
    line: &CommandLine,
    verb: Verb,
    program: Option<&Program>,
    environment: &Environment,
    console: &Console,
    variable: Variable,
) -> Result<PreparedCommand, Failure> {
    let detected = program.map(|program| program.client.map_or(OTHER, |client| client.id()));
    let given = |input: &str| match line.input(verb, input, variable) {
        None if input == "client" => detected.map(OsString::from),
        // Where it goes is decided here, and not by the rules of a job.
        Some(_) if input == "config_file" => None,
        given => given,
    };
    let mut raw = RawInputs::read(|name| match name.strip_prefix("INPUT_") {
        Some(input) => given(&input.to_ascii_lowercase()),
        None => variable(name),
    })?;
    match line.secret_of_file(variable) {
        Ok(Some(secret)) => raw.set_client_secret(Ok(&secret)),
        Ok(None) => {}
        Err(problem) => raw.set_client_secret(Err(problem)),
    }
    for secret in raw.client_secrets() {
        console.mask(&secret, [])?;
    }
    let mut inputs = console.with_redactor(|redactor| Inputs::parse(raw, environment, redactor))?;
    inputs.network.passwords().for_each(|password| console.learn_password(&password));
    // Not every program replaces the names of variables in its config.
    let takes_names = inputs.client.id() != OTHER && inputs.client.token_env_transports().contains(&inputs.transport);
    if verb == Verb::Exec && inputs.token_env.is_none() && takes_names {
        inputs.token_env = Some(KEY.to_owned());
    }
    let file = match verb {
        Verb::Exec => config_file(line.input(verb, "config_file", variable), inputs.client, variable)?,
        Verb::Token | Verb::Config => None,
    };
    let fitting = draft(&mut inputs, file.as_ref(), verb, variable).map_err(Failure::from).and_then(|draft| {
        if draft.base().is_some() {
            check_fit(&draft, &inputs)?;
        }
        Ok(draft)
    });
    if let (Err(_), Some(file)) = (&fitting, &file) {
        log_file(inputs.client, &file.shown, console);
    }
    Ok(PreparedCommand { draft: fitting?, inputs, file })
}

/// What the config is added to: what is asked for, or else what the agent has already.
fn draft(inputs: &mut Inputs, file: Option<&ConfigFile>, verb: Verb, variable: Variable) -> Result<Draft, Error> {
    let format = inputs.client.format();
    let mut base = inputs.base_config.take();
    if let (Source::Variable(name), Verb::Exec, None, None) = (inputs.client.source(), verb, &base, file)
        && let Some(text) = variable(name).and_then(|text| text.into_string().ok())
    {
        let problem = |problem| Error::Text { input: name, problem };
        base = Some(Document::parse(format, &text).map_err(problem)?);
    }
    let Some(file) = file else {
        return Draft::open(format, base, None, &Environment::default());
    };
    // If it can't be edited, the draft says so.
    drop(remove_dead(format, &file.place, &file.root, &inputs.server_name, &is_dead_gateway));
    Draft::open(format, base, Some(&file.place), &file.root).map_err(|error| file.named_in(error))
}

/// Whether a text is the address of a gateway that has ended: one that was killed leaves its own in the agent's config.
fn is_dead_gateway(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let port = url.port().filter(|_| url.scheme() == "http" && url.host_str() == Some("127.0.0.1") && url.path() == "/mcp");
    port.is_some_and(|port| TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), CONNECT_LIMIT).is_err())
}
