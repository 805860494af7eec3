//! TOML.

use serde_json::{Map, Number, Value};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, TomlError, Value as TomlValue};
use zeroize::Zeroizing;

use super::line_end::with_line_end;
use super::problem::TextProblem;
use crate::config::format::Format;

/// Tables of this depth are written with a header of their own, such as `[mcp_servers.port-prod]`; deeper ones in one line.
const DEEPEST_HEADER: usize = 2;

/// How the library's message for a duplicate key begins. It has no error kinds.
const DUPLICATE: &str = "duplicate key";

/// What a text says.
pub fn parse(text: &str) -> Result<Value, TextProblem> {
    let document: DocumentMut = text.parse().map_err(|error: TomlError| {
        let before = error.span().map(|span| text.bytes().take(span.start));
        let line = before.map(|before| before.filter(|byte| *byte == b'\n').count() + 1);
        if error.message().starts_with(DUPLICATE) { TextProblem::DuplicateKey { line } } else { TextProblem::malformed(Format::Toml, line) }
    })?;
    Ok(read_table(document.as_table()))
}

/// Edits a text so that it says `wanted`.
pub fn rewrite(text: &str, wanted: &Value) -> Option<Zeroizing<String>> {
    let mut document: DocumentMut = text.parse().ok()?;
    let comments = if document.is_empty() { with_line_end(document.trailing().as_str().unwrap_or_default()) } else { String::new() };
    if document.is_empty() {
        // In a file that has only comments, they stay at the top.
        document = DocumentMut::new();
    }
    edit_table(document.as_table_mut(), wanted.as_object()?, 1)?;
    Some(Zeroizing::new(format!("{comments}{document}")))
}

fn edit_table(table: &mut dyn TableLike, wanted: &Map<String, Value>, depth: usize) -> Option<()> {
    let unwanted: Vec<_> = table.iter().map(|(key, _)| key.to_owned()).filter(|key| !wanted.contains_key(key)).collect();
    for key in unwanted {
        table.remove(&key);
    }
    for (key, wanted) in wanted {
        let Some(item) = table.get_mut(key) else {
            table.insert(key, new_item(wanted, depth)?);
            continue;
        };
        if read(item) == *wanted {
            continue;
        }
        match wanted {
            Value::Object(wanted) if item.is_table_like() => {
                edit_table(item.as_table_like_mut()?, wanted, depth + 1)?;
                if let (true, Some(table)) = (wanted.is_empty(), item.as_table_mut()) {
                    // Its header may have been that of what was in it, so without a header of its own it would be gone.
                    table.set_implicit(false);
                    table.set_dotted(false);
                }
            }
            Value::Array(wanted) if item.is_array() => edit_array(item.as_array_mut()?, wanted)?,
            _ => match item.as_value_mut() {
                Some(value) => {
                    // Keeps the white space and comments around the value.
                    let decor = value.decor().clone();
                    *value = new_value(wanted)?;
                    *value.decor_mut() = decor;
                }
                None => *item = new_item(wanted, depth)?,
            },
        }
    }
    Some(())
}

fn edit_array(array: &mut Array, wanted: &[Value]) -> Option<()> {
    while array.len() > wanted.len() {
        array.remove(array.len() - 1);
    }
    for (index, wanted) in wanted.iter().enumerate() {
        let Some(value) = array.get(index) else {
            // If each item has its own line, a new item gets one too.
            let before = index.checked_sub(1).and_then(|last| array.get(last)?.decor().prefix()?.as_str());
            match before.and_then(|before| before.rsplit_once('\n')) {
                Some((_, indent)) => array.push_formatted(new_value(wanted)?.decorated(format!("\n{indent}"), "")),
                None => array.push(new_value(wanted)?),
            }
            continue;
        };
        if read_value(value) != *wanted {
            array.replace(index, new_value(wanted)?);
        }
    }
    Some(())
}

fn new_item(value: &Value, depth: usize) -> Option<Item> {
    match value {
        Value::Object(items) if depth <= DEEPEST_HEADER => {
            let mut table = Table::new();
            // A table that holds only tables needs no header.
            table.set_implicit(!items.is_empty() && items.values().all(Value::is_object));
            for (key, value) in items {
                table.insert(key, new_item(value, depth + 1)?);
            }
            Some(Item::Table(table))
        }
        _ => new_value(value).map(Item::Value),
    }
}

/// `None` for null, which TOML doesn't have.
fn new_value(value: &Value) -> Option<TomlValue> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64()?.into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(new_value).collect::<Option<Array>>()?.into(),
        Value::Object(items) => {
            let mut table = InlineTable::new();
            for (key, value) in items {
                table.insert(key, new_value(value)?);
            }
            table.into()
        }
    })
}

fn read(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(value) => read_value(value),
        Item::Table(table) => read_table(table),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| read_table(table)).collect(),
    }
}

fn read_table(table: &dyn TableLike) -> Value {
    Value::Object(table.iter().map(|(key, item)| (key.to_owned(), read(item))).collect())
}

/// Dates, and numbers that JSON doesn't have, become text, so that they can be compared. They are never written.
fn read_value(value: &TomlValue) -> Value {
    match value {
        TomlValue::String(text) => Value::String(text.value().clone()),
        TomlValue::Integer(number) => Value::from(*number.value()),
        TomlValue::Float(number) => {
            Number::from_f64(*number.value()).map_or_else(|| Value::String(number.value().to_string()), Value::Number)
        }
        TomlValue::Boolean(value) => Value::Bool(*value.value()),
        TomlValue::Datetime(date) => Value::String(date.value().to_string()),
        TomlValue::Array(items) => items.iter().map(read_value).collect(),
        TomlValue::InlineTable(table) => read_table(table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rewritten(text: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut wanted = parse(text).unwrap();
        change(&mut wanted);
        let edited = rewrite(text, &wanted).unwrap();
        assert_eq!(parse(&edited), Ok(wanted), "{}", *edited);
        edited.to_string()
    }

    #[test]
    fn comments_and_layout_stay() {
        let text = "# mine\nmodel  = \"o3\" # the big one\nwhen = 2026-01-01\nx = inf\n\n# others\n[mcp_servers.other]\ncommand = 'npx'\n\n[[jobs]]\na = 1\n";
        let edited = rewritten(text, |value| {
            value["mcp_servers"]["port"] = json!({ "url": "u", "enabled_tools": ["a", "b"], "http_headers": { "A b": "c\"\n" } });
        });
        let (before, after) = text.split_once("[[jobs]]").unwrap();
        assert!(edited.starts_with(before) && edited.ends_with(after), "{edited}");
        assert!(
            edited.contains("\n[mcp_servers.port]\nurl = \"u\"\nenabled_tools = [\"a\", \"b\"]\nhttp_headers = { \"A b\" = "),
            "{edited}"
        );
    }

    #[test]
    fn an_entry_is_edited_in_place() {
        let text = "[mcp_servers.port] # ours\nurl = \"old\" # here\nold = 1\nhttp_headers = { A = \"old\" }\n[permission]\nallow = [\n  \"a\", # first\n  \"b\",\n]\n";
        let edited = rewritten(text, |value| {
            value["mcp_servers"]["port"] = json!({ "url": "new", "http_headers": { "A": "new" } });
            value["permission"]["allow"] = json!(["a", "b", "c"]);
        });
        let expected = "[mcp_servers.port] # ours\nurl = \"new\" # here\nhttp_headers = { A = \"new\" }\n[permission]\nallow = [\n  \"a\", # first\n  \"b\",\n  \"c\",\n]\n";
        assert_eq!(edited, expected);
    }

    #[test]
    fn a_list_keeps_its_comments() {
        let text = "allow = [\n  \"a\", # first\n  \"b\",\n  \"gone\",\n  \"gone\",\n]\n";
        assert_eq!(rewritten(text, |value| value["allow"] = json!(["a", "b"])), "allow = [\n  \"a\", # first\n  \"b\",\n]\n");
        assert_eq!(rewritten(text, |value| value["allow"] = json!(["x", "b"])), "allow = [\n  \"x\", # first\n  \"b\",\n]\n");
        assert_eq!(rewritten(text, |value| value["allow"] = json!([])).matches('"').count(), 0);
    }

    #[test]
    fn a_value_of_one_kind_makes_room_for_another() {
        for text in ["a = 1\n", "a = { b = 1 }\n", "[a]\nb = 1\n", "a = [1]\n", "[[a]]\nb = 1\n"] {
            for wanted in [json!(2), json!({ "c": 2 }), json!([2]), json!([{ "b": 1 }, { "c": 2 }])] {
                rewritten(text, |value| value["a"] = wanted);
            }
        }
    }

    #[test]
    fn inline_and_dotted_tables_take_more() {
        let edited = rewritten("mcp_servers = { other = { url = \"x\" } }\na.b = 1\n", |value| {
            value["mcp_servers"]["port"] = json!({ "url": "u", "h": { "A": "b" } });
            value["a"]["c"] = json!({ "d": 2 });
        });
        assert!(edited.starts_with("mcp_servers = { other = { url = \"x\" }"), "{edited}");
    }

    #[test]
    fn a_table_without_a_header_of_its_own_outlives_what_was_in_it() {
        let emptied = |text: &str| rewritten(text, |value| value["servers"] = json!({}));
        assert_eq!(emptied("[servers.port]\nurl = \"u\"\n"), "[servers]\n");
        assert_eq!(emptied("a = 1\n\n[servers.port]\nurl = \"u\"\n\n[b]\nc = 1\n"), "a = 1\n\n[servers]\n\n[b]\nc = 1\n");
        assert_eq!(emptied("servers.port.url = \"u\"\n[b]\nc = 1\n"), "[servers]\n[b]\nc = 1\n");
        rewritten("[a]\nservers.port = 1\nb = 1\n", |value| value["a"]["servers"] = json!({}));
    }

    #[test]
    fn an_empty_text_becomes_one() {
        let edited = rewritten("", |value| {
            *value = json!({ "mcp_servers": { "port": { "url": "u", "h": { "A": "b" } } }, "p": { "allow": ["x"] } });
        });
        assert_eq!(edited, "[mcp_servers.port]\nurl = \"u\"\nh = { A = \"b\" }\n\n[p]\nallow = [\"x\"]\n");
    }

    #[test]
    fn mistakes_have_a_line() {
        assert_eq!(parse("a = 1\nb = \n"), Err(TextProblem::malformed(Format::Toml, Some(2))));
        for text in ["a = 1\na = 2\n", "[a]\n[a]\n", "[a]\nb = { c = 1, c = 2 }\n"] {
            assert_eq!(parse(text), Err(TextProblem::DuplicateKey { line: Some(2) }), "{text}");
        }
    }
}
