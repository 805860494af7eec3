//! Promise: what the README and docs/usage.md say around the action holds: what it leaves unused, the ready-made job, and the commands
//! for other CI systems.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::engine::{Engine, Script};
use common::{Step, leaks};
use port_sandbox::{CLIENT_SECRET, Sandbox};
use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// GitHub's runner gives these to every container action, with the permissions of the job.
#[test]
fn what_the_runner_gives_every_container_is_not_used() {
    let sandbox = Sandbox::default();
    let foreign = "a-token-of-the-runner-0123456789";
    let names =
        ["GITHUB_TOKEN", "INPUT_GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"];
    let step = names.into_iter().fold(Step::against(&sandbox), |step, name| step.env(name, foreign));
    // `DOCKER_HOST` counts only outside of GitHub's runner.
    let step = step.without("GITHUB_ACTIONS");
    let engine = Engine::start(Script::default(), &step.path("output"));
    let outcome = step.env("DOCKER_HOST", engine.host()).run().succeeded();
    for request in sandbox.requests() {
        let sent = format!("{request:?} {}", String::from_utf8_lossy(&request.body));
        assert!(!sent.contains(foreign), "{sent}");
    }
    for text in [&outcome.stdout, &outcome.output_file, &outcome.summary] {
        assert!(!text.contains(foreign), "{text}");
    }
    assert!(engine.asked().is_empty(), "without a gateway, the engine is left alone");
}

#[test]
fn the_ready_made_job_reads_and_runs_nothing_unless_told() {
    let workflow: Value = serde_saphyr::from_str(&read(".github/workflows/port-agent.yml")).unwrap();
    let action: Value = serde_saphyr::from_str(&read("claude/action.yml")).unwrap();
    let declared = &workflow["on"]["workflow_call"]["inputs"];
    assert_eq!(declared["gateway"]["default"], true);
    let steps = workflow["jobs"]["agent"]["steps"].as_array().unwrap();
    let passed = &steps.iter().find(|step| step["uses"] == "$/claude").unwrap()["with"];
    let handed_on = &action["runs"]["steps"][0]["with"];
    let sandbox = Sandbox::default();
    let mut step = Step::against(&sandbox);
    for name in ["read_only", "allowed_actions", "gateway"] {
        for with in [passed, handed_on] {
            assert_eq!(with[name], format!("${{{{ inputs.{name} }}}}"), "{name}");
        }
        if name != "gateway" {
            let default = &declared[name]["default"];
            step = step.input(name, default.as_str().map_or_else(|| default.to_string(), str::to_owned));
        }
    }
    let outcome = step.run().succeeded();
    let allowed = outcome.output("allowed_tools");
    assert!(allowed.contains("list_entities"), "{allowed}");
    for tool in ["run_action", "trigger_run", "upsert_entity", "delete_entity"] {
        assert!(!allowed.contains(tool), "{allowed}");
    }
}

/// A part of the section for other CI systems, between these two texts.
fn documented(from: &str, to: &str) -> String {
    let text = read("docs/usage.md");
    let (_, section) = text.split_once("\n## Other CI systems\n").unwrap();
    let (_, rest) = section.split_once(from).unwrap_or_else(|| panic!("no {from:?}"));
    format!("{from}{}", rest.split_once(to).unwrap().0)
}

/// Runs a line of Bash in the step's folder, and returns what it prints.
fn bash(step: &Step, line: &str) -> String {
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", line]).current_dir(step.dir.path()).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_commands_for_other_ci_systems_work() {
    let sandbox = Sandbox::default();
    let step = Step::against(&sandbox).without("GITHUB_ACTIONS").without("GITHUB_WORKSPACE").without("GITHUB_STEP_SUMMARY");
    let outputs = step.path("out/outputs");
    fs::create_dir(step.path("out")).unwrap();
    fs::write(&outputs, "").unwrap();
    let step = step.env("GITHUB_OUTPUT", &outputs);
    let outcome = step.run().succeeded();
    let function = documented("output() {", "\n");
    for name in ["mcp_config", "client_args", "access_token"] {
        assert_eq!(bash(&step, &format!("{function}\noutput {name}")), format!("{}\n", outcome.output(name)), "{name}");
    }

    fs::write(step.path("log"), &outcome.stdout).unwrap();
    let shown = bash(&step, &format!("cat log | {}", documented("grep -v ", "\n")));
    assert!(shown.contains("tools offered"), "{shown}");
    for secret in [CLIENT_SECRET, &outcome.output("access_token")] {
        assert_eq!(leaks::found(&shown, secret), None, "{shown}");
    }

    fs::write(&outputs, "").unwrap();
    let step = step.input("client_secret", "not-the-secret-of-this-client");
    step.run().failed("credentials_rejected");
    assert_eq!(bash(&step, &format!("{function}\noutput error_code")), "credentials_rejected\n");
}
