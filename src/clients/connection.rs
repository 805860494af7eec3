//! The connection of an agent with the MCP server, and what configs are made of.

use serde_json::{Map, Value, json};
use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};
use zeroize::Zeroizing;

use crate::mcp::ServerUrl;
use crate::redact::Secret;

/// How the agent reaches the MCP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, VariantNames, strum::Display)]
#[strum(serialize_all = "kebab-case", ascii_case_insensitive)]
pub enum Transport {
    /// The agent speaks streamable HTTP itself.
    Http,
    /// A bridge that the agent starts and speaks stdio with.
    McpRemote,
}

/// Both transports; the first is the better one.
pub const BOTH: &[Transport] = &[Transport::Http, Transport::McpRemote];

/// How the token gets into the config.
#[derive(Debug, Clone, Copy)]
pub enum TokenValue<'a> {
    /// The token itself.
    Literal(&'a Secret),
    /// The name of the environment variable that the agent takes it from.
    Variable(&'a str),
}

/// The server that an agent is to be connected with.
pub struct Connection<'a> {
    /// Its name in the config.
    pub server_name: &'a str,
    /// Its address.
    pub url: &'a ServerUrl,
    /// What authorizes the agent there.
    pub token: TokenValue<'a>,
    /// The headers beside `Authorization`.
    pub headers: Vec<(&'static str, String)>,
    /// How it is reached.
    pub transport: Transport,
    /// The tools that the agent may use, as the server names them; empty means no restriction.
    pub tools: &'a [String],
    /// The tools that the server offers; empty if they are not known.
    pub offered: &'a [String],
    /// Whether this container reaches the server through a proxy; the agent then probably does too.
    pub proxied: bool,
}

/// How an agent writes a reference to an environment variable.
pub type Reference = fn(&str) -> String;

impl Connection<'_> {
    /// The token, or the agent's reference to the variable that holds it.
    pub(super) fn token(&self, reference: Reference) -> Zeroizing<String> {
        Zeroizing::new(match self.token {
            TokenValue::Literal(secret) => secret.reveal().to_owned(),
            TokenValue::Variable(name) => reference(name),
        })
    }

    /// The value of the header `Authorization` (RFC 6750 section 2.1).
    pub(super) fn authorization(&self, reference: Reference) -> Zeroizing<String> {
        bearer(&self.token(reference))
    }

    /// All headers.
    pub(super) fn all_headers(&self, reference: Reference) -> Map<String, Value> {
        self.with_authorization(&self.authorization(reference))
    }

    /// All headers with this token, whether or not the agent's config holds it.
    #[must_use]
    pub fn literal_headers(&self, token: &Secret) -> Map<String, Value> {
        self.with_authorization(&bearer(token.reveal()))
    }

    fn with_authorization(&self, value: &str) -> Map<String, Value> {
        std::iter::once(("Authorization".to_owned(), json!(value))).chain(self.port_headers()).collect()
    }

    /// The headers beside `Authorization`.
    #[must_use]
    pub fn port_headers(&self) -> Map<String, Value> {
        self.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
    }

    /// Adds the list of allowed tools to a server's entry, if there is one.
    pub(super) fn with_tools(&self, mut entry: Value, field: &str) -> Value {
        if !self.tools.is_empty() {
            set(&mut entry, field, json!(self.tools));
        }
        entry
    }
}

fn bearer(token: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("Bearer {token}"))
}

/// Adds a field to an object.
pub fn set(object: &mut Value, field: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

/// The fields of both objects, those of the first before those of the second.
pub fn merged(first: Value, second: Value) -> Value {
    let fields = [first, second].into_iter().filter_map(|object| match object {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    Value::Object(fields.flatten().collect())
}

/// `${NAME}`, as most agents write it.
pub fn in_braces(name: &str) -> String {
    format!("${{{name}}}")
}

/// For agents without references. `token_env` is refused for them, so this is never used.
pub fn no_reference(_: &str) -> String {
    String::new()
}
