//! Promise: a cancelled step ends at once, with the exit code of the signal, and writes nothing.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::process::{Child, Command};

use common::Step;
use port_sandbox::{Fault, Options, Route, Sandbox};

fn send(signal: &str, child: &Child) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

fn wait_until(condition: impl Fn() -> bool) {
    while !condition() {
        std::thread::yield_now();
    }
}

fn assert_cancelled(step: &Step, child: Child, exit_code: i32, signal: &str) {
    let outcome = step.finish(child);
    assert_eq!(outcome.exit_code, Some(exit_code), "{}", outcome.stdout);
    assert_eq!((outcome.output_file.as_str(), outcome.summary.as_str()), ("", ""));
    let errors: Vec<_> = outcome.log.errors().collect();
    assert_eq!(errors.len(), 1, "{}", outcome.stdout);
    assert!(errors.first().unwrap().title.ends_with("(cancelled)"));
    assert!(errors.first().unwrap().text.contains(signal));
}

/// The server never answers and the budget is a minute, so only the signal can end the run.
#[test]
fn a_signal_ends_a_run_that_waits_for_an_answer() {
    for (kill, exit_code, signal) in [("-INT", 130, "SIGINT"), ("-TERM", 143, "SIGTERM")] {
        let sandbox = Sandbox::default();
        sandbox.set_fault_forever(Route::AccessToken, Fault::Hang);
        let step = Step::against(&sandbox);
        let child = step.start();
        wait_until(|| !sandbox.requests().is_empty());
        send(kill, &child);
        assert_cancelled(&step, child, exit_code, signal);
    }
}

#[test]
fn a_signal_ends_a_run_that_waits_for_a_fresh_token() {
    let sandbox = Sandbox::start(Options { leftover: Some(std::time::Duration::from_mins(5)), ..Options::default() });
    let step = Step::exchange_only(&sandbox).input("min_validity", "30m").input("max_wait", "1h");
    let child = step.start();
    wait_until(|| sandbox.requests().first().is_some_and(|request| request.status.is_some()));
    send("-INT", &child);
    assert_cancelled(&step, child, 130, "SIGINT");
}

#[test]
fn a_signal_ends_a_run_between_two_attempts() {
    let sandbox = Sandbox::default();
    sandbox.set_fault_forever(Route::AccessToken, Fault::RetryAfter { status: 503, wait: port_sandbox::Wait::Seconds(50) });
    let step = Step::exchange_only(&sandbox);
    let child = step.start();
    wait_until(|| sandbox.requests().first().is_some_and(|request| request.status.is_some()));
    send("-TERM", &child);
    assert_cancelled(&step, child, 143, "SIGTERM");
}
