//! What can be wrong with the inputs.

use super::problem::InputError;
use crate::net::ProxyUrlProblem;
use crate::runner::Trigger;

/// Why the inputs can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A required input is missing; with all other problems.
    #[error("inputs are missing")]
    Missing {
        /// All problems.
        problems: Vec<InputError>,
        /// What started the run, which may explain it.
        trigger: Trigger,
    },
    /// Values are not valid.
    #[error("inputs are not valid")]
    Invalid(Vec<InputError>),
    /// The variable of a proxy holds no address.
    #[error("the variable {variable} can't be used: {problem}")]
    Proxy {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with it.
        problem: ProxyUrlProblem,
        /// The host that was to be reached through the proxy.
        host: String,
    },
    /// A fault of this program.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}
