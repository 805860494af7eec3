//! A command line: what is read is what was written, however it was written, and no error shows a value.
#![no_main]

#[path = "../output.rs"]
mod output;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use output::Output;
use port_mcp_auth::testing::clients::find;
use port_mcp_auth::testing::exec::with_flags;
use port_mcp_auth::testing::inputs::{CommandLine, Request, SETTINGS, UsageError, Verb};
use port_mcp_auth::testing::report::report_usage;
use port_mcp_auth::testing::runner::Console;
use zeroize::Zeroizing;

const SECRET: &str = "s3cr3t-Value-0123456789";
const VERBS: [Verb; 3] = [Verb::Exec, Verb::Token, Verb::Config];
const LISTS: [&str; 2] = ["allowed_tools", "allowed_actions"];

/// What is read as a path if there is such a file.
const PATHS: [&str; 2] = ["base_config", "ca_bundle"];

#[derive(Arbitrary, Debug)]
enum Word<'a> {
    /// A flag that the program has, and its value, in one argument or in two.
    Setting {
        at: u8,
        value: Value<'a>,
        joined: bool,
    },
    Quiet {
        short: bool,
    },
    Debug,
}

#[derive(Arbitrary, Debug)]
enum Value<'a> {
    Secret,
    Bytes(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    verb: u8,
    words: Vec<Word<'a>>,
    /// Any arguments, after those.
    more: Vec<&'a [u8]>,
    /// The secret as the value of a flag that may be none.
    misspelt: Option<&'a str>,
    /// What follows `--`.
    command: Vec<&'a [u8]>,
    client: u8,
}

/// No argument holds a zero.
fn os(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.iter().copied().filter(|byte| *byte != 0).collect())
}

impl Value<'_> {
    fn text(&self) -> OsString {
        match self {
            Self::Secret => SECRET.into(),
            Self::Bytes(bytes) => os(bytes),
        }
    }
}

/// What a command line says, by the rules in the manual.
#[derive(Default)]
struct Said {
    arguments: Vec<OsString>,
    values: BTreeMap<&'static str, OsString>,
    quiet: bool,
    debug: bool,
    /// A value that looks like a flag has to be written in the same argument.
    lacks_value: bool,
}

impl Said {
    fn of(words: &[Word<'_>], verb: Verb) -> Self {
        let settings: Vec<_> = SETTINGS.iter().filter(|setting| setting.verbs.contains(&verb)).collect();
        let mut said = Self::default();
        for word in words {
            match word {
                Word::Quiet { short } => {
                    said.quiet = true;
                    said.arguments.push(if *short { "-q" } else { "--quiet" }.into());
                }
                Word::Debug => {
                    said.debug = true;
                    said.arguments.push("--debug".into());
                }
                Word::Setting { at, value, joined } => {
                    let (setting, value) = (settings[usize::from(*at) % settings.len()], value.text());
                    if *joined {
                        let mut argument = OsString::from(setting.flag() + "=");
                        argument.push(&value);
                        said.arguments.push(argument);
                    } else {
                        said.lacks_value |= value.as_encoded_bytes().starts_with(b"--");
                        said.arguments.extend([setting.flag().into(), value.clone()]);
                    }
                    match said.values.get_mut(setting.input).filter(|_| LISTS.contains(&setting.input)) {
                        Some(list) => {
                            list.push(",");
                            list.push(value);
                        }
                        None => drop(said.values.insert(setting.input, value)),
                    }
                }
            }
        }
        said
    }

    fn check(&self, line: &CommandLine, verb: Verb) {
        assert_eq!((line.quiet, line.debug), (self.quiet, self.debug));
        let elsewhere = |_: &str| Some(OsString::from("from-a-variable"));
        for setting in SETTINGS.iter().filter(|setting| setting.verbs.contains(&verb)) {
            let read = line.input(verb, setting.input, elsewhere);
            match self.values.get(setting.input) {
                None => assert_eq!(read, Some("from-a-variable".into()), "{}", setting.input),
                Some(value) if value.is_empty() && setting.input == "gateway_lifetime" => assert!(read.is_some()),
                Some(value) if value.is_empty() => assert_eq!(read, None, "{}", setting.input),
                Some(value) if PATHS.contains(&setting.input) => {
                    let whole = std::path::absolute(value).ok().map(OsString::from);
                    assert!(read.as_ref() == Some(value) || read == whole, "{}: {read:?}", setting.input);
                }
                Some(value) => assert_eq!(read.as_ref(), Some(value), "{}", setting.input),
            }
        }
        assert_eq!(line.input(verb, "gateway", elsewhere).is_some(), verb == Verb::Exec);
        assert_eq!(line.input(verb, "summary", elsewhere), None);
    }
}

/// Errors name flags, and nothing of the values.
fn check_error(error: &UsageError, verb: Verb) {
    let output = Output::default();
    report_usage(error, Some(verb), &Console::new(output.clone(), true));
    let text = output.text();
    assert!(!text.contains(SECRET) && !format!("{error:?} {error}").contains(SECRET), "{text}");
    assert!(text.starts_with("::error title=") && text.trim_end_matches('\n').lines().count() == 1 && !text.contains("##["), "{text}");
}

fuzz_target!(|input: Input<'_>| {
    let verb = VERBS[usize::from(input.verb) % VERBS.len()];
    let said = Said::of(&input.words, verb);
    let command: Vec<_> = input.command.iter().map(|word| os(word)).collect();

    // A whole command line.
    let tail = if verb == Verb::Exec { [vec!["--".into()], command.clone()].concat() } else { Vec::new() };
    match CommandLine::parse(verb, said.arguments.iter().cloned().chain(tail)) {
        Ok(Request::Run(line)) => {
            assert!(!said.lacks_value);
            assert_eq!(line.command, if verb == Verb::Exec { command.clone() } else { Vec::new() });
            said.check(&line, verb);
        }
        Ok(Request::Help) => unreachable!("nobody asked for help"),
        Err(UsageError::NothingToRun) => assert!(command.is_empty() && verb == Verb::Exec),
        Err(error) => {
            assert!(said.lacks_value, "{error:?}");
            check_error(&error, verb);
        }
    }

    // Anything else after it.
    let misspelt = input.misspelt.filter(|name| !name.contains(['=', '\0']) && !name.contains(SECRET) && !name.is_empty());
    let misspelt = misspelt.map(|name| OsString::from(format!("--{name}={SECRET}")));
    let more = input.more.iter().map(|word| os(word)).filter(|word| !word.to_string_lossy().contains(SECRET));
    let all: Vec<_> = said.arguments.iter().cloned().chain(more).chain(misspelt).collect();
    match CommandLine::parse(verb, all.iter().cloned()) {
        Ok(Request::Run(line)) => assert!(all.ends_with(&line.command)),
        Ok(Request::Help) => {}
        // Only names of flags and single letters come back.
        Err(error) => check_error(&error, verb),
    }

    // The agent's own flags are added in one place, and nothing else of the command changes.
    let names = ["claude-code", "codex", "copilot-cli", "gemini-cli", "generic"];
    let client = find(names[usize::from(input.client) % names.len()]).expect("a known agent");
    let flags = [Zeroizing::new("--added".to_owned()), Zeroizing::new(SECRET.to_owned())];
    let longer = with_flags(&command, client, &flags);
    let at = (0..=command.len()).find(|at| longer[..*at] == command[..*at] && longer[at + 2..] == command[*at..]);
    let at = at.expect("the command is still there");
    assert!(longer[at] == "--added" && longer[at + 1] == SECRET);
    assert!(at > 0 || command.is_empty());
});
