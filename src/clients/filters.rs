//! Settings in a config of the user's that decide which servers and tools an agent has.

use serde_json::{Value, json};
use wildmatch::WildMatch;

use super::client::Client;
use super::connection::Connection;

/// Stands for the tools, where none are known.
const SAMPLE_TOOL: &str = "list_blueprints";

/// The texts in a list, by its JSON pointer; `None` if there is no list.
pub fn list<'a>(base: &'a Value, pointer: &str) -> Option<Vec<&'a str>> {
    Some(base.pointer(pointer)?.as_array()?.iter().filter_map(Value::as_str).collect())
}

/// The entries of a list that fit, as the user is to find them.
pub fn entries(base: &Value, pointer: &str, fits: &dyn Fn(&str) -> bool) -> Vec<String> {
    let found = list(base, pointer).unwrap_or_default().into_iter().filter(|entry| fits(entry));
    found.map(|entry| format!("{}: {entry}", shown(pointer))).collect()
}

/// A JSON pointer as people write it.
pub fn shown(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// The allowed tools, or a sample where none are known.
pub fn tools<'a>(connection: &Connection<'a>) -> Vec<&'a str> {
    if connection.tools.is_empty() { vec![SAMPLE_TOOL] } else { connection.tools.iter().map(String::as_str).collect() }
}

/// Whether a pattern matches the name of an allowed tool, which `spelled` gives.
pub fn matches_a_tool(pattern: &str, connection: &Connection<'_>, spelled: &dyn Fn(&str) -> String) -> bool {
    let pattern = WildMatch::new(pattern);
    tools(connection).into_iter().any(|tool| pattern.matches(&spelled(tool)))
}

/// The agent's config, with what the existing one needs besides so that the server and its tools are not left out.
pub fn config_for(base: Option<&Value>, client: &dyn Client, connection: &Connection<'_>) -> Value {
    let mut config = client.config(connection);
    let additions = base.map_or(json!({}), |base| client.additions(base, connection));
    if let (Some(config), Value::Object(additions)) = (config.as_object_mut(), additions) {
        config.extend(additions);
    }
    config
}
