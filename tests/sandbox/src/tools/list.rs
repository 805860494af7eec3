//! The list of the tools, and what each does. The names are Port's.

use rmcp::model::JsonObject;
use serde_json::{Value, json};

use super::spec::{Effect, Kind, Spec, needs, takes, text};
use crate::{
    catalog::{Catalog, delete, find, matches, upsert},
    random,
};

/// The input of `run_action` that names the action.
pub(super) const ACTION: &str = "actionIdentifier";

/// Every tool, in the order in which they are listed.
pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "list_blueprints",
        about: "Summaries of all blueprints, or the named ones in full.",
        effect: Effect::Reads,
        inputs: &[takes("identifiers", Kind::Texts)],
        run: |catalog, args| Ok(json!({"blueprints": select(&catalog.blueprints, args)})),
    },
    Spec {
        name: "list_entities",
        about: "The entities of a blueprint, all or the named ones, or just their number.",
        effect: Effect::Reads,
        inputs: &[needs("blueprint", Kind::Text), takes("identifiers", Kind::Texts), takes("countOnly", Kind::Flag)],
        run: list_entities,
    },
    Spec {
        name: "list_scorecards",
        about: "Summaries of all scorecards, or the named ones in full.",
        effect: Effect::Reads,
        inputs: &[takes("identifiers", Kind::Texts)],
        run: |catalog, args| Ok(json!({"scorecards": select(&catalog.scorecards, args)})),
    },
    Spec {
        name: "list_actions",
        about: "Summaries of all self-service actions, or the named ones in full.",
        effect: Effect::Reads,
        inputs: &[takes("identifiers", Kind::Texts)],
        run: |catalog, args| Ok(json!({"actions": select(&catalog.actions, args)})),
    },
    Spec {
        name: "list_workflows",
        about: "Summaries of all workflows, or the named ones in full.",
        effect: Effect::Reads,
        inputs: &[takes("identifiers", Kind::Texts)],
        run: |catalog, args| Ok(json!({"workflows": select(&catalog.workflows, args)})),
    },
    Spec {
        name: "list_integrations",
        about: "Summaries of all integrations, or the named ones in full.",
        effect: Effect::Reads,
        inputs: &[takes("identifiers", Kind::Texts)],
        run: |catalog, args| Ok(json!({"integrations": select(&catalog.integrations, args)})),
    },
    Spec {
        name: "track_action_run",
        about: "How far the run of an action is.",
        effect: Effect::Reads,
        inputs: &[needs("runId", Kind::Text)],
        run: |catalog, args| find(&catalog.runs, text(args, "runId")).cloned(),
    },
    Spec {
        name: "get_action_permissions",
        about: "Who may run an action.",
        effect: Effect::Reads,
        inputs: &[needs(ACTION, Kind::Text)],
        run: |catalog, args| {
            let action = find(&catalog.actions, text(args, ACTION))?;
            Ok(json!({"permissions": action["permissions"]}))
        },
    },
    Spec {
        name: "search_port_knowledge_sources",
        about: "Sections of Port's documentation that fit a question.",
        effect: Effect::Reads,
        inputs: &[needs("query", Kind::Text)],
        run: |_, args| Ok(json!({"query": text(args, "query"), "sections": []})),
    },
    Spec {
        name: "describe_user_details",
        about: "The user, the organization and the teams behind the token.",
        effect: Effect::Reads,
        inputs: &[],
        run: |_, _| {
            Ok(json!({
                // The roles are the sandbox's word for any credentials; Port's answer has more fields.
                "user": {"email": "sandbox@example.com", "roles": ["Member"], "type": "machine"},
                "organization": {"id": "org_sandbox", "name": "Sandbox"},
                "teams": ["platform"],
            }))
        },
    },
    Spec {
        name: "load_skill",
        about: "The instructions of a skill.",
        effect: Effect::Reads,
        inputs: &[needs("name", Kind::Text)],
        run: |_, args| Err(format!("there is no skill {:?}", text(args, "name"))),
    },
    Spec {
        name: "get_sidebar",
        about: "The pages in the sidebar.",
        effect: Effect::Reads,
        inputs: &[],
        run: |catalog, args| Ok(json!({"pages": select(&catalog.pages, args)})),
    },
    Spec {
        name: "get_page",
        about: "A page with its widgets.",
        effect: Effect::Reads,
        inputs: &[needs("identifier", Kind::Text)],
        run: |catalog, args| find(&catalog.pages, text(args, "identifier")).cloned(),
    },
    Spec {
        name: "run_action",
        about: "Runs a self-service action.",
        effect: Effect::Executes,
        inputs: &[needs(ACTION, Kind::Action), takes("properties", Kind::Object)],
        run: run_action,
    },
    Spec {
        name: "upsert_blueprint",
        about: "Creates or replaces a blueprint.",
        effect: Effect::Writes,
        inputs: &[needs("identifier", Kind::Text), takes("title", Kind::Text), takes("schema", Kind::Object)],
        run: |catalog, args| Ok(put(&mut catalog.blueprints, args, &["identifier"])),
    },
    Spec {
        name: "delete_blueprint",
        about: "Deletes a blueprint.",
        effect: Effect::Deletes,
        inputs: &[needs("identifier", Kind::Text)],
        run: |catalog, args| remove(&mut catalog.blueprints, args, &["identifier"]),
    },
    Spec {
        name: "upsert_entity",
        about: "Creates or replaces an entity.",
        effect: Effect::Writes,
        inputs: &[
            needs("blueprint", Kind::Text),
            needs("identifier", Kind::Text),
            takes("title", Kind::Text),
            takes("properties", Kind::Object),
            takes("relations", Kind::Object),
        ],
        run: |catalog, args| {
            find(&catalog.blueprints, text(args, "blueprint"))?;
            Ok(put(&mut catalog.entities, args, &["blueprint", "identifier"]))
        },
    },
    Spec {
        name: "delete_entity",
        about: "Deletes an entity.",
        effect: Effect::Deletes,
        inputs: &[needs("blueprint", Kind::Text), needs("identifier", Kind::Text)],
        run: |catalog, args| remove(&mut catalog.entities, args, &["blueprint", "identifier"]),
    },
    Spec {
        name: "upsert_scorecard",
        about: "Creates or replaces a scorecard.",
        effect: Effect::Writes,
        inputs: &[needs("blueprint", Kind::Text), needs("identifier", Kind::Text), takes("title", Kind::Text)],
        run: |catalog, args| Ok(put(&mut catalog.scorecards, args, &["blueprint", "identifier"])),
    },
    Spec {
        name: "delete_scorecard",
        about: "Deletes a scorecard.",
        effect: Effect::Deletes,
        inputs: &[needs("blueprint", Kind::Text), needs("identifier", Kind::Text)],
        run: |catalog, args| remove(&mut catalog.scorecards, args, &["blueprint", "identifier"]),
    },
    Spec {
        name: "upsert_action",
        about: "Creates or replaces a self-service action.",
        effect: Effect::Writes,
        inputs: &[needs("identifier", Kind::Text), takes("title", Kind::Text), takes("inputs", Kind::Object)],
        run: |catalog, args| Ok(put(&mut catalog.actions, args, &["identifier"])),
    },
    Spec {
        name: "delete_action",
        about: "Deletes a self-service action.",
        effect: Effect::Deletes,
        inputs: &[needs("identifier", Kind::Text)],
        run: |catalog, args| remove(&mut catalog.actions, args, &["identifier"]),
    },
];

/// The named things in full, or identifier and title of all.
fn select(things: &[Value], args: &JsonObject) -> Vec<Value> {
    let Some(Value::Array(wanted)) = args.get("identifiers") else {
        let summary = |t: &Value| json!({"identifier": t["identifier"], "title": t["title"]});
        return things.iter().map(summary).collect();
    };
    let things = things.iter().filter(|t| wanted.contains(&t["identifier"]));
    things.cloned().collect()
}

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

fn run_action(catalog: &mut Catalog, args: &JsonObject) -> Result<Value, String> {
    let action = text(args, ACTION);
    find(&catalog.actions, action)?;
    let run = json!({
        "identifier": format!("r_{}", random::base64url::<12>()),
        "action": action,
        "properties": args.get("properties"),
        "status": "IN_PROGRESS",
    });
    catalog.runs.push(run.clone());
    Ok(json!({"ok": true, "run": run}))
}

fn put(things: &mut Vec<Value>, args: &JsonObject, keys: &[&str]) -> Value {
    upsert(things, args.clone(), keys);
    json!({"ok": true, "identifier": text(args, "identifier")})
}

fn remove(things: &mut Vec<Value>, args: &JsonObject, keys: &[&str]) -> Result<Value, String> {
    let fields: Vec<_> = keys.iter().map(|key| (*key, text(args, key))).collect();
    delete(things, &fields)?;
    Ok(json!({"ok": true}))
}
