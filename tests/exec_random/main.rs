//! Promise: whatever the server does, whatever `exec` is given and whatever its command does, no secret leaks, no command is forged,
//! nothing is started that must not be, nothing fails that could run, and nothing is left behind.
//!
//! Each run has a seed, from which all of it follows. `EXEC_RUNS` says how many runs there are, and `EXEC_SEED` where they begin. A run
//! that fails prints the seed with which it can be had alone.
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
mod given;
#[path = "../common/hostile/mod.rs"]
mod hostile;
mod plan;
mod run;
mod verdict;

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use hostile::server::Server;
use plan::Plan;
use run::{Run, write_script};
use verdict::{Finding, Kind, judge};

/// Mostly the runs wait, so there are more of them at once than there are cores.
const AT_ONCE: usize = 4;

/// What so many runs must have provoked.
const ENOUGH: u64 = 2_000;

const PROVOKED: &[&str] = &[
    "ran: it ended by itself",
    "ran: it killed itself",
    "ran: it ended when it was told",
    "ran: it was killed",
    "ran: exec was killed",
    "ran: it outlived signals",
    "ran: a signal ended it",
    "ran: it ended at a signal",
    "ran: a signal came early",
    "a signal before the command",
    "the command can't be run",
    "the command is not there",
    "the command line can't be read",
    "a value is not valid",
    "the config can't be used",
    "error: credentials_rejected",
    "error: bad_response",
    "error: mcp_error",
    "error: timeout",
    "error: tls",
    "error: proxy",
];

/// What all runs came to.
#[derive(Default)]
struct Tally {
    ends: BTreeMap<String, usize>,
    findings: Vec<(u64, Finding)>,
    /// All of the run that ended last.
    last: String,
}

#[test]
fn a_random_run_of_exec_keeps_what_is_promised() {
    let number = |name: &str, otherwise: u64| env::var(name).map_or(otherwise, |text| text.parse().expect("a number"));
    let (runs, first) = (number("EXEC_RUNS", 40), number("EXEC_SEED", 1));
    let shared = tempfile::tempdir().unwrap();
    write_script(shared.path());
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs {
                        return;
                    }
                    one_run(first + run, shared.path(), &tally);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    if runs == 1 {
        println!("{}", tally.last);
    }
    println!("{}", tally.report(runs));
    for (seed, Finding { kind, text }) in &tally.findings {
        println!("{kind:?}: {text}\n  again: tools/ci/hostile exec 1 {seed}");
    }
    assert!(tally.findings.is_empty(), "{} promises broken", tally.findings.len());
    if runs >= ENOUGH {
        let missing: Vec<_> = PROVOKED.iter().filter(|end| !tally.ends.contains_key(**end)).collect();
        assert!(missing.is_empty(), "never provoked: {missing:?}");
        assert!(tally.ran() * 2 >= tally.ends.values().sum(), "most runs must start the command");
    }
}

fn one_run(seed: u64, shared: &Path, tally: &Mutex<Tally>) {
    let plan = Plan::of(seed);
    let server = Server::open(&plan.play).unwrap();
    let run = Run::prepare(&plan, server.port(), shared);
    let ended = thread::scope(|scope| {
        let serving = &server;
        scope.spawn(move || serving.serve(scope));
        let ended = run.run(serving);
        server.close();
        ended
    });
    let record = std::mem::take(&mut *server.record());
    let (end, findings) = judge(&run, &ended, &record);
    let mut tally = tally.lock().unwrap();
    tally.last = format!("{plan:#?}\n{:?}\n{record:#?}\n{ended:#?}\n{}", run.given.flags, String::from_utf8_lossy(&ended.stderr));
    *tally.ends.entry(end).or_default() += 1;
    tally.findings.extend(findings.into_iter().map(|finding| (seed, finding)));
}

impl Tally {
    fn ran(&self) -> usize {
        self.ends.iter().filter(|(end, _)| end.starts_with("ran: ")).map(|(_, times)| times).sum()
    }

    fn report(&self, runs: u64) -> String {
        let count = |kind: Kind| self.findings.iter().filter(|(_, finding)| finding.kind == kind).count();
        let mut text = format!(
            "{runs} random runs of exec: {} leaks, {} forged commands, {} wrong successes, {} wrong failures, {} left behind, {} panics\n",
            count(Kind::Leak),
            count(Kind::ForgedCommand),
            count(Kind::WrongSuccess),
            count(Kind::WrongFailure),
            count(Kind::LeftBehind),
            count(Kind::Panic)
        );
        text += &format!(
            "and {} wrong exit codes, {} wrong errors, {} wrong hand-overs, {} hangs, {} credentials sent elsewhere\n",
            count(Kind::WrongExitCode),
            count(Kind::WrongError),
            count(Kind::WrongHandOver),
            count(Kind::Hang),
            count(Kind::Trespass)
        );
        text += &format!("{} commands ran\n", self.ran());
        for (end, times) in &self.ends {
            text += &format!("  {end:<34} {times:>6}\n");
        }
        text
    }
}
