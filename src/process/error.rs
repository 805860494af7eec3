//! What can go wrong with the second process.

use std::io;

/// Why there is no second process, or it is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The runner names no directory for files of the job.
    #[error("the runner names no temporary directory")]
    NoFolder,
    /// The file for what it writes.
    #[error("its record can't be written: {0}")]
    Record(io::Error),
    /// The system doesn't start it.
    #[error("it can't be started: {0}")]
    Start(io::Error),
    /// It takes no input.
    #[error("it can't be told its settings: {0}")]
    Told(io::Error),
    /// The system doesn't show it, so the end of the job could not tell whether it is still the same.
    #[error("/proc doesn't show it")]
    Hidden,
}
