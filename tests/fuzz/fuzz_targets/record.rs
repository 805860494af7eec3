//! What the gateway reads and writes: its settings, and the record, up to the log and the summary at the end of the job.
#![no_main]

#[path = "../output.rs"]
mod output;
#[allow(dead_code, reason = "shared with the tests, of which this needs a part")]
#[path = "../../common/runner.rs"]
mod runner;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use output::Output;
use port_mcp_auth::testing::docker::ContainerEnd;
use port_mcp_auth::testing::gateway::{Line, Settings};
use port_mcp_auth::testing::redact::Secret;
use port_mcp_auth::testing::report::{Calls, GatewayEnd, report_calls, report_calls_of_command};
use port_mcp_auth::testing::runner::{Console, Environment};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use runner::Log;
use serde_json::{Value, json};
use tempfile::TempDir;

const SECRET: &str = "s3cr3t-Value-0123456789";

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

/// A line of the record, or what somebody wrote to its file.
#[derive(Arbitrary, Debug)]
enum Written<'a> {
    Call { id: u8, tool: Text<'a> },
    Answer { id: u8, outcome: u8, ms: f64 },
    Refused { tool: Option<Text<'a>>, method: Option<Text<'a>>, message: Option<Text<'a>>, reason: Option<Text<'a>> },
    End { reason: Text<'a> },
    Any(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
enum Text<'a> {
    Any(&'a str),
    Secret(&'a str),
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    record: Vec<Written<'a>>,
    end: (bool, i16, bool),
    /// Settings in which one value is another.
    setting: (u8, &'a str),
    /// No settings at all.
    line: &'a [u8],
}

impl Text<'_> {
    fn text(&self) -> String {
        match self {
            Self::Any(text) => (*text).to_owned(),
            Self::Secret(text) => format!("{text}{SECRET}"),
        }
    }
}

impl Written<'_> {
    fn line(&self) -> String {
        let text = |text: &Option<Text<'_>>| text.as_ref().map(Text::text);
        let outcome = |at: u8| ["ok", "error", "failed", "left"][usize::from(at % 4)];
        match self {
            Self::Call { id, tool } => json!({ "event": "call", "id": id, "tool": tool.text() }).to_string(),
            Self::Answer { id, outcome: at, ms } => json!({ "event": "answer", "id": id, "outcome": outcome(*at), "ms": ms }).to_string(),
            Self::Refused { tool, method, message, reason } => json!({
                "event": "refused", "tool": text(tool), "method": text(method), "message": text(message), "reason": text(reason),
            })
            .to_string(),
            Self::End { reason } => json!({ "event": "end", "reason": reason.text() }).to_string(),
            Self::Any(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

fn added_up(lines: &[String]) -> Calls {
    let mut calls = Calls::default();
    lines.iter().for_each(|line| calls.read(line));
    calls
}

fn console() -> (Console, Output) {
    let output = Output::default();
    let console = Console::new(output.clone(), false);
    console.mask(&Secret::new(SECRET), []).expect("an output");
    (console, output)
}

fn check_log(text: &str) {
    let log = Log::read(text);
    let commands: Vec<_> = log.commands().filter(|command| command.name != "add-mask").collect();
    assert!(commands.len() <= 1, "{text}");
    assert!(commands.iter().all(|command| command.name == "warning" && command.title == "The gateway ended early"), "{text}");
    assert!(!text.lines().filter(|line| !line.starts_with("::add-mask::")).any(|line| line.contains(SECRET)), "{text}");
}

/// The summary as GitHub reads it: a heading, two tables at most, and text.
fn check_summary(text: &str, lines: &[String]) {
    assert!(!text.contains(SECRET), "{text}");
    let (mut tables, mut rows, mut headings) = (0, 0, 0);
    for event in Parser::new_ext(
        text,
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES | Options::ENABLE_TASKLISTS,
    ) {
        match event {
            Event::Start(Tag::Table(columns)) => {
                tables += 1;
                assert!([3, 5].contains(&columns.len()), "{text}");
            }
            Event::Start(Tag::TableRow) => rows += 1,
            Event::Start(Tag::Heading { .. }) => headings += 1,
            Event::Start(Tag::Paragraph | Tag::TableHead | Tag::TableCell) | Event::Text(_) | Event::Code(_) => {}
            Event::End(
                TagEnd::Table | TagEnd::TableRow | TagEnd::TableHead | TagEnd::TableCell | TagEnd::Paragraph | TagEnd::Heading(_),
            ) => {}
            other => panic!("{other:?} in {text}"),
        }
    }
    assert!(headings == 1 && tables <= 2 && rows <= 2 * lines.len(), "{text}");
    // A cell that is missing is filled up, and one too many is left out, without a word.
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let separators = line.match_indices('|').filter(|(at, _)| !line[..*at].ends_with('\\')).count();
        assert!(separators == 4 || separators == 6, "{line}");
    }
}

fn settings() -> Value {
    json!({
        "client_id": "id", "client_secret": SECRET,
        "token_endpoint": { "kind": "api", "url": "https://api.port.io/v1/auth/access_token" },
        "token": { "token": SECRET, "seconds_left": 60 },
        "mcp_url": "https://mcp.port.io/v1", "headers": [["x-read-only-mode", "1"]],
        "rules": { "tools": [{ "name": "run_action", "kind": "execute" }], "actions": ["restart"], "read_only": true },
        "key": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG", "listen": "127.0.0.1:0", "hosts": ["127.0.0.1"], "lifetime": 60,
        "extra_roots": ["AQID"], "proxies": { "https": { "variable": "HTTPS_PROXY", "url": "http://u:p@proxy:1" } },
    })
}

const PLACES: [&str; 20] = [
    "/client_id",
    "/client_secret",
    "/token_endpoint/kind",
    "/token_endpoint/url",
    "/token",
    "/token/seconds_left",
    "/mcp_url",
    "/headers",
    "/rules",
    "/rules/tools",
    "/rules/tools/0/name",
    "/rules/tools/0/kind",
    "/rules/actions",
    "/key",
    "/listen",
    "/hosts",
    "/lifetime",
    "/extra_roots",
    "/proxies",
    "/proxies/https/url",
];

/// What is taken is in the form that the gateway relies on, and can be handed on; what is not taken isn't quoted.
fn check_settings(line: &[u8]) {
    let read = match Settings::from_line(line) {
        Ok(read) => read,
        Err(problem) => {
            assert!(problem.to_string().bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
            assert!(!format!("{problem} {problem:?}").contains(SECRET));
            return;
        }
    };
    let key = read.key.reveal();
    assert!(key.len() >= 22 && key.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'\\,;".contains(&byte)));
    for url in [read.mcp_url().expect("a URL"), read.endpoint().expect("an endpoint").url] {
        let host = url.host_str().expect("a host");
        let is_local = host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || host.starts_with("127.");
        assert!(url.scheme() == "https" || is_local, "{url}");
        assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none(), "{url}");
    }
    assert!((1..=30 * 24 * 60 * 60).contains(&read.lifetime) && !read.hosts.is_empty());
    let text = format!("{read:?}");
    assert!(!text.contains(SECRET) || public(&read).contains(SECRET), "{text}");
    let again = read.to_line().expect("a line");
    assert_eq!(again.iter().filter(|byte| **byte == b'\n').count(), 1);
    let twice = Settings::from_line(&again).expect("what was written is read");
    assert_eq!(*twice.to_line().expect("a line"), *again);
}

/// What of the settings is no secret.
fn public(settings: &Settings) -> String {
    let Settings { client_id, token_endpoint, mcp_url, headers, rules, hosts, proxies, .. } = settings;
    format!("{client_id} {token_endpoint:?} {mcp_url} {headers:?} {rules:?} {hosts:?} {proxies:?}")
}

fuzz_target!(|input: Input<'_>| {
    let lines: Vec<_> = input.record.iter().map(Written::line).collect();
    let summary = Path::join(FOLDER.path(), "summary");
    fs::write(&summary, "").expect("a file");
    let environment = Environment { summary: Some(summary.clone()), ..Environment::default() };
    let (running, exit_code, out_of_memory) = input.end;
    let end = GatewayEnd::Container(ContainerEnd { running, exit_code: exit_code.into(), out_of_memory });
    let (for_step, log) = console();
    report_calls(added_up(&lines), &end, true, &environment, &for_step);
    check_log(&log.text());
    check_summary(&fs::read_to_string(&summary).expect("a summary"), &lines);
    let (for_command, log) = console();
    report_calls_of_command(added_up(&lines), &for_command);
    check_log(&log.text());
    for line in lines.iter().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
        let text = serde_json::to_string(&line).expect("a line");
        assert!(!text.contains('\n') && serde_json::from_str::<Line>(&text).is_ok_and(|read| read == line), "{text}");
    }

    check_settings(input.line);
    let (place, value) = input.setting;
    let mut changed = settings();
    if let (Ok(value), Some(old)) = (serde_json::from_str(value), changed.pointer_mut(PLACES[usize::from(place) % PLACES.len()])) {
        *old = value;
    }
    check_settings(changed.to_string().as_bytes());
});
