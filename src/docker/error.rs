//! What can go wrong with the engine.

use std::io;
use std::path::PathBuf;

use super::task::Task;
use crate::redact::Quote;

/// Why there is no second container, or it is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no socket, or it takes no connection.
    #[error("the engine's socket {path} can't be used: {source}")]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The connection broke, or the answer is not HTTP.
    #[error("the engine gave no answer to {task}: {detail}")]
    NoAnswer {
        /// What was asked for.
        task: Task,
        /// What the library says.
        detail: Quote,
    },
    /// The engine says no.
    #[error("the engine answered {status} to {task}: {message}")]
    Refused {
        /// What was asked for.
        task: Task,
        /// The status.
        status: u16,
        /// The engine's own words.
        message: Quote,
    },
    /// An answer that lacks what it has to have.
    #[error("the engine's answer to {task} can't be read: {detail}")]
    Unreadable {
        /// What was asked for.
        task: Task,
        /// What is wrong with it.
        detail: Quote,
    },
    /// No container of this engine is the one that this step runs in.
    #[error("the engine runs no container that is this step's own")]
    NotInside,
    /// The container has no network.
    #[error("this step's container has no network")]
    NoNetwork,
    /// A fault of this program.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}
