//! The step: prepare, connect, start the gateway, deliver, report; and the clean-up at the end of the job.

mod beside;
mod clean_up;
mod deliver;
mod end_gateway;
mod gateway;
mod prepare;

use std::process::ExitCode;
use std::time::Duration;

use crate::config::Seal;
use crate::connect::connect;
use crate::gateway::GatewayForm;
use crate::inputs::{Inputs, RawInputs};
use crate::report::{Failure, GatewayFacts, Signal, Success, log_no_clean_up, report_failure, report_success};
use crate::runner::{Console, Environment, OutputFile, StateFile};

use beside::Beside;
pub use clean_up::{CLEAN_UP, clean_up};
use end_gateway::GatewayReceipt;

/// The name by which the action without Docker starts the program: `native/index.js`.
pub const NATIVE: &str = "port-mcp-auth-native";

/// How long a failed step waits for the engine to remove what it made.
const REMOVAL: Duration = Duration::from_secs(5);

/// The same for a cancelled one, which has to end within a second.
const HASTY_REMOVAL: Duration = Duration::from_millis(900);

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
    let beside = match gateway::new_name() {
        Ok(name) => Beside::new(name, environment),
        Err(error) => return fail(&error.into(), environment, console, Some(&mut outputs), summary),
    };
    let done = tokio::select! {
        biased;
        signal = cancelled => Err(signal.map_or_else(Failure::Internal, Failure::Cancelled)),
        done = hand_over(environment, inputs, console, &mut outputs, &beside) => done,
    };
    beside.remove(if matches!(done, Err(Failure::Cancelled(_))) { HASTY_REMOVAL } else { REMOVAL }).await;
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure, environment, console, Some(&mut outputs), summary),
    }
}

async fn hand_over(
    environment: &Environment,
    inputs: RawInputs,
    console: &Console,
    outputs: &mut OutputFile,
    beside: &Beside,
) -> Result<(), Failure> {
    let mut state = StateFile::open(environment)?;
    let prepared = prepare::prepare(inputs, environment, console)?;
    let inputs = &prepared.inputs;
    let connect = connect(inputs, console);
    let (connected, gateway) = match inputs.gateway {
        None => (connect.await?, None),
        Some(lifetime) => {
            let mut save = |running| match &mut state {
                Some(state) => GatewayReceipt::new(beside.name(), running, inputs.summary)?.save(&seal(inputs), state),
                None => Ok(()),
            };
            // Before there is one: the step may be killed at any time. A process ends by itself if that happens before it has its settings.
            if beside.form() == GatewayForm::Container {
                save(None)?;
            }
            let (connected, waiting) = Box::pin(gateway::start_beside(connect, beside, inputs, environment, console)).await?;
            if let Some(running) = waiting.running() {
                save(Some(running))?;
            }
            let gateway = gateway::hand_over(waiting, beside.form(), inputs, &connected, lifetime, console).await?;
            (connected, Some(gateway))
        }
    };
    // Nothing waits from here on, so a signal can't leave half of it behind.
    let is_cleaned_up = state.is_some();
    let delivered = deliver::deliver(prepared, environment, &connected, gateway.as_ref(), outputs, state.as_mut())?;
    if let Some(gateway) = &gateway {
        beside.hand_over();
        match &mut state {
            // It only tells the clean-up what to make of a container that is gone.
            Some(state) => drop(state.save_gateway_left()),
            None => log_no_clean_up(gateway.lifetime, console),
        }
    }
    let success = Success {
        inputs: &delivered.inputs,
        token: &connected.token,
        endpoint: &connected.endpoint,
        toolset: &connected.toolset,
        gateway: gateway.as_ref().map(|gateway| GatewayFacts { url: &gateway.url, ends_at: gateway.ends_at, lifetime: gateway.lifetime }),
        file_holds_token: delivered.file_holds_token,
        obstacles: delivered.obstacles,
        oversized: delivered.oversized,
        is_cleaned_up,
    };
    report_success(&success, environment, console);
    Ok(())
}

fn seal(inputs: &Inputs) -> Seal {
    Seal::new(&inputs.credentials.client_secret)
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
