//! The end of the gateway, with the job: what was called through it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::gateway::NAME;
use crate::config::{Saved, Seal, Unproven, forget, from_files, from_state, keep};
use crate::docker::{End, Engine, Error, is_not_found, read_log, remove, stop};
use crate::report::{Calls, Failure, log_gateway_ended, report_calls, warn_of_lost_gateway, warn_of_removed_gateway};
use crate::runner::{Console, Environment, StateFile};

/// How long the gateway has for calls in flight, for which it takes five seconds itself.
const GRACE: Duration = Duration::from_secs(7);

/// How long the whole end may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What the step saves for the end of the job.
#[derive(Serialize, Deserialize)]
pub struct GatewayReceipt {
    /// The name of the file with this receipt.
    file: String,
    /// The gateway's container.
    container: String,
    /// Whether a summary is wanted.
    summary: bool,
}

impl Saved for GatewayReceipt {
    const PREFIX: &'static str = "port-mcp-auth-gateway-receipt-";

    fn file(&self) -> &str {
        &self.file
    }
}

impl GatewayReceipt {
    /// The receipt of a container.
    pub fn new(container: &str, summary: bool) -> anyhow::Result<Self> {
        Ok(Self { file: Self::new_file()?, container: container.to_owned(), summary })
    }

    /// Saves it.
    pub fn save(&self, seal: &Seal, state: &mut StateFile) -> Result<(), Failure> {
        let sealed = keep(self, seal, state.directory());
        Ok(state.save_gateway(sealed)?)
    }

    /// What was saved for this clean-up.
    fn saved(environment: &Environment, seal: Option<&Seal>) -> Result<Vec<Self>, Unproven> {
        let saved: Vec<Self> = match (&environment.gateway, environment.command_files()) {
            (Some(state), _) => vec![from_state(state, seal)?],
            // The runner gives a state, and there was no gateway to save.
            (None, _) if environment.receipt.is_some() => Vec::new(),
            (None, folder) => folder.map_or(Ok(Vec::new()), |folder| from_files(folder, seal))?,
        };
        if saved.iter().all(Self::names_a_gateway) { Ok(saved) } else { Err(Unproven) }
    }

    fn names_a_gateway(&self) -> bool {
        self.container.strip_prefix(NAME).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }
}

/// Ends the gateways of this step. Returns whether there was any.
pub fn end(environment: &Environment, seal: Option<&Seal>, console: &Console) -> bool {
    let Ok(receipts) = GatewayReceipt::saved(environment, seal) else {
        warn_of_lost_gateway("what the step saved about it can't be verified", console);
        return true;
    };
    for receipt in &receipts {
        end_one(receipt, environment, console);
        if let Some(folder) = environment.command_files() {
            forget(receipt, folder);
        }
    }
    !receipts.is_empty()
}

/// Stops a gateway, says what was called through it, and removes its container.
fn end_one(receipt: &GatewayReceipt, environment: &Environment, console: &Console) {
    let GatewayReceipt { container, summary, .. } = receipt;
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        return warn_of_lost_gateway("the system gives no event loop", console);
    };
    let begun = Instant::now();
    let ended = runtime.block_on(async { timeout(LIMIT, stop_and_read(environment.engine_socket(), container, console)).await });
    match ended {
        Ok(Err(error)) if is_not_found(&error) && environment.gateway_was_left => warn_of_removed_gateway(console),
        // The step failed, and has removed it.
        Ok(Err(error)) if is_not_found(&error) => {}
        Ok(Ok((calls, end))) => {
            log_gateway_ended(container, begun.elapsed(), console);
            report_calls(calls, &end, *summary, environment, console);
        }
        Ok(Err(error)) => warn_of_lost_gateway(&error.to_string(), console),
        Err(_) => warn_of_lost_gateway("the container engine takes too long", console),
    }
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
