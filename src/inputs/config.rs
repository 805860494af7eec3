//! The inputs `config_file` and `base_config`.

use zeroize::Zeroizing;

use super::door::Flaw;
use crate::clients::format::Format;
use crate::config_file::place::Place;
use crate::config_file::text;
use crate::environment::Environment;
use crate::workspace::Workspace;

/// Reads where the config is to be written.
///
/// # Errors
/// When it is no place that the runner shares with this container.
pub fn place(text: &str, environment: &Environment) -> Result<Place, Flaw> {
    Place::parse(text, environment).map_err(|flaw| Flaw {
        value: Some(text.to_owned()),
        what: flaw.to_string(),
        mend: "Name a file in the workspace in `config_file` (`.mcp.json`), or one in the runner's temporary directory (`temp:mcp.json`). What belongs elsewhere, such as in the home directory, a later step can copy there."
            .to_owned(),
    })
}

/// Reads a config, or a file in the workspace that holds it. No text says what it holds.
///
/// # Errors
/// When it can't be read, or is not valid.
pub fn base(given: &str, format: Format, environment: &Environment) -> Result<Zeroizing<String>, Flaw> {
    let flaw = |what: String| {
        Flaw {
        value: None,
        what,
        mend: "Give `base_config` a config of the agent that `client` names, in that agent's own format, or the path of one in the workspace, after a checkout.".to_owned(),
    }
    };
    let (config, file) = if is_config(given, format) {
        (Zeroizing::new(given.to_owned()), "")
    } else {
        let bytes = Workspace::of(environment).read(given).map_err(|problem| flaw(format!("names a file that {problem}")))?;
        let text = String::from_utf8(bytes).map_err(|_| flaw("names a file that is not text in UTF-8".to_owned()))?;
        (Zeroizing::new(text), "names a file that ")
    };
    text::parse(format, &config).map_err(|problem| flaw(format!("{file}{problem}")))?;
    Ok(config)
}

/// Tells a config from a path: by how it begins, or what no sensible path has in it.
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
