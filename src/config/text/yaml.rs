//! YAML.

use std::str::FromStr;

use serde_json::{Map, Number, Value};
use yaml_edit::anchor_resolution::AnchorRegistry;
use yaml_edit::{
    Document, Mapping, MappingEntry, ScalarStyle, ScalarType, ScalarValue, Sequence, SyntaxKind, YamlError, YamlFile, YamlNode, YamlValue,
};
use zeroize::Zeroizing;

use super::line_end::with_line_end;
use super::problem::TextProblem;
use super::strict;
use crate::config::format::Format;

/// What a text says.
pub fn parse(text: &str) -> Result<Value, TextProblem> {
    strict::check(text)?;
    let file = open(text)?;
    if file.documents().any(|document| is_boundless(&document)) {
        return Err(TextProblem::EndlessAliases);
    }
    if let Some(line) = file.documents().find_map(|document| misplaced(&YamlNode::Mapping(document.as_mapping()?), text)) {
        return Err(malformed(Some(line)));
    }
    let value = file.document().map(|document| YamlValue::from_document(&document)).transpose().map_err(|_| malformed(None))?;
    Ok(value.as_ref().map_or(Value::Null, read))
}

fn malformed(line: Option<usize>) -> TextProblem {
    TextProblem::malformed(Format::Yaml, line)
}

/// Edits a text whose value is `current` so that its value is `wanted`.
pub fn rewrite(text: &str, current: &Value, wanted: &Value) -> Option<Zeroizing<String>> {
    let file = open(text).ok()?;
    let wanted = wanted.as_object()?;
    let Some(mapping) = file.document().and_then(|document| document.as_mapping()) else {
        // The text is empty or has only comments, which stay at the top. After anything else, a mapping isn't valid.
        let document = Document::new_mapping();
        write_mapping(&document.as_mapping()?, wanted);
        return Some(Zeroizing::new(format!("{}{document}", with_line_end(text))));
    };
    edit_mapping(&mapping, current.as_object()?, wanted)?;
    Some(Zeroizing::new(file.to_string()))
}

/// The line of a key that isn't indented like its siblings, as YAML 1.2.2 requires (section 8.2.2). The library accepts such a
/// text, but other parsers read it, and what is added to it, in another way.
fn misplaced(node: &YamlNode, text: &str) -> Option<usize> {
    match node {
        YamlNode::Mapping(mapping) => {
            // The library counts from the start of the text for each position, which is slow, so it is asked only once.
            let column = |entry: &MappingEntry| column(text, entry.byte_range().start);
            let first = mapping.entries().next().map(|entry| column(&entry));
            let astray = mapping.entries().find(|entry| !mapping.is_flow_style() && Some(column(entry)) != first);
            let line = astray.map(|entry| entry.start_position(text).line);
            line.or_else(|| mapping.values().find_map(|value| misplaced(&value, text)))
        }
        YamlNode::Sequence(sequence) => sequence.values().find_map(|value| misplaced(&value, text)),
        _ => None,
    }
}

/// The column of an offset, in bytes. A byte order mark doesn't count.
fn column(text: &str, offset: u32) -> Option<usize> {
    let line = text.get(..offset.try_into().ok()?)?.rsplit('\n').next()?;
    Some(line.trim_start_matches('\u{feff}').len())
}

/// How many aliases may be inside anchored nodes. Each one can multiply the size of the value.
const MOST_NESTED: usize = 16;

/// Whether resolving the aliases would never end, or take too long. The library would follow an alias to a node around it (with
/// `<<`) until the stack overflows.
fn is_boundless(document: &Document) -> bool {
    let anchors = AnchorRegistry::from_document(document);
    let Some(root) = anchors.anchor_names().find_map(|name| anchors.resolve(name)?.ancestors().last()) else {
        return false;
    };
    let tokens = root.descendants_with_tokens().filter_map(|element| element.as_token().cloned());
    let mut nested = 0;
    for alias in tokens.filter(|token| token.kind() == SyntaxKind::REFERENCE) {
        let around = alias.parent_ancestors().flat_map(|node| node.children_with_tokens());
        let anchors = around.filter_map(|element| element.as_token().cloned()).filter(|token| token.kind() == SyntaxKind::ANCHOR);
        let names: Vec<_> = anchors.map(|anchor| anchor.text().replacen('&', "*", 1)).collect();
        if names.iter().any(|name| name == alias.text()) {
            return true;
        }
        nested += usize::from(!names.is_empty());
    }
    nested > MOST_NESTED
}

fn open(text: &str) -> Result<YamlFile, TextProblem> {
    YamlFile::from_str(text).map_err(|error| match error {
        YamlError::Parse { line, .. } => malformed(line),
        _ => malformed(None),
    })
}

/// Compares with the resolved value, not with the node: a merge key or an alias stands for more than its node holds.
fn edit_mapping(mapping: &Mapping, current: &Map<String, Value>, wanted: &Map<String, Value>) -> Option<()> {
    for key in current.keys().filter(|key| !wanted.contains_key(*key)) {
        mapping.remove(key.as_str())?;
    }
    for (key, wanted) in wanted {
        let known = current.get(key);
        if known == Some(wanted) {
            continue;
        }
        match (mapping.get(key.as_str()), known, wanted) {
            (Some(YamlNode::Mapping(node)), Some(Value::Object(known)), Value::Object(wanted)) => edit_mapping(&node, known, wanted)?,
            (Some(YamlNode::Sequence(node)), Some(Value::Array(known)), Value::Array(wanted)) => edit_sequence(&node, known, wanted)?,
            _ => set(mapping, key, wanted),
        }
    }
    Some(())
}

fn edit_sequence(sequence: &Sequence, current: &[Value], wanted: &[Value]) -> Option<()> {
    for index in (wanted.len()..current.len()).rev() {
        sequence.remove(index)?;
    }
    for (index, wanted) in wanted.iter().enumerate() {
        let known = current.get(index);
        if known == Some(wanted) {
            continue;
        }
        match (sequence.get(index), known, wanted) {
            (Some(YamlNode::Mapping(node)), Some(Value::Object(known)), Value::Object(wanted)) => edit_mapping(&node, known, wanted)?,
            (Some(_), ..) => with(wanted, Put::At(sequence, index)),
            (None, ..) => with(wanted, Put::Last(sequence)),
        }
    }
    Some(())
}

fn write_mapping(mapping: &Mapping, items: &Map<String, Value>) {
    for (key, value) in items {
        set(mapping, key, value);
    }
}

fn set(mapping: &Mapping, key: &str, value: &Value) {
    with(value, Put::Under(mapping, key));
}

/// Where a new value goes. The library has a different type for each kind of value.
enum Put<'a> {
    Under(&'a Mapping, &'a str),
    At(&'a Sequence, usize),
    Last(&'a Sequence),
}

impl Put<'_> {
    fn it(self, value: impl yaml_edit::AsYaml) {
        match self {
            Self::Under(mapping, key) => mapping.set(scalar(key), value),
            Self::At(sequence, index) => drop(sequence.set(index, value)),
            Self::Last(sequence) => sequence.push(value),
        }
    }
}

fn with(value: &Value, put: Put<'_>) {
    match value {
        Value::Null => put.it(ScalarValue::null()),
        Value::Bool(value) => put.it(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => put.it(number),
            (None, number) => put.it(number.unwrap_or_default()),
        },
        Value::String(text) => put.it(scalar(text)),
        Value::Array(items) => {
            let sequence = if items.is_empty() { Sequence::new_flow() } else { Sequence::new() };
            for item in items {
                with(item, Put::Last(&sequence));
            }
            put.it(&sequence);
        }
        Value::Object(items) => {
            let mapping = if items.is_empty() { Mapping::new_flow() } else { Mapping::new() };
            write_mapping(&mapping, items);
            put.it(&mapping);
        }
    }
}

/// A string. The library quotes what YAML 1.2 would not read as a string, and most of what YAML 1.1 would not. Parsers of 1.1
/// are still in use: they read `1_000` as a number, `1:30` as a time, `2001-01-01` as a date, and `y` as yes. The library writes
/// line breaks as a block scalar, and loses some at the end, so such a string is double-quoted here.
fn scalar(text: &str) -> ScalarValue {
    let scalar = ScalarValue::string(text);
    let like_a_number = text.starts_with(|first: char| first.is_ascii_digit() || "+.".contains(first)) && text.contains(['_', ':', '-']);
    let like_yes_or_no = matches!(text, "y" | "Y" | "n" | "N");
    match scalar.style() {
        ScalarStyle::Plain if like_a_number || like_yes_or_no => ScalarValue::single_quoted(text),
        ScalarStyle::Literal => ScalarValue::double_quoted(text),
        _ => scalar,
    }
}

fn read(value: &YamlValue) -> Value {
    match value {
        YamlValue::Scalar(scalar) => read_scalar(scalar),
        YamlValue::Sequence(items) => items.iter().map(read).collect(),
        YamlValue::Mapping(items) => Value::Object(items.iter().map(|(key, value)| (key.clone(), read(value))).collect()),
        YamlValue::Set(items) => items.iter().map(|item| Value::String(item.clone())).collect(),
        YamlValue::OrderedMapping(items) | YamlValue::Pairs(items) => {
            Value::Object(items.iter().map(|(key, value)| (key.clone(), read(value))).collect())
        }
        YamlValue::Tagged(_, value) => read(value),
    }
}

/// A number that JSON doesn't have becomes text, so that it can be compared.
fn read_scalar(scalar: &ScalarValue) -> Value {
    let text = || Value::String(scalar.value().to_owned());
    match scalar.scalar_type() {
        ScalarType::Null => Value::Null,
        ScalarType::Boolean => scalar.to_bool().map_or_else(text, Value::Bool),
        ScalarType::Integer => scalar.to_i64().map_or_else(text, Value::from),
        ScalarType::Float => scalar.to_f64().and_then(Number::from_f64).map_or_else(text, Value::Number),
        _ => text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rewritten(text: &str, change: impl FnOnce(&mut Value)) -> String {
        let current = parse(text).unwrap();
        let mut wanted = if current.is_null() { json!({}) } else { current.clone() };
        change(&mut wanted);
        let edited = rewrite(text, &current, &wanted).unwrap();
        assert_eq!(parse(&edited), Ok(wanted), "{}", *edited);
        edited.to_string()
    }

    fn server() -> Value {
        json!({ "uri": "https://x/v1", "enabled": true, "timeout": 60, "empty": "", "none": {}, "headers": { "A": "Bearer ${X}", "x": "1" }, "tools": ["a", "it's: # b"] })
    }

    #[test]
    fn keys_of_a_table_stand_in_one_column() {
        for (text, line) in [
            ("a: !:x\n  &x\n b: c\nd: e", 3),
            ("s:\n- a: !:x\n    &x\n   b: c\n  d: e", 4),
            ("s:\n  a: !:x\n    &x\n   b: c\n  d: e", 4),
            ("x: &x 1\na: !:x\n  &x\n b: )&:x\n  &x\n  c:*x 1\nd: e", 4),
        ] {
            assert_eq!(parse(text), Err(malformed(Some(line))), "{text}");
        }
        for text in
            ["&x a: 1\n? b\n: c\n'd': e\n!t f: g\n", "  a: 1\n  # b\n  c:\n  - d: 1\n    e: 2\n", "{a: 1,\n b: 2}", "\u{feff}a: 1\nb: 2\n"]
        {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn comments_and_layout_stay() {
        let text = "# goose\nextensions:\n  # tools\n  developer:\n    enabled: true   # keep\n\nGOOSE_MODE: auto # mode\n";
        let edited = rewritten(text, |value| value["extensions"]["port"] = server());
        let (before, after) = text.split_once("\n\n").unwrap();
        assert!(edited.starts_with(before) && edited.ends_with(after), "{edited}");
        assert!(edited.contains("\n  port:\n    uri: https://x/v1\n    enabled: true\n"), "{edited}");
    }

    #[test]
    fn a_list_of_servers_takes_one_more() {
        let text =
            "name: Mine\nmcpServers:\n  - name: a # first\n    url: x\n  # second\n  - name: port\n    url: old # ours\n    gone: 1\n";
        let edited = rewritten(text, |value| {
            value["mcpServers"][1] = json!({ "name": "port", "url": "new" });
            value["mcpServers"].as_array_mut().unwrap().push(json!({ "name": "c", "list": ["x"] }));
        });
        let expected = "name: Mine\nmcpServers:\n  - name: a # first\n    url: x\n  # second\n  - name: port\n    url: new # ours\n  - name: c\n    list:\n    - x\n";
        assert_eq!(edited, expected);
    }

    #[test]
    fn a_text_that_looks_like_a_number_is_quoted() {
        for text in ["1", "1.5", "0x1", "1_000", "0x_1", "+1_0", ".5_0", "1:30", "2001-01-01"] {
            let edited = rewritten("", |value| *value = json!({ "name": text, "list": [text], text: text }));
            assert_eq!(edited.matches(&format!("'{text}'")).count(), 4, "{edited}");
        }
        for text in ["1.0.0", "port-prod", "list_blueprints", "https://x:1/v1"] {
            assert!(rewritten("", |value| *value = json!({ "name": text })).contains(&format!(": {text}")));
        }
    }

    #[test]
    fn a_text_of_several_lines_is_one_line_in_quotes() {
        for text in ["a\nb", "a\n", "a\n\n", "\na", "a\n b\n\n", "\n", "a\r\nb"] {
            let edited = rewritten("", |value| *value = json!({ "name": text, "list": [text], "after": 1 }));
            assert_eq!(edited.matches('"').count(), 4, "{edited}");
        }
    }

    #[test]
    fn numbers_are_read_as_what_they_are() {
        assert_eq!(parse("a: 1.5\nb: -2\nc: 1e3\nd: .inf\n"), Ok(json!({ "a": 1.5, "b": -2, "c": 1000.0, "d": ".inf" })));
    }

    #[test]
    fn every_layout_takes_a_server() {
        for text in [
            "",
            "# only a comment\n",
            "# only a comment",
            "---\n",
            "extensions:\n",
            "extensions: {}\n",
            "extensions: ~\nb: 1",
            "extensions: {a: {b: [1, 2]}}\n",
            "extensions:\n    a:\n        b: 1\n...\n",
            "extensions:\r\n  a:\r\n    b: 1\r\n",
            "x: &x\n  a: 1\nextensions:\n  y: *x\n",
            "x: &x\n  a: {b: 1}\nextensions:\n  <<: *x\n",
            "extensions: *e\n",
        ] {
            if parse(text).is_ok() {
                rewritten(text, |value| {
                    let extensions = value.as_object_mut().unwrap().entry("extensions").or_insert(Value::Null);
                    if extensions.is_null() {
                        *extensions = json!({});
                    }
                    extensions["port"] = server();
                });
            }
        }
    }

    #[test]
    fn a_word_for_yes_or_no_stays_a_word_in_every_version_of_yaml() {
        for word in
            ["y", "Y", "n", "N", "yes", "No", "on", "OFF", "true", "null", "~", "1", "1e3", "0x1", "1:30", "2026-01-01", ".inf", "<<", "="]
        {
            let wanted = json!({ word: word, "list": [word] });
            let text = rewrite("", &Value::Null, &wanted).unwrap();
            assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), wanted, "{}", *text);
        }
    }

    #[test]
    fn aliases_without_an_end_are_a_mistake() {
        for text in [
            "a: &a\n  b: *a\n",
            "a: &a\n  <<: *a\n",
            "a: &a\n  b: &b\n    <<: *a\n",
            "a: &a\n  b: {<<: [*a]}\n",
            "a: &a {b: {c: {<<: *a}}}\nd: &a 1\n",
            "&a\nb:\n  <<: *a\n",
        ] {
            assert_eq!(parse(text), Err(TextProblem::EndlessAliases), "{text}");
        }
        let nested = |count| format!("x: &x 1\ny: &y [{}]\n", vec!["*x"; count].join(", "));
        assert_eq!(parse(&nested(MOST_NESTED)).unwrap()["y"], json!(vec![1; MOST_NESTED]));
        assert_eq!(parse(&nested(MOST_NESTED + 1)), Err(TextProblem::EndlessAliases));
        // The "billion laughs" attack.
        let laughs = (1..40).fold("l0: &l0 [ha]\n".to_owned(), |text, n| text + &format!("l{n}: &l{n} [*l{}, *l{}]\n", n - 1, n - 1));
        assert_eq!(parse(&laughs), Err(TextProblem::EndlessAliases));
        let text = "x: &x {a: 1}\ny: &y\n  <<: *x\n  b: &b {<<: *x}\nz: [*y, *b, *x]\n";
        assert_eq!(parse(text).unwrap()["z"][0], json!({ "a": 1, "b": { "a": 1 } }));
    }

    #[test]
    fn mistakes_are_seen() {
        for text in ["a: [1", "a: 1\n---\nb: 2\n", "a: *unknown", "a: 1\na: 2\n", "{", "\"a"] {
            assert!(parse(text).is_err(), "{text:?} gave {:?}", parse(text));
        }
        assert_eq!(parse("a: 1\nb: [\n"), Err(malformed(Some(2))));
    }
}
