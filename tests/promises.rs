//! Promise: `tests/PROMISES.md` names a test for each promise of the documents: the sentences stand where it says, the tests exist, CI
//! runs them, and no section is left out.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const TABLE: &str = "tests/PROMISES.md";

const DOCUMENTS: [&str; 7] =
    ["README.md", "docs/ci.md", "docs/exec.md", "docs/gateway.md", "docs/scale.md", "docs/security.md", "docs/usage.md"];

const WITHOUT_PROMISES: &str = "Sections that promise nothing";

/// Begins the reason why no test, or not every test, is named.
const REASONS: [&str; 2] = ["Not tested", "Not in CI"];

/// Scripts that another script runs, with that one.
const PARTS: [(&str, &str); 2] = [("tests/native/download.test.js", "tests/native/test"), ("tests/native/act", "tests/native/test")];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A text without the targets of links, and without the difference between a blank and a new line.
fn words(text: &str) -> String {
    let text = text.replace('[', "");
    let after_target = |part: &str| part.split_once(')').map_or_else(|| part.to_owned(), |(_, rest)| rest.to_owned());
    let mut parts = text.split("](");
    let plain: String = parts.next().map(str::to_owned).into_iter().chain(parts.map(after_target)).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text under each heading, up to the next one.
fn sections(text: &str) -> Vec<(String, String)> {
    let (mut sections, mut fenced): (Vec<(String, String)>, bool) = (Vec::new(), false);
    for line in text.lines() {
        let title = line.trim_start_matches('#');
        if !fenced && title.len() < line.len() && title.starts_with(' ') {
            sections.push((title.trim().to_owned(), String::new()));
        } else if let Some((_, body)) = sections.last_mut() {
            body.push_str(line);
            body.push('\n');
        }
        fenced ^= line.trim_start().starts_with("```");
    }
    sections
}

/// A row of the table.
struct Row {
    document: String,
    section: String,
    sentence: String,
    proof: String,
}

struct Table {
    rows: Vec<Row>,
    /// The sections that promise nothing, with the reason.
    rest: Vec<(String, String, String)>,
}

impl Table {
    fn read() -> Self {
        let (mut document, mut table) = (String::new(), Self { rows: Vec::new(), rest: Vec::new() });
        for (title, body) in sections(&read(TABLE)) {
            if DOCUMENTS.contains(&title.as_str()) && !body.contains('|') {
                document = title;
                continue;
            }
            for line in body.lines() {
                if let Some((section, reason)) = line.strip_prefix("- ").and_then(|line| line.split_once(": ")) {
                    assert_eq!(title, WITHOUT_PROMISES, "{line}");
                    table.rest.push((document.clone(), section.to_owned(), reason.to_owned()));
                } else if let Some(cells) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) {
                    let (sentence, proof) = cells.split_once(" | ").unwrap_or_else(|| panic!("{line}"));
                    let row =
                        Row { document: document.clone(), section: title.clone(), sentence: words(sentence), proof: proof.to_owned() };
                    table.rows.extend((sentence != "promise").then_some(row));
                }
            }
        }
        assert!(table.rows.len() > 200, "the table is read: {}", table.rows.len());
        table
    }
}

/// The tests of a row, as files with names in them, and the reason why there is none or not all.
fn proofs(row: &Row) -> (Vec<(String, Vec<String>)>, Option<&str>) {
    let reason = REASONS.iter().find_map(|word| row.proof.find(word)).map(|start| row.proof.split_at(start));
    let (tests, reason) = reason.map_or((row.proof.as_str(), None), |(tests, reason)| (tests, Some(reason)));
    let mut files: Vec<(String, Vec<String>)> = Vec::new();
    for (number, part) in tests.split('`').enumerate() {
        if number % 2 == 0 {
            assert!(part.chars().all(|c| " ,;:.".contains(c)), "{}: what is {part:?} in {:?}?", row.section, row.proof);
        } else if part.contains('/') {
            files.push((part.to_owned(), Vec::new()));
        } else {
            files.last_mut().unwrap_or_else(|| panic!("{}: no file in {:?}", row.section, row.proof)).1.push(part.to_owned());
        }
    }
    (files, reason)
}

/// The names of the tests in a Rust file that `cargo test` runs.
fn rust_tests(text: &str) -> BTreeSet<&str> {
    let (mut found, mut is_test) = (BTreeSet::new(), false);
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if line.starts_with("#[ignore") {
            is_test = false;
        } else if let Some(rest) = line.strip_prefix("fn ").or_else(|| line.strip_prefix("async fn ")) {
            found.extend(is_test.then(|| rest.split('(').next().unwrap_or_default()));
            is_test = false;
        }
    }
    found
}

/// Whether a script or workflow has a test, a check or a step of this name.
fn has(text: &str, name: &str) -> bool {
    let forms = [format!("def {name}("), format!("\"{name}\""), format!("'{name}'")];
    let is_step = |line: &str| ["- run: ", "- name: ", "name: "].iter().any(|key| line.trim_start().strip_prefix(key) == Some(name));
    forms.iter().any(|form| text.contains(form)) || text.lines().any(is_step)
}

#[test]
fn every_sentence_still_stands_in_its_section() {
    let mut seen = BTreeSet::new();
    let documents: BTreeMap<_, BTreeMap<_, _>> = DOCUMENTS
        .iter()
        .map(|path| (*path, sections(&read(path)).into_iter().map(|(title, body)| (title, words(&body))).collect()))
        .collect();
    for row in Table::read().rows {
        let Row { document, section, sentence, .. } = &row;
        let body = documents[document.as_str()].get(section).unwrap_or_else(|| panic!("{document} has no section {section:?}"));
        assert!(
            body.contains(sentence.as_str()),
            "{document}, {section:?}, no longer says {sentence:?}: correct {TABLE}, and look whether its tests still prove it"
        );
        assert_eq!(
            body.matches(sentence.as_str()).count(),
            1,
            "{document}, {section:?} says {sentence:?} more than once: quote more of it"
        );
        assert!(seen.insert((document.clone(), section.clone(), sentence.clone())), "{sentence:?} is in the table twice");
    }
}

#[test]
fn every_test_exists() {
    for row in Table::read().rows {
        let (files, reason) = proofs(&row);
        assert!(!files.is_empty() || reason.is_some(), "{}: {:?} has no test", row.section, row.sentence);
        assert!(reason.is_none_or(|reason| reason.len() > 30), "{}: {:?} needs a reason", row.section, row.sentence);
        for (file, names) in files {
            let text = read(&file);
            let is_rust = Path::new(&file).extension().is_some_and(|extension| extension == "rs");
            assert!(!is_rust || !names.is_empty(), "{file}: which test proves {:?}?", row.sentence);
            let tests = rust_tests(&text);
            for name in names {
                let exists = if is_rust { tests.contains(name.as_str()) } else { has(&text, &name) };
                assert!(exists, "{file} has no {name:?}, which {TABLE} names for {:?}", row.sentence);
            }
        }
    }
}

#[test]
fn ci_runs_every_script() {
    let workflows = read(".github/workflows/ci.yml") + &read(".github/workflows/agents.yml");
    let is_run = |file: &str| workflows.lines().any(|line| line.split_whitespace().any(|word| word == file));
    for row in Table::read().rows {
        for (file, _) in proofs(&row).0 {
            let by_cargo = Path::new(&file).extension().is_some_and(|extension| extension == "rs");
            let runner = PARTS.iter().find(|(part, _)| *part == file).map_or(file.as_str(), |(_, whole)| whole);
            assert!(by_cargo || file.starts_with(".github/workflows/") || is_run(runner), "no workflow runs {file}");
        }
    }
}

#[test]
fn every_section_is_there() {
    let table = Table::read();
    for document in DOCUMENTS {
        let titles: Vec<_> = sections(&read(document)).into_iter().map(|(title, _)| title).collect();
        let promising: BTreeSet<_> = table.rows.iter().filter(|row| row.document == document).map(|row| &row.section).collect();
        let rest: BTreeSet<_> = table.rest.iter().filter(|(of, _, _)| of == document).map(|(_, section, _)| section).collect();
        for title in &titles {
            let hint = format!("{document}, {title:?}: name its promises in {TABLE}, or list it under {WITHOUT_PROMISES:?}");
            assert!(promising.contains(title) != rest.contains(title), "{hint}");
        }
        assert!(rest.iter().all(|section| titles.contains(section)), "{document} has not all of {rest:?}");
        assert_eq!(titles.iter().collect::<BTreeSet<_>>().len(), titles.len(), "{document} has two sections of one name");
    }
}
