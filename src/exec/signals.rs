//! Signals: before the command runs they end this program, then they are the command's.

use std::fs::{self, File};
use std::future::poll_fn;
use std::task::Poll;

use anyhow::Context;
use rustix::process::{Pid, Signal as Number, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::report;

/// What shells add to a signal's number to tell of it as an exit code.
pub const BY_SIGNAL: i32 = 128;

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caught(Number);

/// The signals that are passed on, each with its number. Those of the terminal come first.
const PASSED_ON: [Number; 6] = [Number::INT, Number::QUIT, Number::TERM, Number::HUP, Number::USR1, Number::USR2];

/// What a terminal sends to all of its foreground process group.
const OF_TERMINALS: [Number; 2] = [Number::INT, Number::QUIT];

/// What ends this program as long as there is no command.
const ENDING: [Number; 4] = [Number::INT, Number::QUIT, Number::TERM, Number::HUP];

/// Signals that are waited for.
pub struct Signals {
    passed_on: Vec<(Number, Signal)>,
    /// Something happened to the command.
    child: Signal,
}

/// What to do next.
pub enum SignalEvent {
    /// A signal came.
    Caught(Caught),
    /// The command has ended, or was stopped.
    Child,
}

impl Signals {
    /// Catches them from now on. A signal that is ignored, as by `nohup`, stays so, here and in the command.
    pub fn catch() -> anyhow::Result<Self> {
        let ignored = ignored();
        let is_ignored = |number: &Number| ignored >> (number.as_raw() - 1) & 1 == 1;
        let handler = |kind| signal(kind).context("The system takes no signal handler");
        let caught = PASSED_ON.into_iter().filter(|number| !is_ignored(number));
        let passed_on: anyhow::Result<_> = caught.map(|number| Ok((number, handler(SignalKind::from_raw(number.as_raw()))?))).collect();
        Ok(Self { passed_on: passed_on?, child: handler(SignalKind::child())? })
    }

    /// Waits for the next event.
    pub async fn next(&mut self) -> SignalEvent {
        poll_fn(|context| {
            for (number, signal) in &mut self.passed_on {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(SignalEvent::Caught(Caught(*number)));
                }
            }
            self.child.poll_recv(context).map(|_| SignalEvent::Child)
        })
        .await
    }

    /// Waits for a signal that ends this program.
    pub async fn end(&mut self) -> Caught {
        loop {
            if let SignalEvent::Caught(caught) = self.next().await
                && ENDING.contains(&caught.0)
            {
                return caught;
            }
        }
    }
}

impl Caught {
    /// Passes it on to the command, unless the command has it already.
    pub fn pass_on(self, command: Pid) {
        if !OF_TERMINALS.contains(&self.0) || !is_in_foreground() {
            // It may have ended just now.
            let _ = kill_process(command, self.0);
        }
    }

    /// The exit code of a program that it ends.
    pub fn exit_code(self) -> u8 {
        u8::try_from(BY_SIGNAL + self.0.as_raw()).unwrap_or(u8::MAX)
    }

    /// The same as the step tells of it.
    pub fn as_cancel(self) -> report::Signal {
        match self.0 {
            Number::INT => report::Signal::Interrupt,
            Number::HUP => report::Signal::HangUp,
            Number::QUIT => report::Signal::Quit,
            _ => report::Signal::Terminate,
        }
    }
}

/// Whether this process is in the foreground of a terminal: Ctrl-C goes to the command too then.
pub fn is_in_foreground() -> bool {
    File::open("/dev/tty").is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp()))
}

/// The signals that are ignored, as a mask. <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}
