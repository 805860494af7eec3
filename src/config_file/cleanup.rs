//! The end of the job: what the step wrote is taken back, and only that.

use super::written::{Outcome, Receipt};
use crate::environment::Environment;
use crate::github::console::Console;
use crate::github::state;

/// Takes back what the step wrote. It never fails the job: the work is done by then, and only the traces are left.
pub fn run(environment: &Environment, console: &Console<'_>) {
    let Some(receipt) = state::receipt(environment) else {
        console.info("Nothing to clean up.");
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
