//! The end of the gateway, with the job: what was called through it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::gateway::NAME;
use crate::docker::{End, Engine, Error, is_not_found, read_log, remove, stop};
use crate::report::{Calls, Failure, log_gateway_ended, report_calls, warn_of_lost_gateway, warn_of_removed_gateway};
use crate::runner::{Console, Environment, StateFile};

/// How long the gateway has for calls in flight, for which it takes five seconds itself.
const GRACE: Duration = Duration::from_secs(7);

/// How long the whole end may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What the step saves for the end of the job.
#[derive(Serialize, Deserialize)]
pub struct Receipt {
    /// The gateway's container.
    pub container: String,
    /// Whether a summary is wanted.
    pub summary: bool,
}

impl Receipt {
    /// Saves it.
    pub fn save(&self, state: &mut StateFile) -> Result<(), Failure> {
        Ok(state.save_gateway(serde_json::to_string(self).map_err(anyhow::Error::from)?)?)
    }
}

/// Stops the gateway, says what was called through it, and removes its container.
pub fn end(receipt: &str, environment: &Environment, console: &Console) {
    let Some(Receipt { container, summary }) = serde_json::from_str(receipt).ok().filter(is_a_gateway) else {
        return warn_of_lost_gateway("what the step saved about it can't be read", console);
    };
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        return warn_of_lost_gateway("the system gives no event loop", console);
    };
    let begun = Instant::now();
    let ended = runtime.block_on(async { timeout(LIMIT, stop_and_read(environment.engine_socket(), &container, console)).await });
    match ended {
        Ok(Err(error)) if is_not_found(&error) && environment.gateway_was_left => warn_of_removed_gateway(console),
        // The step failed, and has removed it.
        Ok(Err(error)) if is_not_found(&error) => {}
        Ok(Ok((calls, end))) => {
            log_gateway_ended(&container, begun.elapsed(), console);
            report_calls(calls, &end, summary, environment, console);
        }
        Ok(Err(error)) => warn_of_lost_gateway(&error.to_string(), console),
        Err(_) => warn_of_lost_gateway("the container engine takes too long", console),
    }
}

/// What is saved comes back through a file: it must not name any other container.
fn is_a_gateway(receipt: &Receipt) -> bool {
    receipt.container.strip_prefix(NAME).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

async fn stop_and_read(socket: &Path, container: &str, console: &Console) -> Result<(Calls, End), Error> {
    let engine = Engine::connect(socket, console).await?;
    let before = End::of(&engine, container).await?;
    stop(&engine, container, GRACE).await?;
    let end = if before.running { End { running: true, ..End::of(&engine, container).await? } } else { before };
    let mut calls = Calls::default();
    let read = read_log(&engine, container, |line| calls.read(line)).await;
    remove(&engine, container).await?;
    read?;
    Ok((calls, end))
}
