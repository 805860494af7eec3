//! The prompts: in Port, entities of the blueprint `prompt`. <https://docs.port.io/ai-interfaces/port-mcp-server/prompts/>

use rmcp::model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::Value;

use crate::catalog::{Catalog, find};

/// The prompts that a caller sees.
pub(crate) fn offered(catalog: &Catalog) -> Vec<Prompt> {
    let prompt = |prompt: &Value| {
        let arguments = arguments(prompt).iter().map(argument).collect();
        Prompt::new(text(&prompt["identifier"]), Some(text(&prompt["description"])), Some(arguments)).with_title(text(&prompt["title"]))
    };
    catalog.prompts.iter().map(prompt).collect()
}

/// A prompt with its placeholders filled in.
pub(crate) fn fill(catalog: &Catalog, name: &str, given: &JsonObject) -> Result<GetPromptResult, String> {
    let prompt = find(&catalog.prompts, name)?;
    let mut filled = text(&prompt["template"]).to_owned();
    for argument in arguments(prompt) {
        let name = text(&argument["name"]);
        let value = given.get(name).and_then(Value::as_str);
        if value.is_none() && argument["required"] == true {
            return Err(format!("the argument {name:?} is missing"));
        }
        filled = filled.replace(&format!("{{{{{name}}}}}"), value.unwrap_or_default());
    }
    let message = PromptMessage::new_text(Role::User, filled);
    Ok(GetPromptResult::new(vec![message]).with_description(text(&prompt["description"])))
}

fn argument(argument: &Value) -> PromptArgument {
    let required = argument["required"] == true;
    PromptArgument::new(text(&argument["name"])).with_description(text(&argument["description"])).with_required(required)
}

fn arguments(prompt: &Value) -> &[Value] {
    prompt["arguments"].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
