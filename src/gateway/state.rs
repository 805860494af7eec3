//! What all requests share.

use std::rc::Rc;

use reqwest::Url;
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use super::judge::Judge;
use super::record::Record;
use super::tokens::Tokens;
use crate::mcp::read_json;
use crate::net::Http;
use crate::redact::Secret;

/// The state of a gateway.
pub struct State {
    /// The HTTP client.
    pub http: Http,
    /// The MCP server.
    pub mcp_url: Url,
    /// Port's headers beside `Authorization`.
    pub port_headers: http::HeaderMap,
    /// Who decides.
    pub judge: Judge,
    /// The token.
    pub tokens: Tokens,
    /// The record.
    pub record: Rc<Record>,
    /// What the agent shows.
    pub key: Secret,
    /// What the header `Host` may say, in lower case, with ports.
    pub hosts: Vec<String>,
    /// How many large messages may be held at the same time.
    pub large_messages: Semaphore,
    /// Whether the gateway is about to end.
    pub ending: watch::Receiver<bool>,
}

impl State {
    /// The data of an event without what the agent may not use; `None` if nothing is to be taken out.
    pub fn cut_event(&self, data: &str) -> Option<String> {
        let mut message = read_json(data)?;
        self.cut(&mut message).then(|| message.to_string())
    }

    /// Takes out of one message, or several, what the agent may not use. Returns whether anything was changed.
    pub fn cut(&self, message: &mut Value) -> bool {
        match message {
            Value::Array(messages) => messages.iter_mut().map(|message| self.judge.cut(message)).fold(false, |any, changed| any | changed),
            message => self.judge.cut(message),
        }
    }

    /// Waits until the gateway is about to end.
    pub async fn end(self: Rc<Self>) {
        let mut ending = self.ending.clone();
        drop(ending.wait_for(|ending| *ending).await);
    }
}
