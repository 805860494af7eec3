//! Why the gateway doesn't start.

use super::settings::SettingsProblem;
use crate::port;

/// Why the gateway doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no token.
    #[error(transparent)]
    Port(#[from] port::Error),
    /// The settings.
    #[error("the gateway's settings: {0}")]
    Settings(#[from] SettingsProblem),
    /// A fault of this program, or of the system.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}
