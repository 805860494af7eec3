//! What MCP's schema asks of a server's answers, as far as agents check it.
//!
//! The official TypeScript SDK, which many agents are built on, throws a whole list of tools away if one tool breaks the schema:
//! the agent says "connected" and has no tool. `tests/agents/shapes` shows what it takes, with the real SDKs.
//! <https://github.com/modelcontextprotocol/modelcontextprotocol/tree/main/schema>

use serde_json::{Map, Value};

/// What an agent reads a server's answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerReader {
    /// Claude Code, which is built on version 2 of the official TypeScript SDK.
    ClaudeCode,
    /// Something else, or not known.
    Other,
}

/// Something in a server's answers that MCP's schema doesn't allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The tool's name as the server gave it, if it is about a tool. It is text from outside.
    pub tool: Option<String>,
    /// The field, in our own words.
    pub field: String,
    /// The rest of a sentence that begins with the field.
    pub problem: &'static str,
    /// Who would have no tools because of it.
    pub rejected_by: RejectedBy,
}

/// Who rejects an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectedBy {
    /// Both versions of the TypeScript SDK.
    BothSdks,
    /// The older one.
    Sdk1,
    /// The newer one.
    Sdk2,
    /// Both versions, but not Claude Code.
    BothSdksAlone,
    /// Claude Code alone.
    ClaudeCode,
}

/// In which revisions of MCP an answer was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revision {
    /// Those that begin with `initialize`.
    WithInitialize,
    /// 2026-07-28, which begins with `server/discover`.
    WithDiscover,
}

impl Violation {
    /// Members that JSON-RPC doesn't know, beside the result.
    #[must_use]
    pub fn of_envelope() -> Self {
        Self::new("an answer", "has members that JSON-RPC doesn't know")
    }

    fn new(field: impl Into<String>, problem: &'static str) -> Self {
        Self { tool: None, field: field.into(), problem, rejected_by: RejectedBy::BothSdks }
    }

    /// Whether the answer is as MCP has it, and only names no tools: agents go on with it, and don't ask for them.
    #[must_use]
    pub fn is_lack_of_tools(&self) -> bool {
        self.rejected_by == RejectedBy::Sdk2
    }

    /// Whether an agent that reads answers so has no tools; `None` if that is not known.
    #[must_use]
    pub fn is_fatal_for(&self, reader: AnswerReader) -> Option<bool> {
        match reader {
            AnswerReader::ClaudeCode => Some(matches!(self.rejected_by, RejectedBy::BothSdks | RejectedBy::Sdk2 | RejectedBy::ClaudeCode)),
            AnswerReader::Other => None,
        }
    }
}

/// What is wrong with an event: its data is no JSON.
pub fn of_event() -> Violation {
    Violation { rejected_by: RejectedBy::ClaudeCode, ..Violation::new("an event", "is of the type `message` and holds no JSON") }
}

/// What is wrong with an answer whose media type is not quite JSON's: Python's SDK reads it.
pub fn of_media_type() -> Violation {
    Violation::new("Content-Type", "only begins with `application/json`")
}

/// What is wrong with an error as the answer to `notifications/initialized`: Python's SDK passes over it.
pub fn of_initialized() -> Violation {
    Violation::new("notifications/initialized", "is answered with an error")
}

/// What is wrong with the result of `server/discover`.
pub fn of_discover(result: &Value) -> Option<Violation> {
    of_capabilities(result).or_else(|| of_texts(result))
}

/// What is wrong with the result of `initialize`.
pub fn of_initialize(result: &Value) -> Option<Violation> {
    of_server_info(result).or_else(|| of_capabilities(result)).or_else(|| of_texts(result))
}

fn of_server_info(result: &Value) -> Option<Violation> {
    let info = result.get("serverInfo");
    if !info.is_some_and(Value::is_object) {
        return Some(Violation::new("serverInfo", IS_NO_OBJECT));
    }
    for field in ["name", "version"] {
        if !info.and_then(|info| info.get(field)).is_some_and(Value::is_string) {
            return Some(Violation::new(format!("serverInfo.{field}"), IS_NO_TEXT));
        }
    }
    let info = info?.as_object()?;
    if let Some(broken) = ["title", "description", "websiteUrl"].into_iter().find(|field| !is_absent_or(info, field, Value::is_string)) {
        return Some(Violation::new(format!("serverInfo.{broken}"), IS_NO_TEXT));
    }
    let is_icons = |icons: &Value| icons.as_array().is_some_and(|icons| icons.iter().all(is_icon));
    if is_absent_or(info, "icons", is_icons) { None } else { Some(Violation::new("serverInfo.icons", "is no list of icons")) }
}

fn of_capabilities(result: &Value) -> Option<Violation> {
    let Some(capabilities) = result.get("capabilities").and_then(Value::as_object) else {
        return Some(Violation::new("capabilities", IS_NO_OBJECT));
    };
    if let Some(broken) = ["tools", "prompts", "resources", "logging", "completions", "experimental"]
        .into_iter()
        .find(|field| !is_absent_or(capabilities, field, Value::is_object))
    {
        return Some(Violation::new(format!("capabilities.{broken}"), IS_NO_OBJECT));
    }
    let tools = capabilities.get("tools").and_then(Value::as_object);
    if tools.is_some_and(|tools| !is_absent_or(tools, "listChanged", Value::is_boolean)) {
        return Some(Violation::new("capabilities.tools.listChanged", IS_NO_BOOLEAN));
    }
    let experimental = capabilities.get("experimental").and_then(Value::as_object);
    if experimental.is_some_and(|entries| !entries.values().all(Value::is_object)) {
        return Some(Violation::new("capabilities.experimental", "has an entry that is no object"));
    }
    if tools.is_none() {
        let rejected_by = RejectedBy::Sdk2;
        return Some(Violation { rejected_by, ..Violation::new("capabilities.tools", "is missing, so that it is not asked for tools") });
    }
    None
}

fn of_texts(result: &Value) -> Option<Violation> {
    let result = result.as_object()?;
    if !is_absent_or(result, "instructions", Value::is_string) {
        return Some(Violation::new("instructions", IS_NO_TEXT));
    }
    of_meta(result)
}

/// What is wrong with a page of `tools/list`.
pub fn of_page(page: &Map<String, Value>, revision: Revision) -> Option<Violation> {
    if !is_absent_or(page, "nextCursor", Value::is_string) {
        return Some(Violation::new("nextCursor", IS_NO_TEXT));
    }
    if revision == Revision::WithDiscover
        && let Some(field) = broken_in_discover_page(page)
    {
        return Some(Violation::new(field, "is not as MCP has it"));
    }
    of_meta(page)
}

fn broken_in_discover_page(page: &Map<String, Value>) -> Option<&'static str> {
    if !is_absent_or(page, "resultType", |value| value == "complete") {
        return Some("resultType");
    }
    if !is_absent_or(page, "cacheScope", |value| matches!(value.as_str(), Some("public" | "private"))) {
        return Some("cacheScope");
    }
    let is_time = |value: &Value| value.as_f64().is_some_and(|time| time >= 0.0);
    (!is_absent_or(page, "ttlMs", is_time)).then_some("ttlMs")
}

/// What is wrong with a tool.
pub fn of_tool(tool: &Value, revision: Revision) -> Option<Violation> {
    let Some(fields) = tool.as_object() else {
        return Some(Violation::new("a tool", IS_NO_OBJECT));
    };
    let name = fields.get("name").and_then(Value::as_str);
    let problem = of_fields(fields, revision)?;
    Some(Violation { tool: name.map(str::to_owned), ..problem })
}

const IS_NO_OBJECT: &str = "is no object";
const IS_NO_TEXT: &str = "is no text";
const IS_NO_BOOLEAN: &str = "is neither true nor false";

fn of_fields(tool: &Map<String, Value>, revision: Revision) -> Option<Violation> {
    if !tool.get("name").is_some_and(Value::is_string) {
        return Some(Violation::new("name", IS_NO_TEXT));
    }
    let Some(input) = tool.get("inputSchema").and_then(Value::as_object) else {
        return Some(Violation::new("inputSchema", IS_NO_OBJECT));
    };
    if let Some(violation) = of_schema("inputSchema", input, revision) {
        return Some(violation);
    }
    if let Some(text) = ["title", "description"].into_iter().find(|field| !is_absent_or(tool, field, Value::is_string)) {
        return Some(Violation::new(text, IS_NO_TEXT));
    }
    if !is_absent_or(tool, "annotations", Value::is_object) {
        return Some(Violation::new("annotations", IS_NO_OBJECT));
    }
    if let Some(violation) = tool.get("annotations").and_then(Value::as_object).and_then(of_annotations) {
        return Some(violation);
    }
    if !is_absent_or(tool, "outputSchema", Value::is_object) {
        return Some(Violation::new("outputSchema", IS_NO_OBJECT));
    }
    let output = tool.get("outputSchema").and_then(Value::as_object).filter(|_| revision == Revision::WithInitialize);
    if let Some(violation) = output.and_then(|output| of_schema("outputSchema", output, revision)) {
        let rejected_by = if violation.rejected_by == RejectedBy::Sdk1 { RejectedBy::Sdk1 } else { RejectedBy::BothSdksAlone };
        return Some(Violation { rejected_by, ..violation });
    }
    if !is_absent_or(tool, "icons", Value::is_array) {
        return Some(Violation::new("icons", "is no list"));
    }
    let icons = tool.get("icons").and_then(Value::as_array);
    if icons.is_some_and(|icons| !icons.iter().all(is_icon)) {
        return Some(Violation::new("icons", "has an entry that is no icon"));
    }
    if revision == Revision::WithInitialize && !is_absent_or(tool, "execution", is_execution) {
        return Some(Violation::new("execution", "is not as MCP has it"));
    }
    of_meta(tool)
}

/// `type` must be just `object`. What is deeper in a schema is not looked at, by agents either.
fn of_schema(name: &str, schema: &Map<String, Value>, revision: Revision) -> Option<Violation> {
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Some(Violation::new(format!("{name}.type"), "is not \"object\""));
    }
    if revision == Revision::WithDiscover {
        return None;
    }
    if !is_absent_or(schema, "properties", Value::is_object) {
        return Some(Violation::new(format!("{name}.properties"), IS_NO_OBJECT));
    }
    let is_names = |value: &Value| value.as_array().is_some_and(|names| names.iter().all(Value::is_string));
    if !is_absent_or(schema, "required", is_names) {
        return Some(Violation::new(format!("{name}.required"), "is no list of names"));
    }
    let mut properties = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::values);
    if properties.any(|property| !property.is_object() && !property.is_array()) {
        let rejected_by = RejectedBy::Sdk1;
        return Some(Violation { rejected_by, ..Violation::new(format!("{name}.properties"), "has one that is no object") });
    }
    None
}

fn of_annotations(annotations: &Map<String, Value>) -> Option<Violation> {
    if !is_absent_or(annotations, "title", Value::is_string) {
        return Some(Violation::new("annotations.title", IS_NO_TEXT));
    }
    let hints = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];
    let broken = hints.into_iter().find(|hint| !is_absent_or(annotations, hint, Value::is_boolean))?;
    Some(Violation::new(format!("annotations.{broken}"), IS_NO_BOOLEAN))
}

fn of_meta(object: &Map<String, Value>) -> Option<Violation> {
    if is_absent_or(object, "_meta", Value::is_object) { None } else { Some(Violation::new("_meta", IS_NO_OBJECT)) }
}

fn is_icon(icon: &Value) -> bool {
    let Some(icon) = icon.as_object() else {
        return false;
    };
    let is_texts = |value: &Value| value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string));
    let is_theme = |value: &Value| matches!(value.as_str(), Some("light" | "dark"));
    icon.get("src").is_some_and(Value::is_string)
        && is_absent_or(icon, "mimeType", Value::is_string)
        && is_absent_or(icon, "sizes", is_texts)
        && is_absent_or(icon, "theme", is_theme)
}

fn is_execution(execution: &Value) -> bool {
    let is_support = |value: &Value| matches!(value.as_str(), Some("required" | "optional" | "forbidden"));
    execution.as_object().is_some_and(|execution| is_absent_or(execution, "taskSupport", is_support))
}

/// An optional field may be left out, but it may not be null.
fn is_absent_or(object: &Map<String, Value>, field: &str, fits: impl Fn(&Value) -> bool) -> bool {
    object.get(field).is_none_or(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(field: &str, value: &Value) -> Value {
        let mut tool = json!({ "name": "a", "inputSchema": { "type": "object" } });
        tool[field] = value.clone();
        tool
    }

    fn field(tool: &Value) -> Option<String> {
        of_tool(tool, Revision::WithInitialize).map(|violation| violation.field)
    }

    #[test]
    fn what_the_sdks_reject_is_found() {
        for (name, value, expected) in [
            ("name", json!(null), "name"),
            ("name", json!(7), "name"),
            ("inputSchema", json!(null), "inputSchema"),
            ("inputSchema", json!(true), "inputSchema"),
            ("inputSchema", json!({}), "inputSchema.type"),
            ("inputSchema", json!({ "anyOf": [] }), "inputSchema.type"),
            ("inputSchema", json!({ "type": ["object"] }), "inputSchema.type"),
            ("inputSchema", json!({ "type": "object", "required": null }), "inputSchema.required"),
            ("inputSchema", json!({ "type": "object", "required": [1] }), "inputSchema.required"),
            ("inputSchema", json!({ "type": "object", "properties": null }), "inputSchema.properties"),
            ("inputSchema", json!({ "type": "object", "properties": { "a": true } }), "inputSchema.properties"),
            ("description", json!(null), "description"),
            ("title", json!(1), "title"),
            ("annotations", json!(null), "annotations"),
            ("annotations", json!({ "readOnlyHint": null }), "annotations.readOnlyHint"),
            ("annotations", json!({ "openWorldHint": "no" }), "annotations.openWorldHint"),
            ("annotations", json!({ "title": null }), "annotations.title"),
            ("outputSchema", json!(null), "outputSchema"),
            ("outputSchema", json!({ "type": "array" }), "outputSchema.type"),
            ("_meta", json!(null), "_meta"),
            ("icons", json!(null), "icons"),
            ("icons", json!([{}]), "icons"),
            ("icons", json!([{ "src": "a", "sizes": "48x48" }]), "icons"),
            ("icons", json!([{ "src": "a", "theme": "blue" }]), "icons"),
            ("icons", json!([{ "src": "a" }, 7]), "icons"),
            ("execution", json!(null), "execution"),
            ("execution", json!({ "taskSupport": "maybe" }), "execution"),
        ] {
            assert_eq!(field(&with(name, &value)).as_deref(), Some(expected), "{name}: {value}");
        }
        assert_eq!(field(&json!("a")).as_deref(), Some("a tool"));
    }

    #[test]
    fn what_the_sdks_take_is_fine() {
        for (name, value) in [
            ("name", json!("any name: ü")),
            ("inputSchema", json!({ "type": "object", "anyOf": [], "properties": { "a": {} }, "required": ["b"], "description": null })),
            ("description", json!("")),
            ("annotations", json!({ "unknown": null, "readOnlyHint": false })),
            ("outputSchema", json!({ "type": "object", "$schema": "x" })),
            ("icons", json!([])),
            ("icons", json!([{ "src": "a" }, { "src": "b", "mimeType": "image/png", "sizes": ["48x48"], "theme": "dark" }])),
            ("execution", json!({ "taskSupport": "required" })),
            ("unknown", json!(null)),
        ] {
            assert_eq!(field(&with(name, &value)), None, "{name}: {value}");
        }
        let newest = with("inputSchema", &json!({ "type": "object", "required": null, "properties": null }));
        assert_eq!(of_tool(&newest, Revision::WithDiscover), None);
    }

    #[test]
    fn what_only_one_sdk_rejects_is_not_fatal_for_the_other() {
        let boolean = of_tool(&with("inputSchema", &json!({ "type": "object", "properties": { "a": true } })), Revision::WithInitialize);
        assert_eq!(boolean.and_then(|violation| violation.is_fatal_for(AnswerReader::ClaudeCode)), Some(false));
        let missing = of_tool(&with("inputSchema", &json!({})), Revision::WithInitialize).unwrap();
        assert_eq!((missing.is_fatal_for(AnswerReader::ClaudeCode), missing.is_fatal_for(AnswerReader::Other)), (Some(true), None));
        let output = of_tool(&with("outputSchema", &json!({})), Revision::WithInitialize).unwrap();
        assert_eq!((output.is_fatal_for(AnswerReader::ClaudeCode), output.rejected_by), (Some(false), RejectedBy::BothSdksAlone));
        let boolean = with("outputSchema", &json!({ "type": "object", "properties": { "a": true } }));
        assert_eq!(of_tool(&boolean, Revision::WithInitialize).map(|violation| violation.rejected_by), Some(RejectedBy::Sdk1));
        assert_eq!(of_event().rejected_by, RejectedBy::ClaudeCode);
    }

    #[test]
    fn a_page_is_held_against_its_own_revision() {
        for (name, value, is_fine) in [
            ("resultType", json!("complete"), true),
            ("resultType", json!("input_required"), false),
            ("cacheScope", json!("private"), true),
            ("cacheScope", json!("all"), false),
            ("ttlMs", json!(0), true),
            ("ttlMs", json!(-1), false),
            ("ttlMs", json!("1"), false),
        ] {
            let page = Map::from_iter([("tools".to_owned(), json!([])), (name.to_owned(), value)]);
            let newest = of_page(&page, Revision::WithDiscover).map(|violation| violation.field);
            assert_eq!(newest.as_deref(), (!is_fine).then_some(name), "{page:?}");
            assert_eq!(of_page(&page, Revision::WithInitialize), None, "{page:?}");
        }
    }

    #[test]
    fn the_result_of_initialize_is_checked_too() {
        let good =
            json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "a", "version": "1" } });
        assert_eq!(of_initialize(&good), None);
        let mut more = good.clone();
        more["capabilities"] = json!({ "tools": { "listChanged": true }, "experimental": { "a": {} } });
        assert_eq!(of_initialize(&more), None);
        for (pointer, value, expected) in [
            ("/serverInfo", json!(null), "serverInfo"),
            ("/serverInfo/version", json!(null), "serverInfo.version"),
            ("/capabilities", json!([]), "capabilities"),
            ("/capabilities/tools", json!(null), "capabilities.tools"),
            ("/capabilities", json!({}), "capabilities.tools"),
            ("/capabilities", json!({ "tools": { "listChanged": null } }), "capabilities.tools.listChanged"),
            ("/capabilities", json!({ "tools": {}, "logging": true }), "capabilities.logging"),
            ("/capabilities", json!({ "tools": {}, "experimental": { "a": {}, "b": true } }), "capabilities.experimental"),
        ] {
            let mut result = good.clone();
            *result.pointer_mut(pointer).unwrap() = value.clone();
            assert_eq!(of_initialize(&result).map(|violation| violation.field).as_deref(), Some(expected), "{pointer}: {value}");
        }
    }
}
