//! Promise: `exec` runs a command behind a gateway, with its exit code, its own streams, and nothing of Port's but what the flags allow.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::io::Write;
use std::process::Stdio;

use common::exec::Exec;
use port_sandbox::{CLIENT_SECRET, Fault, McpMode, Options, Route, Sandbox};
use serde_json::{Value, json};

/// The sandbox's own MCP server keeps no sessions here, so that one request is enough.
fn sandbox() -> Sandbox {
    Sandbox::start(Options { mcp_mode: McpMode::Stateless, ..Options::default() })
}

#[test]
fn the_exit_code_and_the_output_are_the_commands() {
    let sandbox = sandbox();
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -KILL $$", 137), ("kill -TERM $$", 143)] {
        let ran = Exec::new(&sandbox, "agent").command(&["sh", "-c", &format!("echo out; {script}")]).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(code), "out\n"), "{script}: {}", ran.stderr);
    }
}

#[test]
fn a_command_that_is_not_there_asks_port_for_nothing() {
    let sandbox = sandbox();
    for (command, code) in [("nothing-of-this-name", 127), ("./nothing", 127), ("", 127), ("/", 126), ("/etc/passwd", 126)] {
        let ran = Exec::new(&sandbox, "agent").command(&[command]).run();
        assert_eq!(ran.code, Some(code), "{command}: {}", ran.stderr);
        assert!(ran.stderr.contains("port-mcp-auth: error: The command can't be started\n"), "{}", ran.stderr);
    }
    assert!(sandbox.requests().is_empty());
}

/// What is found may still be nothing that the system runs. What was written for it is taken back.
#[test]
fn a_command_that_the_system_does_not_run_is_named() {
    let sandbox = sandbox();
    for (text, code, why) in [
        ("#!/nothing/of/this/name\n", 127, "was not found"),
        ("#!/etc/passwd\n", 126, "is no program, or may not be run"),
        ("\u{1}\u{2}", 126, "is no program, or may not be run"),
    ] {
        let exec = Exec::new(&sandbox, "gemini").file("bin/gemini", text).file("work/.gemini/settings.json", "{}");
        let ran = exec.run();
        assert_eq!(ran.code, Some(code), "{text:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("port-mcp-auth: error: The command can't be started\n") && ran.stderr.contains(why), "{}", ran.stderr);
        assert_eq!(exec.read("work/.gemini/settings.json").as_deref(), Some("{}"));
    }
}

#[test]
fn the_limits_bind() {
    let sandbox = sandbox();
    let exec = Exec::new(&sandbox, "agent").flag("--allowed-tools", "list_blueprints");
    let running = exec.start();
    assert!(running.call("list_blueprints").contains("zendesk_ticket"));
    assert!(running.call("list_entities").contains("allowed_tools"), "it names the input");
    assert!(running.call("delete_entity").contains("\"isError\":true"));
    let listed = running.post(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
    let listed: Value = serde_json::from_slice(&listed.body).unwrap();
    let names: Vec<_> =
        listed.pointer("/result/tools").and_then(Value::as_array).unwrap().iter().map(|tool| tool["name"].clone()).collect();
    assert_eq!(names, ["list_blueprints"]);
    let ran = running.end(0);
    assert_eq!(ran.code, Some(0));
    for line in [
        "port-mcp-auth: 1 call let through, 2 refused, 0 token renewals.\n",
        "port-mcp-auth: - `list_blueprints`: 1 let through, ",
        "port-mcp-auth: - `delete_entity`: 1 refused, ",
        "port-mcp-auth: Refused once: `list_entities` ",
    ] {
        assert!(ran.stderr.contains(line), "{line} is not in\n{}", ran.stderr);
    }
    assert!(ran.stdout.is_empty());
}

#[test]
fn the_gateway_ends_with_the_command() {
    let sandbox = sandbox();
    let exec = Exec::new(&sandbox, "agent");
    let running = exec.start();
    let url = running.variable("PORT_MCP_URL");
    let authority = url.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap();
    assert!(std::net::TcpStream::connect(authority).is_ok());
    running.end(0);
    assert!(std::net::TcpStream::connect(authority).is_err());
}

#[test]
fn the_gateway_may_end_before_the_command() {
    let sandbox = sandbox();
    let exec = Exec::new(&sandbox, "agent").flag("--gateway-lifetime", "5s");
    let running = exec.start();
    let url = running.variable("PORT_MCP_URL");
    let authority = url.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap();
    common::gateway::wait_for("the gateway's end", || std::net::TcpStream::connect(authority).is_err().then_some(()));
    let ran = running.end(5);
    assert_eq!(ran.code, Some(5));
    assert!(ran.stderr.contains("port-mcp-auth: warning: The gateway ended early\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("raise `--gateway-lifetime`"), "{}", ran.stderr);
}

#[test]
fn the_limits_come_from_variables_too() {
    let sandbox = sandbox();
    let exec = Exec::new(&sandbox, "agent").env("PORT_ALLOWED_TOOLS", "list_blueprints").env("PORT_READ_ONLY", "false");
    let running = exec.start();
    assert!(running.call("list_entities").contains("\"isError\":true"));
    running.end(0);
    let requests = sandbox.requests();
    assert!(requests.iter().all(|request| request.header("x-read-only-mode").is_none()));
}

#[test]
fn what_fails_before_the_command_is_told_and_nothing_runs() {
    let sandbox = sandbox();
    sandbox.set_fault_forever(Route::AccessToken, Fault::answer(401, r#"{"ok":false,"error":"unauthorized"}"#.to_owned()));
    let exec = Exec::new(&sandbox, "agent");
    let ran = exec.run();
    assert_eq!((ran.code, exec.read("out/started")), (Some(1), None));
    assert!(ran.stderr.contains("port-mcp-auth: error: Port rejected the credentials (credentials_rejected)\n"), "{}", ran.stderr);
    assert!(!ran.stderr.contains(CLIENT_SECRET) && !ran.stderr.contains("::"), "{}", ran.stderr);
}

#[test]
fn quiet_says_nothing_and_debug_says_more() {
    let sandbox = sandbox();
    for (switch, has_lines, has_requests) in [(None, true, false), (Some("-q"), false, false), (Some("--debug"), true, true)] {
        let mut exec = Exec::new(&sandbox, "agent").command(&["true"]);
        exec.switch = switch;
        let ran = exec.run();
        assert_eq!(ran.stderr.contains("tools offered"), has_lines, "{}", ran.stderr);
        assert_eq!(ran.stderr.contains("POST 127.0.0.1:"), has_requests, "{}", ran.stderr);
    }
}

#[test]
fn standard_input_is_the_commands() {
    let sandbox = sandbox();
    let exec = Exec::new(&sandbox, "agent").command(&["cat"]);
    let mut child = exec.prepared().stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"from the pipe\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"from the pipe\n".as_slice()));
}
