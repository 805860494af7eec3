//! The inputs `config_file` and `base_config`.

use zeroize::Zeroizing;

use super::problem::ValueError;
use crate::config::{Document, Format, Place, TextProblem};
use crate::runner::{Environment, Workspace};

/// Reads where the config is to be written.
///
/// # Errors
/// If the runner doesn't share the place with this container.
pub fn place(text: &str, environment: &Environment) -> Result<Place, ValueError> {
    Place::parse(text, environment).map_err(|error| ValueError {
        value: Some(text.to_owned()),
        problem: error.to_string(),
        fix: "Name a file in the workspace in `config_file` (`.mcp.json`), or one in the runner's temporary directory (`temp:mcp.json`). What belongs elsewhere, such as in the home directory, a later step can copy there."
            .to_owned(),
    })
}

const GIVE_A_CONFIG: &str = "Give `base_config` a config of the agent that `client` names, in that agent's own format, or the path of one in the workspace, after a checkout.";

/// Reads a config, or a file in the workspace that holds it. No error quotes it.
///
/// # Errors
/// If it can't be read, or is not valid.
pub fn base(given: &str, format: Format, environment: &Environment) -> Result<Document, ValueError> {
    let error = |problem: String, fix: Option<&str>| ValueError { value: None, problem, fix: fix.unwrap_or(GIVE_A_CONFIG).to_owned() };
    let (config, file) = if is_config(given, format) {
        (Zeroizing::new(given.to_owned()), "")
    } else {
        let bytes = Workspace::of(environment).read(given).map_err(|problem| error(format!("names a file that {problem}"), None))?;
        let text = String::from_utf8(bytes).map_err(|_| error("names a file that is not text in UTF-8".to_owned(), None))?;
        (Zeroizing::new(text), "names a file that ")
    };
    Document::parse(format, &config).map_err(|problem| error(format!("{file}{problem}"), fix_of_config(&problem)))
}

/// How to fix a config that can't be edited; `None` if it isn't valid at all.
#[must_use]
pub fn fix_of_config(problem: &TextProblem) -> Option<&'static str> {
    match problem {
        TextProblem::Malformed { .. } => None,
        TextProblem::DuplicateKey { .. } => Some("Remove one of the two from the config."),
        TextProblem::SeveralDocuments => Some("Keep one document in the config: an agent reads only one."),
        TextProblem::EndlessAliases | TextProblem::Referenced => Some("Write out in the config what the alias or merge key stands for."),
        TextProblem::Tagged => Some("Write the value in the config without its tag."),
        TextProblem::Uneditable => Some("Write the config in a plainer way: one key a line, each table in one place."),
    }
}

/// Tells a config from a path, by how it begins or what it contains.
fn is_config(given: &str, format: Format) -> bool {
    let begins = |starts: &[&str]| starts.iter().any(|start| given.starts_with(start));
    let has = |parts: &[&str]| parts.iter().any(|part| given.contains(part));
    match format {
        Format::Json => begins(&["{", "[", "//", "/*", "\""]) || has(&["\n"]),
        Format::Toml => begins(&["[", "#", "\""]) || has(&["\n", "="]),
        Format::Yaml => begins(&["{", "[", "#", "---", "\""]) || has(&["\n", ": "]) || given.ends_with(':'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_is_told_from_a_path() {
        for (format, config) in [
            (Format::Json, "{}"),
            (Format::Json, "// mine\n{}"),
            (Format::Toml, "model = \"o3\""),
            (Format::Toml, "[a]"),
            (Format::Yaml, "a: b"),
            (Format::Yaml, "extensions:"),
        ] {
            assert!(is_config(config, format), "{config}");
        }
        for format in [Format::Json, Format::Toml, Format::Yaml] {
            for path in [".mcp.json", "a/b c.toml", "./x.yaml", "C.y-ml"] {
                assert!(!is_config(path, format), "{path}");
            }
        }
    }
}
