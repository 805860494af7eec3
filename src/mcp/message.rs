//! JSON-RPC 2.0 messages, as far as the preflight needs them.

use serde_json::{Map, Value, json};

/// A message from the server.
pub struct Message(Map<String, Value>);

/// An error that the server answered with (JSON-RPC 2.0, section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// Its code.
    pub code: i64,
    /// Its message.
    pub message: String,
}

/// What a request came to.
pub type Answer = Result<Value, RpcError>;

impl Message {
    /// Reads a message; `None` if it is none.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let message: Map<String, Value> = serde_json::from_slice(text).ok()?;
        let is_one =
            message.get("jsonrpc") == Some(&json!("2.0")) && ["result", "error", "method"].iter().any(|key| message.contains_key(*key));
        is_one.then_some(Self(message))
    }

    /// The answer in it, if it answers that request. A server that can't read a request's id leaves it out of the error.
    pub fn into_answer(mut self, id: u64) -> Option<Answer> {
        let given = self.0.remove("id").unwrap_or_default();
        // Some servers send a number back as a string.
        let is_same = given == json!(id) || given == json!(id.to_string());
        if let Some(error) = self.0.remove("error").filter(|_| is_same || given.is_null()) {
            return Some(Err(RpcError::read(&error)));
        }
        self.0.remove("result").filter(|_| is_same).map(Ok)
    }
}

impl RpcError {
    /// Reads the member `error`.
    pub fn read(error: &Value) -> Self {
        let code = error.get("code").and_then(Value::as_i64).unwrap_or_default();
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
        Self { code, message: message.to_owned() }
    }
}

/// A request.
pub fn request(id: u64, method: &str, params: Option<Value>) -> Value {
    let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
    if let (Some(params), Some(message)) = (params, message.as_object_mut()) {
        message.insert("params".to_owned(), params);
    }
    message
}

/// A notification: it has no answer.
pub fn notification(method: &str) -> Value {
    json!({ "jsonrpc": "2.0", "method": method })
}
