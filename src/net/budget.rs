//! The time that the step may take.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// What is left of the input `timeout`.
#[derive(Debug)]
pub struct Budget {
    total: Duration,
    end: Instant,
}

/// The budget ended first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the time limit of {0:?} was reached")]
pub struct TimedOut(pub Duration);

impl Budget {
    /// Starts the clock.
    #[must_use]
    pub fn start(total: Duration) -> Self {
        Self { total, end: Instant::now() + total }
    }

    /// The time that is left.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Moves the end, for a wait that has a limit of its own.
    pub fn extend(&mut self, by: Duration) {
        self.end += by;
    }

    /// Waits for `work` until the budget ends.
    ///
    /// # Errors
    /// [`TimedOut`] with the whole budget.
    pub async fn limit<T>(&self, work: impl Future<Output = T>) -> Result<T, TimedOut> {
        timeout_at(self.end, work).await.map_err(|_| TimedOut(self.total))
    }
}
