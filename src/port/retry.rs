//! When to ask again.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::random;

/// How often Port is asked at most.
pub const MAX_ATTEMPTS: u32 = 5;

/// The longest first pause; each further one may be twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A number above this is a point in time, not a number of seconds: no server asks to wait for 30 years.
const EPOCH_FROM: f64 = 1e9;

/// A number above this is a point in time in milliseconds.
const EPOCH_MILLIS_FROM: f64 = 1e11;

/// Whether an answer of this status may be different the next time.
#[must_use]
pub fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::REQUEST_TIMEOUT || status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// How long the server asks to wait: by `Retry-After` (RFC 9110 section 10.2.3), or else by `x-ratelimit-reset`, which only
/// says something about this request when it was refused for its rate.
#[must_use]
pub fn asked_wait(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let after = text("retry-after").and_then(|text| seconds(text, now).or_else(|| until_date(text, now)));
    let reset = || text("x-ratelimit-reset").and_then(|text| seconds(text, now));
    after.or_else(|| if status == StatusCode::TOO_MANY_REQUESTS { reset() } else { None })
}

/// The pause before the attempt after `attempt`: what the server asked for and a little more, so that jobs which were refused
/// together don't come back together; or else a random part of an exponentially growing time ("full jitter").
/// `chance` is in 0..1.
#[must_use]
pub fn pause(attempt: u32, asked: Option<Duration>, chance: f64) -> Duration {
    let ceiling = FIRST_PAUSE * 2u32.saturating_pow(attempt.saturating_sub(1));
    let jitter = ceiling.mul_f64(chance.clamp(0.0, 1.0));
    asked.map_or(jitter, |asked| asked + jitter)
}

/// A number in 0..1 for [`pause`]. Without random bytes (which then fails elsewhere with a text of its own) it is a half.
#[must_use]
pub fn chance() -> f64 {
    random::bytes().map_or(0.5, |bytes| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
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
        asked_wait(StatusCode::from_u16(status).unwrap(), &headers, now()).map(|wait| wait.as_secs())
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
    fn only_passing_statuses_are_asked_again() {
        let passing: Vec<_> = (100..600).filter(|status| is_passing(StatusCode::from_u16(*status).unwrap())).collect();
        assert_eq!(passing.first_chunk(), Some(&[408, 429, 500]));
        assert_eq!(passing.len(), 102);
    }

    #[test]
    fn a_pause_doubles_and_is_spread_over_all_of_its_time() {
        let longest: Vec<_> = (1..=4).map(|attempt| pause(attempt, None, 1.0).as_millis()).collect();
        assert_eq!(longest, [500, 1000, 2000, 4000]);
        assert_eq!(pause(4, None, 0.25).as_millis(), 1000);
        let chances: Vec<_> = (0..1000).map(|_| chance()).collect();
        assert!(chances.iter().all(|chance| (0.0..=1.0).contains(chance)));
        assert!(chances.iter().any(|chance| *chance < 0.25) && chances.iter().any(|chance| *chance > 0.75));
    }

    proptest! {
        #[test]
        fn a_pause_is_at_least_what_was_asked_and_grows_no_further_than_doubling(attempt in 1..MAX_ATTEMPTS, asked in proptest::option::of(0u64..100), chance in 0.0f64..1.0) {
            let asked = asked.map(Duration::from_secs);
            let pause = pause(attempt, asked, chance);
            let least = asked.unwrap_or_default();
            prop_assert!(pause >= least && pause <= least + FIRST_PAUSE * 2u32.pow(attempt - 1));
        }

        #[test]
        fn no_header_panics(text in "[ -~]{0,40}|[0-9.]{0,30}") {
            let _ = asked(429, &[("retry-after", &text)]);
        }
    }
}
