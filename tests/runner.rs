//! Promise: a step has all of its outputs or none, whatever state the runner's files are in.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use common::{Outcome, Step};
use port_sandbox::{Fault, Route, Sandbox};

/// Runs a step whose output file can't be used, and asserts that no token was fetched in vain.
fn fails_before_sending(prepare: impl FnOnce(Step) -> Step) {
    let sandbox = Sandbox::default();
    let outcome = prepare(Step::against(&sandbox)).run();
    assert_eq!(outcome.exit_code, Some(1));
    let errors: Vec<_> = outcome.log.errors().collect();
    assert_eq!(errors.len(), 1, "{}", outcome.stdout);
    assert!(errors.first().unwrap().title.ends_with("(runner)"), "{}", outcome.stdout);
    assert!(outcome.summary.contains("runner"), "{}", outcome.summary);
    assert!(sandbox.requests().is_empty());
}

#[test]
fn no_output_file_is_an_error() {
    fails_before_sending(|step| step.without("GITHUB_OUTPUT"));
    fails_before_sending(|step| step.env("GITHUB_OUTPUT", " "));
    fails_before_sending(|step| {
        let missing = step.path("missing/output");
        step.env("GITHUB_OUTPUT", missing)
    });
    fails_before_sending(|step| {
        let directory = step.path("workspace");
        step.env("GITHUB_OUTPUT", directory)
    });
}

/// Root is mapped to nobody that may write the file, as by an engine with user namespaces.
#[test]
fn a_file_that_the_containers_root_may_not_write_points_to_the_engine() {
    let step = Step::exchange_only(&Sandbox::default());
    std::fs::set_permissions(step.path("output"), Permissions::from_mode(0o400)).unwrap();
    let is_root = std::os::unix::fs::chown(step.path("output"), Some(12345), None).is_ok();
    let mut command = Command::new(if is_root { "/usr/bin/unshare" } else { "/usr/bin/env" });
    if is_root {
        command.arg("--user");
    }
    command.arg(env!("CARGO_BIN_EXE_port-mcp-auth"));
    let stdout = step.run_through(command).stdout;
    assert!(stdout.contains("Permission denied") && stdout.contains("user namespaces") && !stdout.contains("disk"), "{stdout}");
}

#[test]
fn a_full_disk_leaves_no_output() {
    let sandbox = Sandbox::default();
    let step = Step::exchange_only(&sandbox).env("GITHUB_OUTPUT", "/dev/full");
    let outcome = step.run();
    assert_eq!(outcome.exit_code, Some(1));
    let text = &outcome.log.errors().next().unwrap().text;
    assert!(text.contains("No space left") && text.contains("Why: There is no room left on the runner's disk"), "{text}");
}

#[test]
fn a_disk_that_fills_up_half_way_leaves_no_output() {
    let sandbox = Sandbox::default();
    let step = Step::exchange_only(&sandbox);
    std::fs::write(step.path("output"), "earlier=kept\n").unwrap();
    // A limit on the size of files is the full disk that every machine has. Its signal is ignored, as on a real one.
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\""]).arg(env!("CARGO_BIN_EXE_port-mcp-auth"));
    let plain = step.command();
    limited.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(step.dir.path());
    // 512 bytes: the file is full when the outputs are half written.
    std::fs::write(step.path("output"), format!("earlier={}\n", "x".repeat(400))).unwrap();
    let output = limited.output().unwrap();
    let log = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("(runner)"), "{log}");
    let left = std::fs::read_to_string(step.path("output")).unwrap();
    assert!(!left.contains("access_token"), "{left}");
    assert!(left.starts_with("earlier="), "{left}");
}

#[test]
fn a_summary_that_cannot_be_written_is_only_a_warning() {
    let sandbox = Sandbox::default();
    let step = Step::exchange_only(&sandbox);
    let directory = step.path("workspace");
    let outcome = step.env("GITHUB_STEP_SUMMARY", directory).run().succeeded();
    assert!(outcome.log.warnings().next().unwrap().text.contains("can't be written"));
    assert!(outcome.outputs().contains_key("access_token"));
}

#[test]
fn a_runner_without_summaries_is_fine() {
    let sandbox = Sandbox::default();
    let outcome = Step::exchange_only(&sandbox).without("GITHUB_STEP_SUMMARY").run().succeeded();
    assert_eq!(outcome.log.warnings().count(), 0);
}

/// A heading needs a blank line before it. Other commands of the step before may have left their last line open.
#[test]
fn the_summary_is_appended_to() {
    let sandbox = Sandbox::default();
    for (before, between) in [("", ""), ("\n", ""), ("\n\n", ""), ("<b>a</b>\n\n", ""), ("a\n", "\n"), ("a", "\n\n"), ("ab", "\n\n")] {
        let step = Step::exchange_only(&sandbox);
        std::fs::write(step.path("summary.md"), before).unwrap();
        let summary = step.run().succeeded().summary;
        assert!(summary.starts_with(&format!("{before}{between}###")), "{before:?}: {summary}");
    }
}

#[test]
fn a_log_that_nobody_reads_ends_the_step_before_the_secret_is_used() {
    let sandbox = Sandbox::default();
    let step = Step::exchange_only(&sandbox);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = step.command().stdout(full).status().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(sandbox.requests().is_empty());
    assert_eq!(std::fs::read_to_string(step.path("output")).unwrap().lines().next().unwrap().split("<<").next(), Some("error_code"));
}

#[test]
fn the_files_keep_their_owner_and_mode() {
    let sandbox = Sandbox::default();
    let step = Step::exchange_only(&sandbox);
    std::fs::set_permissions(step.path("output"), Permissions::from_mode(0o640)).unwrap();
    step.run().succeeded();
    assert_eq!(std::fs::metadata(step.path("output")).unwrap().permissions().mode() & 0o777, 0o640);
}

/// Whoever knows a delimiter can end a value with it, and add an output of their own.
#[test]
fn no_delimiter_is_used_twice() {
    let sandbox = Sandbox::default();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..2 {
        let text = Step::exchange_only(&sandbox).run().succeeded().output_file;
        for delimiter in text.lines().filter_map(|line| line.split_once("<<")).map(|(_, delimiter)| delimiter.to_owned()) {
            assert!(delimiter.len() >= 32, "{delimiter} can be guessed");
            assert!(seen.insert(delimiter), "a delimiter comes again in:\n{text}");
        }
    }
    assert_eq!(seen.len(), 2 * Step::exchange_only(&sandbox).run().outputs().len());
}

/// Runs a step that may have so many files open at once.
fn with_open_files(limit: u32) -> Outcome {
    let step = Step::exchange_only(&Sandbox::default());
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", &format!("ulimit -n {limit}; exec \"$0\"")]).arg(env!("CARGO_BIN_EXE_port-mcp-auth"));
    step.prepare(&mut limited);
    let output = limited.output().unwrap();
    step.outcome(output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_fault_of_the_program_says_that_it_is_one() {
    let outcome = with_open_files(5).failed("internal");
    let text = outcome.error_text();
    assert!(text.contains("no event loop") && text.contains("report it at https://"), "{text}");
}

#[test]
fn a_panic_is_an_error_without_its_message() {
    // With so many files the event loop starts, and a library panics when it sets up signals.
    let outcome = (6..=8).map(with_open_files).find(|outcome| outcome.stdout.contains("The program stopped")).expect("a panic");
    assert_ne!(outcome.exit_code, Some(0));
    assert_eq!(outcome.stderr, "", "the message of a panic could quote a secret");
    assert_eq!(outcome.log.errors().count(), 1, "{}", outcome.stdout);
    assert!(outcome.log.errors().all(|error| error.title.ends_with("(internal)")), "{}", outcome.stdout);
}

#[test]
fn a_run_with_debug_messages_shows_each_request() {
    let sandbox = Sandbox::default();
    let step = Step::against(&sandbox);
    let shown = |step: &Step| step.run().succeeded().log.named("debug").map(|debug| debug.text.clone()).collect::<Vec<_>>();
    assert_eq!(shown(&step), [""; 0]);
    let (host, lines) = (format!("127.0.0.1:{}", sandbox.port()), shown(&step.env("RUNNER_DEBUG", "1")));
    let parts: Vec<_> = lines.iter().map(|line| line.split_once(" after ").expect("a time").0.to_owned()).collect();
    let expected = ["POST: 200", "POST: 400", "POST: 200", "POST: 202", "POST: 200"].map(|line| line.replace(':', &format!(" {host}:")));
    // The answer to the end of the session is awaited for a moment only.
    assert_eq!(parts[..expected.len()], expected);
}

#[test]
fn a_run_with_debug_messages_shows_requests_that_fail() {
    let sandbox = Sandbox::default();
    sandbox.set_faults(Route::AccessToken, [Fault::status(503), Fault::Reset]);
    let log = Step::exchange_only(&sandbox).env("RUNNER_DEBUG", "1").run().succeeded().log;
    let ends: Vec<_> = log.named("debug").map(|debug| debug.text.split(" after ").next().unwrap().to_owned()).collect();
    assert_eq!(ends.iter().map(|line| line.rsplit(": ").next().unwrap()).collect::<Vec<_>>(), ["503", "no response", "200"]);
}
