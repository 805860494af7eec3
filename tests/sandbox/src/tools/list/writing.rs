//! The tools that change something. All of them are for builders.

use rmcp::model::JsonObject;
use serde_json::{Value, json};

use crate::{
    catalog::{Catalog, change, delete, find, upsert},
    options::Role,
    tools::spec::{Effect, Input, Kind, Spec, needs, takes, text, tool},
};

const WRITES: (Role, Effect) = (Role::Admin, Effect::Writes);
const DELETES: (Role, Effect) = (Role::Admin, Effect::Deletes);

const NAMED: &[Input] = &[needs("identifier", Kind::Text)];

pub(super) const SPECS: &[Spec] = &[
    tool(
        "upsert_blueprint",
        "Creates or replaces a blueprint.",
        WRITES,
        &[needs("identifier", Kind::Text), takes("title", Kind::Text), takes("schema", Kind::Object)],
        |catalog, args| Ok(put(&mut catalog.blueprints, args, &["identifier"])),
    ),
    tool("delete_blueprint", "Deletes a blueprint.", DELETES, NAMED, |catalog, args| {
        remove(&mut catalog.blueprints, args, &["identifier"])
    }),
    tool(
        "upsert_entity",
        "Creates or replaces an entity.",
        WRITES,
        &[
            needs("blueprint", Kind::Text),
            needs("identifier", Kind::Text),
            takes("title", Kind::Text),
            takes("properties", Kind::Object),
            takes("relations", Kind::Object),
        ],
        |catalog, args| {
            find(&catalog.blueprints, text(args, "blueprint"))?;
            Ok(put(&mut catalog.entities, args, &["blueprint", "identifier"]))
        },
    ),
    tool(
        "delete_entity",
        "Deletes an entity.",
        DELETES,
        &[needs("blueprint", Kind::Text), needs("identifier", Kind::Text)],
        |catalog, args| remove(&mut catalog.entities, args, &["blueprint", "identifier"]),
    ),
    tool(
        "upsert_scorecard",
        "Creates or replaces a scorecard.",
        WRITES,
        &[needs("blueprint", Kind::Text), needs("identifier", Kind::Text), takes("title", Kind::Text)],
        |catalog, args| Ok(put(&mut catalog.scorecards, args, &["blueprint", "identifier"])),
    ),
    tool(
        "delete_scorecard",
        "Deletes a scorecard.",
        DELETES,
        &[needs("blueprint", Kind::Text), needs("identifier", Kind::Text)],
        |catalog, args| remove(&mut catalog.scorecards, args, &["blueprint", "identifier"]),
    ),
    tool(
        "upsert_action",
        "Creates or replaces a self-service action.",
        WRITES,
        &[needs("identifier", Kind::Text), takes("title", Kind::Text), takes("inputs", Kind::Object)],
        |catalog, args| Ok(put(&mut catalog.actions, args, &["identifier"])),
    ),
    tool("delete_action", "Deletes a self-service action.", DELETES, NAMED, |catalog, args| {
        remove(&mut catalog.actions, args, &["identifier"])
    }),
    tool(
        "update_action_permissions",
        "Changes who may run an action.",
        WRITES,
        &[needs("identifier", Kind::Text), needs("permissions", Kind::Object)],
        |catalog, args| {
            let permissions = args.get("permissions").cloned().unwrap_or_default();
            change(&mut catalog.actions, text(args, "identifier"), "permissions", permissions)?;
            Ok(json!({"ok": true}))
        },
    ),
    tool(
        "upsert_workflow",
        "Creates or replaces a workflow.",
        WRITES,
        &[needs("identifier", Kind::Text), takes("title", Kind::Text), takes("trigger", Kind::Text)],
        |catalog, args| Ok(put(&mut catalog.workflows, args, &["identifier"])),
    ),
    tool("delete_workflow", "Deletes a workflow.", DELETES, NAMED, |catalog, args| remove(&mut catalog.workflows, args, &["identifier"])),
    tool("trigger_auto_discovery", "Finds entities in what the integrations know.", WRITES, &[], accept),
    tool(
        "upsert_dashboard_page",
        "Creates or replaces a dashboard.",
        WRITES,
        &[needs("identifier", Kind::Text), takes("title", Kind::Text)],
        |catalog, args| Ok(put(&mut catalog.pages, args, &["identifier"])),
    ),
    tool("update_entity_page", "Changes the page of a blueprint's entities.", WRITES, NAMED, accept),
    tool("upsert_widget", "Creates or replaces a widget.", WRITES, NAMED, accept),
    tool("delete_widget", "Deletes a widget.", DELETES, NAMED, accept),
    tool("duplicate_page", "Copies a page.", WRITES, NAMED, accept),
    tool("move_page", "Moves a page in the sidebar.", WRITES, NAMED, accept),
    tool("upsert_sidebar_folder", "Creates or replaces a folder in the sidebar.", WRITES, NAMED, accept),
    tool("delete_sidebar_folder", "Deletes a folder in the sidebar.", DELETES, NAMED, accept),
    tool("upsert_plugin", "Creates or replaces a plugin.", WRITES, NAMED, accept),
    tool("install_library_plugin", "Installs a plugin of Port's library.", WRITES, NAMED, accept),
];

/// Keeps nothing: no test looks at what these tools leave.
#[allow(clippy::unnecessary_wraps, reason = "the type of every tool")]
fn accept(_: &mut Catalog, args: &JsonObject) -> Result<Value, String> {
    Ok(json!({"ok": true, "identifier": args.get("identifier")}))
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
