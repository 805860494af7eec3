//! The process: which part of the program runs, signals, and the exit code.

use std::alloc::System;
use std::env::{args_os, var_os};
use std::io::{stdin, stdout};
use std::panic::set_hook;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use port_mcp_auth::{Console, Environment, RawInputs, Signal, gateway, gateway_failure, report_panic, step};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use zeroizing_alloc::ZeroAlloc;

/// Wipes all memory that is freed. Secrets pass through buffers of the HTTP, TLS and JSON libraries, which don't do it themselves.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// The argument with which the program is the gateway.
const GATEWAY: &str = "gateway";

fn main() -> ExitCode {
    if args_os().nth(1).is_some_and(|argument| argument == GATEWAY) {
        return run_gateway().unwrap_or_else(|error| {
            // If this can't be written either, the exit code says it.
            drop(gateway::Record::new(stdout()).write(gateway_failure(error)));
            ExitCode::FAILURE
        });
    }
    // The standard message of a panic could quote a secret, and the runner would not show it as an error.
    set_hook(Box::new(|panic| report_panic(panic.location(), &Console::new(stdout(), false))));
    let environment = Environment::read(|name| var_os(name));
    let console = Console::new(stdout(), environment.debug);
    if is_clean_up() {
        step::clean_up(&environment, RawInputs::read(|name| var_os(name)).ok().as_ref(), &console);
        return ExitCode::SUCCESS;
    }
    run(&environment, &console).unwrap_or_else(|error| step::fail_to_start(error, &environment, &console))
}

/// Whether the runner starts the program for the clean-up at the end of the job. Only the name that it is started by tells so on every
/// runner, and no variable of the job can change it.
fn is_clean_up() -> bool {
    args_os().next().is_some_and(|program| Path::new(&program).file_name().is_some_and(|name| name == step::CLEAN_UP))
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
