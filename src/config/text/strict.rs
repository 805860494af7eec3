//! A strict check of YAML. The library that edits YAML accepts texts that agents refuse.

use std::collections::HashSet;

use granit_parser::{Event, Parser, ScalarStyle, ScanError};

use super::problem::TextProblem;
use crate::config::format::Format;

/// YAML features that make a text harder to edit.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// Anchors, aliases or merge keys.
    pub references: bool,
    /// How many tags.
    pub tags: usize,
}

/// A list or table that is not closed yet.
enum Open {
    List,
    Table { keys: HashSet<String>, key_is_next: bool },
}

/// Reads all of a text.
///
/// # Errors
/// If YAML 1.2 doesn't allow it, or agents would read something else or nothing.
pub fn check(text: &str) -> Result<Features, TextProblem> {
    let mut features = Features::default();
    let mut open: Vec<Open> = Vec::new();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| TextProblem::malformed(Format::Yaml, Some(line_of(&error, text))))?;
        features.references |= event.is_alias() || event.anchor_id().is_some();
        features.tags += usize::from(event.tag().is_some());
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
        }
        if event.is_node()
            && let Some(Open::Table { keys, key_is_next }) = open.last_mut()
        {
            if let (true, Some((key, style))) = (*key_is_next, event.scalar()) {
                let merges = key == "<<" && style == ScalarStyle::Plain;
                features.references |= merges;
                if !merges && !keys.insert(key.to_owned()) {
                    return Err(TextProblem::DuplicateKey { line: Some(span.start.line()) });
                }
            }
            *key_is_next = !*key_is_next;
        }
        match event {
            Event::SequenceStart(..) => open.push(Open::List),
            Event::MappingStart(..) => open.push(Open::Table { keys: HashSet::new(), key_is_next: true }),
            Event::SequenceEnd | Event::MappingEnd => drop(open.pop()),
            _ => {}
        }
    }
    // Which of several would the agent read?
    if documents > 1 { Err(TextProblem::SeveralDocuments) } else { Ok(features) }
}

/// The line of the mistake. At a tab where blanks belong, the reader still counts the line before.
fn line_of(error: &ScanError, text: &str) -> usize {
    let line = error.marker().line();
    let has_tab = |line: &str| line.trim_start_matches(' ').starts_with('\t');
    line + usize::from(text.lines().nth(line).is_some_and(has_tab))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agents_refuse_is_refused_with_its_line() {
        for (text, line) in [
            ("a: 1\n\tb: 2\n", 2),
            ("a:\n\t- b\n", 2),
            ("a: 1\nb: \"C:\\q\"\n", 2),
            ("a: b: c\n", 1),
            ("a: 1\nb: 'it's'\n", 2),
            ("a: \"x\" y\n", 1),
            ("a: - b\n", 1),
            ("a: @x\n", 1),
            ("a: `x`\n", 1),
            ("a: %x\n", 1),
            ("a: [1, 2\nb: 3\n", 2),
            ("a: {b: 1\n", 1),
            ("- a\nb: 1\n", 2),
            ("a: *unknown\n", 1),
            ("a: !b!c d\n", 1),
        ] {
            assert_eq!(check(text), Err(TextProblem::malformed(Format::Yaml, Some(line))), "{text}");
        }
        assert_eq!(check("a: 1\nb: 2\na: 3\n"), Err(TextProblem::DuplicateKey { line: Some(3) }));
        assert_eq!(check("x:\n- {a: {b: 1}, \"a\": 2}\n"), Err(TextProblem::DuplicateKey { line: Some(2) }));
        assert_eq!(check("a: 1\n---\nb: 2\n"), Err(TextProblem::SeveralDocuments));
    }

    #[test]
    fn what_agents_read_is_taken() {
        let plain = Features::default();
        for text in [
            "",
            "# only a comment",
            "---\na: 1\n...\n",
            "\u{feff}a: 1\n",
            "a: b#c\r\nd: 'it''s'\r\n",
            "a: \"C:\\\\q\\t\\u00e9\"\n",
            "url: https://x:1/v1\nt: 1:30\n",
            "a: |\n  @x\n  b: c: d\nb: >-\n  'it's\n",
            "a:\n- b\n- - c\n  - d\n",
            "a: {b: [1, 2]}\nc: [\n  x,\n]\n",
            "? a\n: b\n",
            "a: -b\nc: x\ty\t\n",
            "b: {a: 1}\nc: {a: 1}\nd: [{a: 1}, {a: 1}]\n",
        ] {
            assert_eq!(check(text), Ok(plain), "{text}");
        }
        let references = Features { references: true, ..plain };
        for text in ["a: &x 1\n", "a: &x 1\nb: 2\n", "a: &x {b: 1}\nc: *x\n", "<<: {a: 1}\n", "x: &x {a: 1}\ny:\n  <<: *x\n  <<: *x\n"] {
            assert_eq!(check(text), Ok(references), "{text}");
        }
        assert_eq!(check("a: !!str 1\n"), Ok(Features { tags: 1, ..plain }));
    }
}
