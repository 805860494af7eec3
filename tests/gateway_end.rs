//! Promise: at the end of the job the gateway is stopped and removed, and the summary says what was called through it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::engine::{Engine, Program, Script};
use common::{Outcome, Step, runner};
use port_sandbox::Sandbox;
use serde_json::{Value, json};

const RECORD: &[&str] = &[
    r#"{"event":"ready","port":4711}"#,
    r#"{"event":"call","id":1,"method":"tools/call","tool":"list_blueprints","decision":"allowed"}"#,
    r#"{"event":"answer","id":1,"outcome":"ok","status":200,"ms":12.5}"#,
    r#"{"event":"refused","id":2,"method":"tools/call","tool":"delete_entity","decision":"refused","reason":"tool","message":"`delete_entity` is not among the allowed tools."}"#,
    r#"{"event":"refused","id":3,"method":"tools/call","tool":"delete_entity","decision":"refused","reason":"tool","message":"`delete_entity` is not among the allowed tools."}"#,
    r#"{"event":"refused","id":4,"method":"x|::error::y","decision":"refused","reason":"method","message":"<b>no</b>"}"#,
    r#"{"event":"renewed","seconds_left":10800}"#,
];

/// The step, and the end of its job.
fn job(script: Script, between: impl FnOnce(&Engine)) -> (Outcome, Engine) {
    job_with(script, |step| step, between)
}

fn job_with(script: Script, change: impl FnOnce(Step) -> Step, between: impl FnOnce(&Engine)) -> (Outcome, Engine) {
    let sandbox = Sandbox::default();
    let step = change(Step::exchange_only(&sandbox).input("gateway", "true").without("GITHUB_ACTIONS"));
    let engine = Engine::start(script, &step.path("output"));
    std::fs::write(step.path("state"), "").unwrap();
    let state = step.path("state");
    let step = step.env("DOCKER_HOST", engine.host()).env("GITHUB_STATE", state);
    step.run().succeeded();
    assert_eq!(engine.containers().len(), 1);
    between(&engine);
    let saved = runner::read_outputs(&std::fs::read_to_string(step.path("state")).unwrap());
    std::fs::write(step.path("summary.md"), "").unwrap();
    let step = saved.into_iter().fold(step, |step, (name, value)| step.env(&format!("STATE_{name}"), value));
    (step.clean_up(), engine)
}

fn script(ended: Option<Value>, more: &[&str]) -> Script {
    let lines = RECORD.iter().chain(more).map(ToString::to_string).collect();
    Script { program: Program::Says { lines, ends: false }, ended, ..Script::default() }
}

#[test]
fn the_summary_says_what_was_called_and_refused() {
    let (end, engine) = job(script(None, &[r#"{"event":"end","reason":"stopped"}"#]), |_| {});
    let end = end.succeeded();
    let stop = engine.request("POST containers/port-mcp-auth-gateway-");
    assert!(engine.asked().iter().any(|what| what.ends_with("/stop")), "{stop:?}");
    assert!(engine.containers().is_empty());
    assert_eq!(
        end.summary,
        "### 🔌 Port MCP: calls through the gateway\n\n\
         | Tool | Let through | Refused | Failed | Time |\n| --- | --- | --- | --- | --- |\n\
         | `delete_entity` | 0 | 2 | 0 | 0 ms |\n| `list_blueprints` | 1 | 0 | 0 | 12 ms |\n\n\
         | Refused | Why | Times |\n| --- | --- | --- |\n\
         | `delete_entity` | 'delete\\_entity' is not among the allowed tools. | 2 |\n\
         | `x\\|: :error: :y` | \\<b\\>no\\</b\\> | 1 |\n\n\
         1 call let through, 3 refused, 1 token renewal. It ended with the job.\n\n"
    );
    assert!(end.stdout.contains("Refused 2 times: `delete_entity`"), "{}", end.stdout);
    assert!(!end.stdout.contains("Nothing to clean up"), "{}", end.stdout);
    assert_eq!(end.log.errors().count(), 0);
}

#[test]
fn a_run_with_debug_messages_says_how_long_the_end_took() {
    let (end, _engine) = job_with(script(None, &[]), |step| step.env("RUNNER_DEBUG", "1"), |_| {});
    let stopped =
        |text: &str| text.starts_with("The gateway port-mcp-auth-gateway-") && text.contains("was stopped, read and removed within ");
    assert!(end.log.named("debug").any(|debug| stopped(&debug.text)), "{}", end.stdout);
}

#[test]
fn an_early_end_is_a_warning() {
    let state = |code, out_of_memory| Some(json!({ "Running": false, "ExitCode": code, "OOMKilled": out_of_memory }));
    for (script, says) in [
        (script(state(0, false), &[r#"{"event":"end","reason":"lifetime"}"#]), "raise `gateway_lifetime`"),
        (script(state(137, true), &[]), "out of memory"),
        (script(state(137, false), &[]), "Somebody killed it"),
    ] {
        let (end, engine) = job(script, |_| {});
        let end = end.succeeded();
        assert!(end.stdout.contains("::warning title=The gateway ended early::") && end.stdout.contains(says), "{}", end.stdout);
        assert!(engine.containers().is_empty());
    }
}

#[test]
fn a_gateway_that_somebody_removed_is_a_warning() {
    let (end, _engine) = job(script(None, &[]), Engine::lose_containers);
    assert!(end.succeeded().stdout.contains("::warning title=The gateway is gone::"));
}

#[test]
fn a_gateway_that_cannot_be_removed_is_told_with_the_engines_words() {
    let (end, _) = job(Script { refuses: Some(("DELETE ", 500, "device is busy")), ..script(None, &[]) }, |_| {});
    assert!(end.stdout.contains("title=The gateway's calls are not known") && end.stdout.contains("`device is busy`"), "{}", end.stdout);
}

#[test]
fn a_failed_step_has_nothing_to_end() {
    let sandbox = Sandbox::default();
    let step = Step::exchange_only(&sandbox).input("gateway", "true").without("GITHUB_ACTIONS").input("client_id", "someone-else");
    let engine = Engine::start(Script::default(), &step.path("output"));
    let state = step.path("state");
    std::fs::write(&state, "").unwrap();
    let step = step.env("DOCKER_HOST", engine.host()).env("GITHUB_STATE", state);
    step.run().failed("credentials_rejected");
    let saved = runner::read_outputs(&std::fs::read_to_string(step.path("state")).unwrap());
    let step = saved.into_iter().fold(step, |step, (name, value)| step.env(&format!("STATE_{name}"), value));
    let end = step.clean_up();
    assert_eq!((end.exit_code, end.stdout.contains("::warning")), (Some(0), false), "{}", end.stdout);
}

/// Only the step knows the client secret, with which it signs what it saves.
#[test]
fn no_other_container_is_ever_stopped() {
    let forged = json!({ "file": "x", "name": "postgres", "summary": true }).to_string();
    for receipt in [forged.clone(), format!("{} {forged}", "0".repeat(64)), "nonsense".to_owned()] {
        let step = Step::exchange_only(&Sandbox::default()).without("GITHUB_ACTIONS");
        let engine = Engine::start(Script::default(), &step.path("output"));
        let step = step.env("DOCKER_HOST", engine.host()).env("STATE_receipt", "none").env("STATE_gateway", receipt);
        assert!(step.clean_up().succeeded().stdout.contains("what the step saved about it can't be verified"));
        assert!(engine.asked().is_empty());
    }
}

/// A step that has run, and its engine. What it saved is in files, since nothing hands its state to the clean-up.
fn run_for_a_clean_up_without_state(sandbox: &Sandbox) -> (Step, Engine) {
    let step = Step::exchange_only(sandbox).input("gateway", "true").without("GITHUB_ACTIONS");
    let engine = Engine::start(script(None, &[]), &step.path("output"));
    let state = step.path("state");
    std::fs::write(&state, "").unwrap();
    let step = step.env("DOCKER_HOST", engine.host()).env("GITHUB_STATE", state);
    step.run().succeeded();
    (step, engine)
}

/// Both steps save in the same folder, and sign with the same secret.
#[test]
fn a_step_that_had_no_gateway_ends_none_of_another_step() {
    let (step, engine) = run_for_a_clean_up_without_state(&Sandbox::default());
    let end = step.env("STATE_receipt", "none").clean_up().succeeded();
    assert!(end.stdout.contains("Nothing to clean up."), "{}", end.stdout);
    assert_eq!(engine.containers().len(), 1);
}

/// `act` starts the clean-up without any state.
#[test]
fn a_runner_without_state_ends_it_too() {
    let sandbox = Sandbox::default();
    let (step, engine) = run_for_a_clean_up_without_state(&sandbox);
    let end = step.clean_up().succeeded();
    assert!(end.summary.contains("| `list_blueprints` | 1 | 0 | 0 | 12 ms |"), "{}", end.summary);
    assert!(engine.containers().is_empty());
    let again = step.clean_up().succeeded();
    assert!(again.stdout.contains("Nothing to clean up."), "{}", again.stdout);
}

#[test]
fn a_receipt_that_nothing_proves_is_reported() {
    let sandbox = Sandbox::default();
    let (step, engine) = run_for_a_clean_up_without_state(&sandbox);
    let end = step.without("INPUT_CLIENT_SECRET").clean_up().succeeded();
    assert!(end.stdout.contains("what the step saved about it can't be verified"), "{}", end.stdout);
    assert_eq!(engine.containers().len(), 1);
}
