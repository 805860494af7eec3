//! What goes on before there is a token.

use std::time::Duration;

use super::error::Error;
use crate::net::retry::Pause;

/// An event before there is a token.
#[derive(Debug)]
pub enum Progress<'a> {
    /// An attempt failed, and another one follows.
    Retrying(&'a Error, Pause),
    /// The token ends too soon, and a new one is waited for.
    Waiting {
        /// What the token has left.
        left: Duration,
        /// How long the wait is.
        wait: Duration,
    },
}
