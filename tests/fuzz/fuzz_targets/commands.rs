//! What is printed, read back by the runner's rules: each call is one line, and only the command that it should be.
#![no_main]

#[path = "../output.rs"]
mod output;
#[allow(dead_code, reason = "shared with the tests, of which this needs a part")]
#[path = "../../common/runner.rs"]
mod runner;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use output::Output;
use port_mcp_auth::testing::redact::Secret;
use port_mcp_auth::testing::runner::Console;
use runner::{Line, Log};

#[derive(Arbitrary, Debug)]
enum Call<'a> {
    Info(&'a str),
    Warning(&'a str, &'a str),
    Error(&'a str, &'a str),
    Quoted(&'a str),
    Mask(&'a str),
}

fuzz_target!(|calls: Vec<Call<'_>>| {
    let mut expected = Vec::new();
    let mut masks = Vec::new();
    let output = Output::default();
    let console = Console::new(output.clone(), false);
    for call in &calls {
        match call {
            Call::Info(text) => {
                console.info(text);
                expected.push(None);
            }
            Call::Warning(title, text) => {
                console.warning(title, text);
                expected.push(Some(("warning", *title, *text)));
            }
            Call::Error(title, text) => {
                console.error(title, text);
                expected.push(Some(("error", *title, *text)));
            }
            Call::Quoted(text) => {
                console.info(&format!("said {}", console.quote(text)));
                expected.push(None);
            }
            // The runner reads the new form of a command first, this reader the old one: a mask may hold that.
            Call::Mask(text) if text.contains("##[") => {}
            Call::Mask(text) => {
                console.mask(&Secret::new(text), []).unwrap();
                masks.extend(text.lines().filter(|line| line.len() >= 4).map(str::to_owned));
            }
        }
    }
    let text = output.text();
    let log = Log::read(&text);
    let (masking, other): (Vec<_>, Vec<_>) =
        log.lines.iter().partition(|line| matches!(line, Line::Command(command) if command.name == "add-mask"));
    assert_eq!(other.len(), expected.len(), "{text:?}");
    assert!(masking.len() >= masks.len());
    for (line, expected) in other.iter().zip(&expected) {
        match (line, expected) {
            (Line::Plain(_), None) => {}
            (Line::Command(command), Some((name, title, body))) => {
                assert_eq!(command.name, *name);
                assert_eq!(command.text, body.replace("##[", "## ["));
                // The runner cuts the blanks off a property.
                assert_eq!(command.title.trim(), title.replace("##[", "## [").trim(), "{text:?}");
            }
            _ => panic!("{line:?} is not {expected:?}"),
        }
    }
});
