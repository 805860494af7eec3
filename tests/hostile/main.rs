//! Promise: whatever a server does, no secret leaks, no command is forged, no failure passes as a success, no run fails whose
//! servers the official SDKs could use, and nothing panics.
//!
//! Each run has a seed, from which all of it follows: the step's inputs, and what the server does. `HOSTILE_RUNS` says how many
//! runs there are, and `HOSTILE_SEED` where they begin. A run that fails prints the seed with which it can be had alone.
//! `HOSTILE_UNFIXED` adds the answers that the step is known to judge otherwise than agents do.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::too_many_lines,
    reason = "tests"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/hostile/mod.rs"]
mod hostile;
mod plan;
mod verdict;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use common::{Outcome, number};
use hostile::server::{Record, Server};
use hostile::tally::{Finding, Tally, each_run};
use plan::Plan;
use verdict::{BREAKS_SCHEMA, Kind, NOT_VERIFIED, judge};

/// More than any machine needs beyond the step's own time: what takes longer hangs.
const HANGS: Duration = Duration::from_secs(60);

/// What so many runs must have provoked.
const ENOUGH: u64 = 5_000;

const PROVOKED: &[&str] = &[
    "success",
    "success, not verified",
    "success, breaks schema",
    "credentials_rejected",
    "forbidden",
    "not_found",
    "request_rejected",
    "rate_limited",
    "port_unavailable",
    "unreachable",
    "proxy",
    "tls",
    "redirected",
    "bad_response",
    "token_expiring",
    "mcp_refused",
    "mcp_error",
    "tool_unknown",
    "timeout",
];

/// What all runs came to.
#[derive(Default)]
struct Totals {
    tally: Tally<Kind>,
    exchanges: usize,
    messages: usize,
    cuts: BTreeSet<usize>,
}

#[test]
fn a_hostile_server_gets_nothing() {
    let (runs, first) = (number("HOSTILE_RUNS", 200), number("HOSTILE_SEED", 1));
    let totals = Mutex::new(Totals::default());
    each_run(runs, first, |seed| one_run(seed, &totals));
    let totals = totals.into_inner().unwrap();
    println!("{}", totals.tally.text(runs, &totals.report(runs), "tools/ci/hostile"));
    totals.tally.assert_kept();
    if runs >= ENOUGH {
        totals.tally.assert_provoked(PROVOKED);
    }
}

fn one_run(seed: u64, totals: &Mutex<Totals>) {
    let plan = Plan::of(seed);
    let server = Server::open(&plan.play).unwrap();
    let step = plan.step(server.port());
    let (outcome, elapsed, hung) = thread::scope(|scope| {
        let serving = &server;
        scope.spawn(move || serving.serve(scope));
        let ended = run(&plan, &step);
        server.close();
        ended
    });
    let record = std::mem::take(&mut *server.record());
    // What the runner can't read at all makes the reading panic.
    let judged = catch_unwind(AssertUnwindSafe(|| judge(&plan, &step, &outcome, &record, elapsed)));
    let (code, mut findings) = judged.unwrap_or_else(|_| {
        let text = format!("the runner can't read {}", outcome.output_file);
        (Some("unreadable".to_owned()), vec![Finding { kind: Kind::Outputs, text }])
    });
    if hung {
        findings.push(Finding { kind: Kind::Time, text: format!("no end after {elapsed:?}") });
    }
    let mut totals = totals.lock().unwrap();
    let end = code.unwrap_or_else(|| success(&outcome).to_owned());
    totals.tally.add(seed, end, findings, show(&plan, &outcome, &record));
    totals.exchanges += record.exchanges.len() + record.tunnels;
    totals.messages += record.messages;
    totals.cuts.extend(record.cuts);
}

/// What kind of success it is.
fn success(outcome: &Outcome) -> &'static str {
    let titles: Vec<_> = outcome.log.warnings().map(|warning| warning.title.as_str()).collect();
    if titles.contains(&NOT_VERIFIED) {
        "success, not verified"
    } else if titles.contains(&BREAKS_SCHEMA) {
        "success, breaks schema"
    } else {
        "success"
    }
}

/// Runs the step, and ends it if it doesn't end by itself.
fn run(plan: &Plan, step: &common::Step) -> (Outcome, Duration, bool) {
    let started = Instant::now();
    let child = step.start();
    let process = child.id().to_string();
    let (ended, end) = channel::<()>();
    let limit = plan.timeout + HANGS;
    let guard = thread::spawn(move || {
        let hung = end.recv_timeout(limit) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
        if hung {
            drop(Command::new("kill").args(["-9", &process]).status());
        }
        hung
    });
    let outcome = step.finish(child);
    let elapsed = started.elapsed();
    drop(ended);
    (outcome, elapsed, guard.join().unwrap())
}

fn show(plan: &Plan, outcome: &Outcome, record: &Record) -> String {
    format!("{plan:#?}\n{record:#?}\n{}\n--- outputs\n{}\n--- summary\n{}", outcome.stdout, outcome.output_file, outcome.summary)
}

impl Totals {
    fn report(&self, runs: u64) -> String {
        let count = |kind| self.tally.count(kind);
        let mut text = format!(
            "{runs} hostile runs: {} leaks, {} forged commands, {} wrong successes, {} wrong failures\n",
            count(Kind::Leak),
            count(Kind::ForgedCommand),
            count(Kind::WrongSuccess),
            count(Kind::WrongFailure)
        );
        text += &format!(
            "and {} panics, {} needless warnings, {} wrong errors, {} bad outputs, {} hangs, {} credentials sent elsewhere\n",
            count(Kind::Panic),
            count(Kind::NeedlessWarning),
            count(Kind::WrongError),
            count(Kind::Outputs),
            count(Kind::Time),
            count(Kind::Trespass)
        );
        text += &format!(
            "{} requests for tokens, {} MCP messages, answers broken off after {} different bytes\n",
            self.exchanges,
            self.messages,
            self.cuts.len()
        );
        text
    }
}
