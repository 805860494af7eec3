//! The end of the gateway, with the job: what was called through it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::gateway::NAME;
use crate::config::Seal;
use crate::docker::{End, Engine, Error, is_not_found, read_log, remove, stop};
use crate::report::{Calls, Failure, log_gateway_ended, report_calls, warn_of_lost_gateway, warn_of_removed_gateway};
use crate::runner::{Console, Environment, StateFile};

/// How long the gateway has for calls in flight, for which it takes five seconds itself.
const GRACE: Duration = Duration::from_secs(7);

/// How long the whole end may take.
const LIMIT: Duration = Duration::from_secs(30);

/// How the names of files with receipts begin.
const FILE_PREFIX: &str = "port-mcp-auth-gateway-receipt-";

/// What the step saves for the end of the job.
#[derive(Serialize, Deserialize)]
pub struct GatewayReceipt {
    /// The gateway's container.
    pub container: String,
    /// Whether a summary is wanted.
    pub summary: bool,
}

/// Something was saved, and it isn't certain that the step saved it.
struct UnprovenReceipt;

impl GatewayReceipt {
    /// Saves it in the runner's state, and in a file beside it: some runners give the clean-up no state.
    pub fn save(&self, seal: &Seal, state: &mut StateFile) -> Result<(), Failure> {
        let sealed = seal.close(&serde_json::to_string(self).map_err(anyhow::Error::from)?);
        // Most runners need only the state, so a directory that takes no new file doesn't fail the step.
        drop(write_new(&state.directory().join(self.file_name()), &sealed));
        Ok(state.save_gateway(sealed)?)
    }

    fn file_name(&self) -> String {
        format!("{FILE_PREFIX}{}", self.container.strip_prefix(NAME).unwrap_or_default())
    }

    /// What was saved for this clean-up. Without a state these are the receipts of all steps with the same client secret.
    fn saved(environment: &Environment, seal: Option<&Seal>) -> Result<Vec<Self>, UnprovenReceipt> {
        if let Some(sealed) = &environment.gateway {
            return Ok(vec![Self::read(sealed, seal.ok_or(UnprovenReceipt)?).ok_or(UnprovenReceipt)?]);
        }
        let folder = environment.command_files().filter(|_| environment.receipt.is_none());
        let files = folder.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
        let files = files.filter(|file| file.file_name().to_string_lossy().starts_with(FILE_PREFIX));
        let texts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
        Ok(seal.map_or(Vec::new(), |seal| texts.filter_map(|sealed| Self::read(&sealed, seal)).collect()))
    }

    /// It names a gateway, whatever else could be sealed with the same secret.
    fn read(sealed: &str, seal: &Seal) -> Option<Self> {
        let receipt: Self = serde_json::from_str(seal.open(sealed)?).ok()?;
        let rest = receipt.container.strip_prefix(NAME)?;
        rest.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(receipt)
    }
}

/// Writes a file that isn't there yet, so that no link is followed.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
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
            drop(fs::remove_file(folder.join(receipt.file_name())));
        }
    }
    !receipts.is_empty()
}

/// Stops a gateway, says what was called through it, and removes its container.
fn end_one(receipt: &GatewayReceipt, environment: &Environment, console: &Console) {
    let GatewayReceipt { container, summary } = receipt;
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
