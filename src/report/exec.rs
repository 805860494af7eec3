//! What `exec` says: what it starts, and what came of it.

use std::io;

use super::tools;
use crate::clients::Client;
use crate::config::{FileProblem, Withdrawn};
use crate::inputs::Inputs;
use crate::mcp::{ServerUrl, Toolset};
use crate::port::Token;
use crate::runner::Console;

/// How an agent is connected.
pub enum ConnectedBy<'a> {
    /// By flags in its command line.
    Flags,
    /// By a file, which is named as people know it.
    File(&'a str),
    /// By a variable of its own.
    Variable(&'static str),
    /// Nothing is known of it.
    Unknown,
}

/// Why a command can't be started.
pub enum NotStarted {
    /// There is no such program.
    NotFound,
    /// It is no program, or may not be run.
    NotExecutable,
    /// The system says why.
    Failed(io::Error),
}

/// A command can't be started.
pub fn report_not_started(program: &str, problem: &NotStarted, console: &Console) {
    let program = console.quote(program);
    let (what, fix) = match problem {
        NotStarted::NotFound => (format!("{program} was not found."), "Check the name, and whether `PATH` has the program's directory."),
        NotStarted::NotExecutable => (format!("{program} is no program, or may not be run."), "Check the file's mode and its first line."),
        NotStarted::Failed(error) => (format!("{program} can't be started: {error}."), "Check the program and its arguments."),
    };
    console.error("The command can't be started", &format!("{what}\nFix: {fix}"));
}

/// What the command is connected with.
pub fn log_connected(inputs: &Inputs, token: &Token, toolset: &Toolset, gateway: &ServerUrl, console: &Console) {
    let organization = token.organization().map(|organization| format!(" of organization {}", console.quote(organization)));
    let access = if inputs.access.read_only { "read-only" } else { "read and write" };
    console.info(&format!(
        "MCP server {}{}: {}, {access}, through the gateway {}.",
        inputs.server_name,
        organization.unwrap_or_default(),
        inputs.mcp_url.as_str(),
        gateway.as_str()
    ));
    tools::log(toolset, console);
}

/// How the command is connected.
pub fn log_way(client: &dyn Client, way: &ConnectedBy<'_>, console: &Console) {
    let client = client.id();
    match way {
        ConnectedBy::Flags => console.info(&format!("Connected {client} by flags.")),
        ConnectedBy::File(path) => console.info(&format!("Connected {client} by {}, which is restored when the command ends.", console.quote(path))),
        ConnectedBy::Variable(name) => console.info(&format!("Connected {client} by the variable {name}.")),
        ConnectedBy::Unknown => console.info(
            "The command is none of the agents that are configured here (`client` names one): it finds the connection in PORT_MCP_URL, PORT_MCP_HEADERS and PORT_MCP_CONFIG.",
        ),
    }
}

/// The file that the error after this is about.
pub fn log_file(client: &dyn Client, path: &str, console: &Console) {
    console.info(&format!("{} has its configuration in {}. `config_file` would be another one.", client.id(), console.quote(path)));
}

/// Variables that the command doesn't get.
pub fn log_left_out(variables: &[String], console: &Console) {
    if !variables.is_empty() {
        let names: Vec<_> = variables.iter().map(|name| console.quote(name).to_string()).collect();
        console.info(&format!("The command doesn't get variables that hold the client secret or the token: {}.", names.join(", ")));
    }
}

/// A file could not be taken back.
pub fn report_withdrawn(path: &str, withdrawn: &Result<Withdrawn, FileProblem>, console: &Console) {
    let path = console.quote(path);
    let problem = match withdrawn {
        Ok(Withdrawn::AsBefore) => return,
        Ok(Withdrawn::Edited) => {
            return console.info(&format!("{path} was changed by another program. Only the server was taken out of it."));
        }
        Ok(Withdrawn::Stays) => "was changed by another program, so that the server can't be taken out".to_owned(),
        Err(problem) => problem.to_string(),
    };
    console.warning(
        "The agent's configuration still has the server",
        &format!("{path} {problem}. What is left holds no secret that is still of use: the gateway has ended.\nFix: Remove the server from it yourself."),
    );
}
