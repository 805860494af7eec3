//! Texts for a gateway that doesn't start.

use anyhow::Error;

use super::failure::Failure;
use crate::gateway::{self, Line, RecordEvent};
use crate::redact::Redactor;

impl From<gateway::Error> for Failure {
    fn from(error: gateway::Error) -> Self {
        match error {
            gateway::Error::Port(error) => Self::Port(error),
            gateway::Error::Settings(problem) => Self::Internal(Error::new(problem).context("The gateway's settings are not valid")),
            gateway::Error::Internal(error) => Self::Internal(error),
        }
    }
}

/// The line that the gateway writes instead of `ready`.
#[must_use]
pub fn gateway_failure(error: gateway::Error) -> Line {
    let failure = Failure::from(error);
    // What the errors quote is clean already.
    let explanation = failure.explain(&Redactor::default());
    Line {
        event: RecordEvent::Failed,
        code: Some(explanation.code.as_str().to_owned()),
        message: Some(format!("{} {} {}", explanation.what, explanation.why, explanation.fix)),
        ..Line::default()
    }
}
