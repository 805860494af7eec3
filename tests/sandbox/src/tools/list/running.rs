//! The tools that run something by its name.

use rmcp::model::JsonObject;
use serde_json::{Value, json};

use crate::{
    catalog::{Catalog, find},
    options::Role,
    random,
    tools::spec::{Effect, Kind, Spec, needs, takes, text, tool},
};

pub(super) const SPECS: &[Spec] = &[
    tool(
        "run_action",
        "Runs a self-service action.",
        (Role::Member, Effect::Executes),
        &[needs("actionIdentifier", Kind::Action), takes("properties", Kind::Object)],
        |catalog, args| run_action(catalog, text(args, "actionIdentifier"), args.get("properties")),
    ),
    // The header for allowed actions is documented for `run_action` only, so it does not limit this tool. The names of the inputs
    // are those that users have written down; Port does not publish them.
    tool(
        "trigger_run",
        "Runs a self-service workflow or action.",
        (Role::Member, Effect::Executes),
        &[
            needs("type", Kind::OneOf(&["ACTION", "WORKFLOW"])),
            needs("identifier", Kind::Text),
            takes("nodeIdentifier", Kind::Text),
            takes("inputs", Kind::Object),
        ],
        trigger_run,
    ),
];

fn trigger_run(catalog: &mut Catalog, args: &JsonObject) -> Result<Value, String> {
    let (identifier, inputs) = (text(args, "identifier"), args.get("inputs"));
    if text(args, "type") == "ACTION" {
        return run_action(catalog, identifier, inputs);
    }
    let workflow = find(&catalog.workflows, identifier)?;
    let node = &workflow["nodeIdentifier"];
    if workflow["trigger"] != "self-service" || args.get("nodeIdentifier").is_some_and(|wanted| wanted != node) {
        return Err(format!("the workflow {identifier:?} has no such self-service trigger"));
    }
    let run = json!({
        "identifier": format!("wfr_{}", random::base64url::<12>()),
        "workflow": identifier,
        "nodeIdentifier": node,
        "inputs": inputs,
        "status": "IN_PROGRESS",
    });
    catalog.workflow_runs.push(run.clone());
    Ok(json!({"ok": true, "run": run}))
}

fn run_action(catalog: &mut Catalog, action: &str, properties: Option<&Value>) -> Result<Value, String> {
    find(&catalog.actions, action)?;
    let run = json!({
        "identifier": format!("r_{}", random::base64url::<12>()),
        "action": action,
        "properties": properties,
        "status": "IN_PROGRESS",
    });
    catalog.runs.push(run.clone());
    Ok(json!({"ok": true, "run": run}))
}
