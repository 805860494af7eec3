//! What a tool is: its name, its inputs, and what it does to the catalog.

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use crate::catalog::Catalog;

/// What a tool does to the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    /// Runs a self-service action. For Port this isn't writing: the header for allowed actions limits it,
    /// read-only mode does not.
    Executes,
    Writes,
    Deletes,
}

/// One tool.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) effect: Effect,
    pub(super) inputs: &'static [Input],
    pub(super) run: fn(&mut Catalog, &JsonObject) -> Result<Value, String>,
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

/// What the tools for builders change, by the end of their names.
const BUILT: &[&str] = &["_blueprint", "_scorecard", "_action"];

impl Spec {
    /// Whether only builders see it. Port documents that there are such tools; that it is these is a guess from their names.
    pub(super) fn is_for_builders(&self) -> bool {
        matches!(self.effect, Effect::Writes | Effect::Deletes) && BUILT.iter().any(|end| self.name.ends_with(end))
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
            Self::Action => json!({"type": "string", "enum": actions}),
            Self::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Self::Flag => json!({"type": "boolean"}),
            Self::Object => json!({"type": "object"}),
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text | Self::Action => value.is_string(),
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
