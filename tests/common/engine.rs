//! A container engine that runs no containers: it answers as a script says, and notes what it is asked for.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

/// The engine's id of the step's container.
pub const OWN_ID: &str = "5ae1f00d5ae1f00d5ae1f00d5ae1f00d5ae1f00d5ae1f00d5ae1f00d5ae1f00d";

/// The engine's id of the step's image.
pub const IMAGE: &str = "sha256:c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

/// What the program in the second container does.
#[derive(Clone)]
pub enum Program {
    /// The built binary runs as a process of this machine.
    Real,
    /// It writes these lines when it has its settings, and then goes on or ends.
    Says { lines: Vec<String>, ends: bool },
}

/// How the engine answers.
pub struct Script {
    pub version: Value,
    pub info: Value,
    /// What the engine says of the step's container, beside its environment.
    pub own: Value,
    /// More containers that run.
    pub others: Vec<Value>,
    /// The second container's networks and ports.
    pub network_settings: Value,
    /// The request that is refused: the start of `METHOD path`, a status, and a message.
    pub refuses: Option<(&'static str, u16, &'static str)>,
    /// The request that gets no answer.
    pub hangs: Option<&'static str>,
    pub program: Program,
    /// What became of the second container before the job's end.
    pub ended: Option<Value>,
}

impl Default for Script {
    /// Docker 20.10 on a Linux host, and a step in its default network.
    fn default() -> Self {
        Self {
            version: json!({ "Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12" }),
            info: json!({ "SecurityOptions": ["name=seccomp,profile=default"] }),
            own: json!({
                "HostConfig": { "NetworkMode": "default", "UsernsMode": "", "Dns": ["10.0.0.2"], "DnsSearch": [], "DnsOptions": [], "ExtraHosts": ["a.example:10.0.0.3"] },
                "NetworkSettings": { "Networks": { "bridge": { "IPAddress": "172.17.0.2" } } },
            }),
            others: Vec::new(),
            network_settings: json!({ "Networks": { "bridge": { "IPAddress": "127.0.0.1", "GlobalIPv6Address": "" } } }),
            refuses: None,
            hangs: None,
            program: Program::Says { lines: vec![r#"{"event":"ready","port":4711}"#.to_owned()], ends: false },
            ended: None,
        }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `METHOD path`, without the version.
    pub what: String,
    pub version: String,
    pub query: String,
    pub body: Value,
}

#[derive(Default)]
struct Seen {
    asked: Vec<Asked>,
    /// What the program in the second container was told.
    told: Vec<String>,
    /// What it wrote.
    log: Vec<u8>,
    /// The second container, by its name.
    containers: BTreeMap<String, Option<Child>>,
    stopped: bool,
    /// Whether the program may still write.
    is_written: bool,
}

/// The engine.
pub struct Engine {
    directory: TempDir,
    shared: Arc<(Script, String, Mutex<Seen>, Condvar)>,
}

impl Engine {
    /// Starts it. It runs one container, whose environment names this file for outputs.
    pub fn start(script: Script, output: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let shared = Arc::new((script, format!("GITHUB_OUTPUT={}", output.display()), Mutex::default(), Condvar::new()));
        let listener = UnixListener::bind(directory.path().join("engine.sock")).unwrap();
        let for_connections = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&for_connections);
                thread::spawn(move || Connection { shared: &shared, stream }.serve());
            }
        });
        Self { directory, shared }
    }

    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("engine.sock")
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.2.lock().unwrap()
    }

    /// What it was asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.seen().asked.iter().map(|asked| asked.what.clone()).collect()
    }

    /// The request that begins so.
    pub fn request(&self, start: &str) -> Asked {
        let seen = self.seen();
        seen.asked.iter().find(|asked| asked.what.starts_with(start)).unwrap_or_else(|| panic!("no {start} in {:?}", seen.asked)).clone()
    }

    /// Waits until it is asked for something that begins so.
    pub fn wait_for(&self, start: &str) {
        let is_missing = |seen: &mut Seen| !seen.asked.iter().any(|asked| asked.what.starts_with(start));
        drop(self.shared.3.wait_while(self.seen(), is_missing).unwrap());
    }

    /// What the program in the second container was told.
    pub fn told(&self) -> Vec<Value> {
        self.seen().told.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Somebody removes all second containers.
    pub fn lose_containers(&self) {
        self.seen().containers.clear();
    }

    /// The second containers that are there.
    pub fn containers(&self) -> Vec<String> {
        self.seen().containers.keys().cloned().collect()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for mut program in std::mem::take(&mut self.seen().containers).into_values().flatten() {
            drop(program.kill());
            drop(program.wait());
        }
    }
}

struct Connection<'a> {
    shared: &'a (Script, String, Mutex<Seen>, Condvar),
    stream: UnixStream,
}

impl Connection<'_> {
    fn serve(mut self) {
        let mut reader = BufReader::new(self.stream.try_clone().unwrap());
        while let Some((head, body)) = read_request(&mut reader) {
            let mut words = head.split(' ');
            let (method, target) = (words.next().unwrap(), words.next().unwrap());
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let (version, path) = match path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/')) {
                Some((minor, rest)) => (format!("1.{minor}"), rest),
                None => (String::new(), path.trim_start_matches('/')),
            };
            let what = format!("{method} {path}");
            let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
            self.note(Asked { what: what.clone(), version, query: query.to_owned(), body });
            let (script, ..) = self.shared;
            if script.hangs.is_some_and(|start| what.starts_with(start)) {
                drop(reader.read_to_end(&mut Vec::new()));
                return;
            }
            if let Some((_, status, message)) = script.refuses.filter(|(start, ..)| what.starts_with(start)) {
                self.answer(status, &json!({ "message": message }));
                continue;
            }
            if what.ends_with("/attach") {
                self.attach(path, &mut reader);
                return;
            }
            self.act(method, path, query);
        }
    }

    fn note(&self, asked: Asked) {
        self.seen().asked.push(asked);
        self.shared.3.notify_all();
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.2.lock().unwrap()
    }

    fn act(&mut self, method: &str, path: &str, query: &str) {
        let (script, ..) = self.shared;
        let parts: Vec<_> = path.split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["version"]) => self.answer(200, &script.version),
            ("GET", ["info"]) => self.answer(200, &script.info),
            ("GET", ["containers", "json"]) => {
                self.answer(200, &json!(self.all()));
            }
            ("GET", ["containers", id, "json"]) => match self.describe(id) {
                Some(container) => self.answer(200, &container),
                None => self.answer(404, &json!({ "message": format!("No such container: {id}") })),
            },
            ("POST", ["containers", "create"]) => {
                let name = query.strip_prefix("name=").unwrap().to_owned();
                self.seen().containers.insert(name, None);
                self.answer(201, &json!({ "Id": "51b11f95", "Warnings": [] }));
            }
            ("POST", ["networks", _, "connect"]) => self.answer(200, &json!({})),
            ("POST", ["containers", name, "start"]) => {
                // As an engine does, nothing else happens to the container meanwhile.
                let mut seen = self.seen();
                let is_there = seen.containers.contains_key(*name);
                if is_there && matches!(script.program, Program::Real) {
                    let program = Command::new(env!("CARGO_BIN_EXE_port-mcp-auth"))
                        .arg("gateway")
                        .env_clear()
                        .stdin(Stdio::piped())
                        .stdout(Stdio::piped())
                        .stderr(Stdio::null())
                        .spawn()
                        .unwrap();
                    seen.containers.insert((*name).to_owned(), Some(program));
                }
                drop(seen);
                self.answer(if is_there { 204 } else { 404 }, &json!({ "message": "No such container" }));
            }
            ("POST", ["containers", name, "stop"]) => {
                let program = self.seen().containers.get_mut(*name).and_then(Option::take);
                if let Some(mut program) = program {
                    let killed = Command::new("kill").args(["-TERM", &program.id().to_string()]).status().unwrap();
                    assert!(killed.success());
                    program.wait().unwrap();
                }
                drop(self.shared.3.wait_while(self.seen(), |seen| seen.is_written).unwrap());
                self.seen().stopped = true;
                self.answer(204, &Value::Null);
            }
            ("GET", ["containers", _, "logs"]) => {
                let log = frame(&self.seen().log);
                self.write(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", log.len()));
                self.stream.write_all(&log).unwrap();
            }
            ("DELETE", ["containers", name]) => {
                let removed = self.seen().containers.remove(*name);
                if let Some(Some(mut program)) = removed {
                    program.kill().unwrap();
                    program.wait().unwrap();
                    self.answer(204, &Value::Null);
                } else if removed.is_some() {
                    self.answer(204, &Value::Null);
                } else {
                    self.answer(404, &json!({ "message": "No such container" }));
                }
            }
            other => panic!("no engine is asked for {other:?}"),
        }
    }

    /// The containers that run, without the second one.
    fn all(&self) -> Vec<Value> {
        let (script, variable, ..) = self.shared;
        let mut own = json!({ "Id": OWN_ID, "Image": IMAGE, "Config": { "Env": ["A=b", variable], "Labels": { "9cf3d2": "" } } });
        own.as_object_mut().unwrap().extend(script.own.as_object().unwrap().clone());
        [vec![own], script.others.clone()].concat()
    }

    fn describe(&self, id: &str) -> Option<Value> {
        if let Some(container) = self.all().into_iter().find(|container| container["Id"] == id) {
            return Some(container);
        }
        let seen = self.seen();
        seen.containers.get(id)?;
        let running = json!({ "Running": !seen.stopped, "ExitCode": 0, "OOMKilled": false });
        let state = self.shared.0.ended.clone().unwrap_or(running);
        Some(json!({ "Id": "51b11f95", "Image": IMAGE, "State": state, "NetworkSettings": self.shared.0.network_settings }))
    }

    fn attach(&mut self, path: &str, reader: &mut BufReader<UnixStream>) {
        self.write(
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
        );
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or_default() == 0 {
            return;
        }
        self.seen().told.push(line.clone());
        match &self.shared.0.program {
            Program::Says { lines, ends } => {
                for line in lines {
                    self.hear(&format!("{line}\n"));
                }
                if !ends {
                    drop(reader.read_to_end(&mut Vec::new()));
                }
            }
            Program::Real => {
                let name = path.split('/').nth(1).unwrap().to_owned();
                let (stdin, stdout) = {
                    let mut seen = self.seen();
                    let Some(Some(program)) = seen.containers.get_mut(&name) else {
                        return;
                    };
                    (program.stdin.take().unwrap(), program.stdout.take().unwrap())
                };
                // It stays open: an engine closes it when the container ends.
                let mut stdin = stdin;
                stdin.write_all(line.as_bytes()).unwrap();
                self.seen().is_written = true;
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    self.hear(&format!("{line}\n"));
                }
                self.seen().is_written = false;
                self.shared.3.notify_all();
            }
        }
    }

    /// What the program says goes into the log, and to the step as long as it listens.
    fn hear(&mut self, line: &str) {
        self.seen().log.extend(line.as_bytes());
        drop(self.stream.write_all(&frame(line.as_bytes())));
    }

    fn answer(&mut self, status: u16, body: &Value) {
        let body = if status == 204 { String::new() } else { body.to_string() };
        let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        self.write(&format!("HTTP/1.1 {status} -\r\ncontent-type: application/json\r\n{length}\r\n{body}"));
    }

    fn write(&mut self, text: &str) {
        // A step that was cancelled is gone.
        drop(self.stream.write_all(text.as_bytes()));
    }
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    [&[1, 0, 0, 0], u32::try_from(bytes.len()).unwrap().to_be_bytes().as_slice(), bytes].concat()
}

fn read_request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head.lines().next()?.to_owned(), body))
}
