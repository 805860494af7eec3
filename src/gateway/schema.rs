//! What the gateway remembers of the tools that the server lists: which argument names the action that a tool runs, and which
//! arguments stand in headers too.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::json::Object;
use crate::port::ToolKind as Kind;

/// The names of the argument that says what is run, without case and punctuation. Port's tools have had several.
const IDENTIFIERS: [&str; 9] = [
    "actionidentifier",
    "actionid",
    "workflowidentifier",
    "workflowid",
    "triggeridentifier",
    "triggerid",
    "selfserviceactionidentifier",
    "selfservicetriggeridentifier",
    "identifier",
];

/// Tools whose argument is known from Port's documentation. Others must be listed first.
/// <https://docs.port.io/ai-interfaces/port-mcp-server/available-tools/>
const KNOWN: [(&str, &str); 1] = [("run_action", "actionIdentifier")];

/// Earlier releases had one tool for each action, of this name and the action's.
const NAMED_AFTER_ACTION: &str = "run_";

/// The keyword with which a schema asks for an argument in a header. <https://modelcontextprotocol.io/seps/2243-http-standardization>
const HEADER_KEYWORD: &str = "x-mcp-header";

/// What is known of the tools. Whatever a later list says is added; nothing that was strict gets looser.
#[derive(Debug, Default)]
pub struct Schemas(HashMap<String, Schema>);

/// What is known of one tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Schema {
    /// Whether the server said that it only reads.
    read_only_hint: Option<bool>,
    /// The argument that names the action; `None` if that can't be told.
    identifier: Option<String>,
    /// Headers in lower case, and the path of the argument that each one repeats.
    headers: Vec<(String, Vec<String>)>,
}

impl Schemas {
    /// Takes a tool's entry in `tools/list`.
    pub fn note(&mut self, tool: &Value) {
        let Some(name) = tool.get("name").and_then(Value::as_str) else {
            return;
        };
        let schema = Schema::read(tool);
        let hint = match self.0.get(name).and_then(|known| known.read_only_hint) {
            Some(false) => Some(false),
            _ => schema.read_only_hint,
        };
        self.0.insert(name.to_owned(), Schema { read_only_hint: hint, ..schema });
    }

    /// What a tool does, by its name and what the server said of it.
    pub fn kind(&self, name: &str) -> Kind {
        Kind::of(name, self.0.get(name).and_then(|schema| schema.read_only_hint))
    }

    /// The action that a call runs; `None` if it can't be told, or could be understood in two ways.
    pub fn action(&self, tool: &str, arguments: Option<&Object>) -> Option<String> {
        let fitting: Vec<_> = arguments.into_iter().flat_map(Object::members).filter(|(name, _)| is_identifier(name)).collect();
        match fitting.as_slice() {
            [(name, value)] => {
                let listed = self.0.get(tool).map(|schema| schema.identifier.as_deref());
                let known = || KNOWN.iter().find(|(known, _)| *known == tool).map(|(_, argument)| *argument);
                let expected = listed.unwrap_or_else(known)?;
                value.text().filter(|_| *name == expected)
            }
            [] if !KNOWN.iter().any(|(known, _)| *known == tool) => tool.strip_prefix(NAMED_AFTER_ACTION).map(str::to_owned),
            _ => None,
        }
    }

    /// Whether a header `Mcp-Param-…` repeats what the arguments say.
    pub fn agrees(&self, tool: &str, header: &str, value: &str, arguments: Option<&Object>) -> bool {
        let Some(schema) = self.0.get(tool) else {
            return arguments.is_some_and(|arguments| holds(arguments, value));
        };
        let path = schema.headers.iter().find(|(name, _)| name == header).map(|(_, path)| path);
        path.is_some_and(|path| arguments.and_then(|arguments| value_at(arguments, path)).as_deref() == Some(value))
    }
}

impl Schema {
    fn read(tool: &Value) -> Self {
        let properties = tool.pointer("/inputSchema/properties").and_then(Value::as_object);
        let required: Vec<_> =
            tool.pointer("/inputSchema/required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut headers = Vec::new();
        if let Some(properties) = properties {
            find_headers(properties, &mut Vec::new(), &mut headers);
        }
        Self {
            read_only_hint: tool.pointer("/annotations/readOnlyHint").and_then(Value::as_bool),
            identifier: properties.and_then(|properties| identifier(properties, &required)),
            headers,
        }
    }
}

/// The one argument that names what is run: the required one, if there are several.
fn identifier(properties: &Map<String, Value>, required: &[&str]) -> Option<String> {
    let fitting: Vec<_> = properties.keys().filter(|name| is_identifier(name)).collect();
    let needed: Vec<_> = fitting.iter().filter(|name| required.contains(&name.as_str())).copied().collect();
    match (fitting.as_slice(), needed.as_slice()) {
        ([one], _) | (_, [one]) => Some((*one).clone()),
        _ => None,
    }
}

/// Whether an argument's name, in any spelling, is one that says what is run.
fn is_identifier(name: &str) -> bool {
    IDENTIFIERS.contains(&fold(name).as_str())
}

/// A name without case and punctuation. Some parsers take the long s and the sign for Kelvin for letters (Unicode's case folding).
pub fn fold(name: &str) -> String {
    let letters = name.chars().map(|c| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c,
    });
    letters.flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect()
}

/// As the protocol has it, only arguments on a chain of `properties` count.
fn find_headers(properties: &Map<String, Value>, path: &mut Vec<String>, headers: &mut Vec<(String, Vec<String>)>) {
    for (name, schema) in properties {
        path.push(name.clone());
        if let Some(header) = schema.get(HEADER_KEYWORD).and_then(Value::as_str) {
            headers.push((header.to_ascii_lowercase(), path.clone()));
        }
        if let Some(inner) = schema.get("properties").and_then(Value::as_object) {
            find_headers(inner, path, headers);
        }
        path.pop();
    }
}

fn value_at(arguments: &Object, path: &[String]) -> Option<String> {
    let (first, rest) = path.split_first()?;
    let value = arguments.get(first)?;
    if rest.is_empty() { value.primitive() } else { value_at(&value.object()?, rest) }
}

/// Whether one of the arguments, at any depth, is this.
fn holds(arguments: &Object, value: &str) -> bool {
    arguments
        .members()
        .any(|(_, member)| member.primitive().as_deref() == Some(value) || member.object().is_some_and(|inner| holds(&inner, value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn arguments(value: &Value) -> Object {
        Object::parse(value.to_string().as_bytes()).unwrap()
    }

    fn listing(tool: &str, properties: &Value, required: &[&str]) -> Schemas {
        let mut schemas = Schemas::default();
        schemas.note(&json!({"name": tool, "inputSchema": {"properties": properties, "required": required}}));
        schemas
    }

    #[test]
    fn the_action_is_found_by_the_schema_or_the_table() {
        let run = |arguments_of: Value| Schemas::default().action("run_action", Some(&arguments(&arguments_of)));
        assert_eq!(run(json!({"actionIdentifier": "a", "properties": {"identifier": "x"}})).as_deref(), Some("a"));
        let trigger = listing("trigger_run", &json!({"workflowIdentifier": {}, "inputs": {}}), &["workflowIdentifier"]);
        assert_eq!(trigger.action("trigger_run", Some(&arguments(&json!({"workflowIdentifier": "w"})))).as_deref(), Some("w"));
        let two = listing("trigger_run", &json!({"identifier": {}, "triggerId": {}}), &["triggerId"]);
        assert_eq!(two.action("trigger_run", Some(&arguments(&json!({"triggerId": "t"})))).as_deref(), Some("t"));
        assert_eq!(Schemas::default().action("run_restart", Some(&arguments(&json!({"force": true})))).as_deref(), Some("restart"));
    }

    #[test]
    fn what_could_be_understood_in_two_ways_is_no_action() {
        for given in [
            json!({}),
            json!({"actionIdentifier": "a", "ActionIdentifier": "b"}),
            json!({"actionIdentifier": "a", "action_identifier": "b"}),
            json!({"actionIdentifier": "a", "identifier": "b"}),
            json!({"actionIdentifier": "a", "actionId": "a"}),
            json!({"actionIdentifier": ["a"]}),
            json!({"actionIdentifier": {"x": "a"}}),
            json!({"actionIdentifier": null}),
            json!({"ActionIdentifier": "a"}),
            json!({"identifier": "a"}),
            json!({"action\u{17f}identifier": "a"}),
        ] {
            assert_eq!(Schemas::default().action("run_action", Some(&arguments(&given))), None, "{given}");
        }
        assert_eq!(Schemas::default().action("run_action", None), None);
        // Of a tool that was never listed, nothing is known.
        assert_eq!(Schemas::default().action("trigger_run", Some(&arguments(&json!({"identifier": "a"})))), None);
        // Two arguments of which neither is required, or none that is known.
        for schemas in [
            listing("trigger_run", &json!({"identifier": {}, "workflowId": {}}), &[]),
            listing("trigger_run", &json!({"slug": {}}), &["slug"]),
        ] {
            assert_eq!(schemas.action("trigger_run", Some(&arguments(&json!({"identifier": "a"})))), None);
        }
    }

    #[test]
    fn a_hint_that_was_strict_stays_strict() {
        let tool = |hint: bool| json!({"name": "merge", "annotations": {"readOnlyHint": hint}});
        let mut schemas = Schemas::default();
        assert_eq!(schemas.kind("merge"), Kind::Write);
        schemas.note(&tool(true));
        assert_eq!(schemas.kind("merge"), Kind::Read);
        schemas.note(&tool(false));
        schemas.note(&tool(true));
        assert_eq!(schemas.kind("merge"), Kind::Write);
    }

    #[test]
    fn a_header_repeats_the_argument_that_the_schema_names() {
        let properties = json!({"region": {"x-mcp-header": "Region"}, "o": {"properties": {"n": {"x-mcp-header": "N"}}}, "other": {}});
        let schemas = listing("t", &properties, &[]);
        let given = arguments(&json!({"region": "eu", "o": {"n": 7}, "other": "x"}));
        let agrees = |header: &str, value: &str| schemas.agrees("t", header, value, Some(&given));
        assert!(agrees("region", "eu") && agrees("n", "7"));
        assert!(!agrees("region", "us") && !agrees("region", "x") && !agrees("other", "x") && !schemas.agrees("t", "region", "eu", None));
        assert!(schemas.agrees("unlisted", "region", "7", Some(&given)) && !schemas.agrees("unlisted", "region", "8", Some(&given)));
    }

    #[test]
    fn names_are_compared_without_case_and_punctuation() {
        for name in ["actionIdentifier", "ACTION_IDENTIFIER", "action-identifier", "action.identifier ", "actionIdentifier\u{200b}"] {
            assert!(is_identifier(name), "{name}");
        }
        assert!(!is_identifier("blueprint"));
    }
}
