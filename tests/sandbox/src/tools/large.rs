//! Tools with descriptions and schemas as large as real ones, in any number.

use rmcp::model::Tool;
use serde_json::{Value, json};

use super::spec::Effect;

/// What all their names begin with.
const NAME: &str = "list_things_";

/// What the tool says of itself.
const ABOUT: &str = "Lists the things of one kind in the catalog, with their properties and relations. Use it after \
`list_blueprints`, which says what kinds there are. Returns at most `limit` things at a time, and a cursor for the rest.";

/// The inputs, with what each is for.
const INPUTS: [(&str, &str, &str); 6] = [
    ("blueprint", "string", "The identifier of the blueprint whose entities are wanted, as `list_blueprints` returns it."),
    ("query", "object", "Rules that the things must meet, in Port's search language, such as an operator, a property and a value."),
    ("include", "array", "The properties to return, by identifier. All of them are returned if it is left out."),
    ("limit", "number", "The most things to return at a time, from 1 to 200. The default is 50."),
    ("cursor", "string", "Where to go on, as the answer before returned it. Leave it out the first time."),
    ("exclude_calculated", "boolean", "Leave out what is calculated from other things, which takes longer."),
];

/// The tool of this number.
pub(super) fn tool(number: usize) -> Tool {
    let properties = INPUTS.map(|(name, kind, about)| (name.to_owned(), json!({"type": kind, "description": about})));
    let schema = [
        ("type".to_owned(), "object".into()),
        ("properties".to_owned(), Value::Object(properties.into_iter().collect())),
        ("required".to_owned(), json!(["blueprint"])),
        ("additionalProperties".to_owned(), false.into()),
    ];
    let schema: serde_json::Map<_, _> = schema.into_iter().collect();
    Tool::new(format!("{NAME}{number}"), ABOUT, schema).with_annotations(Effect::Reads.annotations())
}

/// Whether one of the first `count` tools has this name.
pub(super) fn has(count: usize, name: &str) -> bool {
    let number = name.strip_prefix(NAME).and_then(|number| number.parse::<usize>().ok());
    number.is_some_and(|number| number < count)
}
