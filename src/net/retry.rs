//! When a request is made again.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use super::budget::{Budget, TimedOut};

/// How many requests are made at most.
pub const MAX_ATTEMPTS: u32 = 5;

/// The longest first pause; each further one may be twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A number above this is a point in time, not a number of seconds: no server asks to wait for 30 years.
const EPOCH_FROM: f64 = 1e9;

/// A number above this is a point in time in milliseconds.
const EPOCH_MILLIS_FROM: f64 = 1e11;

/// Why one attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptError<E> {
    /// What happened.
    pub error: E,
    /// Whether the next attempt may succeed.
    pub retryable: bool,
    /// How long the server asks to wait before it.
    pub retry_after: Option<Duration>,
}

impl<E> AttemptError<E> {
    /// An error that the next attempt would meet too.
    pub fn permanent(error: E) -> Self {
        Self { error, retryable: false, retry_after: None }
    }
}

/// Why there is no further attempt.
#[derive(Debug, PartialEq, Eq)]
pub enum GaveUp<E> {
    /// The error is permanent, or the last attempt is made, or the pause before the next one would not fit into the budget.
    Failed(E),
    /// The server asks to wait longer than the budget lasts.
    WaitTooLong(E, Duration),
    /// The budget ended during an attempt; with the error of the one before, if there was one.
    TimedOut(TimedOut, Option<E>),
}

/// A pause before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// How long it is.
    pub length: Duration,
    /// The number of the next attempt; the first one of all is 1.
    pub next_attempt: u32,
}

/// Makes up to [`MAX_ATTEMPTS`] attempts within the budget. `attempt` is given its number; `on_retry` is told of each pause.
///
/// # Errors
/// Why there is no result, and no further attempt.
pub async fn retry<T, E>(
    budget: &Budget,
    attempt: impl AsyncFn(u32) -> Result<T, AttemptError<E>>,
    on_retry: impl Fn(&E, Pause),
) -> Result<T, GaveUp<E>> {
    let mut number = 1;
    let mut previous = None;
    loop {
        let failed = match budget.limit(attempt(number)).await {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(failed)) => failed,
            Err(timed_out) => return Err(GaveUp::TimedOut(timed_out, previous)),
        };
        if !failed.retryable || number == MAX_ATTEMPTS {
            return Err(GaveUp::Failed(failed.error));
        }
        let length = pause(number, failed.retry_after, fastrand::f64());
        if length >= budget.left() {
            return Err(match failed.retry_after {
                Some(wait) => GaveUp::WaitTooLong(failed.error, wait),
                None => GaveUp::Failed(failed.error),
            });
        }
        number += 1;
        on_retry(&failed.error, Pause { length, next_attempt: number });
        tokio::time::sleep(length).await;
        previous = Some(failed.error);
    }
}

/// Whether a response of this status may be different the next time.
#[must_use]
pub fn is_retryable(status: StatusCode) -> bool {
    status == StatusCode::REQUEST_TIMEOUT || status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// How long the server asks to wait: by `Retry-After` (RFC 9110 section 10.2.3), or by `x-ratelimit-reset`, which only says
/// something about this request if it was refused for its rate.
#[must_use]
pub fn retry_after(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let after = text("retry-after").and_then(|text| seconds(text, now).or_else(|| until_date(text, now)));
    let reset = || text("x-ratelimit-reset").and_then(|text| seconds(text, now));
    after.or_else(|| if status == StatusCode::TOO_MANY_REQUESTS { reset() } else { None })
}

/// The pause after an attempt: a random part of a time that grows exponentially ("full jitter"), after what the server asked for,
/// so that jobs which were refused together don't come back together. `jitter` is in 0..1.
fn pause(attempt: u32, retry_after: Option<Duration>, jitter: f64) -> Duration {
    let ceiling = FIRST_PAUSE * 2u32.saturating_pow(attempt.saturating_sub(1));
    retry_after.unwrap_or_default() + ceiling.mul_f64(jitter.clamp(0.0, 1.0))
}

fn seconds(text: &str, now: Timestamp) -> Option<Duration> {
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits for 285,000 years")]
    let now = now.as_millisecond() as f64 / 1000.0;
    let seconds = if number >= EPOCH_MILLIS_FROM {
        number / 1000.0 - now
    } else if number >= EPOCH_FROM {
        number - now
    } else {
        number
    };
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

/// HTTP dates are those of mail (RFC 9110 section 5.6.7) with a fixed form.
fn until_date(text: &str, now: Timestamp) -> Option<Duration> {
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(now.duration_until(date)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn asked(status: u16, headers: &[(&'static str, &str)]) -> Option<u64> {
        let headers = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
        retry_after(StatusCode::from_u16(status).unwrap(), &headers, now()).map(|wait| wait.as_secs())
    }

    #[test]
    fn every_form_of_a_wait_is_read() {
        let epoch = now().as_second() + 9;
        assert_eq!(asked(429, &[("retry-after", "7")]), Some(7));
        assert_eq!(asked(503, &[("retry-after", "Sun, 22 Nov 2026 10:00:08 GMT")]), Some(8));
        assert_eq!(asked(429, &[("retry-after", "Sun, 22 Nov 2026 09:00:00 GMT")]), Some(0));
        assert_eq!(asked(429, &[("x-ratelimit-reset", "5")]), Some(5));
        assert_eq!(asked(429, &[("x-ratelimit-reset", &epoch.to_string())]), Some(9));
        assert_eq!(asked(429, &[("x-ratelimit-reset", &format!("{epoch}000"))]), Some(9));
        assert_eq!(asked(429, &[("retry-after", "7"), ("x-ratelimit-reset", "300")]), Some(7));
    }

    #[test]
    fn what_says_nothing_of_a_wait_is_no_wait() {
        assert_eq!(asked(500, &[("x-ratelimit-reset", "300")]), None);
        assert_eq!(asked(429, &[("retry-after", "soon")]), None);
        assert_eq!(asked(429, &[("retry-after", "-1")]), None);
        assert_eq!(asked(429, &[]), None);
    }

    #[test]
    fn only_some_statuses_are_retried() {
        let retried: Vec<_> = (100..600).filter(|status| is_retryable(StatusCode::from_u16(*status).unwrap())).collect();
        assert_eq!(retried.first_chunk(), Some(&[408, 429, 500]));
        assert_eq!(retried.len(), 102);
    }

    #[test]
    fn a_pause_doubles_and_is_spread_over_all_of_its_time() {
        let longest: Vec<_> = (1..=4).map(|attempt| pause(attempt, None, 1.0).as_millis()).collect();
        assert_eq!(longest, [500, 1000, 2000, 4000]);
        assert_eq!(pause(4, None, 0.25).as_millis(), 1000);
    }

    fn attempts(fails: impl Fn(u32) -> AttemptError<&'static str>, seconds: u64) -> (Vec<u32>, GaveUp<&'static str>) {
        let made = std::cell::RefCell::new(Vec::new());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let gave_up = runtime.block_on(async {
            let attempt = async |number| {
                made.borrow_mut().push(number);
                Err::<(), _>(fails(number))
            };
            retry(&Budget::start(Duration::from_secs(seconds)), attempt, |_, _| {}).await.unwrap_err()
        });
        (made.into_inner(), gave_up)
    }

    #[test]
    fn what_is_permanent_is_not_tried_again() {
        assert_eq!(attempts(|_| AttemptError::permanent("no"), 60), (vec![1], GaveUp::Failed("no")));
    }

    #[test]
    fn a_wait_that_does_not_fit_ends_it_at_once() {
        let wait = Duration::from_secs(61);
        let error = |_| AttemptError { error: "later", retryable: true, retry_after: Some(wait) };
        assert_eq!(attempts(error, 60), (vec![1], GaveUp::WaitTooLong("later", wait)));
    }

    proptest! {
        #[test]
        fn a_pause_is_at_least_what_was_asked_and_grows_no_further_than_doubling(attempt in 1..MAX_ATTEMPTS, asked in proptest::option::of(0u64..100), jitter in 0.0f64..1.0) {
            let asked = asked.map(Duration::from_secs);
            let pause = pause(attempt, asked, jitter);
            let least = asked.unwrap_or_default();
            prop_assert!(pause >= least && pause <= least + FIRST_PAUSE * 2u32.pow(attempt - 1));
        }

        #[test]
        fn no_header_panics(text in "[ -~]{0,40}|[0-9.]{0,30}") {
            let _ = asked(429, &[("retry-after", &text)]);
        }
    }
}
