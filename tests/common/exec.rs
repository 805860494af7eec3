//! Runs `port-mcp-auth exec` with a script in place of an agent, which keeps what it was given and waits until it is told to end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use port_sandbox::{CLIENT_ID, CLIENT_SECRET, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::gateway::{Reply, wait_for};

/// What the agent does: it keeps its arguments and its environment, says that it runs, and waits for a file.
const AGENT: &str = r#"#!/bin/sh
for word; do printf '%s\0' "$word"; done >"$OUT/arguments"
env -0 >"$OUT/environment"
pid=$$
trap 'echo INT >>"$OUT/signals"; [ -e "$OUT/stubborn" ] || exit 3' INT
trap 'echo TERM >>"$OUT/signals"; exit 4' TERM
trap 'echo HUP >>"$OUT/signals"' HUP
trap 'echo USR1 >>"$OUT/signals"' USR1
echo "$pid $PPID" >"$OUT/started.new"
mv "$OUT/started.new" "$OUT/started"
while [ ! -e "$OUT/end" ]; do sleep 0.02; done
read -r code <"$OUT/end"
exit "$code"
"#;

/// A run of `exec`, or another command, that is about to start.
pub struct Exec {
    pub dir: TempDir,
    /// A flag without a value.
    pub switch: Option<&'static str>,
    verb: &'static str,
    env: BTreeMap<String, OsString>,
    flags: Vec<OsString>,
    command: Vec<OsString>,
}

impl Exec {
    /// With the sandbox's credentials and addresses as variables, and with the agent as the program of this name.
    pub fn new(sandbox: &Sandbox, program: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["bin", "home", "work", "out"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let mut exec = Self { dir, switch: None, verb: "exec", env: BTreeMap::new(), flags: Vec::new(), command: vec![program.into()] };
        let script = exec.path("bin").join(program);
        fs::write(&script, AGENT).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", exec.path("bin").display());
        let out = exec.path("out");
        let home = exec.path("home");
        for (name, value) in [
            ("PATH", OsString::from(path)),
            ("HOME", home.into()),
            ("OUT", out.into()),
            ("PORT_CLIENT_ID", CLIENT_ID.into()),
            ("PORT_CLIENT_SECRET", CLIENT_SECRET.into()),
            ("PORT_AUTH_BASE_URL", sandbox.auth_base_url().into()),
            ("PORT_MCP_URL", sandbox.mcp_url().into()),
        ] {
            exec.env.insert(name.to_owned(), value);
        }
        exec
    }

    /// `token` or `config` instead, which run nothing.
    pub fn printing(sandbox: &Sandbox, verb: &'static str) -> Self {
        Self { verb, command: Vec::new(), ..Self::new(sandbox, "agent") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    #[must_use]
    pub fn flag(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.flags.extend([name.into(), value.into()]);
        self
    }

    #[must_use]
    pub fn command(mut self, words: &[&str]) -> Self {
        self.command = words.iter().map(OsString::from).collect();
        self
    }

    /// Writes a file before the run.
    #[must_use]
    pub fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    pub fn prepared(&self) -> Command {
        self.prepared_with(&PathBuf::from(env!("CARGO_BIN_EXE_port-mcp-auth")))
    }

    pub fn prepared_with(&self, program: &PathBuf) -> Command {
        // Whoever runs the tests in the background may have signals ignored, and what is ignored stays so.
        let mut command = Command::new("/usr/bin/env");
        command.arg("--default-signal=INT,QUIT,TERM,HUP,USR1,USR2").arg(program).arg(self.verb).args(self.switch).args(&self.flags);
        if !self.command.is_empty() {
            command.arg("--").args(&self.command);
        }
        command.env_clear().envs(&self.env).current_dir(self.path("work"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self) -> Ran {
        Ran::of(self.prepared().output().unwrap())
    }

    /// Starts it, and waits until the agent runs.
    pub fn start(&self) -> Running<'_> {
        self.start_as(self.prepared())
    }

    pub fn start_as(&self, mut command: Command) -> Running<'_> {
        let mut child = command.spawn().unwrap();
        wait_for("the agent", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("{status}: {:?}", Ran::of(take_output(&mut child)));
            }
            self.read("out/started")
        });
        Running { exec: self, child }
    }
}

fn take_output(child: &mut Child) -> Output {
    let mut output = Output { status: child.wait().unwrap(), stdout: Vec::new(), stderr: Vec::new() };
    std::io::Read::read_to_end(child.stderr.as_mut().unwrap(), &mut output.stderr).unwrap();
    output
}

/// What a run left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// A run whose agent waits.
pub struct Running<'a> {
    exec: &'a Exec,
    pub child: Child,
}

impl Running<'_> {
    /// The agent's arguments, without its name.
    pub fn arguments(&self) -> Vec<String> {
        let text = self.exec.read("out/arguments").unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    pub fn environment(&self) -> BTreeMap<String, String> {
        let text = self.exec.read("out/environment").unwrap();
        text.split_terminator('\0')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    pub fn variable(&self, name: &str) -> String {
        self.environment().get(name).unwrap_or_else(|| panic!("no {name}")).clone()
    }

    /// The agent's process.
    pub fn agent(&self) -> String {
        self.exec.read("out/started").unwrap().split_whitespace().next().unwrap().to_owned()
    }

    /// The signals that the agent got.
    pub fn signals(&self) -> Vec<String> {
        self.exec.read("out/signals").unwrap_or_default().lines().map(str::to_owned).collect()
    }

    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Posts a message to the gateway, with the headers that the agent was given.
    pub fn post(&self, message: &Value) -> Reply {
        let url = self.variable("PORT_MCP_URL");
        let authority = url.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap().to_owned();
        let headers: BTreeMap<String, String> = serde_json::from_str(&self.variable("PORT_MCP_HEADERS")).unwrap();
        let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
        let body = message.to_string();
        let mut stream = TcpStream::connect(&authority).unwrap();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {authority}\r\n{headers}Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\nMCP-Protocol-Version: 2025-11-25\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        Reply::read(&mut BufReader::new(stream))
    }

    /// Calls a tool, and returns what came back as text.
    pub fn call(&self, tool: &str) -> String {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}});
        String::from_utf8(self.post(&message).body).unwrap()
    }

    /// Lets the agent end with this code, and waits.
    pub fn end(self, code: u8) -> Ran {
        fs::write(self.exec.path("out/end.new"), format!("{code}\n")).unwrap();
        fs::rename(self.exec.path("out/end.new"), self.exec.path("out/end")).unwrap();
        self.wait()
    }

    /// Waits for the end.
    pub fn wait(self) -> Ran {
        Ran::of(self.child.wait_with_output().unwrap())
    }
}
