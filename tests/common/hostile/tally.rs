//! Many random runs, each with a seed of its own, and what they came to.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Mostly the runs wait, so there are more of them at once than there are cores.
const AT_ONCE: usize = 4;

/// A promise that is broken.
#[derive(Debug)]
pub struct Finding<Kind> {
    pub kind: Kind,
    pub text: String,
}

/// What all runs came to.
#[derive(Debug)]
pub struct Tally<Kind> {
    /// How often each end came.
    pub ends: BTreeMap<String, usize>,
    findings: Vec<(u64, Finding<Kind>)>,
    /// All of the run that ended last.
    last: String,
}

/// Does each run once.
pub fn each_run(runs: u64, first: u64, one_run: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs {
                        return;
                    }
                    one_run(first + run);
                }
            });
        }
    });
}

impl<Kind> Default for Tally<Kind> {
    fn default() -> Self {
        Self { ends: BTreeMap::new(), findings: Vec::new(), last: String::new() }
    }
}

impl<Kind: Copy + Debug + PartialEq> Tally<Kind> {
    /// One more run: how it ended, the promises that it broke, and all of it.
    pub fn add(&mut self, seed: u64, end: String, findings: Vec<Finding<Kind>>, all: String) {
        *self.ends.entry(end).or_default() += 1;
        self.findings.extend(findings.into_iter().map(|finding| (seed, finding)));
        self.last = all;
    }

    pub fn count(&self, kind: Kind) -> usize {
        self.findings.iter().filter(|(_, finding)| finding.kind == kind).count()
    }

    /// What the runs came to, with the command that repeats one. Of a run alone, all of it.
    pub fn text(&self, runs: u64, report: &str, again: &str) -> String {
        let mut text = if runs == 1 { format!("{}\n", self.last) } else { String::new() };
        text += report;
        for (end, times) in &self.ends {
            text += &format!("  {end:<34} {times:>6}\n");
        }
        for (seed, Finding { kind, text: what }) in &self.findings {
            text += &format!("{kind:?}: {what}\n  again: {again} 1 {seed}\n");
        }
        text
    }

    /// Fails if a promise is broken.
    pub fn assert_kept(&self) {
        assert!(self.findings.is_empty(), "{} promises broken", self.findings.len());
    }

    /// Fails if so many runs have not brought about each of these ends.
    pub fn assert_provoked(&self, ends: &[&str]) {
        let missing: Vec<_> = ends.iter().filter(|end| !self.ends.contains_key(**end)).collect();
        assert!(missing.is_empty(), "never provoked: {missing:?}");
    }
}
