//! JSON-RPC 2.0 messages, as far as the preflight needs them.

use serde_json::{Map, Value, json};

/// `-32601`: the method is not known (JSON-RPC 2.0, section 5.1).
pub const METHOD_NOT_FOUND: i64 = -32601;

/// `-32602`: the parameters are not those of the method (JSON-RPC 2.0, section 5.1).
pub const INVALID_PARAMS: i64 = -32602;

/// A message from the server.
#[derive(Debug, Clone, PartialEq)]
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
    /// The message in an event of a stream; `None` if there is none. Agents read no arrays there.
    pub fn in_event(data: &str) -> Option<Self> {
        Self::new(parse(data)?)
    }

    /// The messages in a text: one, or several in an array. What is no message is left out, as agents do. `None` if it is not JSON.
    pub fn read(text: &[u8]) -> Option<Vec<Self>> {
        // As agents decode it: a byte order mark is skipped, and a byte that is not UTF-8 is replaced.
        let text = String::from_utf8_lossy(text);
        let value = parse(text.strip_prefix('\u{feff}').unwrap_or(&text))?;
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        Some(values.into_iter().filter_map(Self::new).collect())
    }

    fn new(value: Value) -> Option<Self> {
        let Value::Object(message) = value else {
            return None;
        };
        let is_one =
            message.get("jsonrpc") == Some(&json!("2.0")) && ["result", "error", "method"].iter().any(|key| message.contains_key(*key));
        is_one.then_some(Self(message))
    }

    /// The answer in it, if it answers that request.
    pub fn answer_to(&self, id: u64) -> Option<Answer> {
        let given = self.0.get("id")?;
        // Some servers send a number back as a string, or with a fraction of zero.
        let is_same = *given == json!(id.to_string()) || given.as_f64().is_some_and(|given| json!(id).as_f64() == Some(given));
        if !is_same {
            return None;
        }
        match self.0.get("error").filter(|error| !error.is_null()) {
            Some(error) => Some(Err(RpcError::read(error))),
            None => self.0.get("result").cloned().map(Ok),
        }
    }

    /// The error of a server that could not read a request's id. In a stream, agents pass over it.
    pub fn error_without_id(&self) -> Option<Answer> {
        let error = self.0.get("error").filter(|error| !error.is_null())?;
        self.0.get("id").is_none_or(Value::is_null).then(|| Err(RpcError::read(error)))
    }

    /// Whether an answer has members that JSON-RPC doesn't know.
    pub fn has_unknown_members(&self) -> bool {
        self.0.keys().any(|key| !["jsonrpc", "id", "result"].contains(&key.as_str()))
    }

    /// The id and the method of a request by the server, which it wants answered.
    pub fn request(&self) -> Option<(&Value, &str)> {
        Some((self.0.get("id").filter(|id| !id.is_null())?, self.0.get("method")?.as_str()?))
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

/// Whether a text is JSON, as agents read it.
pub fn is_json(text: &str) -> bool {
    parse(text).is_some()
}

/// Reads JSON as JavaScript does, which takes half of a surrogate pair: an emoji that was cut in two.
#[must_use]
pub fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&without_half_pairs(text)).ok())
}

/// The text with the escape of U+FFFD in place of each escaped half of a surrogate pair.
fn without_half_pairs(text: &str) -> String {
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (kept, length) = match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (rest.get(..12), 12),
            (Some(0xd800..=0xdfff), _) => (Some("\\ufffd"), 6),
            // What follows a backslash belongs to it.
            _ if rest.starts_with('\\') => (rest.get(..2), 2),
            _ => {
                let length = rest.chars().next().map_or(1, char::len_utf8);
                (rest.get(..length), length)
            }
        };
        out.push_str(kept.unwrap_or_default());
        at += length;
    }
    out
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

/// The answer to a request of the server's: a ping is answered, and nothing else is offered here.
pub fn reply(id: &Value, method: &str) -> Value {
    match method {
        "ping" => json!({ "jsonrpc": "2.0", "id": id, "result": {} }),
        _ => json!({ "jsonrpc": "2.0", "id": id, "error": { "code": METHOD_NOT_FOUND, "message": "Method not found" } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_answer_is_found_in_every_form_that_agents_read() {
        for text in [
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
            "\u{feff} {\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{}}\n",
            "[{\"jsonrpc\":\"2.0\",\"method\":\"a\"},{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}]",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":null}",
        ] {
            let messages = Message::read(text.as_bytes()).unwrap();
            assert_eq!(messages.iter().find_map(|message| message.answer_to(1)), Some(Ok(json!({}))), "{text}");
        }
    }

    #[test]
    fn what_is_no_message_is_left_out() {
        for text in ["{}", "[]", "null", "1", "{\"jsonrpc\":\"1.0\",\"id\":1,\"result\":{}}", "{\"jsonrpc\":\"2.0\",\"id\":1}"] {
            assert_eq!(Message::read(text.as_bytes()), Some(Vec::new()), "{text}");
        }
        for text in ["", "{", "<html>", "{} {}", "{\"a\": NaN}"] {
            assert_eq!(Message::read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn half_of_a_surrogate_pair_is_replaced() {
        for (text, expected) in [
            (r#""a\ud83db""#, "a\u{fffd}b"),
            (r#""\udc00""#, "\u{fffd}"),
            (r#""\ud83d\ude00 \ud83d""#, "\u{1f600} \u{fffd}"),
            (r#""\\ud83d \ud800""#, "\\ud83d \u{fffd}"),
            (r#""ü\ud800ü""#, "ü\u{fffd}ü"),
        ] {
            assert_eq!(parse(text), Some(json!(expected)), "{text}");
        }
    }

    #[test]
    fn a_request_of_the_server_is_answered() {
        let message = Message::read(b"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}").unwrap();
        let (id, method) = message[0].request().unwrap();
        assert_eq!(reply(id, method), json!({ "jsonrpc": "2.0", "id": "a", "result": {} }));
        assert_eq!(reply(&json!(7), "roots/list")["error"]["code"], METHOD_NOT_FOUND);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,60}|\\{\"jsonrpc\":\"2.0\",\"(id|result|error|method)\":[0-9a-z\"{}]{1,9}\\}") {
            for message in Message::read(text.as_bytes()).unwrap_or_default() {
                let _ = (message.answer_to(1), message.request(), message.has_unknown_members());
            }
        }
    }
}
