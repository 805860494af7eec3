//! Adds the Port server to a config, and changes nothing else in it.

use serde_json::{Map, Value};

/// The fields of an entry that say where its server is. Agents use different names.
const ENDPOINTS: &[&str] = &["url", "httpUrl", "serverUrl", "server_url", "uri", "command", "cmd", "args"];

/// The fields that name an entry in a list.
const NAMES: &[&str] = &["name", "server_label", "mcp_server_name"];

/// Fields that describe the file itself. The user's values are kept.
const OF_THE_FILE: &[&str] = &["name", "version", "schema", "$schema"];

/// The server that is added.
#[derive(Debug, Clone, Copy)]
pub struct ServerEntry<'a> {
    /// Its name in the config.
    pub name: &'a str,
    /// Its address.
    pub url: &'a str,
    /// The path of the table with rules for tools; empty if the agent has none. The last rule that matches counts. If rules are
    /// strings, a string instead of the table is the rule for everything.
    pub rules: &'static [&'static str],
}

/// Why it can't be added. It quotes only keys of our own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// The name belongs to another server.
    #[error("has a server at {at} already")]
    Taken {
        /// The entry's position.
        at: String,
        /// The name.
        server_name: String,
        /// The URL of the server that was to be added.
        url: String,
    },
    /// Something else is where a table or a list belongs.
    #[error("has {found} at {at}, where the agent's config has {needed}")]
    Shape {
        /// Its position.
        at: String,
        /// What is there.
        found: &'static str,
        /// What belongs there.
        needed: &'static str,
    },
}

/// Adds `ours` to `base`.
///
/// Tables are merged key by key, and lists are joined. The server's own entry is replaced as a whole: headers and tools of an
/// older entry must not remain in it.
///
/// # Errors
/// When the name belongs to another server, or the base has another shape than the agent's config.
pub fn merge(base: &Value, ours: &Value, server: ServerEntry<'_>) -> Result<Value, Clash> {
    let mut merged = base.clone();
    let place = Position { server, at: Vec::new() };
    let is_the_server = name_of(ours).is_some_and(|(_, name)| name == server.name) && leads_to(ours, server.url) == Leads::There;
    match &mut merged {
        // Some agents have no table around the server: the config is a list of servers, or one server.
        Value::Array(list) if is_the_server => add_to_list(list, std::slice::from_ref(ours), &place)?,
        Value::Object(table) if is_the_server && !table.is_empty() => {
            if name_of(base) != name_of(ours) {
                return Err(Clash::Shape { at: place.shown(), found: "something else", needed: "the server alone, or a list" });
            }
            replace(&mut merged, ours, &place)?;
        }
        _ => add(&mut merged, ours, &place)?,
    }
    Ok(merged)
}

/// The current position in the config.
struct Position<'a> {
    server: ServerEntry<'a>,
    at: Vec<&'a str>,
}

impl<'a> Position<'a> {
    fn below(&self, key: &'a str) -> Self {
        Self { server: self.server, at: self.at.iter().copied().chain([key]).collect() }
    }

    /// Whether the table here is that of the rules.
    fn has_rules(&self) -> bool {
        !self.at.is_empty() && self.at == self.server.rules
    }

    fn shown(&self) -> String {
        if self.at.is_empty() { "the top".to_owned() } else { format!("`{}`", self.at.join(".")) }
    }
}

fn add<'a>(base: &mut Value, ours: &'a Value, place: &Position<'a>) -> Result<(), Clash> {
    match (base, ours) {
        (base @ Value::Null, _) => *base = ours.clone(),
        (Value::Object(base), Value::Object(ours)) => add_to_table(base, ours, place)?,
        (base @ Value::String(_), Value::Object(ours)) if place.has_rules() && ours.values().all(Value::is_string) => {
            let mut rules = Map::from_iter([("*".to_owned(), base.take())]);
            add_to_table(&mut rules, ours, place)?;
            *base = Value::Object(rules);
        }
        (Value::Array(base), Value::Array(ours)) => add_to_list(base, ours, place)?,
        (base, _) if kind(base) == kind(ours) => *base = ours.clone(),
        (base, _) => return Err(Clash::Shape { at: place.shown(), found: kind(base), needed: kind(ours) }),
    }
    Ok(())
}

fn add_to_table<'a>(base: &mut Map<String, Value>, ours: &'a Map<String, Value>, place: &Position<'a>) -> Result<(), Clash> {
    let has_rules = place.has_rules();
    for (key, value) in ours {
        let place = place.below(key);
        let is_the_server = key == place.server.name && leads_to(value, place.server.url) == Leads::There;
        match base.get_mut(key) {
            Some(old) if is_the_server => replace(old, value, &place)?,
            // A rule for one of our tools is replaced, whatever its form.
            Some(old) if has_rules => *old = value.clone(),
            Some(Value::String(_)) if place.at.len() == 1 && OF_THE_FILE.contains(&key.as_str()) => {}
            Some(old) => add(old, value, &place)?,
            None => drop(base.insert(key.clone(), value.clone())),
        }
    }
    keep_order(base, ours, has_rules);
    Ok(())
}

/// In a table of rules the last match counts. So our rules keep their order, and come after any rule that matches everything.
fn keep_order(merged: &mut Map<String, Value>, ours: &Map<String, Value>, has_rules: bool) {
    let may_be_rules = ours.values().all(|value| value.is_string() || value.is_boolean());
    let in_order = merged.keys().filter(|key| ours.contains_key(*key)).eq(ours.keys());
    if may_be_rules && (has_rules || !in_order) {
        for (key, value) in ours {
            merged.shift_remove(key);
            merged.insert(key.clone(), value.clone());
        }
    }
}

fn add_to_list<'a>(base: &mut Vec<Value>, ours: &'a [Value], place: &Position<'a>) -> Result<(), Clash> {
    for item in ours {
        let Some((field, name)) = name_of(item) else {
            if !base.contains(item) {
                base.push(item.clone());
            }
            continue;
        };
        let place = place.below(name);
        match base.iter_mut().find(|old| old.get(field).and_then(Value::as_str) == Some(name)) {
            Some(old) if name == place.server.name => replace(old, item, &place)?,
            Some(old) => add(old, item, &place)?,
            None => base.push(item.clone()),
        }
    }
    Ok(())
}

pub fn name_of(item: &Value) -> Option<(&'static str, &str)> {
    NAMES.iter().find_map(|field| Some((*field, item.get(*field)?.as_str()?)))
}

/// Replaces an older entry of the same server. An entry of another server belongs to the user.
fn replace(old: &mut Value, entry: &Value, place: &Position<'_>) -> Result<(), Clash> {
    let ours = matches!(old, Value::Object(_) | Value::Null) && leads_to(old, place.server.url) != Leads::Elsewhere;
    if !ours {
        return Err(Clash::Taken { at: place.shown(), server_name: place.server.name.to_owned(), url: place.server.url.to_owned() });
    }
    *old = entry.clone();
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Leads {
    There,
    Elsewhere,
    Nowhere,
}

/// Whether an entry connects to the server at `url`: directly, or through a bridge with the URL in its arguments.
fn leads_to(entry: &Value, url: &str) -> Leads {
    let endpoints = || ENDPOINTS.iter().filter_map(|field| entry.get(field).or_else(|| entry.get("transport")?.get(field)));
    let mut texts = endpoints().flat_map(|value| value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice));
    let bare = |text: &str| text.trim_end_matches('/') == url.trim_end_matches('/');
    if texts.any(|value| value.as_str().is_some_and(bare)) {
        Leads::There
    } else if endpoints().next().is_some() {
        Leads::Elsewhere
    } else {
        Leads::Nowhere
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) | Value::Number(_) | Value::String(_) => "a single value",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const SERVER: ServerEntry<'_> = ServerEntry { name: "port-prod", url: "https://mcp.port.io/v1", rules: &["permission"] };

    fn ours() -> Value {
        json!({ "mcpServers": { "port-prod": { "type": "http", "url": "https://mcp.port.io/v1", "headers": { "Authorization": "new" } } } })
    }

    #[test]
    fn other_servers_and_settings_stay() {
        let base = json!({ "a": 1, "mcpServers": { "other": { "command": "x" } } });
        let merged = merge(&base, &ours(), SERVER).unwrap();
        assert_eq!(merged["a"], 1);
        assert_eq!(merged["mcpServers"]["other"], base["mcpServers"]["other"]);
        assert_eq!(merged["mcpServers"]["port-prod"], ours()["mcpServers"]["port-prod"]);
    }

    #[test]
    fn nothing_of_an_older_entry_lives_on() {
        let old = json!({ "url": "https://mcp.port.io/v1/", "includeTools": ["all"], "headers": { "Authorization": "old", "x": "y" } });
        let bridge = json!({ "command": "npx", "args": ["mcp-remote", "https://mcp.port.io/v1"], "env": { "A": "old" } });
        let nested = json!({ "transport": { "type": "streamableHttp", "url": "https://mcp.port.io/v1" } });
        for old in [old, bridge, nested, json!({}), json!(null), json!({ "disabled": true })] {
            let base = json!({ "mcpServers": { "port-prod": old } });
            assert_eq!(merge(&base, &ours(), SERVER), Ok(ours()));
        }
    }

    #[test]
    fn another_server_keeps_its_name() {
        for other in [json!({ "url": "https://mcp.us.port.io/v1" }), json!({ "command": "docker", "args": ["run", "x"] }), json!("text")] {
            let base = json!({ "mcpServers": { "port-prod": other } });
            assert_eq!(
                merge(&base, &ours(), SERVER),
                Err(Clash::Taken {
                    at: "`mcpServers.port-prod`".to_owned(),
                    server_name: SERVER.name.to_owned(),
                    url: SERVER.url.to_owned()
                })
            );
        }
    }

    #[test]
    fn another_shape_is_told() {
        let shape = |at: &str, found, needed| Err(Clash::Shape { at: at.to_owned(), found, needed });
        assert_eq!(merge(&json!([]), &ours(), SERVER), shape("the top", "a list", "a table"));
        assert_eq!(merge(&json!({ "mcpServers": [] }), &ours(), SERVER), shape("`mcpServers`", "a list", "a table"));
        assert_eq!(merge(&json!({ "mcpServers": null }), &ours(), SERVER), Ok(ours()));
    }

    #[test]
    fn a_table_that_is_called_like_the_server_is_not_the_server() {
        let server = ServerEntry { name: "mcp", ..SERVER };
        let ours = json!({ "mcp": { "mcp": { "url": SERVER.url } } });
        let base = json!({ "mcp": { "other": { "url": "https://elsewhere.example" } } });
        let merged = merge(&base, &ours, server).unwrap();
        assert_eq!(merged["mcp"].as_object().unwrap().len(), 2);
    }

    #[test]
    fn lists_of_servers_go_by_name() {
        let ours = json!({ "name": "Port", "mcpServers": [{ "name": "port-prod", "url": SERVER.url, "x": 1 }] });
        let base =
            json!({ "name": "Mine", "mcpServers": [{ "name": "port-prod", "url": SERVER.url, "y": 2 }, { "name": "other", "url": "z" }] });
        let merged = merge(&base, &ours, SERVER).unwrap();
        assert_eq!(merged, json!({ "name": "Mine", "mcpServers": [ours["mcpServers"][0], base["mcpServers"][1]] }));
        let other = json!({ "mcpServers": [{ "name": "port-prod", "url": "https://elsewhere.example" }] });
        assert!(matches!(merge(&other, &ours, SERVER), Err(Clash::Taken { .. })));
    }

    #[test]
    fn a_server_without_a_table_goes_into_a_list() {
        let ours = json!({ "type": "mcp", "server_label": "port-prod", "server_url": SERVER.url, "authorization": "new" });
        let old = json!({ "type": "mcp", "server_label": "port-prod", "server_url": SERVER.url, "authorization": "old", "x": 1 });
        let other = json!({ "type": "function", "name": "port-prod" });
        assert_eq!(merge(&json!([other, old]), &ours, SERVER), Ok(json!([other, ours])));
        assert_eq!(merge(&json!([]), &ours, SERVER), Ok(json!([ours])));
        assert_eq!(merge(&old, &ours, SERVER), Ok(ours.clone()));
        assert_eq!(merge(&json!({}), &ours, SERVER), Ok(ours.clone()));
        let elsewhere = json!({ "type": "mcp", "server_label": "port-prod", "server_url": "https://elsewhere.example" });
        assert!(matches!(merge(&elsewhere, &ours, SERVER), Err(Clash::Taken { .. })));
        for theirs in [json!({ "model": "x" }), json!({ "type": "mcp", "server_label": "other", "server_url": SERVER.url })] {
            assert!(matches!(merge(&theirs, &ours, SERVER), Err(Clash::Shape { .. })));
        }
    }

    #[test]
    fn other_entries_of_a_list_are_merged_by_name() {
        let ours = json!({ "tools": [{ "name": "other", "a": 1 }] });
        let base = json!({ "tools": [{ "name": "other", "url": "https://elsewhere.example" }] });
        let merged = merge(&base, &ours, SERVER).unwrap();
        assert_eq!(merged, json!({ "tools": [{ "name": "other", "url": "https://elsewhere.example", "a": 1 }] }));
    }

    #[test]
    fn lists_of_text_unite() {
        let ours = json!({ "limits": { "allow": ["b", "c"] } });
        let merged = merge(&json!({ "limits": { "allow": ["a", "b"], "deny": ["d"] } }), &ours, SERVER).unwrap();
        assert_eq!(merged, json!({ "limits": { "allow": ["a", "b", "c"], "deny": ["d"] } }));
    }

    #[test]
    fn a_value_of_ours_replaces_an_older_one_unless_it_is_what_the_file_says_of_itself() {
        let ours =
            json!({ "name": "Port", "model": "b", "permission": { "name": "allow", "port-prod_*": "deny", "port-prod_a": "allow" } });
        let base = json!({ "name": "Mine", "model": "a", "permission": { "name": "ask", "port-prod_*": "allow", "port-prod_a": "deny" } });
        assert_eq!(merge(&base, &ours, SERVER), Ok(json!({ "name": "Mine", "model": "b", "permission": ours["permission"] })));
    }

    #[test]
    fn rules_keep_their_order() {
        let ours = json!({ "permission": { "port-prod_*": "deny", "port-prod_a": "allow" } });
        let merged = merge(&json!({ "permission": { "port-prod_a": "allow", "bash": "ask" } }), &ours, SERVER).unwrap();
        assert_eq!(merged["permission"].to_string(), r#"{"bash":"ask","port-prod_*":"deny","port-prod_a":"allow"}"#);
    }

    #[test]
    fn a_word_instead_of_rules_is_the_rule_for_everything() {
        let ours = json!({ "permission": { "port-prod_*": "deny", "port-prod_a": "allow" } });
        let merged = merge(&json!({ "permission": "allow" }), &ours, SERVER).unwrap();
        assert_eq!(merged["permission"].to_string(), r#"{"*":"allow","port-prod_*":"deny","port-prod_a":"allow"}"#);
        for base in [json!({ "permission": 5 }), json!({ "permission": ["allow"] })] {
            assert!(matches!(merge(&base, &ours, SERVER), Err(Clash::Shape { .. })), "{base}");
        }
        let elsewhere = json!({ "agent": ours["permission"] });
        assert!(matches!(merge(&json!({ "agent": "allow" }), &elsewhere, SERVER), Err(Clash::Shape { .. })));
        let tables = json!({ "permission": { "port-prod_a": { "default": "allow" } } });
        assert!(matches!(merge(&json!({ "permission": "allow" }), &tables, SERVER), Err(Clash::Shape { .. })));
    }

    #[test]
    fn no_later_rule_for_everything_undoes_ours() {
        let ours = json!({ "permission": { "port-prod_*": "deny", "port-prod_a": "allow" } });
        let base = json!({ "permission": { "port-prod_*": "deny", "port-prod_a": { "x": "ask" }, "*": "allow" } });
        let merged = merge(&base, &ours, SERVER).unwrap();
        assert_eq!(merged["permission"].to_string(), r#"{"*":"allow","port-prod_*":"deny","port-prod_a":"allow"}"#);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]|mcpServers|port-prod|url|name", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_merges_has_ours_and_all_the_rest(base in any_value()) {
            if let Ok(mut merged) = merge(&base, &ours(), SERVER) {
                prop_assert_eq!(merge(&merged, &ours(), SERVER), Ok(merged.clone()), "a second time changes nothing");
                prop_assert_eq!(&merged["mcpServers"]["port-prod"], &ours()["mcpServers"]["port-prod"]);
                merged["mcpServers"].as_object_mut().unwrap().remove("port-prod");
                let mut rest = base;
                if let Some(servers) = rest.get_mut("mcpServers").and_then(Value::as_object_mut) {
                    servers.remove("port-prod");
                }
                let none = |value: &Value| value.as_object().is_none_or(Map::is_empty);
                if none(&merged["mcpServers"]) {
                    merged.as_object_mut().unwrap().remove("mcpServers");
                    rest.as_object_mut().map(|rest| rest.remove("mcpServers"));
                }
                prop_assert!(rest == merged || (rest.is_null() && none(&merged)), "{} is not {}", rest, merged);
            }
        }
    }
}
