//! Writing the job summary.

use crate::runner::markdown::Markdown;
use crate::runner::{Console, Environment, append_summary};

/// A summary is for people: if it can't be written, the step goes on.
pub fn write_summary(text: Markdown, environment: &Environment, console: &Console) {
    if let Err(error) = append_summary(environment, &text.finish()) {
        console.warning("No job summary", &format!("The job summary can't be written: {error}."));
    }
}
