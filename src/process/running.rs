//! A process that isn't a child of this one.

use std::fs;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

/// How long to wait between two looks at a process that is about to end.
const PAUSE: Duration = Duration::from_millis(10);

/// How long a killed process may take to end.
const AFTER_KILL: Duration = Duration::from_secs(2);

/// Where the state and the time of the start are in `/proc/<pid>/stat`, counted from the end of the program's name.
/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
const STATE: usize = 0;
const STARTED: usize = 19;

/// A process. Numbers are used again, so the time of its start belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pid: i32,
    /// In the system's clock ticks.
    started: u64,
}

/// How a process was found, and how it was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessEnd {
    /// Whether it was still running.
    pub was_running: bool,
    /// Whether it had to be killed.
    pub was_killed: bool,
}

impl Running {
    /// The process with this number; `None` if there is none, or the system doesn't show it.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        started(pid).map(|started| Self { pid, started })
    }

    /// Its number.
    #[must_use]
    pub fn pid(self) -> i32 {
        self.pid
    }

    /// Whether it is there.
    #[must_use]
    pub fn is_there(self) -> bool {
        started(self.pid) == Some(self.started)
    }

    /// Ends it, and kills it if it needs longer than `grace`.
    pub async fn stop(self, grace: Duration) -> ProcessEnd {
        let was_running = self.is_there();
        self.signal(Signal::TERM);
        let was_killed = !self.ends_within(grace).await;
        if was_killed {
            self.signal(Signal::KILL);
            self.ends_within(AFTER_KILL).await;
        }
        ProcessEnd { was_running, was_killed }
    }

    /// A handle makes sure that no other process gets the signal. Kernels before 5.3 have none.
    fn signal(self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return;
        };
        let handle = pidfd_open(pid, PidfdFlags::empty());
        if !self.is_there() {
            return;
        }
        // One that is gone needs no signal.
        let _ = match handle {
            Ok(handle) => pidfd_send_signal(handle, signal),
            Err(Errno::NOSYS | Errno::PERM) => kill_process(pid, signal),
            Err(_) => Ok(()),
        };
    }

    async fn ends_within(self, limit: Duration) -> bool {
        let ended = async {
            while self.is_there() {
                sleep(PAUSE).await;
            }
        };
        timeout(limit, ended).await.is_ok()
    }
}

/// When a process started. One that has ended, and that its parent doesn't ask for, is not there.
fn started(pid: i32) -> Option<u64> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The name may hold anything, also spaces and brackets.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<_> = rest.split_ascii_whitespace().collect();
    let is_over = matches!(*fields.get(STATE)?, "Z" | "X" | "x");
    if is_over { None } else { fields.get(STARTED)?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_is_known_by_its_start() {
        let own = Running::of(std::process::id()).unwrap();
        assert!(own.is_there());
        assert!(!Running { started: own.started + 1, ..own }.is_there());
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert_eq!(Running::of(child.id()), None);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn another_process_with_its_number_is_left_alone() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let running = Running::of(child.id()).unwrap();
        let other = Running { started: running.started + 1, ..running };
        assert_eq!(other.stop(Duration::ZERO).await, ProcessEnd { was_running: false, was_killed: false });
        assert!(running.is_there());
        assert_eq!(running.stop(Duration::from_secs(60)).await, ProcessEnd { was_running: true, was_killed: false });
        child.wait().unwrap();
    }

    #[tokio::test(flavor = "current_thread")]
    async fn one_that_does_not_end_by_itself_is_killed() {
        let mut child = Command::new("sh").args(["-c", "trap '' TERM; echo; exec sleep 600"]).stdout(Stdio::piped()).spawn().unwrap();
        let running = Running::of(child.id()).unwrap();
        // By then, it takes no notice of the signal.
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        assert_eq!(running.stop(Duration::ZERO).await, ProcessEnd { was_running: true, was_killed: true });
        assert!(!running.is_there());
        child.wait().unwrap();
    }
}
