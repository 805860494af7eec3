//! An MCP server that does what a test wants, byte by byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// The token that the gateway is given for it.
pub const TOKEN: &str = "upstream-token-0123456789-abcdefghijklmnopqrstuvwxyz";

/// A request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub head: String,
    pub body: String,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// The server. It listens for as long as the test runs.
pub struct Upstream {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Upstream {
    /// Answers each request, and closes its connection when `answer` returns.
    pub fn start(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (record, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, record, answer) = (stream.unwrap(), Arc::clone(&record), Arc::clone(&answer));
                thread::spawn(move || {
                    if let Some(request) = read(&stream) {
                        record.lock().unwrap().push(request.clone());
                        answer(&request, &mut stream);
                    }
                });
            }
        });
        Self { address, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Settings with which everything may be called.
    pub fn settings(&self) -> Value {
        json!({
            "client_id": "id",
            "client_secret": "upstream-secret-0123456789-ABCDEFGHIJKLMNOP",
            "token_endpoint": {"kind": "api", "url": format!("http://{}/token", self.address)},
            "token": {"token": TOKEN, "seconds_left": 3600},
            "mcp_url": format!("http://{}/v1", self.address),
            "rules": {"tools": [{"name": "a", "kind": "read"}, {"name": "b", "kind": "read"}], "actions": null, "read_only": false},
            "key": super::gateway::KEY,
            "listen": "127.0.0.1:0",
            "hosts": ["127.0.0.1"],
            "lifetime": 600,
        })
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.replace("\r\n", "\n");
    let asked = Asked { head, body: String::new() };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body).ok()?;
    Some(Asked { body, ..asked })
}

/// Writes a whole answer, and announces the end of the connection.
pub fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let _ = write!(stream, "HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
}

/// Writes an answer of JSON.
pub fn json_answer(stream: &mut TcpStream, body: &Value) {
    respond(stream, "200 OK", "Content-Type: application/json\r\n", &body.to_string());
}

/// Begins an event stream, which ends with the connection.
pub fn begin_events(stream: &mut TcpStream) {
    let _ =
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
}

/// Writes a piece of it.
pub fn event(stream: &mut TcpStream, text: &str) {
    let _ = write!(stream, "{:x}\r\n{text}\r\n", text.len());
}

/// Ends it as HTTP has it.
pub fn end_events(stream: &mut TcpStream) {
    let _ = stream.write_all(b"0\r\n\r\n");
}

/// Waits until the other side has closed the connection.
pub fn wait_for_end(stream: &mut TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}
