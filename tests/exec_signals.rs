//! Promise: signals go to the command, and however it all ends, nothing is left that is still of use.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::exec::Exec;
use common::gateway::wait_for;
use port_sandbox::{Fault, Route, Sandbox};

const FILE: &str = "work/.gemini/settings.json";

#[test]
fn signals_are_passed_on() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "agent");
    let running = exec.start();
    for (count, (signal, name)) in [("-HUP", "HUP"), ("-USR1", "USR1"), ("-HUP", "HUP")].into_iter().enumerate() {
        running.signal(signal);
        wait_for(name, || (running.signals().len() > count).then_some(()));
        assert_eq!(running.signals()[count], name);
    }
    running.signal("-TERM");
    let ran = running.wait();
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("0 calls let through"), "{}", ran.stderr);
}

/// Without a terminal, nobody but `exec` can tell the agent.
#[test]
fn an_interrupt_without_a_terminal_is_passed_on() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "agent");
    let running = exec.start();
    running.signal("-INT");
    assert_eq!(running.wait().code, Some(3));
}

#[test]
fn the_file_is_taken_back_after_every_end() {
    let sandbox = Sandbox::default();
    let before = "{\"theme\": \"x\"}\n";
    for (signal, to_agent, code) in [("-TERM", false, 4), ("-INT", false, 3), ("-KILL", true, 137), ("-TERM", true, 4)] {
        let exec = Exec::new(&sandbox, "gemini").file(FILE, before);
        let running = exec.start();
        assert_ne!(exec.read(FILE).as_deref(), Some(before));
        if to_agent {
            assert!(Command::new("kill").args([signal, &running.agent()]).status().unwrap().success());
        } else {
            running.signal(signal);
        }
        assert_eq!(running.wait().code, Some(code), "{signal}");
        assert_eq!(exec.read(FILE).as_deref(), Some(before), "{signal}");
    }
}

#[test]
fn a_signal_before_the_command_ends_everything() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129), ("-QUIT", 131)] {
        let sandbox = Sandbox::default();
        sandbox.set_fault_forever(Route::AccessToken, Fault::Hang);
        let exec = Exec::new(&sandbox, "gemini");
        let child = exec.prepared().spawn().unwrap();
        wait_for("a request", || (!sandbox.requests().is_empty()).then_some(()));
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{signal}");
        assert!(exec.read("out/started").is_none() && exec.read(FILE).is_none());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("error: Cancelled (cancelled)\n") && stderr.contains(&signal.replace('-', "SIG")), "{stderr}");
    }
}

#[test]
fn after_a_kill_only_a_dead_address_is_left_and_the_next_run_removes_it() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "gemini").file(FILE, "{\"theme\": \"x\"}\n");
    let mut running = exec.start();
    let url = running.variable("PORT_MCP_URL");
    let agent = running.agent();
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let left = exec.read(FILE).unwrap();
    assert!(left.contains(&url) && !left.contains(&running.variable("PORT_MCP_KEY")), "{left}");
    for token in sandbox.issued_tokens() {
        assert!(!left.contains(&token));
    }
    let authority = url.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap();
    assert!(std::net::TcpStream::connect(authority).is_err());
    assert!(Command::new("kill").args(["-KILL", &agent]).status().unwrap().success());
    drop(running);

    fs::remove_file(exec.path("out/started")).unwrap();
    let running = exec.start();
    assert!(!exec.read(FILE).unwrap().contains(&url));
    assert_eq!(running.end(0).code, Some(0));
    let config: serde_json::Value = serde_json::from_str(&exec.read(FILE).unwrap()).unwrap();
    assert_eq!(config, serde_json::json!({"theme": "x", "mcpServers": {}}));
}

/// In every format: tables and lists of JSON, TOML and YAML.
#[test]
fn the_next_run_removes_what_a_killed_one_left_from_a_file_of_its_own() {
    let sandbox = Sandbox::default();
    for (program, file) in [
        ("gemini", FILE),
        ("grok", "home/.grok/config.toml"),
        ("vibe", "home/.vibe/config.toml"),
        ("goose", "home/.config/goose/config.yaml"),
        ("cn", "home/.continue/config.yaml"),
    ] {
        let exec = Exec::new(&sandbox, program);
        let mut running = exec.start();
        let (url, agent) = (running.variable("PORT_MCP_URL"), running.agent());
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        assert!(Command::new("kill").args(["-KILL", &agent]).status().unwrap().success());
        assert!(exec.read(file).unwrap().contains(&url), "{program}");
        drop(running);
        fs::write(exec.path("out/end"), "0\n").unwrap();
        let ran = exec.run();
        assert_eq!(ran.code, Some(0), "{program}: {}", ran.stderr);
        assert!(!exec.read(file).unwrap().contains("127.0.0.1"), "{program}: {:?}", exec.read(file));
    }
}

/// Only what a gateway of this machine may have left: whatever else has the server's name is the user's.
#[test]
fn an_address_that_is_no_gateways_is_never_removed() {
    let sandbox = Sandbox::default();
    for url in ["https://127.0.0.1:1/mcp", "http://127.0.0.1:1/other", "http://127.0.0.2:1/mcp", "http://127.0.0.1/mcp"] {
        let before = serde_json::json!({"mcpServers": {"port-prod": {"httpUrl": url}}}).to_string();
        let exec = Exec::new(&sandbox, "gemini").file(FILE, &before).file("out/end", "0");
        let ran = exec.run();
        assert_eq!((ran.code, exec.read(FILE), exec.read("out/started")), (Some(1), Some(before), None), "{url}: {}", ran.stderr);
    }
}

/// A signal that a shell or `nohup` has switched off stays so, for the command too.
#[test]
fn an_ignored_signal_stays_ignored() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "agent").command(&[
        "sh",
        "-c",
        "grep SigIgn /proc/self/status >$OUT/ignored; cp $OUT/ignored $OUT/started; exec sleep 1000",
    ]);
    let program = Path::new(env!("CARGO_BIN_EXE_port-mcp-auth")).to_owned();
    let inner = exec.prepared_with(&program);
    let mut command = Command::new("sh");
    // The first two words would set it back to its default.
    command.args(["-c", "trap '' HUP USR2; exec \"$@\"", "sh"]).arg(&program).args(inner.get_args().skip(2)).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(exec.path("work"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = exec.start_as(command);
    let mask = exec.read("out/ignored").unwrap();
    let mask = u64::from_str_radix(mask.trim().rsplit('\t').next().unwrap(), 16).unwrap();
    assert_eq!(mask & 0x801, 0x801, "SIGHUP has the number 1, SIGUSR2 12");
    running.signal("-HUP");
    running.signal("-USR2");
    running.signal("-TERM");
    assert_eq!(running.wait().code, Some(143));
}

/// Starts a command line at a terminal of its own, which `script` makes.
fn at_a_terminal(exec: &Exec, line: impl Fn(&str) -> String) -> Child {
    let inner = exec.prepared();
    let words: Vec<_> =
        std::iter::once(inner.get_program()).chain(inner.get_args()).map(|word| word.to_string_lossy().into_owned()).collect();
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line(&words.join(" ")), "/dev/null"]).env_clear().env("SHELL", "/bin/bash");
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(exec.path("work"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
}

fn end(exec: &Exec, code: u8) {
    fs::write(exec.path("out/end.new"), format!("{code}\n")).unwrap();
    fs::rename(exec.path("out/end.new"), exec.path("out/end")).unwrap();
}

/// What is left on the screen when the terminal closes.
fn screen(child: &mut Child) -> String {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn ctrl_c_reaches_the_agent_once_and_exec_stays() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "agent");
    fs::write(exec.path("out/stubborn"), "").unwrap();
    let mut child = at_a_terminal(&exec, |words| format!("exec {words}"));
    wait_for("the agent", || exec.read("out/started"));
    let mut terminal = child.stdin.take().unwrap();
    terminal.write_all(b"\x03").unwrap();
    let signals = || exec.read("out/signals").unwrap_or_default();
    wait_for("the signal", || (!signals().is_empty()).then_some(()));
    end(&exec, 6);
    let text = screen(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(6), "{text}");
    assert_eq!(signals(), "INT\n", "once, and not passed on again");
    assert!(text.contains("0 calls let through"), "{text}");
}

/// An agent that reads Ctrl-Z itself stops itself alone, and expects the shell to notice.
#[test]
fn an_agent_that_stops_itself_gives_the_terminal_back_to_the_shell() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "agent");
    let mut child = at_a_terminal(&exec, |words| {
        format!("set -m; {words}; echo stopped >$OUT/stopped; while [ ! -e $OUT/resume ]; do sleep 0.02; done; fg >/dev/null")
    });
    wait_for("the agent", || exec.read("out/started"));
    let agent = exec.read("out/started").unwrap();
    let agent = agent.split_whitespace().next().unwrap();
    assert!(Command::new("kill").args(["-STOP", agent]).status().unwrap().success());
    wait_for("the shell", || exec.read("out/stopped"));
    fs::write(exec.path("out/resume"), "").unwrap();
    end(&exec, 6);
    let text = screen(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(6), "{text}");
    assert!(text.contains("0 calls let through"), "{text}");
}

/// The command's code says which signal it got.
#[test]
fn every_signal_that_the_document_names_is_passed_on() {
    let sandbox = Sandbox::default();
    let signals = ["TERM", "HUP", "USR1", "USR2", "INT", "QUIT"];
    let traps: Vec<_> = (21..).zip(signals).map(|(code, signal)| format!("trap 'exit {code}' {signal}")).collect();
    let script = format!("{}; touch $OUT/started; while :; do sleep 0.02; done", traps.join("; "));
    for (code, signal) in (21..).zip(signals) {
        let exec = Exec::new(&sandbox, "agent").command(&["sh", "-c", &script]);
        let running = exec.start();
        running.signal(&format!("-{signal}"));
        let ran = running.wait();
        assert_eq!(ran.code, Some(code), "{signal}: {}", ran.stderr);
    }
}
