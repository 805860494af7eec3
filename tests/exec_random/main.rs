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

use std::path::Path;
use std::sync::Mutex;
use std::thread;

use common::number;
use hostile::server::Server;
use hostile::tally::{Tally, each_run};
use plan::Plan;
use run::{Run, write_script};
use verdict::{Kind, judge};

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

#[test]
fn a_random_run_of_exec_keeps_what_is_promised() {
    let (runs, first) = (number("EXEC_RUNS", 40), number("EXEC_SEED", 1));
    let shared = tempfile::tempdir().unwrap();
    write_script(shared.path());
    let tally = Mutex::new(Tally::default());
    each_run(runs, first, |seed| one_run(seed, shared.path(), &tally));
    let tally = tally.into_inner().unwrap();
    println!("{}", tally.text(runs, &report(&tally, runs), "tools/ci/hostile exec"));
    tally.assert_kept();
    if runs >= ENOUGH {
        tally.assert_provoked(PROVOKED);
        assert!(ran(&tally) * 2 >= tally.ends.values().sum(), "most runs must start the command");
    }
}

fn one_run(seed: u64, shared: &Path, tally: &Mutex<Tally<Kind>>) {
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
    let all = format!("{plan:#?}\n{:?}\n{record:#?}\n{ended:#?}\n{}", run.given.flags, String::from_utf8_lossy(&ended.stderr));
    tally.lock().unwrap().add(seed, end, findings, all);
}

/// How many runs started the command.
fn ran(tally: &Tally<Kind>) -> usize {
    tally.ends.iter().filter(|(end, _)| end.starts_with("ran: ")).map(|(_, times)| times).sum()
}

fn report(tally: &Tally<Kind>, runs: u64) -> String {
    let count = |kind| tally.count(kind);
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
    text + &format!("{} commands ran\n", ran(tally))
}
