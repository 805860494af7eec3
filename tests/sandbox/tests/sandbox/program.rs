//! The program: it says where it listens, and logs what it is asked.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// Ends the program with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_says_where_it_listens_and_logs() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name);
    let mut program = Command::new(env!("CARGO_BIN_EXE_port-sandbox"));
    program.args(["--bind", "::1", "--name", "port.example", "--token-lifetime", "90m"]);
    program.arg("--stateless");
    program.arg("--ca-file").arg(path("ca.pem"));
    program.arg("--ready-file").arg(path("ready.json"));
    program.arg("--log").arg(path("log.jsonl"));
    let mut program = Program(program.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    let mut stdout = BufReader::new(program.0.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert_eq!(fs::read_to_string(path("ready.json")).unwrap(), line);
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["pid"], program.0.id());
    assert!(fs::read_to_string(path("ca.pem")).unwrap().contains("BEGIN CERTIFICATE"));

    let base = ready["auth_base_url"].as_str().unwrap();
    assert!(base.starts_with("http://[::1]:"));
    let credentials = serde_json::json!({
        "clientId": ready["client_id"], "clientSecret": ready["client_secret"],
    });
    let any = port_sandbox::Sandbox::default();
    let answer: Value = crate::common::block_on(async {
        let client = crate::common::client(&any);
        let response = crate::common::exchange(&client, base, &credentials).await;
        response.unwrap().json().await.unwrap()
    });
    assert_eq!(answer["expiresIn"], 5_400);
    let log = fs::read_to_string(path("log.jsonl")).unwrap();
    let logged: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(logged["route"], "access_token");
}

#[test]
fn it_refuses_what_it_does_not_know() {
    for wrong in [
        "--nonsense",
        "--token-lifetime=-1h",
        "--port=x",
        "--rate-limit=5m",
        "--rate-limit=x/5m",
        "--oauth-rate-limit=1/-5m",
        "--mcp-accepts=x",
    ] {
        let program = Command::new(env!("CARGO_BIN_EXE_port-sandbox")).arg(wrong).output().unwrap();
        assert!(!program.status.success());
        assert!(String::from_utf8(program.stderr).unwrap().starts_with("port-sandbox: "));
    }
}
