//! Runs `port-mcp-auth gateway` against a sandbox, and speaks to it in plain bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use port_sandbox::{CLIENT_ID, CLIENT_SECRET, Sandbox};
use serde_json::{Value, json};

/// What the agent of these tests shows.
pub const KEY: &str = "gatewaykey-0123456789-abcdefghijklmnopqrstuvwx";

/// How long a condition may take to come true. No test is right because of it: it only ends one that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running gateway.
pub struct Gateway {
    child: Child,
    // Kept open: whether it is must not matter.
    _input: Option<ChildStdin>,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    pub port: u16,
}

/// An answer to a request.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// Whether the body came to its end.
    pub whole: bool,
}

/// Settings for a sandbox, with everything that it offers for reading.
pub fn settings(sandbox: &Sandbox) -> Value {
    json!({
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "token_endpoint": {"kind": "api", "url": format!("{}/auth/access_token", sandbox.auth_base_url())},
        "mcp_url": sandbox.mcp_url(),
        "headers": [["x-read-only-mode", "1"]],
        "rules": {
            "tools": [{"name": "list_blueprints", "kind": "read"}, {"name": "list_entities", "kind": "read"}],
            "actions": [],
            "read_only": true,
        },
        "key": KEY,
        "listen": "127.0.0.1:0",
        "hosts": ["127.0.0.1", "localhost"],
        "lifetime": 600,
    })
}

/// A JSON-RPC request.
pub fn request(id: u64, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// A call of a tool.
pub fn call(id: u64, tool: &str, arguments: &Value) -> Value {
    request(id, "tools/call", &json!({"name": tool, "arguments": arguments}))
}

/// Waits until something is there.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: it never came");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The program, as it waits for its settings.
pub fn program() -> Child {
    Command::new(env!("CARGO_BIN_EXE_port-mcp-auth"))
        .arg("gateway")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

impl Gateway {
    /// Starts one, and waits for its first line.
    pub fn start(settings: &Value) -> Self {
        let mut gateway = Self::spawn(&settings.to_string());
        let first = wait_for("the first line", || gateway.lines().first().cloned());
        assert_eq!(first["event"], "ready", "{first}");
        gateway.port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        gateway
    }

    /// Starts one that is told this.
    pub fn spawn(line: &str) -> Self {
        let mut child = program();
        let mut input = child.stdin.take().unwrap();
        input.write_all(line.as_bytes()).unwrap();
        input.write_all(b"\n").unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&lines);
        let reader = thread::spawn(move || out.lines().for_each(|line| into.lock().unwrap().push(line.unwrap())));
        Self { child, _input: Some(input), lines, reader: Some(reader), port: 0 }
    }

    /// Its record so far.
    pub fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap().iter().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }

    /// Its record so far, as it was written.
    pub fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// The lines of one event.
    pub fn events(&self, event: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["event"] == event).collect()
    }

    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The headers of a good agent.
    pub fn headers(&self) -> String {
        format!(
            "Host: 127.0.0.1:{}\r\nAuthorization: Bearer {KEY}\r\nAccept: application/json, text/event-stream\r\nContent-Type: application/json\r\n",
            self.port
        )
    }

    /// Sends bytes, and reads the answer to the first request in them. The connection stays open for writing meanwhile.
    pub fn raw(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect();
        // A server that refuses a request may close before all of it is there.
        let _ = stream.write_all(bytes);
        Reply::read(&mut BufReader::new(stream))
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Posts a body with the headers of a good agent, and these.
    pub fn post_with(&self, extra: &str, body: &[u8]) -> Reply {
        self.raw(&self.post_bytes(extra, body))
    }

    /// The bytes of such a request.
    pub fn post_bytes(&self, extra: &str, body: &[u8]) -> Vec<u8> {
        let head = format!("POST /mcp HTTP/1.1\r\n{}{extra}Content-Length: {}\r\n\r\n", self.headers(), body.len());
        [head.as_bytes(), body].concat()
    }

    pub fn post(&self, message: &Value) -> Reply {
        self.post_with("", message.to_string().as_bytes())
    }

    /// Opens a session, and returns the header that names it; empty for a server without sessions.
    pub fn initialize(&self) -> String {
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
        let reply = self.post(&request(0, "initialize", &params));
        assert_eq!(reply.status, 200, "{reply:?}");
        let session = reply.header("mcp-session-id").map(|id| format!("Mcp-Session-Id: {id}\r\n")).unwrap_or_default();
        let extra = format!("{session}MCP-Protocol-Version: 2025-11-25\r\n");
        let reply = self.post_with(&extra, br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        assert_eq!(reply.status, 202, "{reply:?}");
        extra
    }

    /// Ends it as the engine does, and returns its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal("-TERM");
        self.wait()
    }

    pub fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.pid().to_string()]).status().unwrap().success());
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Option<i32> {
        let status = self.child.wait().unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status.code()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Reply {
    /// Reads one answer. A head that never comes has the status 0.
    pub fn read(from: &mut impl BufRead) -> Self {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match from.read_line(&mut head) {
                Ok(0) | Err(_) => return Self { status: 0, head, body: Vec::new(), whole: false },
                Ok(_) => {}
            }
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut reply = Self { status, head, body: Vec::new(), whole: false };
        if reply.header("transfer-encoding").as_deref() == Some("chunked") {
            reply.read_chunks(from);
        } else if let Some(length) = reply.header("content-length") {
            let length: usize = length.parse().unwrap();
            let _ = from.take(length as u64).read_to_end(&mut reply.body);
            reply.whole = reply.body.len() == length;
        } else {
            reply.whole = status == 204 || from.read_to_end(&mut reply.body).is_ok();
        }
        reply
    }

    fn read_chunks(&mut self, from: &mut impl BufRead) {
        loop {
            let mut size = String::new();
            if from.read_line(&mut size).unwrap_or(0) == 0 {
                return;
            }
            let size = u64::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = Vec::new();
            if from.take(size + 2).read_to_end(&mut chunk).is_err() {
                return;
            }
            let got = chunk.len() as u64;
            chunk.truncate(usize::try_from(size).unwrap());
            self.body.extend(chunk);
            if got < size + 2 {
                return;
            }
            if size == 0 {
                self.whole = true;
                return;
            }
        }
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The messages in it, of JSON or of an event stream.
    pub fn messages(&self) -> Vec<Value> {
        let text = self.text();
        if self.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")) {
            let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
            return data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect();
        }
        serde_json::from_str(&text).into_iter().collect()
    }

    /// The answer to a request.
    pub fn answer_to(&self, id: u64) -> Value {
        let messages = self.messages();
        let found = messages.iter().find(|message| message["id"] == id && message.get("method").is_none());
        found.unwrap_or_else(|| panic!("no answer to {id} in {self:?} {}", self.text())).clone()
    }
}
