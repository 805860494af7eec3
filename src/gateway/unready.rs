//! Why a gateway that was started is of no use.

use crate::redact::Quote;

/// What a gateway beside a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum GatewayForm {
    /// A second container.
    Container,
    /// A second process.
    Process,
}

/// Why a gateway that was started is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Unready {
    /// It ended before it was of use.
    #[error("it ended: {0}")]
    Ended(Quote),
    /// It says why it can't start.
    #[error("it gave up: {code}, {message}")]
    GaveUp {
        /// Its code for that.
        code: Quote,
        /// Its reason.
        message: Quote,
    },
    /// It says that it is ready, but doesn't do what it is there for.
    #[error("{url} doesn't work: {detail}")]
    NotWorking {
        /// Its address.
        url: String,
        /// What was seen.
        detail: Quote,
    },
    /// The step's time was up.
    #[error("it was not ready in time")]
    TimedOut,
}
