//! The tools that an MCP server offers.

use std::collections::HashMap;
use std::fmt;

use serde_json::Value;

use super::quoted::QuotedViolation;
use crate::port::ToolKind;
use crate::redact::Redactor;

/// The longest tool name. <https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-names>
const LONGEST_NAME: usize = 128;

/// A tool's name in the characters that MCP recommends. No shell, config or log interprets such a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ToolName(String);

impl ToolName {
    /// Takes a name; `None` for one that can't be handed on safely.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(is_name_byte);
        fits.then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The characters of a tool's name.
#[must_use]
pub fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: ToolName,
    /// What it does.
    pub kind: ToolKind,
}

/// What a server offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// The tools in the server's order, each once. Of one that is listed twice, the stricter kind counts.
    pub tools: Vec<Tool>,
    /// How many more have names that can't be handed on.
    pub unusable: usize,
    /// What the server's answers have that MCP's schema doesn't allow, though this agent may read them.
    pub violation: Option<QuotedViolation>,
}

impl Offer {
    /// Takes what a server listed. Names are handed on as they are, so a name that holds a secret is left out.
    #[must_use]
    pub fn of(listed: &[ListedTool], redactor: &Redactor) -> Self {
        let mut positions = HashMap::new();
        let mut offer = Self::default();
        for ListedTool { name, read_only_hint } in listed {
            let Some(name) = ToolName::parse(name).filter(|name| redactor.is_clean(name.as_str())) else {
                offer.unusable += 1;
                continue;
            };
            let kind = ToolKind::of(name.as_str(), *read_only_hint);
            let position = *positions.entry(name.clone()).or_insert(offer.tools.len());
            match offer.tools.get_mut(position) {
                // Which of the two an agent calls is not known.
                Some(known) => known.kind = known.kind.max(kind),
                None => offer.tools.push(Tool { name, kind }),
            }
        }
        offer
    }
}

/// What of an entry in `tools/list` counts here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTool {
    /// The name as the server gave it.
    pub name: String,
    /// Its `annotations.readOnlyHint`.
    pub read_only_hint: Option<bool>,
}

impl ListedTool {
    /// Reads an entry; `None` if it is no tool.
    pub fn read(entry: &Value) -> Option<Self> {
        let name = entry.get("name")?.as_str()?.to_owned();
        Some(Self { name, read_only_hint: entry.pointer("/annotations/readOnlyHint").and_then(Value::as_bool) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_that_holds_a_secret_is_not_offered() {
        let mut redactor = Redactor::default();
        redactor.learn(&crate::redact::Secret::new("s3cr3t-Value-0123456789"));
        let listed = ["a", "s3cr3t-Value-0123456789", "get_S3CR3T-VALUE", "czNjcjN0LVZhbHVl"]
            .map(|name| ListedTool { name: name.to_owned(), read_only_hint: None });
        let offer = Offer::of(&listed, &redactor);
        assert_eq!((offer.tools.len(), offer.unusable), (1, 3));
    }

    #[test]
    fn a_name_that_comes_twice_is_offered_once() {
        let listed = ["b", "a", "b", "a b", ""].map(|name| ListedTool { name: name.to_owned(), read_only_hint: None });
        let offer = Offer::of(&listed, &Redactor::default());
        assert_eq!(offer.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(offer.unusable, 2);
    }

    #[test]
    fn of_two_tools_with_one_name_the_stricter_kind_counts() {
        for hints in [[Some(true), Some(false)], [Some(false), Some(true)], [None, Some(true)]] {
            let listed = hints.map(|read_only_hint| ListedTool { name: "merge".to_owned(), read_only_hint });
            assert_eq!(Offer::of(&listed, &Redactor::default()).tools[0].kind, ToolKind::Write, "{hints:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_that_is_taken_is_safe_everywhere(text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}|[a-z_.-]{120,135}") {
            let fits = (1..=128).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
            prop_assert_eq!(ToolName::parse(&text).map(|name| name.to_string()), fits.then_some(text));
        }
    }
}
