//! Promise: the agent gets the tools that were asked for, enumerated from what the server offers, and no others.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::scenarios::dead_address;
use common::{Outcome, Step};
use port_sandbox::{Fault, McpMode, Options, Route, Sandbox};
use serde_json::json;

const READING: [&str; 23] = [
    "list_blueprints",
    "list_entities",
    "simulate_blueprint_permissions",
    "list_scorecards",
    "list_actions",
    "list_workflows",
    "list_self_service_triggers",
    "get_workflow_run",
    "track_action_run",
    "get_action_permissions",
    "list_integrations",
    "get_integration_kinds_with_examples",
    "test_integration_mapping",
    "get_integration_sync_metrics",
    "get_integration_event_logs",
    "search_audit_logs",
    "search_port_knowledge_sources",
    "describe_user_details",
    "load_skill",
    "list_plugins",
    "load_widget_schema",
    "get_sidebar",
    "get_page",
];

/// The bare names in `allowed_tools`.
fn allowed(outcome: &Outcome) -> Vec<String> {
    let output = outcome.output("allowed_tools");
    let server = format!("mcp__{}__", outcome.output("server_name"));
    output.split(',').filter(|tool| !tool.is_empty()).map(|tool| tool.strip_prefix(&server).unwrap().to_owned()).collect()
}

fn select(sandbox: &Sandbox, allowed_tools: &str) -> Vec<String> {
    allowed(&Step::against(sandbox).input("allowed_tools", allowed_tools).run().succeeded())
}

fn refuse(sandbox: &Sandbox, allowed_tools: &str, code: &str) -> String {
    Step::against(sandbox).input("allowed_tools", allowed_tools).run().failed(code).error_text()
}

fn ignoring_read_only() -> Sandbox {
    Sandbox::start(Options { ignore_read_only: true, ..Options::default() })
}

#[test]
fn all_that_reads_is_allowed_unless_asked_otherwise() {
    let outcome = Step::against(&Sandbox::default()).run().succeeded();
    assert_eq!(allowed(&outcome), READING);
    assert_eq!(outcome.log.warnings().count(), 0, "{}", outcome.stdout);
    assert!(outcome.log.shown().contains("\n25 tools offered, 23 allowed.\n"), "{}", outcome.stdout);
    assert!(outcome.log.shown().contains("Not allowed, since `allowed_actions` names no action: `run_action`, `trigger_run`."));
}

#[test]
fn names_and_globs_become_an_enumerated_list_in_the_order_asked_for() {
    let sandbox = Sandbox::default();
    assert_eq!(select(&sandbox, "get_page,list_blueprints"), ["get_page", "list_blueprints"]);
    assert_eq!(
        select(&sandbox, " get_page ,\n list_*es \n,get_*n*s,get_page"),
        [
            "get_page",
            "list_entities",
            "get_action_permissions",
            "get_integration_kinds_with_examples",
            "get_integration_sync_metrics",
            "get_integration_event_logs"
        ]
    );
    assert_eq!(select(&sandbox, "*"), READING);
    assert_eq!(select(&sandbox, "load_skil?"), ["load_skill"]);
}

#[test]
fn the_agents_own_spelling_is_understood() {
    let sandbox = Sandbox::default();
    assert_eq!(select(&sandbox, "mcp__port-prod__list_blueprints,mcp__port-prod__list_entities"), ["list_blueprints", "list_entities"]);
    assert_eq!(
        select(&sandbox, "mcp__port-prod__get_*i*ons,mcp__port-prod__*_page,list_actions"),
        ["get_action_permissions", "get_page", "list_actions"]
    );
    assert_eq!(select(&sandbox, "mcp__port-prod"), READING);
    let step = Step::against(&sandbox).input("server_name", "port").input("allowed_tools", "mcp__port__get_page");
    assert_eq!(step.run().succeeded().output("allowed_tools"), "mcp__port__get_page");
}

#[test]
fn the_guides_stale_name_is_explained() {
    let text = refuse(&Sandbox::default(), "mcp__port-prod__list_blueprints,mcp__port-prod__get_entities", "tool_unknown");
    assert!(text.contains("`get_entities` is not offered; did you mean `list_entities`?"), "{text}");
    assert!(text.contains("renames tools between releases"), "{text}");
    assert!(text.contains("Offered are: `list_blueprints`, "), "{text}");
}

#[test]
fn every_unknown_tool_is_told_at_once() {
    let text = refuse(&Sandbox::default(), "get_entities,nothing_like_it,lst_*,list_actions", "tool_unknown");
    for part in ["did you mean `list_entities`?", "`nothing_like_it` is not offered.", "`lst_*` matches no tool that is offered."] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert!(!text.contains("`list_actions` "), "{text}");
}

#[test]
fn a_tool_that_read_only_hides_is_explained() {
    let sandbox = Sandbox::default();
    let text = refuse(&sandbox, "upsert_entity", "tool_unknown");
    assert!(text.contains("`upsert_entity` is not offered: `read_only` hides write tools."), "{text}");
    assert!(text.contains("`read_only: false`"), "{text}");
    let step = Step::against(&sandbox).input("allowed_tools", "upsert_entity").input("read_only", "false");
    assert_eq!(allowed(&step.run().succeeded()), ["upsert_entity"]);
}

#[test]
fn read_only_is_checked_and_not_believed() {
    let sandbox = ignoring_read_only();
    let outcome = Step::against(&sandbox).run().succeeded();
    assert_eq!(allowed(&outcome), READING);
    let warnings: Vec<_> = outcome.log.warnings().collect();
    assert_eq!(warnings.len(), 1, "{}", outcome.stdout);
    for tool in ["`upsert_blueprint`", "`delete_entity`"] {
        assert!(warnings[0].text.contains(tool), "{}", warnings[0].text);
    }
    assert!(!warnings[0].text.contains("run_action"), "actions are not governed by read-only mode: {}", warnings[0].text);
    let all = outcome.output("tools");
    assert!(all.contains("\"delete_entity\""), "what is offered is told: {all}");
}

#[test]
fn a_write_tool_that_is_named_is_allowed_with_the_warning() {
    let sandbox = ignoring_read_only();
    let outcome = Step::against(&sandbox).input("allowed_tools", "upsert_entity,list_*").run().succeeded();
    assert_eq!(allowed(&outcome)[..2], ["upsert_entity", "list_blueprints"]);
    assert_eq!(outcome.log.warnings().count(), 1);
    let text = refuse(&sandbox, "upsert_*", "tool_unknown");
    assert!(text.contains("matches only tools that `read_only` or `allowed_actions` keeps from the agent: `upsert_blueprint`"), "{text}");
}

#[test]
fn running_actions_is_allowed_when_it_is_asked_for() {
    let sandbox = Sandbox::default();
    let beyond_reading = |step: Step| allowed(&step.run().succeeded()).split_off(READING.len());
    assert_eq!(select(&sandbox, "run_action"), ["run_action"]);
    assert_eq!(beyond_reading(Step::against(&sandbox).input("allowed_actions", "restart_service")), ["run_action", "trigger_run"]);
    assert_eq!(beyond_reading(Step::against(&sandbox)), [""; 0]);
    assert_eq!(beyond_reading(Step::against(&sandbox).input("allowed_actions", "none")), [""; 0]);
    let text = Step::against(&sandbox)
        .input("allowed_actions", "none")
        .input("allowed_tools", "run_action")
        .run()
        .failed("tool_unknown")
        .error_text();
    assert!(text.contains("no action is allowed that it could run"), "{text}");
}

#[test]
fn without_read_only_everything_offered_is_allowed() {
    let outcome = Step::against(&Sandbox::default()).input("read_only", "false").run().succeeded();
    let tools: Vec<String> = serde_json::from_str(&outcome.output("tools")).unwrap();
    assert_eq!(allowed(&outcome), tools);
    assert!(tools.contains(&"delete_action".to_owned()));
}

#[test]
fn entries_that_are_no_tools_of_this_server_end_the_step_before_anything_is_sent() {
    let sandbox = Sandbox::default();
    for (entry, part) in [
        ("mcp__github__create_issue", "in it is a tool of another server"),
        ("mcp__port-production__list_blueprints", "in it is a tool of another server"),
        ("Bash(git *)", "in it can't be the name of a tool"),
        ("list_blueprints list_entities", "in it can't be the name of a tool"),
        ("list_a;list_b", "in it can't be the name of a tool"),
        (" , ", "names no tool"),
    ] {
        let text = refuse(&sandbox, entry, "input_invalid");
        assert!(text.contains(part) && text.contains("`allowed_tools`"), "{entry}: {text}");
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[test]
fn without_the_list_names_are_taken_at_their_word_and_globs_are_refused() {
    let sandbox = Sandbox::default();
    let unverified = || Step::against(&sandbox).input("verify", "false");
    let outcome = unverified().input("allowed_tools", "get_entities,mcp__port-prod__list_blueprints,get_entities").run().succeeded();
    assert_eq!(outcome.output("allowed_tools"), "mcp__port-prod__get_entities,mcp__port-prod__list_blueprints");
    assert_eq!(outcome.output("tools"), "[]");
    let text = unverified().input("allowed_tools", "list_*").run().failed("input_invalid").error_text();
    assert!(text.contains("`list_*` in it is a glob") && text.contains("`verify: true`"), "{text}");
    assert_eq!(sandbox.requests_to(Route::Mcp).len(), 0);
}

#[test]
fn a_glob_needs_a_server_that_can_be_reached() {
    let sandbox = Sandbox::default();
    let step = || Step::against(&sandbox).input("mcp_url", dead_address()).input("timeout", "1s");
    let outcome = step().input("allowed_tools", "get_entities").run().succeeded();
    assert_eq!(outcome.output("allowed_tools"), "mcp__port-prod__get_entities");
    assert_eq!(outcome.log.warnings().count(), 1);
    let text = step().input("allowed_tools", "get_page,list_*").run().failed("tool_unknown").error_text();
    assert!(text.contains("`list_*` is a glob") && text.contains("can't be checked from this container"), "{text}");
}

#[test]
fn the_arguments_hold_the_config_and_the_tools() {
    let sandbox = Sandbox::default();
    let outcome = Step::against(&sandbox).input("allowed_tools", "get_page,list_blueprints").run().succeeded();
    let config = outcome.output("mcp_config");
    assert_eq!(
        outcome.output("client_args"),
        format!("--mcp-config '{config}' --allowedTools 'mcp__port-prod__get_page,mcp__port-prod__list_blueprints'")
    );
    assert!(!config.contains('\''));
    let outcome = Step::against(&sandbox).input("verify", "false").run().succeeded();
    assert_eq!(outcome.output("client_args"), format!("--mcp-config '{}'", outcome.output("mcp_config")));
}

#[test]
fn the_summary_lists_the_tools_by_kind() {
    let sandbox = ignoring_read_only();
    let summary = Step::against(&sandbox).input("allowed_tools", "get_page,upsert_entity,run_action").run().succeeded().summary;
    for part in [
        "| Property | Value |\n| --- | --- |\n| Region | ",
        "| Tools | 47 tools offered, 3 allowed |",
        "| Tools: read | <details><summary>1 tool</summary>`get_page`</details> |",
        "| Tools: read, not allowed | <details><summary>22 tools</summary>`list_blueprints`, ",
        "| Tools: execute | <details><summary>1 tool</summary>`run_action`</details> |",
        "| Tools: write | <details><summary>1 tool</summary>`upsert_entity`</details> |",
        "| Tools: write, not allowed | <details><summary>21 tools</summary>`upsert_blueprint`, ",
    ] {
        assert!(summary.contains(part), "no {part:?} in {summary}");
    }
    assert_eq!(summary.matches("| --- |").count(), 1, "one table: {summary}");
}

/// Markdown takes a heading only at the start of a line, and none within a block of HTML.
#[test]
fn the_summary_begins_after_a_blank_line() {
    let sandbox = Sandbox::default();
    for (before, gap) in [
        ("", ""),
        ("\n", ""),
        ("mine", "\n\n"),
        ("mine\n", "\n"),
        ("mine\n\n", ""),
        ("mine\r\n", "\n"),
        ("</details>\n", "\n"),
        ("\u{e9}", "\n\n"),
    ] {
        for (client_id, heading) in [(port_sandbox::CLIENT_ID, "### 🔌"), ("someone-else", "### ❌")] {
            let step = Step::exchange_only(&sandbox).input("client_id", client_id);
            std::fs::write(step.path("summary.md"), before).unwrap();
            let summary = step.run().summary;
            assert!(summary.starts_with(&format!("{before}{gap}{heading}")), "{summary:?}");
        }
    }
    let step = Step::exchange_only(&sandbox);
    std::fs::remove_file(step.path("summary.md")).unwrap();
    assert!(step.run().succeeded().summary.starts_with("### 🔌"));
}

#[test]
fn more_than_thirty_tools_are_folded_away() {
    let offered = |extra: usize| {
        let extra_tools = (0..extra).map(|number| format!("get_{number}")).collect();
        Sandbox::start(Options { extra_tools, ..Options::default() })
    };
    let own = Step::against(&offered(0)).run().succeeded();
    let own = serde_json::from_str::<Vec<String>>(&own.output("tools")).unwrap().len();
    for (tools, folded) in [(30, false), (31, true)] {
        let summary = Step::against(&offered(tools - own)).run().succeeded().summary;
        assert_eq!(summary.contains("| Tools: read | <details><summary>"), folded, "{tools} tools: {summary}");
        assert_eq!(summary.matches("| --- |").count(), 1, "one table: {summary}");
    }
}

/// Whatever Port would allow: an agent without a tool that runs actions runs none.
#[test]
fn the_summary_says_which_actions_the_agent_can_run() {
    let sandbox = Sandbox::default();
    let (all, none) = ("all that the credentials may run", "none: no tool that runs actions is allowed");
    for (verify, inputs, shown) in [
        ("false", vec![], all),
        ("false", vec![("allowed_actions", "none")], "none"),
        ("false", vec![("allowed_actions", "deploy,restart_service")], "`deploy`, `restart_service`"),
        ("false", vec![("allowed_tools", "list_blueprints")], none),
        ("false", vec![("allowed_tools", "list_blueprints,run_action")], all),
        ("true", vec![], none),
        ("true", vec![("read_only", "false")], all),
        ("true", vec![("read_only", "false"), ("allowed_tools", "list_*")], none),
        ("true", vec![("allowed_tools", "run_action")], all),
        ("true", vec![("allowed_actions", "restart_service")], "`restart_service`"),
        ("true", vec![("allowed_actions", "restart_service"), ("allowed_tools", "list_*")], none),
        ("true", vec![("allowed_actions", "none")], none),
    ] {
        let step = Step::against(&sandbox).input("verify", verify);
        let step = inputs.iter().fold(step, |step, (name, value)| step.input(name, *value));
        let summary = step.run().succeeded().summary;
        assert!(summary.contains(&format!("| Allowed actions | {shown} |")), "{inputs:?}: {summary}");
    }
}

/// Self-service workflows take the place of actions. Both run something by name, whatever the server says of the tool.
#[test]
fn a_tool_that_runs_workflows_is_governed_like_one_that_runs_actions() {
    for tool in ["run_action", "trigger_run", "trigger_workflow_run"] {
        for hint in [json!({}), json!({"readOnlyHint": false}), json!({"readOnlyHint": true})] {
            let sandbox = Sandbox::start(Options { mcp_mode: McpMode::Stateless, ..Options::default() });
            let entry = json!({"name": tool, "inputSchema": {"type": "object"}, "annotations": hint});
            let list = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [entry]}});
            sandbox.set_fault_forever(Route::Rpc("tools/list"), Fault::json(&list));
            let allowed = |read_only: &str, actions: &str| {
                allowed(&Step::against(&sandbox).input("read_only", read_only).input("allowed_actions", actions).run().succeeded())
            };
            assert_eq!(allowed("false", "none"), [""; 0], "{tool} with {hint}");
            assert_eq!(allowed("true", ""), [""; 0], "{tool} with {hint}");
            assert_eq!(allowed("true", "restart_service"), [tool], "{tool} with {hint}");
            assert_eq!(allowed("false", ""), [tool], "{tool} with {hint}");
        }
    }
}
