//! The MCP server: who gets in, which tools they see, what they may call.

use std::time::Duration;

use crate::common::{Mcp, block_on, call, client, connect, json_of, names, oauth, token, tool};
use port_sandbox::{Accepts, CLIENT_ID, CLIENT_SECRET, Fault, McpMode, Options, Role, Route, Sandbox};
use reqwest::{Method, StatusCode};
use rmcp::{model::GetPromptRequestParams, service::ServiceError};
use serde_json::{Value, json};

const READ_ONLY: (&str, &str) = ("x-read-only-mode", "1");
const ACTIONS: &str = "x-allowed-actions-to-run";

/// The tools that run something.
const RUNNING: [&str; 2] = ["run_action", "trigger_run"];

fn is_write(name: &str) -> bool {
    ["upsert_", "delete_", "update_", "duplicate_", "move_", "install_", "trigger_auto_"].iter().any(|start| name.starts_with(start))
}

async fn ping(sandbox: &Sandbox, token: &str) -> StatusCode {
    let request =
        client(sandbox).post(sandbox.mcp_url()).header("accept", "application/json, text/event-stream").bearer_auth(token).json(&json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            },
        }));
    request.send().await.unwrap().status()
}

#[test]
fn only_live_tokens_of_accepted_endpoints_get_in() {
    let case = async |accepts, expected: (u16, u16)| {
        let sandbox = Sandbox::start(Options { mcp_accepts: accepts, ..Options::default() });
        let api = token(&sandbox).await;
        let form = format!("grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
        let body: Value = oauth(&sandbox, &form).await.json().await.unwrap();
        let oauth = body["access_token"].as_str().unwrap();
        let statuses = (ping(&sandbox, &api).await, ping(&sandbox, oauth).await);
        assert_eq!((statuses.0.as_u16(), statuses.1.as_u16()), expected);
        sandbox.advance(Duration::from_hours(3));
        assert_eq!(ping(&sandbox, &api).await, 401);
    };
    block_on(async {
        case(Accepts::Both, (200, 200)).await;
        case(Accepts::Api, (200, 401)).await;
        case(Accepts::OAuth, (401, 200)).await;
        let sandbox = Sandbox::default();
        assert_eq!(ping(&sandbox, "unknown").await, 401);
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let request = client(&sandbox).request(method, sandbox.mcp_url());
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 401);
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
        }
    });
}

#[test]
fn a_member_sees_no_tools_of_builders() {
    let of = |role| {
        let sandbox = Sandbox::start(Options { role, ..Options::default() });
        block_on(async { names(&connect(&sandbox, &[]).await).await })
    };
    let (admin, member) = (of(Role::Admin), of(Role::Member));
    assert_eq!((admin.len(), member.len()), (47, 18));
    assert!(!member.iter().any(|name| is_write(name)), "{member:?}");
    let hidden: Vec<_> = admin.iter().filter(|name| !member.contains(name) && !is_write(name)).map(String::as_str).collect();
    let of_builders = [
        "list_integrations",
        "get_integration_kinds_with_examples",
        "test_integration_mapping",
        "get_integration_sync_metrics",
        "get_integration_event_logs",
        "search_audit_logs",
        "list_plugins",
    ];
    assert_eq!(hidden, of_builders);
    assert!(RUNNING.iter().all(|name| member.iter().any(|seen| seen == name)), "{member:?}");
}

#[test]
fn read_only_hides_and_refuses_writing() {
    let sandbox = Sandbox::default();
    block_on(async {
        let all = connect(&sandbox, &[]).await;
        let reads = connect(&sandbox, &[READ_ONLY]).await;
        let (all_names, read_names) = (names(&all).await, names(&reads).await);
        assert!(read_names.len() >= 12 && !read_names.iter().any(|n| is_write(n)));
        let writes: Vec<_> = all_names.iter().filter(|n| is_write(n)).collect();
        assert_eq!(writes.len(), all_names.len() - read_names.len());

        let entity = json!({"blueprint": "service", "identifier": "new"});
        let error = call(&reads, "upsert_entity", entity.clone()).await.unwrap_err();
        assert!(matches!(error, ServiceError::McpError(error) if error.code.0 == -32602));
        let written = call(&all, "upsert_entity", entity.clone()).await.unwrap();
        assert_eq!(json_of(&written)["ok"], true);
        let service = json!({"blueprint": "service", "countOnly": true});
        let count = json_of(&call(&reads, "list_entities", service).await.unwrap());
        assert_eq!(count, json!({"blueprint": "service", "count": 4}));
        call(&all, "delete_entity", entity.clone()).await.unwrap();
        let gone = call(&all, "delete_entity", entity).await.unwrap();
        assert_eq!(gone.is_error, Some(true));

        for name in all_names {
            let annotations = tool(&all, &name).await.annotations.unwrap();
            let reads = !is_write(&name) && !RUNNING.contains(&name.as_str());
            assert_eq!(annotations.read_only_hint, Some(reads), "{name}");
        }
        // Off is said with a 0.
        let off = connect(&sandbox, &[("x-read-only-mode", "0")]).await;
        assert!(names(&off).await.iter().any(|n| is_write(n)));
    });
}

#[test]
fn a_broken_server_ignores_read_only() {
    let sandbox = Sandbox::start(Options { ignore_read_only: true, ..Options::default() });
    block_on(async {
        let mcp = connect(&sandbox, &[READ_ONLY]).await;
        assert!(names(&mcp).await.iter().any(|n| is_write(n)));
    });
}

#[test]
fn the_header_for_actions_names_what_may_run() {
    let sandbox = Sandbox::default();
    let run = async |mcp: &Mcp, action: &str| {
        let result = call(mcp, "run_action", json!({"actionIdentifier": action})).await;
        result.map(|result| result.is_error == Some(false))
    };
    block_on(async {
        let all = connect(&sandbox, &[]).await;
        assert!(run(&all, "restart_service").await.unwrap());

        let some = connect(&sandbox, &[READ_ONLY, (ACTIONS, "create_incident, other")]).await;
        assert!(run(&some, "create_incident").await.unwrap());
        assert!(!run(&some, "restart_service").await.unwrap());
        let schema = tool(&some, "run_action").await.input_schema;
        let choices = &schema["properties"]["actionIdentifier"]["enum"];
        assert_eq!(choices, &json!(["create_incident"]));

        let none = connect(&sandbox, &[(ACTIONS, "")]).await;
        assert!(!names(&none).await.contains(&"run_action".to_owned()));
        assert!(run(&none, "create_incident").await.is_err());
    });
}

/// Port documents the header for `run_action` only.
#[test]
fn workflows_run_by_the_triggers_that_are_listed_whatever_the_header_names() {
    let sandbox = Sandbox::default();
    block_on(async {
        let mcp = connect(&sandbox, &[READ_ONLY, (ACTIONS, "")]).await;
        let triggers = json_of(&call(&mcp, "list_self_service_triggers", json!({})).await.unwrap());
        let triggers = triggers["triggers"].as_array().unwrap();
        let listed: Vec<_> = triggers.iter().map(|trigger| trigger["identifier"].as_str().unwrap()).collect();
        assert_eq!(listed, ["restart_service", "create_incident", "deploy_to_production", "scaffold_service"]);
        let trigger = |identifier: &str, kind: &str| json!({"type": kind, "identifier": identifier, "nodeIdentifier": "trigger"});
        let run = json_of(&call(&mcp, "trigger_run", trigger("scaffold_service", "WORKFLOW")).await.unwrap());
        let id = &run["run"]["identifier"];
        let tracked = json_of(&call(&mcp, "get_workflow_run", json!({"runId": id})).await.unwrap());
        assert_eq!((&tracked["workflow"], &tracked["status"]), (&json!("scaffold_service"), &json!("IN_PROGRESS")));
        let run = json_of(&call(&mcp, "trigger_run", trigger("restart_service", "ACTION")).await.unwrap());
        let tracked = json_of(&call(&mcp, "track_action_run", json!({"runId": run["run"]["identifier"]})).await.unwrap());
        assert_eq!(tracked["action"], "restart_service");
        for (identifier, kind) in [("weekly_report", "WORKFLOW"), ("scaffold_service", "ACTION"), ("scaffold_service", "JOB")] {
            let refused = call(&mcp, "trigger_run", trigger(identifier, kind)).await.unwrap();
            assert_eq!(refused.is_error, Some(true), "{identifier} as {kind}");
        }
    });
}

#[test]
fn prompts_are_listed_and_filled_in() {
    let sandbox = Sandbox::default();
    block_on(async {
        let mcp = connect(&sandbox, &[READ_ONLY]).await;
        assert!(mcp.peer_info().unwrap().capabilities.prompts.is_some());
        let prompts = mcp.list_all_prompts().await.unwrap();
        assert_eq!(prompts.iter().map(|prompt| prompt.name.as_str()).collect::<Vec<_>>(), ["incident_triage"]);
        let get = async |arguments: Value| {
            let request = GetPromptRequestParams::new("incident_triage").with_arguments(arguments.as_object().unwrap().clone());
            mcp.get_prompt(request).await
        };
        let filled = serde_json::to_value(get(json!({"service": "checkout"})).await.unwrap()).unwrap();
        let text = filled["messages"][0]["content"]["text"].as_str().unwrap();
        assert!(text.contains("incidents of checkout in") && !text.contains("{{"), "{text}");
        assert!(get(json!({})).await.is_err());
        assert!(mcp.get_prompt(GetPromptRequestParams::new("no_such_prompt")).await.is_err());
    });
}

#[test]
fn answers_are_json_objects() {
    let sandbox = Sandbox::default();
    block_on(async {
        let mcp = connect(&sandbox, &[READ_ONLY]).await;
        let blueprints = json_of(&call(&mcp, "list_blueprints", json!({})).await.unwrap());
        assert_eq!(blueprints["blueprints"].as_array().unwrap().len(), 4);
        let args = json!({"identifiers": ["zendesk_ticket"]});
        let full = json_of(&call(&mcp, "list_blueprints", args).await.unwrap());
        assert!(full["blueprints"][0]["schema"]["properties"]["priority"].is_object());
        let args = json!({"blueprint": "zendesk_ticket"});
        let tickets = json_of(&call(&mcp, "list_entities", args).await.unwrap());
        for ticket in tickets["entities"].as_array().unwrap() {
            for property in ["status", "priority", "subject"] {
                assert!(ticket["properties"][property].is_string());
            }
        }
        for name in names(&mcp).await {
            let result = call(&mcp, &name, json!({})).await.unwrap();
            assert!(json_of(&result).is_object(), "{name}");
        }
    });
    let last = sandbox.requests_to(Route::Rpc("tools/call")).pop().unwrap();
    assert_eq!(last.tool.as_deref(), Some("trigger_run"));
}

#[test]
fn pages_and_odd_names_come_whole() {
    let odd = "a\u{7}b\n::error::c##[d]";
    let generated = (0..5_000).map(|n| format!("generated_{n}"));
    let sandbox = Sandbox::start(Options {
        tools_page_size: Some(1_000),
        extra_tools: generated.chain([odd.to_owned()]).collect(),
        ..Options::default()
    });
    block_on(async {
        let mcp = connect(&sandbox, &[READ_ONLY]).await;
        let names = names(&mcp).await;
        assert_eq!(names.last().unwrap(), odd);
        assert!(names.contains(&"generated_4999".to_owned()));
        let pages = sandbox.requests_to(Route::Rpc("tools/list"));
        assert_eq!(pages.len(), 6);
        let listed: Vec<_> = pages.into_iter().filter_map(|p| p.tools).flatten().collect();
        assert_eq!(listed, names);
    });
}

#[test]
fn large_tools_have_about_1_kb_and_can_be_called() {
    let sandbox = Sandbox::start(Options { large_tools: 2, ..Options::default() });
    block_on(async {
        let mcp = connect(&sandbox, &[READ_ONLY]).await;
        let tools = mcp.list_all_tools().await.unwrap();
        let [first, last] = tools.last_chunk().unwrap();
        assert_eq!([&*first.name, &*last.name], ["list_things_0", "list_things_1"]);
        let size = serde_json::to_string(last).unwrap().len();
        assert!((900..1_300).contains(&size), "{size}");
        assert_eq!(json_of(&call(&mcp, "list_things_1", json!({})).await.unwrap())["ok"], true);
        assert!(call(&mcp, "list_things_2", json!({})).await.is_err());
    });
}

#[test]
fn both_modes_speak_to_the_official_client() {
    for mcp_mode in [McpMode::Stateful, McpMode::Stateless] {
        let sandbox = Sandbox::start(Options { mcp_mode, ..Options::default() });
        block_on(async {
            let mcp = connect(&sandbox, &[READ_ONLY]).await;
            assert!(!names(&mcp).await.is_empty());
            mcp.cancel().await.unwrap();
        });
        let list = sandbox.requests_to(Route::Rpc("tools/list")).remove(0);
        assert_eq!(list.header("x-read-only-mode"), Some("1"));
        assert_eq!(list.header("mcp-session-id").is_some(), mcp_mode == McpMode::Stateful);
        let deletes = sandbox.requests_to(Route::Mcp);
        let deletes = deletes.iter().filter(|r| r.method == "DELETE").count();
        assert_eq!(deletes, usize::from(mcp_mode == McpMode::Stateful));
    }
}

#[test]
fn a_definite_refusal_at_the_door_is_the_callers() {
    let sandbox = Sandbox::default();
    sandbox.set_fault_forever(Route::Mcp, Fault::status(403));
    let status = block_on(async { ping(&sandbox, &token(&sandbox).await).await });
    assert_eq!(status, 403);
}
