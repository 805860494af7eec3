//! The end of the job: what the step wrote is removed again, and only that.

use super::end_gateway;
use crate::config::{Outcome, Receipt};
use crate::runner::{Console, Environment};

/// Removes what the step wrote, or restores what was there before. It never fails the job, whose work is done by then.
pub fn clean_up(environment: &Environment, console: &Console) {
    if let Some(gateway) = &environment.gateway {
        end_gateway::end(gateway, environment, console);
    }
    let Some(receipt) = &environment.receipt else {
        if environment.gateway.is_none() {
            console.info("Nothing to clean up.");
        }
        return;
    };
    let stays = |why: &str| console.warning("The config file stays", why);
    let Ok(receipt) = serde_json::from_str::<Receipt>(receipt) else {
        return stays("What the step saved about it can't be read. Remove it yourself: it may hold the token.");
    };
    let path = &receipt.place;
    match receipt.undo(environment) {
        Ok(Outcome::Removed) => console.info(&format!("Removed {path}.")),
        Ok(Outcome::Restored) => console.info(&format!("{path} has its old content again.")),
        Ok(Outcome::Nothing) => console.info(&format!("{path} is as it was before already.")),
        Ok(Outcome::Changed) => stays(&format!("`{path}` was changed since the step wrote it. It may still hold the token.")),
        Ok(Outcome::Lost) => stays(&format!("The old content of `{path}` is not where the step kept it. The file still holds the token.")),
        Err(problem) => stays(&format!("`{path}` {problem}. It may still hold the token.")),
    }
}
