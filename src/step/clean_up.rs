//! The end of the job: what the step wrote is removed again, and only that.

use super::end_gateway;
use crate::config::{Outcome, Receipt, Seal};
use crate::inputs::RawInputs;
use crate::runner::{Console, Environment};

/// The name by which the runner starts the program for the clean-up: the file name of `post-entrypoint` in `action.yml`.
pub const CLEAN_UP: &str = "cleanup";

/// Removes what the step wrote, or restores what was there before. It never fails the job, whose work is done by then.
pub fn clean_up(environment: &Environment, inputs: Option<&RawInputs>, console: &Console) {
    let seal = inputs.and_then(|inputs| inputs.client_secrets().next()).map(|secret| Seal::new(&secret));
    let had_gateway = end_gateway::end(environment, seal.as_ref(), console);
    let Ok(receipts) = Receipt::saved(environment, seal.as_ref()) else {
        return warn(
            "What the step saved about it can't be verified: it was changed, or `client_secret` is no longer the same. Remove the file yourself: it may hold the token.",
            console,
        );
    };
    if receipts.is_empty() && !had_gateway {
        console.info("Nothing to clean up.");
    }
    for receipt in &receipts {
        undo(receipt, environment, console);
    }
}

fn undo(receipt: &Receipt, environment: &Environment, console: &Console) {
    let path = &receipt.place;
    match receipt.undo(environment) {
        Ok(Outcome::Removed) => console.info(&format!("Removed {path}.")),
        Ok(Outcome::Restored) => console.info(&format!("{path} has its old content again.")),
        Ok(Outcome::Nothing) => console.info(&format!("{path} is as it was before already.")),
        Ok(Outcome::Changed) => warn(&format!("`{path}` was changed since the step wrote it. It may still hold the token."), console),
        Ok(Outcome::Lost) => {
            warn(&format!("The old content of `{path}` is not where the step kept it. The file still holds the token."), console);
        }
        Err(problem) => warn(&format!("`{path}` {problem}. It may still hold the token."), console),
    }
}

fn warn(why: &str, console: &Console) {
    console.warning("The config file stays", why);
}
