//! Takes the server out of a file again: also out of one that the agent has changed since, and one that a killed process left.

use serde_json::{Map, Value};

use super::draft::Rendered;
use super::format::Format;
use super::merge::name_of;
use super::place::Place;
use super::problem::FileProblem;
use super::random::random_name;
use super::receipt::Outcome;
use super::text::{parse, rewrite};
use super::way::Way;
use super::written::{Target, Written};
use crate::runner::Environment;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// It is as it was before, or gone if there was none.
    AsBefore,
    /// It was changed since, and only what was added is taken out.
    Edited,
    /// It was changed since, and can't be edited any more.
    Stays,
}

impl Written {
    /// Takes back what was written. What other programs have changed in the file meanwhile stays.
    ///
    /// # Errors
    /// When the file can't be reached or written.
    pub fn withdraw(&self, format: Format, rendered: &Rendered, server_name: &str) -> Result<Withdrawn, FileProblem> {
        match self.undo()? {
            Outcome::Removed | Outcome::Restored | Outcome::Nothing => return Ok(Withdrawn::AsBefore),
            Outcome::Changed | Outcome::Lost => {}
        }
        let place = &self.receipt.place;
        let directory = Way::down(&self.root, &place.directories)?.last;
        let Some(now) = directory.read(&place.name)? else {
            return Ok(Withdrawn::AsBefore);
        };
        let value = |text: &[u8]| parse(format, str::from_utf8(text).ok()?).ok();
        let before = self.old.as_ref().and_then(|old| value(&old.content));
        let edited = || {
            let text = str::from_utf8(&now.content).ok()?;
            let without = without(before.as_ref(), &value(rendered.file.as_bytes())?, &value(text.as_bytes())?, server_name);
            without.map_or(Some(None), |without| rewrite(format, text, &without).ok().map(Some))
        };
        match edited() {
            Some(Some(text)) => {
                directory.rewrite(&self.receipt.temporary, &place.name, text.as_bytes(), now.attributes)?;
                Ok(Withdrawn::Edited)
            }
            Some(None) => {
                directory.remove(&place.name);
                Ok(Withdrawn::AsBefore)
            }
            None => Ok(Withdrawn::Stays),
        }
    }
}

/// Takes out of a file the server of this name whose address is of no use any more, as a killed process left it. A file that can't be read
/// or edited stays as it is.
///
/// # Errors
/// When the file can't be reached or written.
pub fn remove_dead(
    format: Format,
    place: &Place,
    environment: &Environment,
    server_name: &str,
    is_dead: &dyn Fn(&str) -> bool,
) -> Result<(), FileProblem> {
    let Target { root, old: Some(old), .. } = Target::find(place, environment)? else {
        return Ok(());
    };
    let edited = || {
        let text = str::from_utf8(&old.content).ok()?;
        let value = parse(format, text).ok()?;
        let mut alive = value.clone();
        remove_server(&mut alive, server_name, is_dead);
        if alive == value { None } else { rewrite(format, text, &alive).ok() }
    };
    let (Some(text), Ok(temporary)) = (edited(), random_name()) else {
        return Ok(());
    };
    let directory = Way::down(&root, &place.directories)?.last;
    directory.rewrite(&temporary, &place.name, text.as_bytes(), old.attributes)
}

/// What is left of `now` without what was added to `before` when `written` was made; `None` for nothing.
fn without(before: Option<&Value>, written: &Value, now: &Value, server_name: &str) -> Option<Value> {
    if now == written {
        return before.cloned();
    }
    match (written, now) {
        (Value::Object(written), Value::Object(now)) => {
            let empty = Map::new();
            let old = before.and_then(Value::as_object).unwrap_or(&empty);
            let rest = now.iter().filter_map(|(key, value)| {
                let left = match (old.get(key), written.get(key)) {
                    (old, Some(written)) if old == Some(written) => Some(value.clone()),
                    (_, None) => Some(value.clone()),
                    // All of it is ours, also what the agent has added to it.
                    (None, Some(_)) if key == server_name => None,
                    (old, Some(written)) => without(old, written, value, server_name),
                };
                Some((key.clone(), left?))
            });
            let rest: Map<_, _> = rest.collect();
            (before.is_some() || !rest.is_empty()).then_some(Value::Object(rest))
        }
        (Value::Array(written), Value::Array(now)) => {
            let old = before.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let is_ours = |item: &Value| {
                let has_our_name = |item: &Value| name_of(item).is_some_and(|(_, name)| name == server_name);
                let is_the_server = has_our_name(item) && !old.iter().any(has_our_name);
                is_the_server || (written.contains(item) && !old.contains(item))
            };
            let rest: Vec<_> = now.iter().filter(|item| !is_ours(item)).cloned().collect();
            (before.is_some() || !rest.is_empty()).then_some(Value::Array(rest))
        }
        _ => Some(now.clone()),
    }
}

/// Removes the server of this name wherever it is, if one of its texts is dead.
fn remove_server(value: &mut Value, name: &str, is_dead: &dyn Fn(&str) -> bool) {
    match value {
        Value::Object(table) => {
            table.retain(|key, value| key != name || !has_text(value, is_dead));
            table.values_mut().for_each(|value| remove_server(value, name, is_dead));
        }
        Value::Array(list) => {
            list.retain(|item| name_of(item).is_none_or(|(_, found)| found != name) || !has_text(item, is_dead));
            for item in list {
                remove_server(item, name, is_dead);
            }
        }
        _ => {}
    }
}

fn has_text(value: &Value, fits: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => fits(text),
        Value::Array(list) => list.iter().any(|item| has_text(item, fits)),
        Value::Object(table) => table.values().any(|value| has_text(value, fits)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_was_added_is_taken_out() {
        let server = json!({"url": "http://127.0.0.1:1/mcp"});
        for (before, written, now, rest) in [
            (
                None,
                json!({"mcpServers": {"port": server}}),
                json!({"mcpServers": {"port": server}, "theme": "x"}),
                Some(json!({"theme": "x"})),
            ),
            (
                Some(json!({"mcpServers": {"a": 1}, "allow": ["b"]})),
                json!({"mcpServers": {"a": 1, "port": server}, "allow": ["b", "c"]}),
                json!({"mcpServers": {"a": 2, "port": {"url": "http://127.0.0.1:1/mcp", "trust": true}}, "allow": ["c", "b", "d"]}),
                Some(json!({"mcpServers": {"a": 2}, "allow": ["b", "d"]})),
            ),
            (
                Some(json!({"servers": []})),
                json!({"servers": [{"name": "port", "url": "u"}]}),
                json!({"servers": [{"name": "port", "url": "u", "on": 1}, {"name": "e"}]}),
                Some(json!({"servers": [{"name": "e"}]})),
            ),
            (None, json!({"mcpServers": {"port": server}}), json!({"mcpServers": {"port": {"url": "v"}}}), None),
            (
                Some(json!({"list": [{"name": "a"}]})),
                json!({"list": [{"name": "a"}], "allow": ["b"]}),
                json!({"list": [{"name": "a"}, {"name": "port"}], "allow": ["b", "c"]}),
                Some(json!({"list": [{"name": "a"}, {"name": "port"}], "allow": ["c"]})),
            ),
            (Some(json!({"a": 1})), json!({"a": 1, "allow": ["b"]}), json!({"a": 1, "allow": []}), Some(json!({"a": 1}))),
        ] {
            assert_eq!(without(before.as_ref(), &written, &now, "port"), rest, "{now}");
        }
    }

    #[test]
    fn a_dead_server_is_found_in_tables_and_lists() {
        let is_dead = |text: &str| text == "dead";
        for (mut value, rest) in [
            (json!({"a": {"port": {"url": "dead"}, "b": {"url": "dead"}}}), json!({"a": {"b": {"url": "dead"}}})),
            (json!({"a": {"port": {"url": "live"}}}), json!({"a": {"port": {"url": "live"}}})),
            (json!({"a": [{"name": "port", "args": ["x", "dead"]}, {"name": "b"}]}), json!({"a": [{"name": "b"}]})),
            (
                json!({"a": [{"name": "port", "url": "live"}, {"name": "b", "url": "dead"}]}),
                json!({"a": [{"name": "port", "url": "live"}, {"name": "b", "url": "dead"}]}),
            ),
        ] {
            remove_server(&mut value, "port", &is_dead);
            assert_eq!(value, rest);
        }
    }
}
