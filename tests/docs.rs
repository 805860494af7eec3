//! Promise: the documents say what the action does: its inputs, outputs, errors and texts; and every link leads somewhere.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` writes the tables in the README that are made from `action.yml`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use common::Step;
use port_mcp_auth::testing::inputs::{Given, Inputs};
use port_mcp_auth::testing::redact::Redactor;
use port_mcp_auth::testing::report::{Code, Failure};
use port_mcp_auth::{Environment, RawInputs, Signal};
use port_sandbox::{Fault, Route, Sandbox};
use serde_json::{Map, Value, json};
use strum::VariantArray;

/// A README that is longer than this is no longer read.
const LONGEST_README: usize = 200;

/// The Marketplace's limit is 125 characters.
const LONGEST_DESCRIPTION: usize = 124;

const UPDATE: &str = "UPDATE_DOCS=1 cargo test --test docs";

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

fn action() -> Value {
    serde_saphyr::from_str(&read(at("action.yml"))).expect("action.yml is YAML")
}

fn declared(action: &Value, kind: &str) -> Map<String, Value> {
    action[kind].as_object().unwrap_or_else(|| panic!("action.yml has {kind}")).clone()
}

fn codes() -> Vec<&'static str> {
    Code::VARIANTS.iter().map(|code| code.as_str()).collect()
}

/// The lines of a Markdown file that are not inside of a fenced block, with a mark on each that is.
fn lines(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut fenced = false;
    text.lines().map(move |line| {
        let fence = line.trim_start().starts_with("```");
        let inside = fenced || fence;
        fenced ^= fence;
        (inside, line)
    })
}

fn headings(text: &str) -> impl Iterator<Item = &str> {
    lines(text).filter(|(fenced, _)| !fenced).filter_map(|(_, line)| {
        let title = line.trim_start_matches('#');
        (title.len() < line.len() && title.starts_with(' ')).then(|| title.trim())
    })
}

/// What GitHub makes of a heading. The second one of a name gets a number.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let anchor = |title: &str| {
        let kept = title.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-");
        let count = seen.entry(kept.clone()).or_default();
        *count += 1;
        if *count == 1 { kept } else { format!("{kept}-{}", *count - 1) }
    };
    let named = text.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned);
    headings(text).map(anchor).chain(named).collect()
}

/// The targets of links and pictures, in text and in HTML, code left out.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (fenced, line) in lines(text) {
        if fenced {
            continue;
        }
        let words: String = line.split('`').step_by(2).collect();
        let definition = words.starts_with('[').then(|| words.split_once("]: ")).flatten().map(|(_, target)| target);
        let inline = words.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        let html = ["href=\"", "src=\""].into_iter().flat_map(|name| words.split(name).skip(1)).filter_map(|rest| rest.split('"').next());
        found.extend(definition.into_iter().chain(inline).chain(html).map(str::to_owned));
    }
    found
}

/// The project's own documents.
fn documents() -> Vec<PathBuf> {
    let in_dir = |dir: PathBuf| fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        in_dir(at("")).chain(in_dir(at("docs"))).filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    found.sort();
    found
}

/// The part between two marks, without them.
fn between<'a>(text: &'a str, name: &str) -> &'a str {
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let (_, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("README has no {begin}"));
    rest.split_once(&end).unwrap_or_else(|| panic!("README has no {end}")).0
}

fn cell(entry: &Value, key: &str) -> String {
    let text = match &entry[key] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    text.trim().replace('|', "\\|").replace('\n', " ")
}

fn inputs_table() -> String {
    let mut table = "| input | default | meaning |\n|---|---|---|\n".to_owned();
    for (name, entry) in declared(&action(), "inputs") {
        let default = match (entry["required"].as_bool(), cell(&entry, "default")) {
            (Some(true), _) => "**required**".to_owned(),
            (_, default) if default.is_empty() => String::new(),
            (_, default) => format!("`{default}`"),
        };
        table += &format!("| `{name}` | {default} | {} |\n", cell(&entry, "description"));
    }
    table
}

fn outputs_table() -> String {
    let mut table = "| output | value |\n|---|---|\n".to_owned();
    for (name, entry) in declared(&action(), "outputs") {
        table += &format!("| `{name}` | {} |\n", cell(&entry, "description"));
    }
    table
}

#[test]
fn the_readme_has_the_inputs_and_outputs_of_action_yml() {
    let text = read(at("README.md"));
    let tables = [("inputs", inputs_table()), ("outputs", outputs_table())];
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let updated = tables.iter().fold(text, |text, (name, table)| {
            let begin = format!("<!-- {name}:begin -->\n");
            text.replace(&format!("{begin}{}<!-- {name}:end -->", between(&text, name)), &format!("{begin}{table}<!-- {name}:end -->"))
        });
        fs::write(at("README.md"), updated).unwrap();
        return;
    }
    for (name, table) in &tables {
        let (written, wanted): (Vec<_>, Vec<_>) = (between(&text, name).lines().collect(), table.lines().collect());
        let missing: Vec<_> = wanted.iter().filter(|row| !written.contains(row)).copied().collect();
        let stale: Vec<_> = written.iter().filter(|row| !wanted.contains(row)).copied().collect();
        assert!(
            written == wanted,
            "the README's table of {name} is not that of action.yml; write it with: {UPDATE}\nmissing:\n{}\nno longer true:\n{}",
            missing.join("\n"),
            stale.join("\n")
        );
    }
}

#[test]
fn everything_in_action_yml_is_described() {
    let action = action();
    let description = action["description"].as_str().unwrap();
    assert!((1..=LONGEST_DESCRIPTION).contains(&description.chars().count()), "the Marketplace cuts the description: {description}");
    for kind in ["inputs", "outputs"] {
        for (name, entry) in declared(&action, kind) {
            assert!(!cell(&entry, "description").is_empty(), "{kind}.{name} has no description");
        }
    }
}

#[test]
fn the_binary_reads_the_inputs_that_action_yml_declares() {
    let declared: BTreeSet<_> = declared(&action(), "inputs").into_iter().map(|(name, _)| name).collect();
    let read: BTreeSet<_> = Given::names().iter().map(ToString::to_string).collect();
    assert_eq!(read, declared, "left: Given in src/inputs/given.rs; right: action.yml");
}

#[test]
fn an_input_that_is_not_given_has_the_default_of_action_yml() {
    let parsed = |inputs: &BTreeMap<String, String>| {
        let variable = |name: &str| inputs.get(&name.strip_prefix("INPUT_")?.to_ascii_lowercase()).map(Into::into);
        let inputs = Inputs::parse(RawInputs::read(variable).unwrap(), &Environment::default(), &Redactor::default());
        format!("{:#?}", inputs.unwrap())
    };
    let required = ["client_id", "client_secret"].map(|name| (name.to_owned(), "credential".to_owned()));
    let bare = BTreeMap::from(required);
    let expected = parsed(&bare);
    let defaults = declared(&action(), "inputs").into_iter().filter(|(_, entry)| !cell(entry, "default").is_empty());
    let defaults: Vec<_> = defaults.map(|(name, entry)| (name, cell(&entry, "default"))).collect();
    assert!(!defaults.is_empty());
    for (name, default) in defaults {
        let mut given = bare.clone();
        given.insert(name.clone(), default);
        assert_eq!(parsed(&given), expected, "left: with the default of `{name}` in action.yml; right: without");
    }
}

#[test]
fn every_output_that_is_written_is_declared() {
    let declared: BTreeSet<_> = declared(&action(), "outputs").into_iter().map(|(name, _)| name).collect();
    let written = Step::against(&Sandbox::default()).run().succeeded().outputs();
    let undeclared: Vec<_> = written.keys().filter(|name| !declared.contains(*name)).collect();
    assert!(undeclared.is_empty(), "action.yml doesn't declare {undeclared:?}");
    assert!(declared.contains("error_code"), "action.yml doesn't declare error_code");
}

#[test]
fn every_error_code_is_in_the_table_of_errors_and_has_a_heading_of_its_own() {
    let troubleshooting = read(at("docs/troubleshooting.md"));
    let rows = troubleshooting.lines().filter_map(|line| line.strip_prefix("| [`")?.split_once("`](#"));
    let rows: Vec<_> = rows
        .map(|(code, rest)| {
            assert_eq!(rest.split(')').next(), Some(code), "docs/troubleshooting.md links {code} to another code's heading");
            code
        })
        .collect();
    assert_eq!(rows, codes(), "left: the table in docs/troubleshooting.md; right: the codes of src/report/code.rs, in their order");

    let is_code = |title: &&str| title.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let sections: Vec<_> = headings(&troubleshooting).filter(is_code).collect();
    assert_eq!(sections, codes(), "left: the headings of docs/troubleshooting.md; right: the codes of src/report/code.rs, in their order");
}

#[test]
fn every_error_links_to_its_heading() {
    for code in Code::VARIANTS {
        let url = code.help_url();
        let (file, anchor) = url.split_once('#').unwrap();
        let (_, path) = file.split_once("/blob/v1/").unwrap();
        assert!(anchors(&read(at(path))).contains(anchor), "{url} leads nowhere");
    }
}

/// A line as it is in the snapshots, where addresses and trace ids are the same on every machine.
fn stable(line: &str) -> String {
    let mut line = line
        .replace("https://api.port.io/v1", "http://127.0.0.1:PORT/v1")
        .replace("https://mcp.port.io/v1", "http://127.0.0.1:PORT/mcp/v1")
        .replace("`api.port.io`", "`127.0.0.1:PORT`")
        .replace("`mcp.port.io`", "`127.0.0.1:PORT`");
    if let Some((before, rest)) = line.split_once("trace id `")
        && let Some((_, after)) = rest.split_once('`')
    {
        line = format!("{before}trace id `TRACE`{after}");
    }
    line
}

/// The first line of every annotation that the tests have seen, and of some that they see in other words.
fn printed() -> BTreeSet<String> {
    let snapshots = fs::read_dir(at("tests/snapshots")).unwrap().map(|entry| read(entry.unwrap().path()));
    let mut printed: BTreeSet<_> = snapshots
        .flat_map(|text| text.lines().filter(|line| line.starts_with("Error: [")).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let fault = |fault| {
        let sandbox = Sandbox::default();
        sandbox.set_fault_forever(Route::AccessToken, fault);
        Step::exchange_only(&sandbox).run()
    };
    let offering = Sandbox::default();
    let refusal = json!({"ok": false, "error": "invalid_request", "message": "The json provided does not match the route's schema"});
    let runs = [
        fault(Fault::answer(422, refusal.to_string())),
        fault(Fault::Redirect { status: 307, location: "https://login.example.com/".to_owned() }),
        Step::against(&offering).input("allowed_tools", "get_entities").run(),
        Step::bare().without("GITHUB_OUTPUT").run(),
    ];
    for run in runs {
        let shown = run.log.shown();
        let line = shown.lines().find(|line| line.starts_with("Error: [")).expect("a failure");
        let port = line.split_once("127.0.0.1:").map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
        printed.insert(stable(&port.map_or(line.to_owned(), |port| line.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:PORT"))));
    }
    let internal = Failure::Internal(anyhow::anyhow!("The system gives no event loop: Too many open files (os error 24)"));
    let internal = internal.explain(&Redactor::default());
    printed.insert(format!("Error: [{} ({})] {}", internal.title, internal.code.as_str(), internal.what));
    let cancelled = Failure::Cancelled(Signal::Interrupt).explain(&Redactor::default());
    printed.insert(format!("Error: [{} ({})] {}", cancelled.title, cancelled.code.as_str(), cancelled.what));
    printed
}

#[test]
fn the_errors_in_the_documents_are_printed_like_that() {
    let printed = printed();
    let text = read(at("docs/troubleshooting.md"));
    let mut quoted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut section = "";
    for (fenced, line) in lines(&text) {
        if let Some(title) = line.strip_prefix("## ").filter(|_| !fenced) {
            section = title;
        } else if fenced && line.starts_with("Error: [") {
            quoted.entry(section).or_default().push(line);
        }
    }
    for code in codes() {
        let lines = quoted.get(code).unwrap_or_else(|| panic!("docs/troubleshooting.md shows no annotation under {code}"));
        for line in lines {
            let closest = || {
                let of_code: Vec<_> = printed.iter().filter(|known| known.contains(&format!("({code})]"))).cloned().collect();
                of_code.join("\n")
            };
            assert!(line.contains(&format!(" ({code})] ")), "the annotation under {code} is another one's: {line}");
            assert!(printed.contains(&stable(line)), "no run prints, as docs/troubleshooting.md says,\n{line}\nbut:\n{}", closest());
        }
    }
}

#[test]
fn every_warning_has_a_heading() {
    let text = read(at("docs/troubleshooting.md"));
    let known: BTreeSet<_> = headings(&text).collect();
    let snapshots = fs::read_dir(at("tests/snapshots")).unwrap().map(|entry| read(entry.unwrap().path()));
    let titles: BTreeSet<_> = snapshots
        .flat_map(|text| {
            let titles = text.lines().filter_map(|line| Some(line.strip_prefix("Warning: [")?.split_once(']')?.0.to_owned()));
            titles.collect::<Vec<_>>()
        })
        .collect();
    for title in titles {
        assert!(known.contains(title.as_str()), "docs/troubleshooting.md has no heading for the warning {title:?}");
    }
}

#[test]
fn every_link_leads_somewhere() {
    for document in documents() {
        let text = read(&document);
        for target in targets(&text).into_iter().filter(|target| !target.contains("://") && !target.starts_with("mailto:")) {
            let (path, anchor) = target.split_once('#').map_or((target.as_str(), None), |(path, anchor)| (path, Some(anchor)));
            let file = if path.is_empty() { document.clone() } else { document.parent().unwrap().join(path) };
            assert!(file.exists(), "{}: {target} is not there", document.display());
            if let Some(anchor) = anchor.filter(|_| file.extension().is_some_and(|end| end == "md")) {
                assert!(anchors(&read(&file)).contains(anchor), "{}: {target} has no such heading", document.display());
            }
        }
    }
}

#[test]
fn every_picture_is_one_and_says_what_it_shows() {
    let mut pictures = 0;
    for document in documents() {
        let text = read(&document);
        for (_, line) in lines(&text).filter(|(fenced, _)| !fenced) {
            for rest in line.split("![").skip(1) {
                let (words, target) = rest.split_once("](").unwrap();
                let target = target.split(')').next().unwrap();
                if target.contains("://") {
                    continue; // a badge
                }
                assert!(words.len() > 20, "{}: {target} needs a text for those who can't see it", document.display());
                let bytes = fs::read(document.parent().unwrap().join(target)).unwrap_or_else(|error| panic!("{target}: {error}"));
                let is_drawn = Path::new(target).extension().is_some_and(|extension| extension == "svg");
                let starts = if is_drawn { b"<svg xmlns=".as_slice() } else { b"\x89PNG\r\n\x1a\n" };
                assert!(bytes.starts_with(starts), "{target} is not what its name says");
                assert!(bytes.len() < 512 * 1024, "{target} has {} KiB, which takes long to load", bytes.len() / 1024);
                pictures += 1;
            }
        }
    }
    assert!(pictures > 0, "the README shows a job summary");
}

/// Headings, and the first cells of tables: what a summary is about, whatever the run.
fn labels(summary: &str) -> Vec<String> {
    let label = |line: &str| match line.strip_prefix("| ") {
        Some(row) => row.split(" | ").next().unwrap_or_default().to_owned(),
        None => line.to_owned(),
    };
    summary.lines().map(label).collect()
}

#[test]
fn the_picture_shows_what_a_run_writes_today() {
    let shown = read(at("docs/images/job-summary.md"));
    let written = Step::against(&Sandbox::default()).run().succeeded().summary;
    assert_eq!(labels(&shown), labels(&written), "left: the picture in the README; make it anew with tools/release/summary-picture");
}

#[test]
fn the_readme_is_short() {
    let count = read(at("README.md")).lines().count();
    assert!(count <= LONGEST_README, "{count} lines: move something to docs/");
}

#[test]
fn the_action_without_docker_takes_and_gives_the_same() {
    let shared = |path: &str| {
        let text = read(at(path));
        let after = text.split_once("\ninputs:\n").expect("it has inputs").1;
        after.split_once("\nruns:\n").expect("it has runs").0.to_owned()
    };
    let (here, native) = (shared("action.yml"), shared("native/action.yml"));
    if std::env::var_os("UPDATE_DOCS").is_some() && here != native {
        let text = read(at("native/action.yml"));
        fs::write(at("native/action.yml"), text.replace(&native, &here)).expect("native/action.yml is writable");
        return;
    }
    assert!(here == native, "native/action.yml differs from action.yml; write it with: {UPDATE}");
}
