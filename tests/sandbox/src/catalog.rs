//! The software catalog behind the tools. Kept in memory, so writes last as long as the sandbox.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Everything in the catalog, each thing as Port would print it.
#[derive(Debug, Deserialize)]
pub(crate) struct Catalog {
    pub(crate) blueprints: Vec<Value>,
    pub(crate) entities: Vec<Value>,
    pub(crate) scorecards: Vec<Value>,
    pub(crate) actions: Vec<Value>,
    pub(crate) workflows: Vec<Value>,
    pub(crate) integrations: Vec<Value>,
    pub(crate) pages: Vec<Value>,
    pub(crate) prompts: Vec<Value>,
    pub(crate) runs: Vec<Value>,
    pub(crate) workflow_runs: Vec<Value>,
}

impl Default for Catalog {
    fn default() -> Self {
        serde_json::from_str(include_str!("catalog.json")).expect("the built-in catalog is valid")
    }
}

/// Whether a thing has these values in these fields.
pub(crate) fn matches(thing: &Value, fields: &[(&str, &str)]) -> bool {
    fields.iter().all(|(name, value)| thing[name] == *value)
}

/// The thing with this identifier.
pub(crate) fn find<'a>(things: &'a [Value], identifier: &str) -> Result<&'a Value, String> {
    let mut things = things.iter();
    things.find(|thing| matches(thing, &[("identifier", identifier)])).ok_or_else(|| format!("nothing has the identifier {identifier:?}"))
}

/// Puts a thing in the place of the one with the same values in `keys`, or at the end.
pub(crate) fn upsert(things: &mut Vec<Value>, thing: Map<String, Value>, keys: &[&str]) {
    let thing = Value::Object(thing);
    let same = |old: &&mut Value| keys.iter().all(|key| old.get(key) == thing.get(key));
    match things.iter_mut().find(same) {
        Some(old) => *old = thing,
        None => things.push(thing),
    }
}

/// Sets one field of the thing with this identifier.
pub(crate) fn change(things: &mut [Value], identifier: &str, field: &str, value: Value) -> Result<(), String> {
    let thing = things.iter_mut().find(|thing| matches(thing, &[("identifier", identifier)]));
    let thing = thing.and_then(Value::as_object_mut).ok_or_else(|| format!("nothing has the identifier {identifier:?}"))?;
    thing.insert(field.to_owned(), value);
    Ok(())
}

/// Removes what has these values in these fields.
pub(crate) fn delete(things: &mut Vec<Value>, fields: &[(&str, &str)]) -> Result<(), String> {
    let before = things.len();
    things.retain(|thing| !matches(thing, fields));
    if things.len() == before {
        return Err(format!("nothing matches {fields:?}"));
    }
    Ok(())
}
