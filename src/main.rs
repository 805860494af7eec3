//! The process: which part of the program runs, signals, and the exit code.

use std::alloc::System;
use std::env::{args_os, var_os};
use std::ffi::OsString;
use std::io::{Write, stdin, stdout};
use std::panic::set_hook;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use port_mcp_auth::{
    Action, CommandLine, Console, Environment, Level, RawInputs, Request, Signal, UsageError, Verb, exec, gateway, gateway_failure, help,
    help_of, nearest, report_panic, report_usage, step, version,
};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use zeroizing_alloc::ZeroAlloc;

/// Wipes all memory that is freed. Secrets pass through buffers of the HTTP, TLS and JSON libraries, which don't do it themselves.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// The argument with which the program is the gateway.
const GATEWAY: &str = "gateway";

/// The exit code for arguments that can't be read.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let Some(argument) = args_os().nth(1).filter(|_| !is_called(step::CLEAN_UP)) else {
        return run_step();
    };
    let argument = argument.to_string_lossy();
    match argument.as_ref() {
        GATEWAY => run_gateway().unwrap_or_else(|error| {
            // If this can't be written either, the exit code says it.
            drop(gateway::Record::new(stdout()).write(gateway_failure(error)));
            ExitCode::FAILURE
        }),
        "--help" | "-h" | "help" => print(&help()),
        "--version" | "-V" => print(&version()),
        name => name.parse().map_or_else(|_| refuse(name), run_command),
    }
}

/// There is no such command.
fn refuse(name: &str) -> ExitCode {
    let nearest = nearest(name, ["exec", "token", "config", GATEWAY, "--help", "--version"].into_iter());
    report_usage(&UsageError::Command { nearest }, None, &exec::console(Level::Normal, variable));
    ExitCode::from(USAGE)
}

fn variable(name: &str) -> Option<OsString> {
    var_os(name)
}

fn print(text: &str) -> ExitCode {
    if stdout().write_all(text.as_bytes()).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a command that takes its inputs as flags and variables.
fn run_command(verb: Verb) -> ExitCode {
    exec::close_memory();
    let line = match CommandLine::parse(verb, args_os().skip(2)) {
        Ok(Request::Run(line)) => line,
        Ok(Request::Help) => return print(&help_of(verb)),
        Err(error) => {
            report_usage(&error, Some(verb), &exec::console(Level::Normal, variable));
            return ExitCode::from(USAGE);
        }
    };
    // A script's errors are worth reading, and nothing else is.
    let usual = if verb == Verb::Exec { Level::Normal } else { Level::Quiet };
    let level = exec::level(&line, usual);
    set_hook(Box::new(move |panic| report_panic(panic.location(), &exec::console(level, variable))));
    let console = exec::console(level, variable);
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        console.error("The system gives no event loop", "Close other programs, and try again.");
        return ExitCode::FAILURE;
    };
    let exit_code = runtime.block_on(async {
        match verb {
            Verb::Exec => exec::run(line, &console, variable).await,
            Verb::Token | Verb::Config => exec::print(line, verb, stdout(), &console, variable).await,
        }
    });
    runtime.shutdown_background();
    exit_code
}

/// The step of a workflow, or the clean-up at the end of its job.
fn run_step() -> ExitCode {
    // The standard message of a panic could quote a secret, and the runner would not show it as an error.
    set_hook(Box::new(|panic| report_panic(panic.location(), &Console::new(stdout(), false))));
    let action = if is_called(step::NATIVE) { Action::Native } else { Action::Container };
    let environment = Environment { action, ..Environment::read(|name| var_os(name)) };
    let console = Console::new(stdout(), environment.debug);
    if is_called(step::CLEAN_UP) {
        step::clean_up(&environment, RawInputs::read(|name| var_os(name)).ok().as_ref(), &console);
        return ExitCode::SUCCESS;
    }
    run(&environment, &console).unwrap_or_else(|error| step::fail_to_start(error, &environment, &console))
}

/// Whether the program is started by this name. Only that tells on every runner whether it is the clean-up at the end of the job, or
/// the action without Docker, and no variable of the job can change it.
fn is_called(wanted: &str) -> bool {
    args_os().next().is_some_and(|program| Path::new(&program).file_name().is_some_and(|name| name == wanted))
}

fn run(environment: &Environment, console: &Console) -> Result<ExitCode> {
    let inputs = RawInputs::read(|name| var_os(name))?;
    // More threads would cost more than the work of one exchange.
    let runtime = Builder::new_current_thread().enable_all().build().context("The system gives no event loop")?;
    let exit_code = runtime.block_on(step::run(environment, inputs, console, cancelled()));
    // A look-up of a name that is still under way must not delay the end.
    runtime.shutdown_background();
    Ok(exit_code)
}

/// Its standard output holds nothing but the record, and a panic's message could quote a secret.
fn run_gateway() -> Result<ExitCode, gateway::Error> {
    set_hook(Box::new(|_| gateway::Record::new(stdout()).end("fault")));
    let runtime = Builder::new_current_thread().enable_all().build().context("The system gives no event loop")?;
    let stopped = async { drop(cancelled().await) };
    let result = runtime.block_on(gateway::start(stdin(), stdout(), stopped));
    runtime.shutdown_background();
    result.map(|()| ExitCode::SUCCESS)
}

/// Waits for the runner to cancel the step. Process 1 of a container ignores every signal that it has no handler for.
async fn cancelled() -> Result<Signal> {
    let handler = |kind| signal(kind).context("The system takes no signal handler");
    let mut interrupt = handler(SignalKind::interrupt())?;
    let mut terminate = handler(SignalKind::terminate())?;
    tokio::select! {
        biased;
        _ = interrupt.recv() => Ok(Signal::Interrupt),
        _ = terminate.recv() => Ok(Signal::Terminate),
    }
}
