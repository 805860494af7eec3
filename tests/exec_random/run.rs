//! One run: its folder, the command, and what happens meanwhile.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use port_mcp_auth::testing::config::{Format, parse};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::given::Given;
use super::hostile::dice::Dice;
use super::hostile::server::Server;
use super::hostile::wire::Verdict;
use super::hostile::words::hostile;
use super::plan::{Change, End, Existing, GARBAGE, Handling, Plan, Program, SIGNALS};

/// Longer than any run takes beyond its own time: what takes longer hangs.
const HANGS: Duration = Duration::from_secs(60);

/// How long an answer through the gateway is waited for if the server may keep it for ever.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most that is read of an answer.
const ENOUGH: u64 = 64 * 1024;

/// Every run's program is this one file under another name. It is never written while a run starts a program: the system refuses to
/// run what is open for writing.
const SCRIPT: &str = "#!/bin/sh\n. \"$OUT/do\"\n";

/// The folders that have to be afterwards as they were before.
const KEPT: [&str; 5] = ["bin", "home", "work", "tmp", "elsewhere"];

/// A run that is about to start.
pub struct Run<'a> {
    pub plan: &'a Plan,
    pub dir: TempDir,
    pub given: Given,
    port: u16,
    pub before: Tree,
}

/// What is in some folders.
pub type Tree = BTreeMap<PathBuf, Entry>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Folder(u32),
    File(u32, Vec<u8>),
    Link(PathBuf),
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Ended {
    pub status: ExitStatus,
    pub elapsed: Duration,
    pub hung: bool,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub after: Tree,
    /// The processes that the command was.
    pub starts: Vec<i32>,
    pub arguments: Vec<OsString>,
    pub environment: BTreeMap<OsString, OsString>,
    /// What came through its standard input.
    pub input: Vec<u8>,
    /// What was seen while the command ran.
    pub seen: Option<Seen>,
    /// Whether the early signal was sent.
    pub interrupted: bool,
    /// The process that the command left.
    pub left: Option<Pid>,
    /// What the next run came to: its code, and the config after that.
    pub next: Option<(Option<i32>, String)>,
    /// What else is wrong.
    pub complaints: Vec<String>,
}

/// What is there while the command runs.
#[derive(Debug, Default)]
pub struct Seen {
    pub command_line: Vec<u8>,
    /// Open files that are none of the command's.
    pub open: Vec<PathBuf>,
    /// The masks of blocked and ignored signals.
    pub masks: (u64, u64),
    pub children: Vec<i32>,
    pub config: Option<(u32, String)>,
    pub tree: Tree,
    pub is_served: bool,
    /// The verdicts so far: on the last answer of the token endpoint, and those of the last conversation.
    pub exchange: Verdict,
    pub conversation: Vec<Verdict>,
    pub tokens: Vec<String>,
    /// What came through the gateway.
    pub replies: Vec<Vec<u8>>,
}

/// Writes the program that all runs share.
pub fn write_script(folder: &Path) {
    fs::write(folder.join("script"), SCRIPT).unwrap();
    fs::set_permissions(folder.join("script"), Permissions::from_mode(0o755)).unwrap();
}

impl<'a> Run<'a> {
    pub fn prepare(plan: &'a Plan, port: u16, shared: &Path) -> Self {
        let dir = tempfile::tempdir_in(shared).unwrap();
        let path = |name: &str| dir.path().join(name);
        for folder in KEPT.iter().chain(&["out", "secret", "log", "again"]) {
            fs::create_dir(path(folder)).unwrap();
        }
        let program = path("bin").join(plan.program_name);
        let file = |text: &[u8], mode| {
            fs::write(&program, text).unwrap();
            fs::set_permissions(&program, Permissions::from_mode(mode)).unwrap();
        };
        match plan.program {
            Program::Script => fs::hard_link(shared.join("script"), &program).unwrap(),
            Program::Missing => {}
            Program::NotExecutable => file(SCRIPT.as_bytes(), 0o644),
            Program::Folder => fs::create_dir(&program).unwrap(),
            Program::OtherFormat => file(b"\x7fno program\n\0", 0o755),
            Program::WithoutInterpreter => file(b"#!/nothing/of/this/name\n", 0o755),
        }
        fs::write(path("out/do"), script(plan)).unwrap();
        fs::write(path("out/says"), &plan.says).unwrap();
        fs::write(path("elsewhere/other"), "not the agent's\n").unwrap();
        if let Some(config) = plan.config_path() {
            let config = path(&config);
            if plan.existing != Existing::Nothing {
                fs::create_dir_all(config.parent().unwrap()).unwrap();
            }
            match &plan.existing {
                Existing::Nothing => {}
                Existing::File(text, mode) => {
                    fs::write(&config, text).unwrap();
                    fs::set_permissions(&config, Permissions::from_mode(*mode)).unwrap();
                }
                Existing::Broken(text) => fs::write(&config, text).unwrap(),
                Existing::Link(text) => {
                    fs::write(path("elsewhere/real"), text).unwrap();
                    symlink(path("elsewhere/real"), &config).unwrap();
                }
            }
        }
        let mut given = Given::of(plan, port, dir.path());
        if let Some(name) = plan.config_variable().filter(|_| plan.play.seed.is_multiple_of(3)) {
            given.env.insert(name.to_owned(), "{\"mine\": \"x\"}".into());
        }
        let before = tree(dir.path());
        Self { plan, dir, given, port, before }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where the config is, if there is one in a file.
    pub fn config(&self) -> Option<PathBuf> {
        Some(self.path(&self.plan.config_path()?))
    }

    fn start(&self, given: &Given, log: &str) -> Child {
        // Whoever runs the tests in the background may have signals ignored, and what is ignored stays so.
        let mut command = Command::new("/usr/bin/env");
        command.arg("--default-signal=INT,QUIT,TERM,HUP,USR1,USR2");
        if self.plan.without_hangups {
            command.arg("--ignore-signal=HUP");
        }
        command.arg(env!("CARGO_BIN_EXE_port-mcp-auth")).arg("exec").args(&given.flags);
        if given.has_separator {
            command.arg("--");
        }
        let file = |name: &str| File::create(self.path(name)).unwrap();
        command.args(&given.command).env_clear().envs(&given.env).current_dir(self.path("work"));
        let mut err = file(&format!("{log}/err"));
        if self.plan.is_unheard {
            err = File::options().write(true).open("/dev/full").unwrap();
        }
        let mut child = command.stdin(Stdio::piped()).stdout(file(&format!("{log}/out"))).stderr(err).spawn().unwrap();
        // It may have ended without reading.
        drop(child.stdin.take().map(|mut pipe| pipe.write_all(given.input.as_bytes())));
        child
    }

    /// Runs it from its start to its end.
    pub fn run(&self, server: &Server<'_>) -> Ended {
        let began = Instant::now();
        let mut exec = Waited { child: self.start(&self.given, "log"), status: None, end: began + self.plan.timeout + HANGS };
        let mut ended = Ended::default();
        if let Some((requests, signal)) = self.plan.early {
            let asked = || {
                let record = server.record();
                record.exchanges.len() + record.messages >= requests
            };
            // There may be fewer requests than that.
            exec.until(|| asked() || self.path("out/starts").exists());
            ended.interrupted = asked() && exec.status.is_none();
            if ended.interrupted {
                send(exec.pid(), signal);
            }
        }
        if self.plan.waits() && exec.until(|| self.path("out/ready").exists()) {
            self.meet(&mut exec, server, &mut ended);
        }
        exec.until(|| false);
        ended.hung = exec.status.is_none();
        if ended.hung {
            let _ = exec.child.kill();
            exec.status = exec.child.wait().ok();
        }
        ended.elapsed = began.elapsed();
        ended.status = exec.status.unwrap_or_default();
        self.read(&mut ended);
        if self.plan.next_run_cleans_up() && ended.seen.is_some() {
            ended.next = Some(self.clean_up());
        }
        if ended.hung {
            ended.starts.iter().for_each(|process| send(*process, 9));
        }
        ended
    }

    /// The next run with the same agent, after `exec` was killed. Another run may have been given the port of the gateway just then, so
    /// that it seems to be alive.
    fn clean_up(&self) -> (Option<i32>, String) {
        let mut runs = (0..3).map(|_| self.run_again());
        let first = runs.next().unwrap_or_default();
        if first.0 == Some(0) { first } else { runs.find(|(code, _)| *code == Some(0)).unwrap_or(first) }
    }

    fn run_again(&self) -> (Option<i32>, String) {
        let mut given = Given::of(self.plan, self.port, self.dir.path());
        given.flags.push(format!("--client={}", self.plan.client.id()).into());
        given.command = vec!["true".into()];
        let mut exec = Waited { child: self.start(&given, "again"), status: None, end: Instant::now() + HANGS };
        exec.until(|| false);
        let _ = exec.child.kill();
        let config = self.config().and_then(|path| fs::read_to_string(path).ok());
        (exec.status.and_then(|status| status.code()), config.unwrap_or_default())
    }

    /// While the command waits.
    fn meet(&self, exec: &mut Waited, server: &Server<'_>, ended: &mut Ended) {
        self.read_starts(ended);
        let Some(&command) = ended.starts.first() else {
            return;
        };
        let mut seen = self.look(exec.pid(), command, server, ended);
        if self.plan.calls && self.plan.odd.is_none() {
            seen.replies = self.calls(&ended.environment, &seen);
        }
        ended.seen = Some(seen);
        self.change(ended);
        match &self.plan.end {
            End::Exits(_) | End::Kills(_) => {}
            End::Told(_) => self.tell(),
            End::Killed => send(command, 9),
            End::WithoutExec => {
                send(exec.pid(), 9);
                exec.until(|| false);
                send(command, 9);
            }
            End::Signalled(signals, _) => {
                let mut noted = BTreeMap::<usize, usize>::new();
                for signal in signals {
                    send(exec.pid(), SIGNALS[*signal].1);
                    if self.plan.handling_of(*signal) == Handling::Notes {
                        let count = noted.entry(*signal).or_default();
                        *count += 1;
                        if !exec.until(|| self.noted(SIGNALS[*signal].0) >= *count) {
                            break;
                        }
                    }
                    if self.plan.fate(*signal).is_some() {
                        return;
                    }
                }
                self.tell();
            }
        }
    }

    fn noted(&self, signal: &str) -> usize {
        fs::read_to_string(self.path("out/noted")).unwrap_or_default().lines().filter(|line| *line == signal).count()
    }

    fn tell(&self) {
        fs::write(self.path("out/end"), "").unwrap();
    }

    fn read_starts(&self, ended: &mut Ended) {
        let starts = fs::read_to_string(self.path("out/starts")).unwrap_or_default();
        ended.starts = starts.lines().map(|line| line.parse().unwrap()).collect();
        ended.input = fs::read(self.path("out/input")).unwrap_or_default();
        ended.arguments = parts(&self.path("out/arguments"));
        let pairs = parts(&self.path("out/environment")).into_iter().filter_map(|pair| {
            let bytes = pair.as_encoded_bytes();
            let at = bytes.iter().position(|byte| *byte == b'=')?;
            Some((os(&bytes[..at]), os(&bytes[at + 1..])))
        });
        ended.environment = pairs.collect();
    }

    fn look(&self, exec: i32, command: i32, server: &Server<'_>, ended: &Ended) -> Seen {
        let proc = |file: &str| fs::read(format!("/proc/{command}/{file}")).unwrap_or_default();
        let status = fs::read_to_string(self.path("out/masks")).unwrap_or_default();
        let mask = |name: &str| {
            let mask = status.lines().find_map(|line| line.strip_prefix(name));
            mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(u64::MAX)
        };
        // What this process has inherited itself goes on to the command.
        let inherited = open_files("self");
        let is_own = |link: &PathBuf| link.starts_with(self.dir.path()) || inherited.contains(link);
        let threads = fs::read_dir(format!("/proc/{exec}/task")).into_iter().flatten().flatten();
        let children = threads.flat_map(|thread| {
            let text = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            text.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<i32>>()
        });
        let config = self.config().and_then(|path| {
            let mode = fs::metadata(&path).ok()?.permissions().mode() & 0o7777;
            Some((mode, String::from_utf8_lossy(&fs::read(&path).ok()?).into_owned()))
        });
        let record = server.record();
        Seen {
            command_line: proc("cmdline"),
            open: open_files(command).into_iter().filter(|link| !is_own(link)).collect(),
            masks: (mask("SigBlk:"), mask("SigIgn:")),
            children: children.collect(),
            config,
            tree: tree(self.dir.path()),
            is_served: authority(&ended.environment).is_some_and(|authority| TcpStream::connect(authority).is_ok()),
            exchange: record.exchanges.last().cloned().unwrap_or_default(),
            conversation: record.conversation.clone(),
            tokens: record.tokens.clone(),
            replies: Vec::new(),
        }
    }

    /// A list of the tools, and a call of a tool that nobody has.
    fn calls(&self, environment: &BTreeMap<OsString, OsString>, seen: &Seen) -> Vec<Vec<u8>> {
        let dice = Dice::of(self.plan.play.seed, "calls", 0);
        let token = seen.tokens.last().map_or("", String::as_str);
        let tool = hostile(&dice, &[&self.plan.play.client_secret, token].map(|word| if word.is_empty() { "a-word" } else { word }));
        let call = |method: &str, params: Value| json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        let calls = [call("tools/list", json!({})), call("tools/call", json!({"name": tool, "arguments": {}}))];
        let Some(authority) = authority(environment) else {
            return Vec::new();
        };
        let key = self.key(environment);
        calls.iter().filter_map(|call| post(&authority, &key, &call.to_string()).ok()).collect()
    }

    /// The key that the command was given.
    pub fn key(&self, environment: &BTreeMap<OsString, OsString>) -> String {
        let name = OsString::from(self.plan.token_env.unwrap_or("PORT_MCP_KEY"));
        environment.get(&name).map(|key| key.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// What the agent does with its config.
    fn change(&self, ended: &mut Ended) {
        let Some(path) = self.config().filter(|_| self.plan.odd.is_none()) else {
            return;
        };
        match self.plan.change {
            Change::Nothing => {}
            Change::Deletes => fs::remove_file(&path).unwrap(),
            Change::Garbage => fs::write(&path, GARBAGE).unwrap(),
            Change::Links => {
                fs::remove_file(&path).unwrap();
                symlink(self.path("elsewhere/other"), &path).unwrap();
            }
            Change::Adds => {
                let text = fs::read_to_string(&path).unwrap_or_default();
                match added(self.plan.client.format(), &text) {
                    Some(text) => fs::write(&path, text).unwrap(),
                    None => ended.complaints.push(format!("the config can't be read: {text}")),
                }
            }
        }
    }

    fn read(&self, ended: &mut Ended) {
        self.read_starts(ended);
        ended.after = tree(self.dir.path());
        ended.stdout = fs::read(self.path("log/out")).unwrap();
        ended.stderr = fs::read(self.path("log/err")).unwrap();
        let left = fs::read_to_string(self.path("out/left")).ok().and_then(|pid| Pid::from_raw(pid.trim().parse().ok()?));
        ended.left = left;
        if let Some(pid) = left {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// A process that is waited for.
struct Waited {
    child: Child,
    status: Option<ExitStatus>,
    end: Instant,
}

impl Waited {
    fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Waits until something is so. If the process ends before, or doesn't end at all, it is not.
    fn until(&mut self, mut is_so: impl FnMut() -> bool) -> bool {
        while self.status.is_none() && Instant::now() < self.end {
            if is_so() {
                return true;
            }
            self.status = self.child.try_wait().unwrap();
            if self.status.is_none() {
                sleep(Duration::from_millis(2));
            }
        }
        is_so()
    }
}

fn send(process: i32, signal: i32) {
    // It may have ended just now.
    let _ = Pid::from_raw(process).zip(Signal::from_named_raw(signal)).map(|(process, signal)| kill_process(process, signal));
}

/// What the script does.
fn script(plan: &Plan) -> String {
    let key = plan.token_env.unwrap_or("PORT_MCP_KEY");
    let mut lines = vec![
        "ulimit -c 0".to_owned(),
        "echo $$ >>\"$OUT/starts\"".to_owned(),
        "for word; do printf '%s\\0' \"$word\"; done >\"$OUT/arguments\"".to_owned(),
        "cat /proc/$$/environ >\"$OUT/environment\"".to_owned(),
        "cat >\"$OUT/input\"".to_owned(),
        // The shell itself blocks signals now and then, but not while it reads.
        "while read -r name mask; do echo \"$name$mask\"; done </proc/$$/status >\"$OUT/masks\"".to_owned(),
    ];
    for (handling, (name, _)) in plan.handling.iter().zip(SIGNALS) {
        match handling {
            Handling::Default => {}
            Handling::Ignores => lines.push(format!("trap '' {name}")),
            Handling::Exits(code) => lines.push(format!("trap 'exit {code}' {name}")),
            Handling::Notes => lines.push(format!("trap 'echo {name} >>\"$OUT/noted\"' {name}")),
        }
    }
    // In pieces, so that no single write holds the key.
    lines.push(format!("cat \"$OUT/says\"; printf '%.5s' \"${key}\"; printf '%s\\n' \"${{{key}#?????}}\""));
    lines.push(format!("printf '%s\\n' '{}' >&2", of_child(plan)));
    if plan.closes_stdout {
        lines.push("exec >&-".to_owned());
    }
    if plan.leaves_a_process {
        lines.push("sleep 60 & echo $! >\"$OUT/left\"".to_owned());
    }
    match &plan.end {
        End::Exits(code) => lines.push(format!("exit {code}")),
        End::Kills(signal) => lines.push(format!("trap - {signal}; kill -{signal} $$; exit 99")),
        _ => lines.push("echo >\"$OUT/ready\"; while [ ! -e \"$OUT/end\" ]; do sleep 0.02; done".to_owned()),
    }
    if let End::Told(code) | End::Signalled(_, code) = plan.end {
        lines.push(format!("exit {code}"));
    }
    lines.join("\n") + "\n"
}

/// The line that the command writes to standard error.
pub fn of_child(plan: &Plan) -> String {
    format!("@child {}", plan.play.seed)
}

/// A config with a setting more.
pub fn added(format: Format, text: &str) -> Option<String> {
    Some(match format {
        Format::Json => {
            let mut value = parse(format, text).ok()?;
            value.as_object_mut()?.insert("agentWrote".to_owned(), json!(true));
            serde_json::to_string_pretty(&value).unwrap()
        }
        Format::Toml => format!("agentWrote = true\n{text}"),
        Format::Yaml => format!("{}\nagentWrote: true\n", text.trim_end()),
    })
}

fn os(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

/// The texts in a file that end with a zero each.
fn parts(path: &Path) -> Vec<OsString> {
    let bytes = fs::read(path).unwrap_or_default();
    let mut parts: Vec<_> = bytes.split(|byte| *byte == 0).map(os).collect();
    parts.pop();
    parts
}

/// Where the command was told that the gateway is.
pub fn authority(environment: &BTreeMap<OsString, OsString>) -> Option<String> {
    let url = environment.get(&OsString::from("PORT_MCP_URL"))?.to_str()?;
    Some(url.strip_prefix("http://")?.strip_suffix("/mcp")?.to_owned())
}

/// What the gateway answers to a message, as far as it comes.
fn post(authority: &str, key: &str, body: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {key}\r\nAccept: application/json, text/event-stream\r\nContent-Type: application/json\r\nMCP-Protocol-Version: 2025-11-25\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut reply = Vec::new();
    let _ = stream.take(ENOUGH).read_to_end(&mut reply);
    Ok(reply)
}

/// What a process has open beside the standard streams.
fn open_files(process: impl Display) -> Vec<PathBuf> {
    let entries = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let others = entries.filter(|entry| !["0", "1", "2"].map(OsString::from).contains(&entry.file_name()));
    others.filter_map(|entry| fs::read_link(entry.path()).ok()).collect()
}

/// What is in the folders that have to stay as they are.
fn tree(root: &Path) -> Tree {
    let mut found = Tree::new();
    let mut folders: Vec<_> = KEPT.iter().map(|name| root.join(name)).collect();
    while let Some(folder) = folders.pop() {
        let mode = |path: &Path| fs::symlink_metadata(path).map_or(0, |found| found.permissions().mode() & 0o7777);
        found.insert(folder.strip_prefix(root).unwrap().to_owned(), Entry::Folder(mode(&folder)));
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let entry = if kind.is_symlink() {
                Entry::Link(fs::read_link(&path).unwrap_or_default())
            } else {
                Entry::File(mode(&path), fs::read(&path).unwrap_or_default())
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), entry);
        }
    }
    found
}

impl Ended {
    /// The exit code as a shell has it, or none if a signal ended `exec`.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}
