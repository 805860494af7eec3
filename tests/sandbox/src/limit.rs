//! The rate limit: a fixed window that counts every request.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};

use crate::{answer::problem, options::RateLimit};

/// One route's count.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: Option<RateLimit>,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    ends: Duration,
    used: u32,
}

/// Where a request stands in its window.
#[derive(Debug)]
pub(crate) struct Standing {
    limit: u32,
    period: u64,
    remaining: u32,
    reset: u64,
    refused: bool,
}

impl Limiter {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        Self { limit, window: Mutex::default() }
    }

    /// Counts a request. `None` where there is no limit.
    pub(crate) fn count(&self, now: Duration) -> Option<Standing> {
        let limit = self.limit?;
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= window.ends {
            *window = Window { ends: now + limit.window, used: 0 };
        }
        let refused = window.used >= limit.requests + limit.burst;
        if !refused {
            window.used += 1;
        }
        let left = window.ends.saturating_sub(now);
        Some(Standing {
            limit: limit.requests,
            period: limit.window.as_secs(),
            remaining: limit.requests.saturating_sub(window.used),
            // Rounded up: a client that waits this long must find the window over.
            reset: left.as_secs() + u64::from(left.subsec_nanos() > 0),
            refused,
        })
    }
}

impl Standing {
    /// The answer to a request over the limit.
    pub(crate) fn refusal(&self) -> Option<Response> {
        self.refused.then(|| {
            let mut response = problem(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Rate limit exceeded");
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(self.reset));
            response
        })
    }

    /// Tells the caller where it stands.
    pub(crate) fn describe(&self, response: &mut Response) {
        let headers = response.headers_mut();
        for (name, value) in [
            ("x-ratelimit-limit", u64::from(self.limit)),
            ("x-ratelimit-period", self.period),
            ("x-ratelimit-remaining", u64::from(self.remaining)),
            ("x-ratelimit-reset", self.reset),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_takes_requests_and_burst_and_then_starts_anew() {
        let limiter = Limiter::new(Some(RateLimit { requests: 2, burst: 1, window: Duration::from_secs(10) }));
        let start = Duration::from_millis(1_000_500);
        let stand = |after: u64| limiter.count(start + Duration::from_millis(after)).expect("there is a limit");
        assert!((0..3).all(|n| !stand(n * 100).refused));
        let refused = stand(1_300);
        assert!(refused.refused);
        assert_eq!((refused.remaining, refused.reset), (0, 9));
        assert!(stand(9_999).refused);
        assert!(!stand(10_000).refused);
    }

    #[test]
    fn no_limit_counts_nothing() {
        assert!(Limiter::new(None).count(Duration::ZERO).is_none());
    }
}
