//! Promise: no secret is ever seen, in any encoding, on any stream, however the run ends; and no command is forged.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::sync::Mutex;

use common::leaks::{assert_no_leak, found};
use common::runner::Log;
use common::{all_at_once, scenarios};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};

/// The only commands that a run may give, in any number.
const OWN_COMMANDS: &[&str] = &["add-mask", "error", "warning"];

#[test]
fn no_scenario_leaks_a_secret_or_lets_a_command_be_forged() {
    let waiting: Vec<_> = scenarios::all().into_iter().map(|scenario| Mutex::new(Some(scenario))).collect();
    let all = all_at_once(waiting.len(), |number| waiting.get(number).unwrap().lock().unwrap().take().unwrap().run());
    for ended in all {
        eprintln!("scenario {}", ended.name);
        let outcome = &ended.outcome;
        assert_no_leak(outcome, &ended.client_secret, false);
        for token in &ended.tokens {
            assert_no_leak(outcome, token, ended.code.is_none());
        }
        for secret in ["proxy-pass-word-1", "hunter2hunter2", "token-in-a-refusal-0123456789"] {
            assert_no_leak(outcome, secret, false);
        }
        for command in outcome.log.commands() {
            assert!(OWN_COMMANDS.contains(&command.name.as_str()), "a forged command {command:?}");
        }
        let masked_by_the_server = outcome.log.masks().iter().any(|mask| mask == "a" || mask == "x");
        assert!(!masked_by_the_server, "a forged mask");
        assert_eq!(Log::read(&outcome.stderr).commands().count(), 0);
        let outside_code: String = outcome.summary.split('`').step_by(2).collect();
        assert!(!outside_code.contains("<img"), "the summary holds HTML from outside");
    }
}

#[test]
fn masks_come_before_everything_and_cover_what_the_runner_does_not_derive() {
    let sandbox = port_sandbox::Sandbox::default();
    let outcome = common::Step::exchange_only(&sandbox).run().succeeded();
    let secret = port_sandbox::CLIENT_SECRET;
    let token = sandbox.issued_tokens().remove(0);

    assert_eq!(outcome.stdout.lines().next(), Some(format!("::add-mask::{secret}").as_str()));
    let masks = outcome.log.masks();
    let parts: Vec<_> = token.split('.').collect();
    for form in [
        secret.to_owned(),
        HEXLOWER.encode(secret.as_bytes()),
        token.clone(),
        HEXLOWER.encode(token.as_bytes()),
        parts.get(1).unwrap().to_string(),
        parts.get(2).unwrap().to_string(),
    ] {
        assert!(masks.contains(&form), "{form} is not masked");
    }
    assert!(!masks.contains(&parts.first().unwrap().to_string()), "a JWT's header is the same for all and must not be masked");
    assert!(masks.iter().all(|mask| mask.len() >= 4), "{masks:?}");
    assert!(!masks.iter().any(|mask| port_sandbox::CLIENT_ID.contains(mask.as_str())), "the client id is not masked");
    // base64 needs no mask of its own where it equals base64url, which the runner derives.
    assert_eq!(BASE64.encode(b"abc"), BASE64URL_NOPAD.encode(b"abc"));
}

#[test]
fn the_config_is_hidden_when_a_later_step_prints_it() {
    let sandbox = port_sandbox::Sandbox::default();
    for transport in ["http", "mcp-remote"] {
        let outcome = common::Step::exchange_only(&sandbox).input("transport", transport).run().succeeded();
        let printed = outcome.log.mask(&outcome.output("mcp_config"));
        assert_eq!(found(&printed, &outcome.output("access_token")), None, "{printed}");
        assert!(printed.contains("Bearer ***"), "{printed}");
    }
}

#[test]
fn the_search_finds_what_it_should() {
    let secret = "s3cr3t-VALUE-0123456789-abcdefg";
    for text in [
        secret.to_owned(),
        BASE64.encode(format!("id:{secret}").as_bytes()),
        HEXLOWER.encode(secret.as_bytes()),
        secret.to_uppercase(),
        "VALUE-0123456789".to_owned(),
    ] {
        assert!(found(&text, secret).is_some(), "{text}");
    }
    assert_eq!(found("nothing to see", secret), None);
}
