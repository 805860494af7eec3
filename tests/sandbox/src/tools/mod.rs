//! The tools that a caller sees and can call.

mod access;
mod large;
mod list;
mod spec;

use rmcp::model::{JsonObject, Tool};
use serde_json::{Value, json};

pub(crate) use access::Access;
use list::specs;
use spec::{Effect, schema};

use crate::{catalog::Catalog, options::Options};

/// The tools that a caller sees, the extra ones at the end.
pub(crate) fn offered(access: &Access, catalog: &Catalog, options: &Options) -> Vec<Tool> {
    let actions = access.runnable(catalog);
    let own = specs().filter(|spec| access.sees(spec, catalog));
    let own = own.map(|spec| spec.tool(&actions));
    let extra = options
        .extra_tools
        .iter()
        .map(|name| Tool::new(name.clone(), "Does nothing.", schema(&[], &[])).with_annotations(Effect::Reads.annotations()));
    own.chain(extra).chain((0..options.large_tools).map(large::tool)).collect()
}

/// The result of a call.
#[derive(Debug)]
pub(crate) enum Called {
    /// The caller sees no such tool.
    Unknown,
    /// The tool's answer, always an object, or the reason why there is none.
    Done(Result<Value, String>),
}

/// Calls a tool, if the caller sees it.
pub(crate) fn call(access: &Access, catalog: &mut Catalog, options: &Options, name: &str, args: &JsonObject) -> Called {
    if options.extra_tools.iter().any(|extra| extra == name) || large::has(options.large_tools, name) {
        return Called::Done(Ok(json!({"ok": true})));
    }
    let spec = specs().find(|spec| spec.name == name);
    let Some(spec) = spec.filter(|spec| access.sees(spec, catalog)) else {
        return Called::Unknown;
    };
    if let Some(input) = spec.wrong_input(args) {
        return Called::Done(Err(format!("{input} is missing or of the wrong type")));
    }
    if spec.action(args).is_some_and(|action| !access.may_run(action)) {
        return Called::Done(Err("this action is not allowed to run".to_owned()));
    }
    Called::Done((spec.run)(catalog, args))
}
