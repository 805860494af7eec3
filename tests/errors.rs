//! Promise: every error has a code, one annotation that says what, why and how to mend it, and no other output.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::BTreeSet;
use std::sync::Mutex;

use common::scenarios::{self, Ended};
use common::{Step, all_at_once};
use port_mcp_auth::testing::report::Code;
use port_sandbox::{Fault, Options, Refusal, Route, Sandbox};
use strum::VariantArray;

fn run_all() -> Vec<Ended> {
    let waiting: Vec<_> = scenarios::all().into_iter().map(|scenario| Mutex::new(Some(scenario))).collect();
    all_at_once(waiting.len(), |number| waiting.get(number).unwrap().lock().unwrap().take().unwrap().run())
}

/// Makes a run's texts the same on every machine and at every time.
fn with_stable_texts(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    for (pattern, stable) in [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "TIME"),
        (r"trace id `[0-9A-Za-z_-]{16,}`", "trace id `TRACE`"),
        (r"again in \d+\.\d s", "again in N s"),
        (r"verification time \d+ \(UNIX\)", "verification time NOW (UNIX)"),
        (r"\d+ seconds ago", "N seconds ago"),
        (r"\b(3 h|2 h 59 min)\b", "3 h"),
        (r"\b(5 min|4 min 59 s)\b", "5 min"),
        (r"\b(6 min|5 min 59 s)\b", "6 min"),
        (r"wait (5 min|4 min \d+ s) more", "wait 5 min more"),
    ] {
        settings.add_filter(pattern, stable);
    }
    settings.bind(check);
}

#[test]
fn every_scenario_ends_as_it_should_and_says_so_in_the_same_words() {
    for ended in run_all() {
        let Ended { name, code, outcome, .. } = ended;
        eprintln!("scenario {name}");
        let outcome = match code {
            Some(code) => outcome.failed(code),
            None => outcome.succeeded(),
        };
        // The action without Docker asks no engine, and fails for want of another thing.
        if name == "gateway_without_an_engine" && std::env::var_os("NATIVE_SCRIPT").is_some() {
            continue;
        }
        with_stable_texts(|| insta::assert_snapshot!(name, format!("{}\n--- summary\n{}", outcome.log.shown(), outcome.summary)));
    }
}

#[test]
fn every_code_has_a_scenario() {
    let provoked: BTreeSet<_> = scenarios::all().iter().filter_map(|scenario| scenario.code).collect();
    // A signal is not part of a scenario: tests/signals.rs sends them.
    let known: BTreeSet<_> = Code::VARIANTS.iter().map(|code| code.as_str()).filter(|code| *code != "cancelled").collect();
    // The runner's files are part of every scenario, and a fault of the program needs a system that fails it: tests/runner.rs.
    let elsewhere = BTreeSet::from(["internal", "runner"]);
    assert_eq!(provoked, known.difference(&elsewhere).copied().collect());
}

#[test]
fn the_summary_says_what_the_annotation_says() {
    let sandbox = Sandbox::start(Options { refusal: Some(Refusal::IpNotAllowed), ..Options::default() });
    let outcome = Step::exchange_only(&sandbox).run().failed("forbidden");
    let readable = outcome.summary.replace('\\', "");
    for sentence in outcome.error_text().lines().filter(|line| !line.starts_with("More: ")) {
        let words = sentence.trim_start_matches("Why: ").trim_start_matches("Fix: ");
        assert!(readable.contains(words), "{words:?} is not in {readable:?}");
    }
}

#[test]
fn no_summary_is_written_when_none_is_wanted() {
    let sandbox = Sandbox::default();
    assert_eq!(Step::exchange_only(&sandbox).input("summary", "false").run().succeeded().summary, "");
    assert_eq!(Step::exchange_only(&sandbox).input("summary", "false").input("client_id", "").run().failed("input_missing").summary, "");
}

#[test]
fn an_answer_may_have_a_mebibyte_and_no_more() {
    const MEBIBYTE: usize = 1024 * 1024;
    let sandbox = Sandbox::default();
    let answer = serde_json::json!({"accessToken": "opaque-token-0123456789", "expiresIn": 10800}).to_string();
    for (size, code) in [(MEBIBYTE, None), (MEBIBYTE + 1, Some("bad_response"))] {
        let padded = format!("{answer}{}", " ".repeat(size - answer.len()));
        sandbox.set_faults(Route::AccessToken, [Fault::answer(200, padded)]);
        let outcome = Step::exchange_only(&sandbox).run();
        match code {
            None => drop(outcome.succeeded()),
            Some(code) => assert!(outcome.failed(code).error_text().contains("larger than 1 MiB")),
        }
    }
}

#[test]
fn what_came_instead_of_json_is_named() {
    let sandbox = Sandbox::default();
    let body = |content_type: &str| Fault::Body { content_type: content_type.to_owned(), body: b"<a>".to_vec() };
    for (answer, says) in [
        (body("text/html; charset=utf-8"), "an HTML page"),
        (body("application/xml"), "a body of type `application/xml`"),
        (Fault::answer(200, "<a>"), "a body without a type"),
        (Fault::answer(200, "<a>").header("content-encoding", "br"), "a body in the encoding `br`, which was not asked for"),
    ] {
        sandbox.set_faults(Route::AccessToken, [answer]);
        let text = Step::exchange_only(&sandbox).run().failed("bad_response").error_text();
        assert!(text.contains(&format!("it is no JSON object but {says}")), "no {says:?} in {text}");
    }
}

/// Elsewhere these words may mean anything.
#[test]
fn only_the_oauth_endpoint_rejects_credentials_with_another_status() {
    let sandbox = Sandbox::default();
    for (endpoint, status, error, code) in [
        ("api", 400, "invalid_client", "request_rejected"),
        ("mcp", 400, "invalid_client", "credentials_rejected"),
        ("mcp", 400, "invalid_scope", "request_rejected"),
        ("mcp", 300, "invalid_client", "redirected"),
    ] {
        let answer = Fault::answer(status, serde_json::json!({"error": error}).to_string());
        sandbox.set_fault_forever(Route::AccessToken, answer.clone());
        sandbox.set_fault_forever(Route::OAuthToken, answer);
        Step::exchange_only(&sandbox).input("token_endpoint", endpoint).run().failed(code);
    }
}

#[test]
fn the_wrong_region_is_the_first_thing_to_check() {
    // No server has these addresses here: the texts alone are looked at.
    let sandbox = Sandbox::start(Options { refusal: Some(Refusal::WrongRegion), ..Options::default() });
    let text = Step::exchange_only(&sandbox).run().failed("not_found").error_text();
    assert!(text.contains("EU: `https://api.port.io/v1`, US: `https://api.us.port.io/v1`"), "{text}");
}
