//! Promise: what passes by itself is tried again, nothing else is, and a crowd of jobs gets through Port's limit.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::time::Duration;

use common::{Step, all_at_once};
use port_sandbox::{Fault, Options, RateLimit, Route, Sandbox, Wait};

fn requests(sandbox: &Sandbox) -> usize {
    sandbox.requests_to(Route::AccessToken).len()
}

#[test]
fn what_may_pass_is_tried_again() {
    for fault in [
        Fault::Reset,
        Fault::ResetMidBody,
        Fault::Truncated,
        Fault::status(408),
        Fault::status(429),
        Fault::status(500),
        Fault::status(502),
        Fault::status(503),
        Fault::status(504),
        Fault::RetryAfter { status: 429, wait: Wait::Seconds(0) },
        Fault::RetryAfter { status: 503, wait: Wait::Date(Duration::ZERO) },
        Fault::RetryAfter { status: 429, wait: Wait::Text("soon".to_owned()) },
        Fault::status(429).header("x-ratelimit-reset", "0"),
    ] {
        let sandbox = Sandbox::default();
        sandbox.set_faults(Route::AccessToken, [fault.clone()]);
        let outcome = Step::exchange_only(&sandbox).run().succeeded();
        assert_eq!(requests(&sandbox), 2, "{fault:?}");
        assert_eq!(outcome.stdout.matches("attempt 2 of 5").count(), 1, "each retry is a line:\n{}", outcome.stdout);
    }
}

#[test]
fn what_will_not_pass_is_not_tried_again() {
    for status in [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451, 200, 204, 301] {
        let sandbox = Sandbox::default();
        sandbox.set_fault_forever(Route::AccessToken, Fault::status(status));
        assert_eq!(Step::exchange_only(&sandbox).run().exit_code, Some(1));
        assert_eq!(requests(&sandbox), 1, "{status}");
    }
}

#[test]
fn five_attempts_are_enough() {
    let sandbox = Sandbox::default();
    sandbox.set_fault_forever(Route::AccessToken, Fault::status(500));
    Step::exchange_only(&sandbox).run().failed("port_unavailable");
    assert_eq!(requests(&sandbox), 5);
}

#[test]
fn a_wait_that_does_not_fit_ends_the_step_at_once() {
    let hour = 3600;
    let soon = (jiff::Timestamp::now().as_second() + hour).to_string();
    for fault in [
        Fault::RetryAfter { status: 429, wait: Wait::Seconds(3600) },
        Fault::RetryAfter { status: 503, wait: Wait::Seconds(3600) },
        Fault::RetryAfter { status: 429, wait: Wait::Date(Duration::from_hours(1)) },
        Fault::status(429).header("x-ratelimit-reset", "3600"),
        Fault::status(429).header("x-ratelimit-reset", soon),
    ] {
        let sandbox = Sandbox::default();
        sandbox.set_fault_forever(Route::AccessToken, fault);
        let text = Step::exchange_only(&sandbox).run().failed("rate_limited").error_text();
        assert!(text.contains("1 h more") || text.contains("59 min more"), "{text}");
        assert_eq!(requests(&sandbox), 1);
    }
}

#[test]
fn the_limit_is_named_with_what_helps() {
    for (endpoint, route, limit) in
        [("api", Route::AccessToken, "100 requests in 5 minutes"), ("mcp", Route::OAuthToken, "50 requests in 15 minutes")]
    {
        let sandbox = Sandbox::default();
        let error = || Step::exchange_only(&sandbox).input("token_endpoint", endpoint).run().failed("rate_limited").error_text();
        sandbox.set_fault_forever(route, Fault::RetryAfter { status: 429, wait: Wait::Seconds(295) });
        let text = error();
        assert!(text.contains("Port asks to wait 4 min 55 s more") && text.contains(limit), "{text}");
        assert!(text.contains("Raise `timeout` by 6 min") && text.contains("runners behind several addresses"), "{text}");
        // All attempts are made, so more time would add none.
        sandbox.set_fault_forever(route, Fault::RetryAfter { status: 429, wait: Wait::Seconds(0) });
        let text = error();
        assert!(text.contains(limit) && text.contains("start fewer jobs at once") && !text.contains("`timeout`"), "{text}");
    }
}

#[test]
fn a_server_that_is_down_for_long_is_not_blamed_on_the_number_of_jobs() {
    let sandbox = Sandbox::default();
    sandbox.set_fault_forever(Route::AccessToken, Fault::RetryAfter { status: 503, wait: Wait::Seconds(3600) });
    let text = Step::exchange_only(&sandbox).run().failed("rate_limited").error_text();
    assert!(text.contains("Port is not available") && !text.contains("max-parallel"), "{text}");
}

#[test]
fn only_an_end_that_is_compared_with_the_clock_points_to_the_clock() {
    // {"alg":"HS256"}.{"exp":1700000000,"iat":1699989200}
    let over = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwMDAsImlhdCI6MTY5OTk4OTIwMH0.c2lnbmF0dXJl";
    for (answer, of_clock) in [
        (serde_json::json!({"accessToken": over}), true),
        (serde_json::json!({"accessToken": over, "expiresIn": 10800}), true),
        (serde_json::json!({"accessToken": "opaque-token-0123456789", "expiresIn": 0}), false),
    ] {
        let sandbox = Sandbox::default();
        sandbox.set_fault_forever(Route::AccessToken, Fault::json(&answer));
        for wait in ["0s", "5s"] {
            let step = Step::exchange_only(&sandbox).input("max_wait", wait).input("min_validity", "0s");
            let text = step.run().failed("token_expiring").error_text();
            assert_eq!(text.contains("clock"), of_clock, "{answer}, {wait}: {text}");
        }
    }
}

#[test]
fn a_token_near_its_end_is_waited_out() {
    let sandbox = Sandbox::start(Options { leftover: Some(Duration::from_secs(2)), ..Options::default() });
    let outcome =
        Step::exchange_only(&sandbox).input("min_validity", "1h").input("max_wait", "1m").input("timeout", "30s").run().succeeded();
    assert_eq!(outcome.output("access_token"), sandbox.issued_tokens().pop().unwrap());
    assert_eq!(sandbox.issued_tokens().len(), 2);
    assert!(outcome.stdout.contains("Waiting "), "{}", outcome.stdout);
    assert!(outcome.output("expires_in").parse::<u64>().unwrap() >= 3600);
    let masks = outcome.log.masks();
    assert!(sandbox.issued_tokens().iter().all(|token| masks.contains(token)), "both tokens are masked");
}

#[test]
fn a_wait_may_be_as_long_as_max_wait() {
    let sandbox = Sandbox::default();
    let nearly_over = Fault::json(&serde_json::json!({"accessToken": "opaque-token-0123456789", "expiresIn": 1}));
    sandbox.set_faults(Route::AccessToken, [nearly_over.clone()]);
    let step = Step::exchange_only(&sandbox).input("min_validity", "1h");
    let outcome = step.input("max_wait", "2s").run().succeeded();
    assert!(outcome.stdout.contains("lives only 1 s more, less than asked for. Waiting 2 s for a fresh one."), "{}", outcome.stdout);

    sandbox.set_faults(Route::AccessToken, [nearly_over]);
    Step::exchange_only(&sandbox).input("min_validity", "1h").input("max_wait", "1s").run().failed("token_expiring");
}

#[test]
fn the_wait_for_a_fresh_token_is_not_part_of_the_timeout() {
    let sandbox = Sandbox::default();
    let nearly_over = Fault::json(&serde_json::json!({"accessToken": "opaque-token-0123456789", "expiresIn": 3}));
    sandbox.set_faults(Route::AccessToken, [nearly_over]);
    let step = Step::exchange_only(&sandbox).input("min_validity", "1h").input("max_wait", "1m").input("timeout", "4s");
    step.run().succeeded();
}

#[test]
fn a_token_may_be_asked_to_live_as_long_as_a_fresh_one_does() {
    let sandbox = Sandbox::start(Options { leftover: Some(Duration::from_mins(5)), ..Options::default() });
    for (asked, says) in [("3h", "Set `max_wait` to at least"), ("10801s", "none can meet `min_validity`")] {
        let text = Step::exchange_only(&sandbox).input("min_validity", asked).run().failed("token_expiring").error_text();
        assert!(text.contains(says), "{asked}: {text}");
    }
}

#[test]
fn under_ten_minutes_is_short() {
    let sandbox = Sandbox::default();
    for (left, warnings) in [(599, 1), (600, 0)] {
        sandbox.set_faults(
            Route::AccessToken,
            [Fault::json(&serde_json::json!({"accessToken": "opaque-token-0123456789", "expiresIn": left}))],
        );
        assert_eq!(Step::exchange_only(&sandbox).run().succeeded().log.warnings().count(), warnings, "{left} s");
    }
}

/// The documented limit of 100 requests and 10 more in 5 minutes, with 5 minutes scaled to 5 seconds.
#[test]
fn two_hundred_jobs_at_once_get_through_the_limit() {
    const JOBS: usize = 200;
    let limit = RateLimit { window: Duration::from_secs(5), ..RateLimit::PORT };
    let sandbox = Sandbox::start(Options { rate_limit: Some(limit), ..Options::default() });
    let steps: Vec<_> = (0..JOBS).map(|_| Step::exchange_only(&sandbox)).collect();
    for outcome in all_at_once(JOBS, |job| steps.get(job).unwrap().run()) {
        outcome.succeeded();
    }
    let requests = requests(&sandbox);
    assert!(requests <= 2 * JOBS, "{requests} requests");
}
