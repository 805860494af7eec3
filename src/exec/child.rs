//! Waiting for the command.

use std::io;
use std::process::Child;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};

use super::signals::{BY_SIGNAL, SignalEvent, Signals, is_in_foreground};

/// Waits for the command's end, passes signals on to it, and returns its exit code.
pub async fn wait(child: Child, signals: &mut Signals) -> io::Result<u8> {
    let pid = Pid::from_child(&child);
    loop {
        if let Some(code) = look(pid)? {
            return Ok(code);
        }
        match signals.next().await {
            SignalEvent::Caught(caught) => caught.pass_on(pid),
            SignalEvent::Child => {}
        }
    }
}

/// The command's exit code, if it has ended.
fn look(pid: Pid) -> io::Result<Option<u8>> {
    let found = match waitpid(Some(pid), WaitOptions::NOHANG | WaitOptions::UNTRACED) {
        Err(Errno::INTR) => None,
        found => found?,
    };
    let Some((_, status)) = found else {
        return Ok(None);
    };
    // An agent that reads Ctrl-Z itself stops itself alone. The shell waits for this process, so it stops too.
    if status.stopped() && is_in_foreground() {
        let _ = kill_process(getpid(), Signal::STOP);
        let _ = kill_process(pid, Signal::CONT);
    }
    let code = status.exit_status().or_else(|| Some(BY_SIGNAL + status.terminating_signal()?));
    Ok(code.map(|code| u8::try_from(code).unwrap_or(u8::MAX)))
}
