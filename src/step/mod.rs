//! The step: prepare, connect, deliver, report; and the clean-up at the end of the job.

mod agent;
mod clean_up;
mod connect;
mod deliver;
mod prepare;

use std::process::ExitCode;

use crate::inputs::RawInputs;
use crate::report::{Failure, Signal, Success, report_failure, report_success};
use crate::runner::{Console, Environment, OutputFile, StateFile};

pub use clean_up::{CLEAN_UP, clean_up};

/// The whole step. `cancelled` ends when the runner wants the step to end.
pub async fn run(
    environment: &Environment,
    inputs: RawInputs,
    console: &Console,
    cancelled: impl Future<Output = anyhow::Result<Signal>>,
) -> ExitCode {
    let summary = inputs.wants_summary();
    let mut outputs = match OutputFile::open(environment) {
        Ok(outputs) => outputs,
        Err(error) => return fail(&error.into(), environment, console, None, summary),
    };
    let done = tokio::select! {
        biased;
        signal = cancelled => Err(signal.map_or_else(Failure::Internal, Failure::Cancelled)),
        done = hand_over(environment, inputs, console, &mut outputs) => done,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure, environment, console, Some(&mut outputs), summary),
    }
}

async fn hand_over(environment: &Environment, inputs: RawInputs, console: &Console, outputs: &mut OutputFile) -> Result<(), Failure> {
    let state = StateFile::open(environment)?;
    let prepared = prepare::prepare(inputs, environment, console)?;
    let connected = connect::connect(&prepared.inputs, console).await?;
    // Nothing waits from here on, so a signal can't leave half of it behind.
    let is_cleaned_up = state.is_some();
    let delivered = deliver::deliver(prepared, environment, &connected, outputs, state)?;
    let success = Success {
        inputs: &delivered.inputs,
        token: &connected.token,
        endpoint: &connected.endpoint,
        toolset: &connected.toolset,
        file_holds_token: delivered.file_holds_token,
        obstacles: delivered.obstacles,
        oversized: delivered.oversized,
        is_cleaned_up,
    };
    report_success(&success, environment, console);
    Ok(())
}

/// Reports a fault that keeps the step from running at all.
#[must_use]
pub fn fail_to_start(error: anyhow::Error, environment: &Environment, console: &Console) -> ExitCode {
    let mut outputs = OutputFile::open(environment).ok();
    fail(&error.into(), environment, console, outputs.as_mut(), true)
}

fn fail(failure: &Failure, environment: &Environment, console: &Console, outputs: Option<&mut OutputFile>, summary: bool) -> ExitCode {
    report_failure(failure, environment, console, outputs, summary);
    ExitCode::from(failure.exit_code())
}
