//! The time that the step may take.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::Error;

/// What is left of the input `timeout`.
#[derive(Debug)]
pub struct Budget {
    total: Duration,
    end: Instant,
}

impl Budget {
    /// Starts the clock.
    #[must_use]
    pub fn start(total: Duration) -> Self {
        Self { total, end: Instant::now() + total }
    }

    /// What is left.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Takes a stretch of time out of the account, such as a wait that has a limit of its own.
    pub fn extend(&mut self, by: Duration) {
        self.end += by;
    }

    /// Waits for `work` as long as there is time.
    ///
    /// # Errors
    /// [`Error::Timeout`], with `doing` as the end of the sentence "The step's 60 s ended …".
    pub async fn spend<T>(&self, doing: &'static str, work: impl Future<Output = T>) -> Result<T, Error> {
        timeout_at(self.end, work).await.map_err(|_| Error::Timeout { budget: self.total, doing, before: None })
    }
}
