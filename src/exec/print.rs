//! Prints a token, or an agent's config.

use std::io::Write;
use std::process::ExitCode;

use zeroize::Zeroizing;

use super::prepare::{PreparedCommand, prepare};
use super::variable::Variable;
use crate::connect::{AgentAccess, Connected, config, connect, connection, server_entry};
use crate::inputs::{CommandLine, Verb};
use crate::report::{Failure, report_failure};
use crate::runner::{Console, Environment, Error};

/// Prints what is asked for to `out`, and nothing else.
pub async fn print(line: CommandLine, verb: Verb, mut out: impl Write, console: &Console, variable: Variable) -> ExitCode {
    let environment = Environment::of_command(variable);
    let printed = async {
        let text = text(&line, verb, &environment, console, variable).await?;
        let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
        written.map_err(|error| Failure::Runner(Error::Output(error)))
    };
    match printed.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report_failure(&failure, &environment, console, None, false);
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn text(
    line: &CommandLine,
    verb: Verb,
    environment: &Environment,
    console: &Console,
    variable: Variable,
) -> Result<Zeroizing<String>, Failure> {
    let PreparedCommand { inputs, draft, .. } = prepare(line, verb, None, environment, console, variable)?;
    let Connected { token, toolset, proxied, .. } = connect(&inputs, console).await?;
    let secret = token.secret();
    console.handing_out().mask(secret, token.jwt_parts())?;
    if verb == Verb::Token {
        return Ok(Zeroizing::new(secret.reveal().to_owned()));
    }
    let allowed: Vec<_> = toolset.allowed.iter().map(ToString::to_string).collect();
    let offered: Vec<_> = toolset.offered.iter().flatten().map(|tool| tool.name.to_string()).collect();
    let access = AgentAccess { url: &inputs.mcp_url, secret, headers: inputs.access.headers(), proxied };
    let connection = connection(&inputs, &access, &allowed, &offered);
    Ok(draft.render(&config(&draft, &inputs, &connection), server_entry(&inputs, access.url))?.output)
}
