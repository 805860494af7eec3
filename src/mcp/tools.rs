//! The tools that an MCP server offers, and what each does to the world.

use std::collections::HashMap;
use std::fmt;

use serde_json::Value;

use super::quoted::QuotedViolation;
use crate::redact::Redactor;

/// The longest tool name. <https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-names>
const LONGEST_NAME: usize = 128;

/// A tool's name in the characters that MCP recommends. No shell, config or log interprets such a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ToolName(String);

impl ToolName {
    /// Takes a name; `None` for one that can't be handed on safely.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(is_name_byte);
        fits.then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The characters of a tool's name.
#[must_use]
pub fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

/// What a tool does, from harmless to harmful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display, strum::VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Kind {
    /// Reads.
    Read,
    /// Runs a self-service action or workflow. In Port that is not writing: `allowed_actions` governs it, read-only mode does not.
    Execute,
    /// Changes something, or doesn't say that it does not.
    Write,
}

/// What is known of Port's tools, by name. A `*` at the end stands for any rest. The first entry that fits counts.
/// <https://docs.port.io/ai-interfaces/port-mcp-server/available-tools/>
const KNOWN: &[(&str, Kind)] = &[
    ("list_blueprints", Kind::Read),
    ("list_entities", Kind::Read),
    ("list_scorecards", Kind::Read),
    ("list_actions", Kind::Read),
    ("list_workflows", Kind::Read),
    ("list_self_service_triggers", Kind::Read),
    ("list_integrations", Kind::Read),
    ("get_workflow_run", Kind::Read),
    ("track_action_run", Kind::Read),
    ("get_action_permissions", Kind::Read),
    ("search_audit_logs", Kind::Read),
    ("describe_user_details", Kind::Read),
    ("load_skill", Kind::Read),
    ("search_port_knowledge_sources", Kind::Read),
    ("get_page", Kind::Read),
    ("get_sidebar", Kind::Read),
    ("load_widget_schema", Kind::Read),
    ("get_integration_event_logs", Kind::Read),
    ("get_integration_kinds_with_examples", Kind::Read),
    ("get_integration_sync_metrics", Kind::Read),
    // It computes what a change would permit, and changes nothing.
    ("simulate_blueprint_permissions", Kind::Read),
    // It runs a mapping over an example, and keeps nothing of it.
    ("test_integration_mapping", Kind::Read),
    // Self-service actions and workflows. Workflows take the place of actions; `trigger_workflow_run` is the older name.
    ("run_action", Kind::Execute),
    ("trigger_run", Kind::Execute),
    ("trigger_workflow_run", Kind::Execute),
    // Earlier releases had one tool for each action.
    ("run_*", Kind::Execute),
    // It makes Port write entities and blueprints.
    ("trigger_auto_discovery", Kind::Write),
    ("upsert_*", Kind::Write),
    ("create_*", Kind::Write),
    ("update_*", Kind::Write),
    ("delete_*", Kind::Write),
    ("duplicate_page", Kind::Write),
    ("move_page", Kind::Write),
    ("install_library_plugin", Kind::Write),
];

impl Kind {
    /// By Port's names and by what the server says of the tool; the stricter counts. A tool of which nothing is known writes, as MCP
    /// has it for a tool without the hint.
    #[must_use]
    pub fn of(name: &str, read_only_hint: Option<bool>) -> Self {
        let by_hint = read_only_hint.map(|read_only| if read_only { Self::Read } else { Self::Write });
        match (Self::by_name(name), by_hint) {
            // In Port, running an action is not writing, though such a tool is not marked as read-only.
            (Some(Self::Execute), _) => Self::Execute,
            (Some(by_name), Some(by_hint)) => by_name.max(by_hint),
            (Some(kind), None) | (None, Some(kind)) => kind,
            (None, None) => Self::Write,
        }
    }

    /// By Port's names.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        };
        KNOWN.iter().find(|(pattern, _)| fits(pattern)).map(|(_, kind)| *kind)
    }
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: ToolName,
    /// What it does.
    pub kind: Kind,
}

/// What a server offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// The tools in the server's order, each once. Of one that is listed twice, the stricter kind counts.
    pub tools: Vec<Tool>,
    /// How many more have names that can't be handed on.
    pub unusable: usize,
    /// What the server's answers have that MCP's schema doesn't allow, though this agent may read them.
    pub violation: Option<QuotedViolation>,
}

impl Offer {
    /// Takes what a server listed. Names are handed on as they are, so a name that holds a secret is left out.
    #[must_use]
    pub fn of(listed: &[ListedTool], redactor: &Redactor) -> Self {
        let mut positions = HashMap::new();
        let mut offer = Self::default();
        for ListedTool { name, read_only_hint } in listed {
            let Some(name) = ToolName::parse(name).filter(|name| redactor.is_clean(name.as_str())) else {
                offer.unusable += 1;
                continue;
            };
            let kind = Kind::of(name.as_str(), *read_only_hint);
            let position = *positions.entry(name.clone()).or_insert(offer.tools.len());
            match offer.tools.get_mut(position) {
                // Which of the two an agent calls is not known.
                Some(known) => known.kind = known.kind.max(kind),
                None => offer.tools.push(Tool { name, kind }),
            }
        }
        offer
    }
}

/// What of an entry in `tools/list` counts here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTool {
    /// The name as the server gave it.
    pub name: String,
    /// Its `annotations.readOnlyHint`.
    pub read_only_hint: Option<bool>,
}

impl ListedTool {
    /// Reads an entry; `None` if it is no tool.
    pub fn read(entry: &Value) -> Option<Self> {
        let name = entry.get("name")?.as_str()?.to_owned();
        Some(Self { name, read_only_hint: entry.pointer("/annotations/readOnlyHint").and_then(Value::as_bool) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn of_the_name_and_the_servers_word_the_stricter_counts() {
        for (name, hint, kind) in [
            ("list_blueprints", Some(true), Kind::Read),
            ("list_blueprints", Some(false), Kind::Write),
            ("list_blueprints", None, Kind::Read),
            ("list_something_new", Some(true), Kind::Read),
            ("list_something_new", None, Kind::Write),
            ("upsert_entity", Some(true), Kind::Write),
            ("upsert_entity", Some(false), Kind::Write),
            ("trigger_auto_discovery", Some(true), Kind::Write),
            ("simulate_blueprint_permissions", None, Kind::Read),
            ("test_integration_mapping", None, Kind::Read),
            ("test_something_else", None, Kind::Write),
            ("merge", None, Kind::Write),
        ] {
            assert_eq!(Kind::of(name, hint), kind, "{name} {hint:?}");
        }
        for name in ["run_action", "trigger_run", "trigger_workflow_run", "run_report"] {
            for hint in [None, Some(true), Some(false)] {
                assert_eq!(Kind::of(name, hint), Kind::Execute, "{name} {hint:?}");
            }
        }
    }

    #[test]
    fn a_name_that_holds_a_secret_is_not_offered() {
        let mut redactor = Redactor::default();
        redactor.learn(&crate::redact::Secret::new("s3cr3t-Value-0123456789"));
        let listed = ["a", "s3cr3t-Value-0123456789", "get_S3CR3T-VALUE", "czNjcjN0LVZhbHVl"]
            .map(|name| ListedTool { name: name.to_owned(), read_only_hint: None });
        let offer = Offer::of(&listed, &redactor);
        assert_eq!((offer.tools.len(), offer.unusable), (1, 3));
    }

    #[test]
    fn a_name_that_comes_twice_is_offered_once() {
        let listed = ["b", "a", "b", "a b", ""].map(|name| ListedTool { name: name.to_owned(), read_only_hint: None });
        let offer = Offer::of(&listed, &Redactor::default());
        assert_eq!(offer.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(offer.unusable, 2);
    }

    #[test]
    fn of_two_tools_with_one_name_the_stricter_kind_counts() {
        for hints in [[Some(true), Some(false)], [Some(false), Some(true)], [None, Some(true)]] {
            let listed = hints.map(|read_only_hint| ListedTool { name: "merge".to_owned(), read_only_hint });
            assert_eq!(Offer::of(&listed, &Redactor::default()).tools[0].kind, Kind::Write, "{hints:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_that_is_taken_is_safe_everywhere(text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}|[a-z_.-]{120,135}") {
            let fits = (1..=128).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
            prop_assert_eq!(ToolName::parse(&text).map(|name| name.to_string()), fits.then_some(text));
        }
    }
}
