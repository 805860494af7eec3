//! JSON, with the comments and trailing commas that many agents read.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstRootNode};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::problem::TextProblem;
use crate::config::format::Format;

/// What every agent reads that allows comments in its JSON; nothing else of JSON5.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// What a text says.
pub fn parse(text: &str) -> Result<Value, TextProblem> {
    let malformed = |line| TextProblem::malformed(Format::Json, line);
    let root = CstRootNode::parse(text, &OPTIONS).map_err(|error| malformed(Some(error.line_display())))?;
    match root.value() {
        None => Ok(Value::Null),
        Some(value) => value.to_serde_value().ok_or_else(|| malformed(None)),
    }
}

/// Edits a text so that it says `wanted`.
pub fn rewrite(text: &str, wanted: &Value) -> Option<Zeroizing<String>> {
    let root = CstRootNode::parse(text, &OPTIONS).ok()?;
    match (root.value(), wanted) {
        (Some(value), Value::Object(wanted)) if value.as_object().is_some() => edit_object(&value.as_object()?, wanted)?,
        (Some(value), Value::Array(wanted)) if value.as_array().is_some() => edit_array(&value.as_array()?, wanted)?,
        _ => root.set_value(input(wanted)),
    }
    Some(Zeroizing::new(root.to_string()))
}

fn edit_object(object: &CstObject, wanted: &Map<String, Value>) -> Option<()> {
    remove_what_is_elsewhere(object, wanted)?;
    for (index, (key, wanted)) in wanted.iter().enumerate() {
        let property = object.properties().into_iter().find(|property| property.decoded_name().as_ref() == Some(key));
        let Some(property) = property else {
            // Every key before it has been added already.
            object.insert(index, key, input(wanted));
            continue;
        };
        let value = property.value()?;
        if says(&value, wanted) {
            continue;
        }
        match (value.as_object(), value.as_array(), wanted) {
            (Some(object), _, Value::Object(wanted)) => edit_object(&object, wanted)?,
            (_, Some(array), Value::Array(wanted)) => edit_array(&array, wanted)?,
            _ => property.set_value(input(wanted)),
        }
    }
    Some(())
}

/// Removes keys that are not wanted, and keys in the wrong order: those are added again in their place.
fn remove_what_is_elsewhere(object: &CstObject, wanted: &Map<String, Value>) -> Option<()> {
    let mut order = wanted.keys().peekable();
    for property in object.properties() {
        let name = property.decoded_name()?;
        while order.next_if(|key| **key != name && !has(object, key)).is_some() {}
        if order.next_if(|key| **key == name).is_none() {
            property.remove();
        }
    }
    Some(())
}

/// Whether a node has exactly this value. The order of keys counts, since it matters in a table of rules.
fn says(node: &CstNode, wanted: &Value) -> bool {
    node.to_serde_value().map(|value| value.to_string()) == Some(wanted.to_string())
}

fn has(object: &CstObject, key: &str) -> bool {
    object.properties().iter().any(|property| property.decoded_name().as_deref() == Some(key))
}

fn edit_array(array: &CstArray, wanted: &[Value]) -> Option<()> {
    array.elements().into_iter().skip(wanted.len()).for_each(CstNode::remove);
    for (index, wanted) in wanted.iter().enumerate() {
        let Some(element) = array.elements().get(index).cloned() else {
            array.append(input(wanted));
            continue;
        };
        if says(&element, wanted) {
            continue;
        }
        if let (Some(object), Value::Object(wanted)) = (element.as_object(), wanted) {
            edit_object(&object, wanted)?;
        } else {
            array.insert(index, input(wanted));
            element.remove();
        }
    }
    Some(())
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(items) => CstInputValue::Object(items.iter().map(|(key, value)| (key.clone(), input(value))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rewritten(text: &str, wanted: &Value) -> String {
        let edited = rewrite(text, wanted).unwrap();
        assert_eq!(parse(&edited).as_ref(), Ok(wanted), "{}", *edited);
        edited.to_string()
    }

    #[test]
    fn comments_and_layout_stay() {
        let text =
            "// mine\n{\n    \"a\": 1, // one\n    \"mcpServers\": {\n        /* other */ \"other\": { \"url\": \"x\" },\n    },\n}\n";
        let edited = rewritten(text, &json!({ "a": 1, "mcpServers": { "other": { "url": "x" }, "port": { "b": [1], "q": "'\"\n" } } }));
        let expected = "// mine\n{\n    \"a\": 1, // one\n    \"mcpServers\": {\n        /* other */ \"other\": { \"url\": \"x\" },\n        \"port\": {\n            \"b\": [1],\n            \"q\": \"'\\\"\\n\",\n        },\n    },\n}\n";
        assert_eq!(edited, expected);
    }

    #[test]
    fn an_entry_is_edited_in_place() {
        let text = "{ \"m\": { \"port\": { \"url\": \"u\" /* here */, \"old\": true, \"h\": { \"A\": \"old\" } }, \"z\": 1 } }";
        let edited = rewritten(text, &json!({ "m": { "port": { "url": "u", "h": { "A": "new" }, "t": ["x"] }, "z": 1 } }));
        assert!(edited.contains("\"url\": \"u\" /* here */"), "{edited}");
    }

    #[test]
    fn a_list_keeps_its_comments() {
        let edited = rewritten("[\n  { \"a\": 1 }, // first\n  { \"b\": 1 }\n]", &json!([{ "a": 1 }, { "b": 2 }, { "c": [{ "d": 1 }] }]));
        assert!(edited.contains("{ \"a\": 1 }, // first\n"), "{edited}");
        let edited =
            rewritten("{\n  \"m\": {\n    \"allow\": [\n      \"a\", // first\n    ],\n  },\n}", &json!({ "m": { "allow": ["a", "b"] } }));
        assert!(edited.contains("\"a\", // first\n      \"b\","), "{edited}");
    }

    #[test]
    fn what_comes_before_others_leaves_them_as_they_are() {
        let edited = rewritten("{\n  \"b\": 2, // second\n  \"d\": 4 // fourth\n}", &json!({ "a": 1, "b": 2, "c": 3, "d": 4 }));
        assert_eq!(edited, "{\n  \"a\": 1,\n  \"b\": 2, // second\n  \"c\": 3,\n  \"d\": 4 // fourth\n}");
    }

    #[test]
    fn a_value_of_one_kind_makes_room_for_another() {
        for text in ["null", "1", "{\"a\": 1}", "[1]"] {
            for wanted in [json!({ "b": { "c": 2 } }), json!([{ "b": 2 }])] {
                rewritten(text, &wanted);
                rewritten(&format!("{{\"a\": {text}}}"), &json!({ "a": wanted }));
                rewritten(&format!("[{text}]"), &json!([wanted]));
            }
        }
    }

    #[test]
    fn order_is_part_of_it() {
        for text in [
            "{\"a\": 1, \"gone\": 0, \"b\": 2}",
            "{\"b\": 2, \"a\": 1}",
            "{\"a\": 1}",
            "{\"a\": 1, \"c\": 3}",
            "{\"a\": 1, \"c\": 3, \"b\": 2}",
            "{}",
        ] {
            let wanted = json!({ "b": 2, "c": 3, "a": 1 });
            for (text, wanted) in [(text.to_owned(), wanted.clone()), (format!("[{{\"m\": {text}}}]"), json!([{ "m": wanted }]))] {
                assert_eq!(parse(&rewritten(&text, &wanted)).unwrap().to_string(), wanted.to_string(), "{text}");
            }
        }
    }

    #[test]
    fn an_empty_text_becomes_one() {
        for text in ["", "\n", "// only a comment"] {
            assert!(rewritten(text, &json!({ "a": { "b": 1 } })).starts_with(text.trim_end()));
        }
    }

    #[test]
    fn mistakes_have_a_line() {
        assert_eq!(parse("{\n  \"a\": ,\n}"), Err(TextProblem::malformed(Format::Json, Some(2))));
        for text in ["{'a': 1}", "{a: 1}", "{\"a\": 0x1}", "{} {}", "{", "nonsense"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
