//! Running any command, connected with Port's MCP server through a gateway in this process; and printing a token or a config.
//!
//! The story of a run is [`run`].

mod arguments;
mod child;
mod ended;
mod hand_over;
mod place;
mod prepare;
mod print;
mod program;
mod signals;
mod surroundings;
mod tap;
mod variable;

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use anyhow::Context;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use tokio::sync::oneshot;

use crate::connect::{AgentAccess, Connected, Door, check, connect, gateway_url, new_key, settings};
use crate::gateway::{self, GatewayForm};
use crate::inputs::{CommandLine, Inputs, Verb};
use crate::redact::Secret;
use crate::report::{Failure, log_connected, plain_words, report_calls_of_command, report_failure, report_not_started};
use crate::runner::{Console, Environment, Level, Reader};
use ended::Ended;
use prepare::PreparedCommand;
use program::Program;
use signals::Signals;
use tap::Tap;

#[cfg(feature = "testing")]
pub use arguments::with_flags;
pub use print::print;
pub use variable::Variable;

/// Keeps other processes of the same user, such as the agent, from reading this one's memory and environment.
pub fn close_memory() {
    // Where the system can't do that, there is nothing else to do.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Standard error, for a person or for a runner.
#[must_use]
pub fn console(level: Level, variable: Variable) -> Console {
    if variable("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        return Console::for_runner(stderr(), level);
    }
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let is_dumb = variable("TERM").is_none_or(|value| value == "dumb");
    // <https://no-color.org>
    let colours = stderr().is_terminal() && !is_set("NO_COLOR") && !is_dumb;
    Console::for_person(stderr(), Reader { colours, words: plain_words }, level)
}

/// The level that the flags ask for.
#[must_use]
pub fn level(line: &CommandLine, usual: Level) -> Level {
    match line {
        CommandLine { debug: true, .. } => Level::Debug,
        CommandLine { quiet: true, .. } => Level::Quiet,
        _ => usual,
    }
}

/// Runs the command, and returns its exit code.
pub async fn run(line: CommandLine, console: &Console, variable: Variable) -> ExitCode {
    let environment = Environment::of_command(variable);
    let report = |failure: &Failure| report_failure(failure, &environment, console, None, false);
    let code = match Box::pin(connect_and_run(&line, &environment, console, variable)).await {
        Ok(code) => code,
        Err(Ended::Failed(failure)) => {
            report(&failure);
            failure.exit_code()
        }
        Err(Ended::Caught(caught)) => {
            report(&Failure::Cancelled(caught.as_cancel()));
            caught.exit_code()
        }
        Err(Ended::NotStarted(problem)) => {
            let program = line.command.first().map(|program| program.to_string_lossy()).unwrap_or_default();
            report_not_started(&program, &problem, console);
            program::exit_code(&problem)
        }
        Err(Ended::NoGateway) => {
            let failure = Failure::Internal(anyhow::anyhow!("The gateway ended before it was ready"));
            report(&failure);
            failure.exit_code()
        }
    };
    ExitCode::from(code)
}

async fn connect_and_run(line: &CommandLine, environment: &Environment, console: &Console, variable: Variable) -> Result<u8, Ended> {
    // Nothing is asked for if there is nothing to run.
    let program = Program::find(&line.command, variable("PATH")).map_err(Ended::NotStarted)?;
    let mut signals = Signals::catch()?;
    let prepared = prepare::prepare(line, Verb::Exec, Some(&program), environment, console, variable)?;
    let connected = tokio::select! {
        biased;
        caught = signals.end() => return Err(Ended::Caught(caught)),
        connected = connect(&prepared.inputs, console) => connected?,
    };
    let key = new_key()?;
    console.handing_out().mask(&key, [])?;
    let (tap, writer, ready) = Tap::new();
    let (stop, stopped) = oneshot::channel::<()>();
    let gateway = gateway::run(settings(&prepared.inputs, &connected, &key, door(&prepared.inputs)), writer, async { drop(stopped.await) });
    let work = async {
        let job = Job { program: &program, connected: &connected, key: &key, console, variable };
        let code = job.run(ready, prepared, &mut signals).await;
        drop(stop);
        code
    };
    let (ended, code) = tokio::join!(gateway, work);
    if code.is_ok() {
        report_calls_of_command(tap.calls(), console);
    }
    match (ended, code) {
        (Err(error), Err(Ended::NoGateway)) => Err(error.into()),
        (_, code) => code,
    }
}

/// The gateway listens on a free port of the loopback interface.
fn door(inputs: &Inputs) -> Door {
    let hosts = ["127.0.0.1", "localhost"].map(str::to_owned).to_vec();
    Door { listen: ([127, 0, 0, 1], 0).into(), hosts, lifetime: inputs.gateway.unwrap_or_default() }
}

/// What is done while the gateway runs.
struct Job<'a> {
    program: &'a Program,
    connected: &'a Connected,
    key: &'a Secret,
    console: &'a Console,
    variable: Variable,
}

impl Job<'_> {
    /// Waits for the gateway, looks at the tools through it, and runs the command. What was written for it is taken back.
    async fn run(&self, ready: oneshot::Receiver<u16>, prepared: PreparedCommand, signals: &mut Signals) -> Result<u8, Ended> {
        let Self { program, connected, key, console, variable } = *self;
        let port = ready.await.map_err(|_| Ended::NoGateway)?;
        let url = gateway_url(([127, 0, 0, 1], port).into())?;
        if prepared.inputs.verify {
            tokio::select! {
                biased;
                caught = signals.end() => return Err(Ended::Caught(caught)),
                checked = check(&url, GatewayForm::Process, key, &prepared.inputs, connected, console) => checked?,
            }
        }
        log_connected(&prepared.inputs, &connected.token, &connected.toolset, &url, console);
        // Nothing waits until the command runs, so a signal can't leave a file behind.
        let access = AgentAccess { url: &url, secret: key, headers: Vec::new(), proxied: false };
        let handed = hand_over::hand_over(prepared, program, connected, &access, console, variable)?;
        let command = surroundings::command(&handed, connected, console);
        let ended = match command.and_then(|mut command| command.spawn().map_err(|error| Ended::NotStarted(program::not_started(error)))) {
            Ok(child) => child::wait(child, signals).await.context("The command can't be waited for").map_err(Ended::from),
            Err(ended) => Err(ended),
        };
        handed.take_back(console);
        ended
    }
}
