//! Port's tools by name: which read, which run something, which write.

/// What a tool does, from harmless to harmful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display, strum::VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum ToolKind {
    /// Reads.
    Read,
    /// Runs a self-service action or workflow. In Port that is not writing: `allowed_actions` governs it, read-only mode does not.
    Execute,
    /// Changes something, or doesn't say that it does not.
    Write,
}

/// What is known of Port's tools, by name. A `*` at the end stands for any rest. The first entry that fits counts.
/// <https://docs.port.io/ai-interfaces/port-mcp-server/available-tools/>
const KNOWN: &[(&str, ToolKind)] = &[
    ("list_blueprints", ToolKind::Read),
    ("list_entities", ToolKind::Read),
    ("list_scorecards", ToolKind::Read),
    ("list_actions", ToolKind::Read),
    ("list_workflows", ToolKind::Read),
    ("list_self_service_triggers", ToolKind::Read),
    ("list_integrations", ToolKind::Read),
    ("list_plugins", ToolKind::Read),
    ("get_workflow_run", ToolKind::Read),
    ("track_action_run", ToolKind::Read),
    ("get_action_permissions", ToolKind::Read),
    ("search_audit_logs", ToolKind::Read),
    ("describe_user_details", ToolKind::Read),
    ("load_skill", ToolKind::Read),
    ("search_port_knowledge_sources", ToolKind::Read),
    ("get_page", ToolKind::Read),
    ("get_sidebar", ToolKind::Read),
    ("load_widget_schema", ToolKind::Read),
    ("get_integration_event_logs", ToolKind::Read),
    ("get_integration_kinds_with_examples", ToolKind::Read),
    ("get_integration_sync_metrics", ToolKind::Read),
    // It computes what a change would permit, and changes nothing.
    ("simulate_blueprint_permissions", ToolKind::Read),
    // It runs a mapping over an example, and keeps nothing of it.
    ("test_integration_mapping", ToolKind::Read),
    // Self-service actions and workflows. Workflows take the place of actions; `trigger_workflow_run` is the older name.
    ("run_action", ToolKind::Execute),
    ("trigger_run", ToolKind::Execute),
    ("trigger_workflow_run", ToolKind::Execute),
    // Earlier releases had one tool for each action.
    ("run_*", ToolKind::Execute),
    // It makes Port write entities and blueprints.
    ("trigger_auto_discovery", ToolKind::Write),
    ("upsert_*", ToolKind::Write),
    ("create_*", ToolKind::Write),
    ("update_*", ToolKind::Write),
    ("delete_*", ToolKind::Write),
    ("duplicate_page", ToolKind::Write),
    ("move_page", ToolKind::Write),
    ("install_library_plugin", ToolKind::Write),
];

impl ToolKind {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_name_and_the_servers_word_the_stricter_counts() {
        for (name, hint, kind) in [
            ("list_blueprints", Some(true), ToolKind::Read),
            ("list_blueprints", Some(false), ToolKind::Write),
            ("list_blueprints", None, ToolKind::Read),
            ("list_something_new", Some(true), ToolKind::Read),
            ("list_something_new", None, ToolKind::Write),
            ("upsert_entity", Some(true), ToolKind::Write),
            ("upsert_entity", Some(false), ToolKind::Write),
            ("trigger_auto_discovery", Some(true), ToolKind::Write),
            ("simulate_blueprint_permissions", None, ToolKind::Read),
            ("test_integration_mapping", None, ToolKind::Read),
            ("test_something_else", None, ToolKind::Write),
            ("merge", None, ToolKind::Write),
        ] {
            assert_eq!(ToolKind::of(name, hint), kind, "{name} {hint:?}");
        }
        for name in ["run_action", "trigger_run", "trigger_workflow_run", "run_report"] {
            for hint in [None, Some(true), Some(false)] {
                assert_eq!(ToolKind::of(name, hint), ToolKind::Execute, "{name} {hint:?}");
            }
        }
    }
}
