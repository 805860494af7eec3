//! What a tool is: its name, its inputs, and what it does to the catalog.

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use crate::{catalog::Catalog, options::Role};

/// What a tool does to the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    /// Runs a self-service action or workflow. For Port this isn't writing: read-only mode does not limit it.
    Executes,
    Writes,
    Deletes,
}

/// One tool.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) name: &'static str,
    about: &'static str,
    /// The least role that sees it.
    pub(super) role: Role,
    pub(super) effect: Effect,
    inputs: &'static [Input],
    pub(super) run: fn(&mut Catalog, &JsonObject) -> Result<Value, String>,
}

/// A tool.
pub(super) const fn tool(
    name: &'static str,
    about: &'static str,
    (role, effect): (Role, Effect),
    inputs: &'static [Input],
    run: fn(&mut Catalog, &JsonObject) -> Result<Value, String>,
) -> Spec {
    Spec { name, about, role, effect, inputs, run }
}

/// One input of a tool.
#[derive(Debug)]
pub(super) struct Input {
    name: &'static str,
    kind: Kind,
    required: bool,
}

/// The type of an input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    OneOf(&'static [&'static str]),
    /// One of the actions that the caller may run.
    Action,
    Texts,
    Flag,
    Object,
}

/// A required input.
pub(super) const fn needs(name: &'static str, kind: Kind) -> Input {
    Input { name, kind, required: true }
}

/// An optional input.
pub(super) const fn takes(name: &'static str, kind: Kind) -> Input {
    Input { name, kind, required: false }
}

impl Spec {
    /// The action that a call names in an input which the header for allowed actions limits.
    pub(super) fn action<'a>(&self, args: &'a JsonObject) -> Option<&'a str> {
        let input = self.inputs.iter().find(|input| matches!(input.kind, Kind::Action))?;
        args.get(input.name)?.as_str()
    }

    /// Whether the header for allowed actions limits it.
    pub(super) fn is_limited_to_actions(&self) -> bool {
        self.inputs.iter().any(|input| matches!(input.kind, Kind::Action))
    }

    /// The tool as MCP describes it, for a caller who may run these actions.
    pub(super) fn tool(&self, actions: &[&str]) -> Tool {
        Tool::new(self.name, self.about, schema(self.inputs, actions)).with_annotations(self.effect.annotations())
    }

    /// The name of the first input that is missing or of the wrong type.
    pub(super) fn wrong_input(&self, args: &JsonObject) -> Option<&'static str> {
        let wrong = self.inputs.iter().find(|input| match args.get(input.name) {
            Some(value) => !input.kind.fits(value),
            None => input.required,
        });
        wrong.map(|input| input.name)
    }
}

impl Effect {
    pub(super) fn annotations(self) -> ToolAnnotations {
        let annotations = ToolAnnotations::new().read_only(self == Self::Reads).open_world(false);
        match self {
            Self::Reads => annotations,
            // An upsert replaces what was there.
            Self::Writes | Self::Deletes => annotations.destructive(true).idempotent(true),
            Self::Executes => annotations.destructive(true).idempotent(false),
        }
    }
}

impl Kind {
    fn schema(self, actions: &[&str]) -> Value {
        match self {
            Self::Text => json!({"type": "string"}),
            Self::OneOf(words) => json!({"type": "string", "enum": words}),
            Self::Action => json!({"type": "string", "enum": actions}),
            Self::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Self::Flag => json!({"type": "boolean"}),
            Self::Object => json!({"type": "object"}),
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text | Self::Action => value.is_string(),
            Self::OneOf(words) => value.as_str().is_some_and(|value| words.contains(&value)),
            Self::Texts => value.is_array(),
            Self::Flag => value.is_boolean(),
            Self::Object => value.is_object(),
        }
    }
}

/// The JSON schema of these inputs, for a caller who may run these actions.
pub(super) fn schema(inputs: &[Input], actions: &[&str]) -> JsonObject {
    let properties = inputs.iter().map(|i| (i.name.to_owned(), i.kind.schema(actions)));
    let required = inputs.iter().filter(|i| i.required).map(|i| i.name);
    JsonObject::from_iter([
        ("type".to_owned(), "object".into()),
        ("properties".to_owned(), Value::Object(properties.collect())),
        ("required".to_owned(), required.collect()),
    ])
}

/// An input of type text. Empty if it is missing, which a required one never is.
pub(super) fn text<'a>(args: &'a JsonObject, name: &str) -> &'a str {
    args.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The named things in full, or identifier and title of all.
pub(super) fn select(things: &[Value], args: &JsonObject) -> Vec<Value> {
    let Some(Value::Array(wanted)) = args.get("identifiers") else {
        let summary = |t: &Value| json!({"identifier": t["identifier"], "title": t["title"]});
        return things.iter().map(summary).collect();
    };
    let things = things.iter().filter(|t| wanted.contains(&t["identifier"]));
    things.cloned().collect()
}
