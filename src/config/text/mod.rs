//! Configs as text. What a person wrote is kept: comments, order and layout, wherever the merge changes nothing.

mod json;
mod line_end;
mod problem;
mod strict;
mod toml;
mod yaml;

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use super::format::Format;
use line_end::with_line_end;

pub use problem::TextProblem;

/// How deep a config may nest. Real ones have a few levels; a very deep one could overflow the stack.
const DEEPEST: usize = 64;

/// A config that exists: its text, and what the text means.
pub struct Document {
    /// The text.
    pub text: Zeroizing<String>,
    /// Its meaning.
    pub value: Value,
}

/// Shows nothing of the text, since it may hold secrets.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Document {
    /// Reads a text.
    ///
    /// # Errors
    /// If it is not valid.
    pub fn parse(format: Format, text: &str) -> Result<Self, TextProblem> {
        Ok(Self { value: parse(format, text)?, text: Zeroizing::new(text.to_owned()) })
    }
}

/// What a text means. An empty text means an empty table.
///
/// # Errors
/// If it is not valid.
pub fn parse(format: Format, text: &str) -> Result<Value, TextProblem> {
    let text = without_mark(text);
    if deepest(text) > DEEPEST {
        return Err(TextProblem::malformed(format, None));
    }
    let value = match format {
        Format::Json => json::parse(text),
        Format::Toml => toml::parse(text),
        Format::Yaml => yaml::parse(text),
    }?;
    Ok(if value.is_null() { Value::Object(serde_json::Map::new()) } else { value })
}

/// Edits a text so that it means `wanted`, and leaves everything else unchanged.
///
/// # Errors
/// If the text is not valid, or the result doesn't mean what it should.
pub fn rewrite(format: Format, text: &str, wanted: &Value) -> Result<Zeroizing<String>, TextProblem> {
    let text = without_mark(text);
    let current = parse(format, text)?;
    let edited = match format {
        Format::Json => json::rewrite(text, wanted),
        Format::Toml => toml::rewrite(text, wanted),
        Format::Yaml => yaml::rewrite(text, &current, wanted),
    };
    let edited = edited.map(|edited| Zeroizing::new(with_line_end(&edited)));
    // Text is easily damaged by an edit in place. This check keeps a damaged config from being used.
    let unharmed = edited.filter(|edited| parse(format, edited).as_ref() == Ok(wanted));
    match unharmed {
        Some(edited) if format != Format::Yaml || tags(&edited) >= tags(text) => Ok(edited),
        Some(_) => Err(TextProblem::Tagged),
        None if format == Format::Yaml && strict::check(text).is_ok_and(|features| features.references) => Err(TextProblem::Referenced),
        None => Err(TextProblem::Uneditable),
    }
}

/// How many tags a YAML text has. The parsed value doesn't include them.
fn tags(text: &str) -> usize {
    strict::check(text).map_or(0, |features| features.tags)
}

/// A config of our own, ready to paste.
///
/// JSON is one line and has no single quote, so that it survives `'${{ … }}'` in a shell and in `claude_args`.
#[must_use]
pub fn write(format: Format, config: &Value) -> Zeroizing<String> {
    match format {
        Format::Json => Zeroizing::new(config.to_string().replace('\'', "\\u0027")),
        // Our own configs have neither null nor duplicate keys, so they can be written in each format.
        Format::Toml | Format::Yaml => {
            let text = rewrite(format, "", config).unwrap_or_default();
            // Writing the output adds the final line end.
            Zeroizing::new(text.trim_end().to_owned())
        }
    }
}

/// A config of our own, formatted for a file. `output` is the same config as [`write`] formats it.
#[must_use]
pub fn laid_out(format: Format, config: &Value, output: &str) -> Zeroizing<String> {
    let file = match format {
        Format::Json => rewrite(format, "", config).ok(),
        Format::Toml | Format::Yaml => None,
    };
    file.unwrap_or_else(|| Zeroizing::new(format!("{}\n", output.trim_end())))
}

/// Some editors on Windows put a byte order mark before the text.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The deepest nesting of brackets. Brackets in strings and comments count too, so the result may be too high but never too low.
fn deepest(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::merge::{ServerEntry, merge};
    use proptest::prelude::*;
    use serde_json::{Map, json};

    const FORMATS: [Format; 3] = [Format::Json, Format::Toml, Format::Yaml];

    #[test]
    fn an_empty_text_says_nothing() {
        for format in FORMATS {
            assert_eq!(parse(format, ""), Ok(json!({})));
            assert_eq!(parse(format, " \n"), Ok(json!({})));
        }
        assert_eq!(parse(Format::Json, "\u{feff}{\"a\": 1}"), Ok(json!({ "a": 1 })));
    }

    #[test]
    fn a_flaw_shows_nothing_of_the_text() {
        for (format, text) in [(Format::Json, "{\"a\": hunter2}"), (Format::Toml, "a = hunter2"), (Format::Yaml, "a: [hunter2")] {
            let told = parse(format, text).unwrap_err().to_string();
            assert!(!told.contains("hunter2") && told.contains(format.name()), "{told}");
        }
    }

    #[test]
    fn a_key_twice_ends_as_one() {
        let text = "{\"a\": 1, \"a\": 2, \"b\": 1}";
        assert_eq!(parse(Format::Json, text), Ok(json!({ "a": 2, "b": 1 })));
        let edited = rewrite(Format::Json, text, &json!({ "a": 2, "b": 2 })).unwrap();
        assert_eq!(edited.matches("\"a\"").count(), 1, "{}", *edited);
    }

    #[test]
    fn what_is_no_table_takes_no_server() {
        for text in ["- a\n", "a\n", "a", "1\n", "~\n", "[]\n", "'a'\n", "|\n  a\n"] {
            assert_eq!(rewrite(Format::Yaml, text, &json!({ "a": 1 })), Err(TextProblem::Uneditable), "{text}");
        }
    }

    #[test]
    fn deep_text_ends_well() {
        for format in FORMATS {
            assert!(parse(format, &"[".repeat(100_000)).is_err());
            assert!(parse(format, &"{\"a\":".repeat(100_000)).is_err());
            assert!(parse(format, &format!("a = {}", "[".repeat(100_000))).is_err());
        }
    }

    #[test]
    fn text_may_be_as_deep_as_the_limit_and_as_wide_as_it_likes() {
        let deep = |lists: usize| format!("{}{}", "[".repeat(lists), "]".repeat(lists));
        let wide = format!("[{}]", vec!["[]"; 2 * DEEPEST].join(", "));
        for format in FORMATS {
            let parse = |list: &str| match format {
                Format::Json => parse(format, list),
                Format::Toml => parse(format, &format!("a = {list}")),
                Format::Yaml => parse(format, &format!("a: {list}")),
            };
            assert!(parse(&deep(DEEPEST)).is_ok() && parse(&wide).is_ok(), "{format:?}");
            assert!(parse(&deep(DEEPEST + 1)).is_err(), "{format:?}");
        }
    }

    fn any_text() -> impl Strategy<Value = Value> {
        "[a-z0-9]{0,6}|\\PC{0,10}|[ -~\n\t]{0,12}|true|null|~|[0-9.e+-]{1,5}|#.{0,4}|[-?:] [a-z]{0,3}".prop_map(Value::from)
    }

    /// What all three formats can say.
    fn any_config() -> impl Strategy<Value = Value> {
        let key = "[a-zA-Z0-9_-]{1,6}|mcpServers|port-prod|[ -~]{1,5}";
        let leaf = prop_oneof![any::<bool>().prop_map(Value::from), any::<i32>().prop_map(Value::from), any_text()];
        let value = leaf.prop_recursive(3, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        });
        prop::collection::btree_map(key, value, 0..5).prop_map(|map| Value::Object(map.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn a_merged_text_says_ours_and_all_the_rest(base in any_config(), header in any_text()) {
            let entry = json!({ "url": "https://mcp.port.io/v1", "headers": { "Authorization": header }, "tools": ["a", header] });
            let ours = json!({ "mcpServers": { "port-prod": entry } });
            let server = ServerEntry { name: "port-prod", url: "https://mcp.port.io/v1", rules: &[] };
            for format in FORMATS {
                let comment = if format == Format::Json { "// mine\n" } else { "# mine\n" };
                let Ok(text) = rewrite(format, comment, &base) else {
                    prop_assert!(false, "{:?} can't be written as {:?}", base, format);
                    continue;
                };
                prop_assert_eq!(parse(format, &text), Ok(base.clone()), "{}", *text);
                let Ok(merged) = merge(&base, &ours, server) else {
                    continue;
                };
                let edited = rewrite(format, &text, &merged);
                prop_assert!(edited.is_ok(), "{} can't take {}", *text, merged);
                let edited = edited.unwrap();
                prop_assert!(edited.starts_with(comment), "{}", *edited);
                let mut said = parse(format, &edited).unwrap();
                prop_assert_eq!(&said["mcpServers"]["port-prod"], &entry);
                let mut rest = base.clone();
                for value in [&mut said, &mut rest] {
                    let servers = value.get_mut("mcpServers").and_then(Value::as_object_mut);
                    servers.map(|servers| servers.remove("port-prod"));
                    if value.get("mcpServers").is_some_and(|servers| servers.as_object().is_none_or(Map::is_empty)) {
                        value.as_object_mut().unwrap().remove("mcpServers");
                    }
                }
                prop_assert_eq!(said, rest);
            }
        }
    }
}
