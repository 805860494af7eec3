//! The command's environment: this one's, without credentials and token.

use std::env;
use std::process::Command;

use super::ended::Ended;
use super::hand_over::Handed;
use crate::connect::Connected;
use crate::inputs::credential_variables;
use crate::redact::Redactor;
use crate::report::{NotStarted, log_left_out};
use crate::runner::Console;

/// The command, ready to be started.
pub fn command(handed: &Handed, connected: &Connected, console: &Console) -> Result<Command, Ended> {
    let mut words = handed.command.iter();
    let program = words.next().ok_or(Ended::NotStarted(NotStarted::NotFound))?;
    let mut command = Command::new(program);
    command.args(words);
    let own = credential_variables();
    let mut redactor = Redactor::default();
    redactor.learn(&handed.inputs.credentials.client_secret);
    redactor.learn(connected.token.secret());
    let mut left_out = Vec::new();
    for (name, value) in env::vars_os() {
        let shown = name.to_string_lossy();
        let is_own = own.iter().any(|own| *own == shown);
        if is_own || redactor.is_revealed_by(&value.to_string_lossy()) {
            command.env_remove(&name);
            left_out.extend((!is_own).then(|| shown.into_owned()));
        }
    }
    log_left_out(&left_out, console);
    for (name, value) in &handed.variables {
        command.env(name, value.as_str());
    }
    Ok(command)
}
