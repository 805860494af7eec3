//! Why there is no exit code of the command.

use super::signals::Caught;
use crate::report::{Failure, NotStarted};

/// Why the command has no exit code.
pub enum Ended {
    /// Something failed.
    Failed(Box<Failure>),
    /// A signal came before the command was started.
    Caught(Caught),
    /// The command can't be started.
    NotStarted(NotStarted),
    /// The gateway ended, and says why itself.
    NoGateway,
}

impl<E: Into<Failure>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error.into()))
    }
}
