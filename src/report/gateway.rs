//! Texts for a gateway that doesn't start.

use anyhow::Error;

use super::failure::Failure;
use crate::gateway::{self, Line, RecordEvent};
use crate::redact::Redactor;

/// The line that the gateway writes instead of `ready`.
#[must_use]
pub fn gateway_failure(error: gateway::Error) -> Line {
    let failure = match error {
        gateway::Error::Port(error) => Failure::Port(error),
        gateway::Error::Settings(problem) => Failure::Internal(Error::new(problem).context("The gateway's settings are not valid")),
        gateway::Error::Internal(error) => Failure::Internal(error),
    };
    // What the errors quote is clean already.
    let explanation = failure.explain(&Redactor::default());
    Line {
        event: RecordEvent::Failed,
        code: Some(explanation.code.as_str().to_owned()),
        message: Some(format!("{} {} {}", explanation.what, explanation.why, explanation.fix)),
        ..Line::default()
    }
}
