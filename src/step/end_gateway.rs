//! The end of the gateway, with the job: what was called through it.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::gateway::NAME;
use crate::config::{Saved, Seal, Unproven, forget, from_files, from_state, keep};
use crate::docker::{self, Engine, Error, is_not_found, read_log, remove, stop};
use crate::process::{Running, read_record};
use crate::report::{
    Calls, Failure, GatewayEnd, log_gateway_ended, report_calls, warn_of_lost_gateway, warn_of_removed_gateway, warn_of_removed_record,
};
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
    /// The gateway's name: that of its container, or of its record.
    name: String,
    /// The gateway's process, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    process: Option<Running>,
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
    /// The receipt of a container, or of a process.
    pub fn new(name: &str, process: Option<Running>, summary: bool) -> anyhow::Result<Self> {
        Ok(Self { file: Self::new_file()?, name: name.to_owned(), process, summary })
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
        self.name.strip_prefix(NAME).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
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

/// Stops a gateway, says what was called through it, and removes it.
fn end_one(receipt: &GatewayReceipt, environment: &Environment, console: &Console) {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        return warn_of_lost_gateway("the system gives no event loop", console);
    };
    let begun = Instant::now();
    let (calls, end) = match receipt.process {
        None => {
            let stopped = stop_and_read(environment.engine_socket(), &receipt.name, console);
            match runtime.block_on(async { timeout(LIMIT, stopped).await }) {
                Ok(Ok((calls, end))) => (calls, GatewayEnd::Container(end)),
                Ok(Err(error)) if is_not_found(&error) => return gone(environment, || warn_of_removed_gateway(console)),
                Ok(Err(error)) => return warn_of_lost_gateway(&error.to_string(), console),
                Err(_) => return warn_of_lost_gateway("the container engine takes too long", console),
            }
        }
        Some(process) => {
            let end = runtime.block_on(process.stop(GRACE));
            let mut calls = Calls::default();
            let folder = environment.temp.as_deref().unwrap_or_else(|| "".as_ref());
            match read_record(folder, &receipt.name, |line| calls.read(line)) {
                Ok(()) => (calls, GatewayEnd::Process(end)),
                Err(error) if error.kind() == ErrorKind::NotFound => return gone(environment, || warn_of_removed_record(end, console)),
                Err(error) => return warn_of_lost_gateway(&format!("its record: {error}"), console),
            }
        }
    };
    log_gateway_ended(&receipt.name, begun.elapsed(), console);
    report_calls(calls, &end, receipt.summary, environment, console);
}

/// A step that failed has removed its gateway.
fn gone(environment: &Environment, warn: impl FnOnce()) {
    if environment.gateway_was_left {
        warn();
    }
}

async fn stop_and_read(socket: &Path, container: &str, console: &Console) -> Result<(Calls, docker::ContainerEnd), Error> {
    let engine = Engine::connect(socket, console).await?;
    let before = docker::ContainerEnd::of(&engine, container).await?;
    stop(&engine, container, GRACE).await?;
    let end =
        if before.running { docker::ContainerEnd { running: true, ..docker::ContainerEnd::of(&engine, container).await? } } else { before };
    let mut calls = Calls::default();
    let read = read_log(&engine, container, |line| calls.read(line)).await;
    remove(&engine, container).await?;
    read?;
    Ok((calls, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_step_names_is_ended() {
        let is_named =
            |name: &str| GatewayReceipt { file: String::new(), name: name.to_owned(), process: None, summary: false }.names_a_gateway();
        assert!(is_named(&crate::step::gateway::new_name().unwrap()));
        for name in ["nginx", "", "port-mcp-auth-gateway", "port-mcp-auth-gateway-0a/../x", "port-mcp-auth-gateway-0a?x"] {
            assert!(!is_named(name), "{name}");
        }
    }
}
