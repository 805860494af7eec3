//! Promise: outside of a container action, the gateway is a process of the same user that outlives the step, shows nobody its secrets,
//! and ends with the job.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs::{self, Permissions};
use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::gateway::{Reply, call, request, wait_for};
use common::leaks::assert_no_leak;
use common::runner::read_states;
use common::{Outcome, Step};
use port_sandbox::{CLIENT_SECRET, Fault, Route, Sandbox};
use serde_json::{Value, json};

const NAME: &str = "port-mcp-auth-gateway-";

/// A step of the action without Docker.
fn step(sandbox: &Sandbox) -> Step {
    let step = Step::against(sandbox).input("gateway", "true");
    for folder in ["temp", "files"] {
        fs::create_dir(step.path(folder)).unwrap();
    }
    let (temp, state) = (step.path("temp"), step.path("files/state"));
    fs::write(&state, "").unwrap();
    step.env("RUNNER_TEMP", temp).env("GITHUB_STATE", state)
}

fn run(step: &Step) -> Outcome {
    step.finish(step.start_native())
}

/// The step with what it saved for its clean-up.
fn with_state(step: Step) -> Step {
    let saved = read_states(&fs::read_to_string(step.path("files/state")).unwrap());
    saved.into_iter().fold(step, |step, (name, value)| step.env(&format!("STATE_{name}"), value))
}

/// The end of the job, as the runner starts it.
fn end(step: Step) -> Outcome {
    fs::write(step.path("summary.md"), "").unwrap();
    with_state(step).clean_up()
}

/// The process, by the log.
fn pid(outcome: &Outcome) -> u32 {
    let (_, rest) = outcome.stdout.split_once(" in the process ").unwrap_or_else(|| panic!("no process in {}", outcome.stdout));
    rest.split(',').next().unwrap().parse().unwrap()
}

fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

fn signal(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

/// All files of the job, but the step's own outputs.
fn files(step: &Step) -> Vec<PathBuf> {
    let folders = ["temp", "files", "workspace"].map(|name| step.path(name));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    entries.filter(|path| !path.ends_with("state")).collect()
}

fn record(step: &Step) -> PathBuf {
    let found = files(step).into_iter().find(|path| path.parent() == Some(&step.path("temp")));
    found.unwrap()
}

/// An agent in a later step.
struct Agent {
    address: String,
    key: String,
}

impl Agent {
    fn of(outcome: &Outcome) -> Self {
        let url = outcome.output("mcp_url");
        let address = url.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap().to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        Self { address, key: outcome.output("access_token") }
    }

    fn post(&self, extra: &str, message: &Value) -> Reply {
        let body = message.to_string();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nAccept: application/json, text/event-stream\r\n\
             Content-Type: application/json\r\n{extra}Content-Length: {}\r\n\r\n{body}",
            self.address,
            self.key,
            body.len()
        )
        .unwrap();
        Reply::read(&mut BufReader::new(stream))
    }

    /// Calls tools in one session, and returns whether each went well.
    fn call(&self, tools: &[&str]) -> Vec<bool> {
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
        let opened = self.post("", &request(0, "initialize", &params));
        let session = opened.header("mcp-session-id").map(|id| format!("Mcp-Session-Id: {id}\r\n")).unwrap_or_default();
        let extra = format!("{session}MCP-Protocol-Version: 2025-11-25\r\n");
        self.post(&extra, &json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        let call = |tool: &&str| self.post(&extra, &call(1, tool, &json!({}))).answer_to(1);
        tools.iter().map(call).map(|answer| answer["result"]["isError"] != true && answer.get("error").is_none()).collect()
    }
}

#[test]
fn an_agent_calls_through_it_in_a_later_step_and_it_ends_with_the_job() {
    let sandbox = Sandbox::default();
    let step = step(&sandbox).input("allowed_tools", "list_blueprints").input("config_file", "mcp.json");
    let started = run(&step).succeeded();
    let (pid, agent) = (pid(&started), Agent::of(&started));
    assert!(started.stdout.contains("Gateway's address: a loopback port, since this is the action without Docker"), "{}", started.stdout);
    assert!(is_running(pid), "it outlives the step");
    assert_eq!(agent.call(&["list_blueprints", "list_entities"]), [true, false]);
    for token in sandbox.issued_tokens() {
        assert_no_leak(&started, &token, false);
    }
    let ended = end(step).succeeded();
    assert!(!is_running(pid));
    let says = "1 call let through, 1 refused, 0 token renewals. It ended with the job.";
    assert!(ended.stdout.contains(&format!("Gateway: {says}")), "{}", ended.stdout);
    assert!(ended.summary.contains("| `list_blueprints` | 1 | 0 | 0 |") && ended.summary.contains(says), "{}", ended.summary);
    assert!(ended.summary.contains("| `list_entities` | 0 | 1 | 0 |"), "{}", ended.summary);
    assert!(!ended.stdout.contains("::warning"), "{}", ended.stdout);
}

#[test]
fn nothing_is_left() {
    let sandbox = Sandbox::default();
    let step = step(&sandbox).input("config_file", "mcp.json");
    let started = run(&step).succeeded();
    assert_eq!(files(&step).len(), 4, "the config, the record and a receipt of each");
    end_of(step, &started);
}

/// Ends the job, and looks for what is left in its folders.
fn end_of(step: Step, started: &Outcome) {
    let step = with_state(step);
    step.clean_up().succeeded();
    assert_eq!(files(&step), Vec::<PathBuf>::new());
    assert!(!is_running(pid(started)));
}

/// Without a state, as in runners that give the clean-up none.
#[test]
fn a_runner_without_state_ends_it_too() {
    let sandbox = Sandbox::default();
    let step = step(&sandbox);
    let started = run(&step).succeeded();
    let ended = step.clean_up().succeeded();
    assert!(ended.stdout.contains("It ended with the job."), "{}", ended.stdout);
    assert!(!is_running(pid(&started)) && files(&step).is_empty());
}

#[test]
fn no_secret_is_in_its_arguments_variables_or_files() {
    let sandbox = Sandbox::default();
    let step = step(&sandbox).env("A_VARIABLE_OF_THE_JOB", "x");
    let started = run(&step).succeeded();
    let pid = pid(&started);
    assert_eq!(fs::read(format!("/proc/{pid}/cmdline")).unwrap(), b"port-mcp-auth\0gateway\0");
    let variables = fs::read(format!("/proc/{pid}/environ"));
    assert!(variables.is_err() || variables.unwrap().is_empty(), "it has no variables, and only root may look");
    assert_eq!(fs::metadata(record(&step)).unwrap().permissions().mode() & 0o777, 0o600);
    Agent::of(&started).call(&["list_blueprints", "no_such_tool"]);
    let secrets = [CLIENT_SECRET.to_owned(), sandbox.issued_tokens().pop().unwrap(), started.output("access_token")];
    for path in files(&step) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "{}", path.display());
    }
    let state = fs::read_to_string(step.path("files/state")).unwrap();
    assert!(secrets.iter().all(|secret| !state.contains(secret)), "{state}");
    end_of(step, &started);
}

/// An agent with a shell of the same user. What guards the memory of a process holds for all users but root, so root tries it as nobody.
#[test]
fn no_process_of_the_same_user_may_read_its_memory() {
    let sandbox = Sandbox::default();
    let step = step(&sandbox);
    let program = step.path("port-mcp-auth-native");
    // Not by this process: a file that it writes is open in what other tests start meanwhile, and can't be run then.
    assert!(Command::new("cp").arg(env!("CARGO_BIN_EXE_port-mcp-auth")).arg(&program).status().unwrap().success());
    for path in [".", "temp", "files", "files/state", "output", "summary.md"] {
        fs::set_permissions(step.path(path), Permissions::from_mode(0o777)).unwrap();
    }
    let started = step.finish(as_user(&step, &program).spawn().unwrap()).succeeded();
    let pid = pid(&started);
    for file in ["environ", "maps", "mem", "fd/0", "exe", "cwd"] {
        let path = PathBuf::from(format!("/proc/{pid}/{file}"));
        let read = as_user(&step, Path::new("cat")).arg(&path).output().unwrap();
        assert!(String::from_utf8_lossy(&read.stderr).contains("Permission denied"), "{file}: {read:?}");
    }
    // The clean-up of the same user ends it all the same.
    fs::rename(&program, step.path("cleanup")).unwrap();
    let step = with_state(step);
    let ended = step.finish(as_user(&step, &step.path("cleanup")).spawn().unwrap()).succeeded();
    assert!(ended.stdout.contains("It ended with the job."), "{}", ended.stdout);
    assert!(!is_running(pid) && files(&step).is_empty());
}

/// A command with the step's variables, as a user that is not root.
fn as_user(step: &Step, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    step.prepare(&mut command);
    command.env("PATH", std::env::var_os("PATH").unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    command.arg("--").arg(program);
    command
}

#[test]
fn a_step_that_fails_leaves_no_process() {
    let sandbox = Sandbox::default();
    // What fails: Port, the preflight, the file. A gateway is there in each case.
    let cases = [
        ("credentials_rejected", "client_id", "someone-else"),
        ("tool_unknown", "allowed_tools", "get_entities"),
        ("file_write", "config_file", "mcp.json"),
    ];
    for (code, input, value) in cases {
        let step = step(&sandbox).input(input, value);
        fs::create_dir(step.path("workspace/mcp.json")).unwrap();
        run(&step).failed(code);
        assert_eq!(files(&step).iter().filter(|path| path.starts_with(step.path("temp"))).count(), 0, "{code}");
        let temp = step.path("temp");
        assert!(processes_with(&temp).is_empty(), "{code}");
        let ended = end(step).succeeded();
        assert!(!ended.stdout.contains("::warning"), "{}", ended.stdout);
    }
}

/// The processes with a file of this folder open.
fn processes_with(folder: &Path) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path().join("fd"));
    let open = processes.flat_map(|fds| fs::read_dir(fds).into_iter().flatten().flatten()).map(|fd| fd.path());
    open.filter(|fd| fs::read_link(fd).is_ok_and(|file| file.starts_with(folder))).collect()
}

#[test]
fn a_cancelled_step_leaves_no_process() {
    for kill in ["-INT", "-TERM"] {
        let sandbox = Sandbox::default();
        sandbox.set_fault_forever(Route::Mcp, Fault::Hang);
        let step = step(&sandbox);
        let child = step.start_native();
        wait_for("the preflight", || (!sandbox.requests_to(Route::Mcp).is_empty()).then_some(()));
        wait_for("the record", || (!processes_with(&step.path("temp")).is_empty()).then_some(()));
        signal(kill, child.id());
        let outcome = step.finish(child);
        assert!(matches!(outcome.exit_code, Some(130 | 143)), "{}", outcome.stdout);
        assert!(processes_with(&step.path("temp")).is_empty() && fs::read_dir(step.path("temp")).unwrap().next().is_none());
    }
}

/// A step that is killed can't remove anything. Its gateway has no settings yet, and ends by itself.
#[test]
fn a_killed_step_leaves_no_process() {
    let sandbox = Sandbox::default();
    sandbox.set_fault_forever(Route::AccessToken, Fault::Hang);
    let step = step(&sandbox);
    let mut child = step.start_native();
    wait_for("the record", || (processes_with(&step.path("temp")).len() > 1).then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("its end", || processes_with(&step.path("temp")).is_empty().then_some(()));
}

#[test]
fn an_early_end_is_a_warning() {
    for (kill, says) in [("-KILL", "Somebody killed it before the job's end"), ("-TERM", "Somebody stopped it")] {
        let sandbox = Sandbox::default();
        let step = step(&sandbox).input("allowed_tools", "list_blueprints");
        let started = run(&step).succeeded();
        assert_eq!(Agent::of(&started).call(&["list_blueprints"]), [true]);
        let pid = pid(&started);
        signal(kill, pid);
        wait_for("its end", || (!is_running(pid)).then_some(()));
        let ended = end(step).succeeded();
        assert!(ended.stdout.contains("::warning title=The gateway ended early::") && ended.stdout.contains(says), "{}", ended.stdout);
        assert!(ended.summary.contains("| `list_blueprints` | 1 | 0 | 0 |"), "the record is there: {}", ended.summary);
    }
}

#[test]
fn the_end_of_its_lifetime_is_a_warning() {
    let sandbox = Sandbox::default();
    let step = step(&sandbox).input("gateway_lifetime", "1s");
    let started = run(&step).succeeded();
    let pid = pid(&started);
    wait_for("its end", || (!is_running(pid)).then_some(()));
    let ended = end(step).succeeded();
    assert!(ended.stdout.contains("raise `gateway_lifetime`"), "{}", ended.stdout);
}

#[test]
fn a_record_that_somebody_removed_is_a_warning() {
    let sandbox = Sandbox::default();
    let step = step(&sandbox);
    let started = run(&step).succeeded();
    fs::remove_file(record(&step)).unwrap();
    let ended = end(step).succeeded();
    assert!(ended.stdout.contains("::warning title=The gateway's record is gone::It ended with the job"), "{}", ended.stdout);
    assert!(!is_running(pid(&started)));
}

/// Else a program of the job could let the summary show a file that only the runner may read.
#[test]
fn a_link_in_the_place_of_the_record_is_not_followed() {
    let sandbox = Sandbox::default();
    let step = step(&sandbox);
    let started = run(&step).succeeded();
    let (record, other) = (record(&step), step.path("workspace/other"));
    fs::write(&other, r#"{"event":"refused","method":"forged"}"#).unwrap();
    fs::remove_file(&record).unwrap();
    symlink(&other, &record).unwrap();
    let ended = end(step).succeeded();
    assert!(ended.stdout.contains("::warning title=The gateway's calls are not known::"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("forged") && !is_running(pid(&started)));
}

/// Only the step knows the client secret, with which it signs what it saves.
#[test]
fn no_other_process_is_ever_ended() {
    let mut other = Command::new("sleep").arg("600").spawn().unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", other.id())).unwrap();
    let began: u64 = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap();
    let receipt = json!({ "file": "x", "name": format!("{NAME}00"), "process": { "pid": other.id(), "started": began }, "summary": true });
    for receipt in [receipt.to_string(), format!("{} {receipt}", "0".repeat(64))] {
        let step = step(&Sandbox::default()).env("STATE_receipt", "none").env("STATE_gateway", receipt);
        assert!(step.clean_up().succeeded().stdout.contains("what the step saved about it can't be verified"));
    }
    assert!(is_running(other.id()));
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn what_keeps_it_from_starting_is_told() {
    let sandbox = Sandbox::default();
    let step = step(&sandbox);
    let nowhere = step.path("nowhere");
    let text = run(&step.env("RUNNER_TEMP", nowhere)).failed("gateway").error_text();
    assert!(text.contains("The gateway's record can't be written: No such file"), "{text}");
    let text = run(&self::step(&sandbox).without("RUNNER_TEMP")).failed("gateway").error_text();
    assert!(text.contains("`RUNNER_TEMP` is not set"), "{text}");
}

/// The image's own program never does so, whatever the job's variables say.
#[test]
fn only_the_action_without_docker_starts_a_process() {
    let sandbox = Sandbox::default();
    let step = step(&sandbox).without("GITHUB_ACTIONS").env("DOCKER_HOST", "unix:///does/not/exist.sock");
    let text = step.run().failed("gateway").error_text();
    assert!(text.contains("can't be used"), "{text}");
    assert!(files(&step).iter().all(|path| !path.starts_with(step.path("temp"))));
}
