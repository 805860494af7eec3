//! JSON-RPC messages of an agent.

use super::json::{Json, JsonProblem, Object};
use super::refusal::Refusal;

/// The members of a message (JSON-RPC 2.0 sections 4 and 5). Some parsers ignore case, so there may be no others.
const MEMBERS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentMessage {
    /// It wants an answer.
    Request {
        /// What the answer names.
        id: Json,
        /// What it asks for.
        method: String,
        /// Its parameters.
        params: Option<Object>,
    },
    /// It wants none.
    Notification {
        /// What it tells.
        method: String,
        /// Its parameters.
        params: Option<Object>,
    },
    /// It answers a request of the server's.
    Response {
        /// What it answers.
        id: Json,
        /// `result` or `error`.
        member: &'static str,
        /// The answer.
        value: Json,
    },
}

impl AgentMessage {
    /// Reads a message strictly.
    ///
    /// # Errors
    /// If it is not one, or could be read as another one.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        let object = Object::parse(body).map_err(|problem| match problem {
            JsonProblem::NotAnObject if body.trim_ascii_start().first() == Some(&b'[') => Refusal::Batch,
            problem => Refusal::Json(problem),
        })?;
        let is_text = |name, expected: &str| object.get(name).and_then(Json::text).as_deref() == Some(expected);
        if !object.names().all(|name| MEMBERS.contains(&name)) || !is_text("jsonrpc", "2.0") {
            return Err(Refusal::NotAMessage);
        }
        let id = object.get("id").map(|id| if id.is_id() { Ok(id.clone()) } else { Err(Refusal::NotAMessage) }).transpose()?;
        let answers: Vec<_> = ["result", "error"].iter().filter_map(|name| Some((*name, object.get(name)?))).collect();
        match (object.get("method"), answers.as_slice(), id) {
            (Some(method), [], id) => {
                let method = method.text().ok_or(Refusal::NotAMessage)?;
                let params = object.get("params").map(|params| params.object().ok_or(Refusal::NotAMessage)).transpose()?;
                Ok(match id {
                    Some(id) => Self::Request { id, method, params },
                    None => Self::Notification { method, params },
                })
            }
            (None, [(member, value)], Some(id)) if object.get("params").is_none() && value.object().is_some() => {
                Ok(Self::Response { id, member, value: (*value).clone() })
            }
            _ => Err(Refusal::NotAMessage),
        }
    }

    /// Its method; none for a response.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        match self {
            Self::Request { method, .. } | Self::Notification { method, .. } => Some(method),
            Self::Response { .. } => None,
        }
    }

    /// What an answer to it has to name.
    #[must_use]
    pub fn id(&self) -> Option<&Json> {
        match self {
            Self::Request { id, .. } => Some(id),
            Self::Notification { .. } | Self::Response { .. } => None,
        }
    }

    /// Its parameters.
    #[must_use]
    pub fn params(&self) -> Option<&Object> {
        match self {
            Self::Request { params, .. } | Self::Notification { params, .. } => params.as_ref(),
            Self::Response { .. } => None,
        }
    }

    /// Writes it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = Object::default();
        object.set("jsonrpc", Json::of_text("2.0"));
        match self {
            Self::Request { id, .. } | Self::Response { id, .. } => object.set("id", id.clone()),
            Self::Notification { .. } => {}
        }
        if let Some(method) = self.method() {
            object.set("method", Json::of_text(method));
        }
        if let Some(params) = self.params() {
            object.set("params", params.to_json());
        }
        if let Self::Response { member, value, .. } = self {
            object.set(member, value.clone());
        }
        object.to_json()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_and_written_anew() {
        for (text, written) in [
            (r#"{ "method":"ping", "jsonrpc":"2.0", "id": 1 }"#, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#),
            (r#"{"jsonrpc":"2.0","method":"a","params":{"x":[1]}}"#, r#"{"jsonrpc":"2.0","method":"a","params":{"x":[1]}}"#),
            (r#"{"jsonrpc":"2.0","id":"x","error":{"code":1}}"#, r#"{"jsonrpc":"2.0","id":"x","error":{"code":1}}"#),
        ] {
            assert_eq!(AgentMessage::read(text.as_bytes()).unwrap().to_json().as_str(), written);
        }
    }

    #[test]
    fn what_is_not_one_message_is_refused() {
        for text in [
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":["ping"]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":["x"]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":[]}"#,
            r#"{"jsonrpc":"2.0","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"params":{}}"#,
        ] {
            assert_eq!(AgentMessage::read(text.as_bytes()), Err(Refusal::NotAMessage), "{text}");
        }
        assert_eq!(AgentMessage::read(br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#), Err(Refusal::Batch));
        assert_eq!(AgentMessage::read(b"7"), Err(Refusal::Json(JsonProblem::NotAnObject)));
    }
}
