//! What the sandbox was asked, for assertions and for the log.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::route::Route;

/// One request, and what became of it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// When it came, by the real clock.
    pub time: Timestamp,
    /// Which route it was for.
    pub route: Route,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The number of its connection: two requests with the same one shared it.
    pub connection: u64,
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The headers in their order, names in lower case, values as sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The method of a JSON-RPC message.
    pub rpc_method: Option<String>,
    /// The tool of a `tools/call`.
    pub tool: Option<String>,
    /// The names that a `tools/list` was answered with.
    pub tools: Option<Vec<String>>,
    /// The status it was answered with; `None` if it was not answered, or not yet.
    pub status: Option<u16>,
}

impl Recorded {
    /// The first value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    /// The body as text; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn log_line(&self) -> Value {
        json!({
            "time": self.time.to_string(),
            "route": self.route.to_string(),
            "tls": self.tls,
            "connection": self.connection,
            "method": self.method,
            "path": self.path,
            "headers": self.headers,
            "rpc_method": self.rpc_method,
            "tool": self.tool,
            "tools": self.tools,
            "status": self.status,
        })
    }
}

/// The headers as pairs.
pub(crate) fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), value)
    };
    headers.iter().map(pair).collect()
}

/// Names a request while it is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordId(u64);

/// Everything since the start or the last clearing.
#[derive(Debug)]
pub(crate) struct Recorder {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: u64,
    requests: Vec<(RecordId, Recorded)>,
    log: Option<File>,
}

impl Recorder {
    pub(crate) fn new(log: Option<&Path>) -> io::Result<Self> {
        let state = State { next: 0, requests: Vec::new(), log: log.map(File::create).transpose()? };
        Ok(Self { state: Mutex::new(state) })
    }

    pub(crate) fn begin(&self, request: Recorded) -> RecordId {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let id = RecordId(state.next);
        state.next += 1;
        state.requests.push((id, request));
        id
    }

    /// Notes the tools that a `tools/list` shows.
    pub(crate) fn listed(&self, id: RecordId, names: Vec<String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(request) = state.find(id) {
            request.tools = Some(names);
        }
    }

    /// Notes the answer, `None` for a reset, and writes the log line.
    pub(crate) fn answered(&self, id: RecordId, status: Option<StatusCode>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(request) = state.find(id) else {
            return;
        };
        request.status = status.map(|status| status.as_u16());
        let line = request.log_line();
        if let Some(log) = &mut state.log {
            // A `File` has no buffer, so the line is out at once. A full disk must not fail requests.
            let _ = log.write_all(format!("{line}\n").as_bytes());
        }
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.requests.iter().map(|(_, r)| r.clone()).collect()
    }

    pub(crate) fn clear(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.requests.clear();
    }
}

impl State {
    /// `None` once the request was cleared away.
    fn find(&mut self, id: RecordId) -> Option<&mut Recorded> {
        let mut requests = self.requests.iter_mut().rev();
        requests.find_map(|(key, request)| (*key == id).then_some(request))
    }
}
