//! The tools that only read.

use rmcp::model::JsonObject;
use serde_json::{Value, json};

use crate::{
    catalog::{Catalog, find, matches},
    options::Role,
    tools::spec::{Effect, Kind, Spec, needs, select, takes, text, tool},
};

/// Whose tools they are, and what they do.
const ALL: (Role, Effect) = (Role::Member, Effect::Reads);
const BUILDERS: (Role, Effect) = (Role::Admin, Effect::Reads);

pub(super) const SPECS: &[Spec] = &[
    tool(
        "list_blueprints",
        "Summaries of all blueprints, or the named ones in full.",
        ALL,
        &[takes("identifiers", Kind::Texts)],
        |catalog, args| Ok(json!({"blueprints": select(&catalog.blueprints, args)})),
    ),
    tool(
        "list_entities",
        "The entities of a blueprint, all or the named ones, or just their number.",
        ALL,
        &[needs("blueprint", Kind::Text), takes("identifiers", Kind::Texts), takes("countOnly", Kind::Flag)],
        list_entities,
    ),
    tool(
        "simulate_blueprint_permissions",
        "What permissions would allow on a blueprint.",
        ALL,
        &[needs("blueprint", Kind::Text), takes("permissions", Kind::Object)],
        |catalog, args| {
            find(&catalog.blueprints, text(args, "blueprint"))?;
            Ok(json!({"blueprint": text(args, "blueprint"), "allowed": ["read"]}))
        },
    ),
    tool(
        "list_scorecards",
        "Summaries of all scorecards, or the named ones in full.",
        ALL,
        &[takes("identifiers", Kind::Texts)],
        |catalog, args| Ok(json!({"scorecards": select(&catalog.scorecards, args)})),
    ),
    tool(
        "list_actions",
        "Summaries of all self-service actions, or the named ones in full.",
        ALL,
        &[takes("identifiers", Kind::Texts)],
        |catalog, args| Ok(json!({"actions": select(&catalog.actions, args)})),
    ),
    tool(
        "list_workflows",
        "Summaries of all workflows, or the named ones in full.",
        ALL,
        &[takes("identifiers", Kind::Texts)],
        |catalog, args| Ok(json!({"workflows": select(&catalog.workflows, args)})),
    ),
    // That every role sees it is a guess: whoever may run workflows needs it.
    tool("list_self_service_triggers", "What can be run: actions, and workflows with a self-service trigger.", ALL, &[], |catalog, _| {
        Ok(json!({"triggers": triggers(catalog)}))
    }),
    tool("get_workflow_run", "How far the run of a workflow is.", ALL, &[needs("runId", Kind::Text)], |catalog, args| {
        find(&catalog.workflow_runs, text(args, "runId")).cloned()
    }),
    tool("track_action_run", "How far the run of an action is.", ALL, &[needs("runId", Kind::Text)], |catalog, args| {
        find(&catalog.runs, text(args, "runId")).cloned()
    }),
    tool("get_action_permissions", "Who may run an action.", ALL, &[needs("actionIdentifier", Kind::Text)], |catalog, args| {
        let action = find(&catalog.actions, text(args, "actionIdentifier"))?;
        Ok(json!({"permissions": action["permissions"]}))
    }),
    tool(
        "list_integrations",
        "Summaries of all integrations, or the named ones in full.",
        BUILDERS,
        &[takes("identifiers", Kind::Texts)],
        |catalog, args| Ok(json!({"integrations": select(&catalog.integrations, args)})),
    ),
    tool(
        "get_integration_kinds_with_examples",
        "What an integration ingests, with examples.",
        BUILDERS,
        &[needs("identifier", Kind::Text)],
        |catalog, args| about_integration(catalog, args, &json!({"kinds": []})),
    ),
    // That the server marks it as reading is a guess: it tries a mapping on examples and keeps nothing.
    tool(
        "test_integration_mapping",
        "What a mapping makes of examples.",
        BUILDERS,
        &[needs("identifier", Kind::Text), takes("mapping", Kind::Object)],
        |catalog, args| about_integration(catalog, args, &json!({"results": []})),
    ),
    tool(
        "get_integration_sync_metrics",
        "How the last synchronizations of an integration went.",
        BUILDERS,
        &[needs("identifier", Kind::Text)],
        |catalog, args| about_integration(catalog, args, &json!({"metrics": []})),
    ),
    tool("get_integration_event_logs", "The log of an integration.", BUILDERS, &[needs("identifier", Kind::Text)], |catalog, args| {
        about_integration(catalog, args, &json!({"logs": []}))
    }),
    // That only builders see it is a guess: in the API it takes an administrator.
    tool("search_audit_logs", "Who changed what.", BUILDERS, &[takes("query", Kind::Text)], |_, _| Ok(json!({"audits": []}))),
    tool(
        "search_port_knowledge_sources",
        "Sections of Port's documentation that fit a question.",
        ALL,
        &[needs("query", Kind::Text)],
        |_, args| Ok(json!({"query": text(args, "query"), "sections": []})),
    ),
    tool("describe_user_details", "The user, the organization and the teams behind the token.", ALL, &[], |_, _| {
        Ok(json!({
            // The roles are the sandbox's word for any credentials; Port's answer has more fields.
            "user": {"email": "sandbox@example.com", "roles": ["Member"], "type": "machine"},
            "organization": {"id": "org_sandbox", "name": "Sandbox"},
            "teams": ["platform"],
        }))
    }),
    tool("load_skill", "The instructions of a skill.", ALL, &[needs("name", Kind::Text)], |_, args| {
        Err(format!("there is no skill {:?}", text(args, "name")))
    }),
    tool("list_plugins", "Summaries of all plugins.", BUILDERS, &[], |_, _| Ok(json!({"plugins": []}))),
    tool("load_widget_schema", "The fields of a kind of widget.", ALL, &[needs("type", Kind::Text)], |_, args| {
        Ok(json!({"type": text(args, "type"), "schema": {"type": "object"}}))
    }),
    tool("get_sidebar", "The pages in the sidebar.", ALL, &[], |catalog, args| Ok(json!({"pages": select(&catalog.pages, args)}))),
    tool("get_page", "A page with its widgets.", ALL, &[needs("identifier", Kind::Text)], |catalog, args| {
        find(&catalog.pages, text(args, "identifier")).cloned()
    }),
];

fn list_entities(catalog: &mut Catalog, args: &JsonObject) -> Result<Value, String> {
    let blueprint = text(args, "blueprint");
    find(&catalog.blueprints, blueprint)?;
    let mut entities = catalog.entities.clone();
    entities.retain(|entity| matches(entity, &[("blueprint", blueprint)]));
    if args.contains_key("identifiers") {
        entities = select(&entities, args);
    }
    let count = entities.len();
    if args.get("countOnly") == Some(&Value::Bool(true)) {
        return Ok(json!({"blueprint": blueprint, "count": count}));
    }
    Ok(json!({"blueprint": blueprint, "count": count, "entities": entities}))
}

/// What `trigger_run` takes.
fn triggers(catalog: &Catalog) -> Vec<Value> {
    let actions = catalog.actions.iter().map(
        |action| json!({"type": "ACTION", "identifier": action["identifier"], "title": action["title"], "userInputs": action["inputs"]}),
    );
    let workflows = catalog.workflows.iter().filter(|workflow| workflow["trigger"] == "self-service").map(|workflow| {
        json!({
            "type": "WORKFLOW",
            "identifier": workflow["identifier"],
            "workflowTitle": workflow["title"],
            "workflowDescription": workflow["description"],
            "nodeIdentifier": workflow["nodeIdentifier"],
            "userInputs": workflow["userInputs"],
        })
    });
    actions.chain(workflows).collect()
}

fn about_integration(catalog: &Catalog, args: &JsonObject, answer: &Value) -> Result<Value, String> {
    find(&catalog.integrations, text(args, "identifier"))?;
    Ok(answer.clone())
}
