//! The tools: which there are, who sees them, what they do. The names are Port's.

use axum::http::HeaderMap;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use crate::{
    catalog::{Catalog, delete, find, matches, upsert},
    options::Options,
    tokens::random,
};

/// What a tool does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Reads,
    /// Runs a self-service action. Port counts this apart from writing: the header for allowed actions
    /// governs it, read-only mode does not.
    Executes,
    Writes,
    Deletes,
}

#[derive(Debug)]
struct Spec {
    name: &'static str,
    about: &'static str,
    effect: Effect,
    inputs: &'static [Input],
    run: fn(&mut Catalog, &JsonObject) -> Result<Value, String>,
}

#[derive(Debug)]
struct Input {
    name: &'static str,
    kind: Kind,
    required: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    /// One of the actions that the caller may run.
    Action,
    Texts,
    Flag,
    Object,
}

const fn needs(name: &'static str, kind: Kind) -> Input {
    Input { name, kind, required: true }
}

const fn takes(name: &'static str, kind: Kind) -> Input {
    Input { name, kind, required: false }
}

/// The input of `run_action` that names the action.
const ACTION: &str = "actionIdentifier";

const SPECS: &[Spec] = &[
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

/// What the headers of a request let it see and do.
#[derive(Debug)]
pub(crate) struct Access {
    read_only: bool,
    /// `None` allows all.
    actions: Option<Vec<String>>,
}

impl Access {
    pub(crate) fn of(headers: &HeaderMap, options: &Options) -> Self {
        let text = |name| Some(headers.get(name)?.to_str().unwrap_or_default());
        let names = |list: &str| {
            let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        Self {
            read_only: text("x-read-only-mode") == Some("1") && !options.ignore_read_only,
            actions: text("x-allowed-actions-to-run").map(names),
        }
    }

    fn may_run(&self, action: &str) -> bool {
        let allowed = |names: &Vec<String>| names.iter().any(|name| name == action);
        self.actions.as_ref().is_none_or(allowed)
    }

    /// The actions that `run_action` takes.
    fn runnable<'a>(&self, catalog: &'a Catalog) -> Vec<&'a str> {
        let actions = catalog.actions.iter();
        let names = actions.filter_map(|action| action["identifier"].as_str());
        names.filter(|name| self.may_run(name)).collect()
    }

    fn sees(&self, spec: &Spec, catalog: &Catalog) -> bool {
        match spec.effect {
            Effect::Reads => true,
            Effect::Executes => !self.runnable(catalog).is_empty(),
            Effect::Writes | Effect::Deletes => !self.read_only,
        }
    }
}

/// The tools that a caller sees, the extra ones at the end.
pub(crate) fn offered(access: &Access, catalog: &Catalog, options: &Options) -> Vec<Tool> {
    let own = SPECS.iter().filter(|spec| access.sees(spec, catalog));
    let own = own.map(|spec| spec.tool(access, catalog));
    let extra = options
        .extra_tools
        .iter()
        .map(|name| Tool::new(name.clone(), "Does nothing.", schema(&[], &[])).with_annotations(Effect::Reads.annotations()));
    own.chain(extra).collect()
}

/// What calling a tool came to.
#[derive(Debug)]
pub(crate) enum Called {
    /// The caller sees no such tool.
    Unknown,
    /// The tool's answer, always an object, or why it has none.
    Done(Result<Value, String>),
}

/// Calls a tool, if the caller sees it.
pub(crate) fn call(access: &Access, catalog: &mut Catalog, options: &Options, name: &str, args: &JsonObject) -> Called {
    if options.extra_tools.iter().any(|extra| extra == name) {
        return Called::Done(Ok(json!({"ok": true})));
    }
    let spec = SPECS.iter().find(|spec| spec.name == name);
    let Some(spec) = spec.filter(|spec| access.sees(spec, catalog)) else {
        return Called::Unknown;
    };
    let missing = spec.inputs.iter().find(|input| {
        let given = args.get(input.name);
        given.is_some_and(|value| !input.kind.fits(value)) || (input.required && given.is_none())
    });
    if let Some(input) = missing {
        return Called::Done(Err(format!("{} is missing or of the wrong type", input.name)));
    }
    if spec.effect == Effect::Executes && !access.may_run(text(args, ACTION)) {
        return Called::Done(Err("this action is not allowed to run".to_owned()));
    }
    Called::Done((spec.run)(catalog, args))
}

impl Spec {
    fn tool(&self, access: &Access, catalog: &Catalog) -> Tool {
        let schema = schema(self.inputs, &access.runnable(catalog));
        Tool::new(self.name, self.about, schema).with_annotations(self.effect.annotations())
    }
}

impl Effect {
    fn annotations(self) -> ToolAnnotations {
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

/// The JSON schema of a tool's inputs, for a caller who may run these actions.
fn schema(inputs: &[Input], actions: &[&str]) -> JsonObject {
    let properties = inputs.iter().map(|i| (i.name.to_owned(), i.kind.schema(actions)));
    let required = inputs.iter().filter(|i| i.required).map(|i| i.name);
    JsonObject::from_iter([
        ("type".to_owned(), "object".into()),
        ("properties".to_owned(), Value::Object(properties.collect())),
        ("required".to_owned(), required.collect()),
    ])
}

/// A text that the schema requires, so it is there.
fn text<'a>(args: &'a JsonObject, name: &str) -> &'a str {
    args.get(name).and_then(Value::as_str).unwrap_or_default()
}

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
        "identifier": format!("r_{}", random::<12>()),
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
