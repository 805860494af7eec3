//! The start: the settings come over standard input.

use std::io::{BufRead, BufReader, Read, Write};

use anyhow::Context;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use tokio::task::{LocalSet, spawn_blocking};
use zeroize::Zeroizing;

use super::error::Error;
use super::serve;
use super::settings::{Settings, SettingsProblem};

/// The longest settings, in bytes. Certificates make up most of them.
const LONGEST_SETTINGS: u64 = 16 * 1024 * 1024;

/// Reads the settings from `input`, and runs the gateway until its lifetime is over or `stopped` ends. The record goes to `out`.
///
/// # Errors
/// If it can't start.
pub async fn start(input: impl Read + Send + 'static, out: impl Write + 'static, stopped: impl Future<Output = ()>) -> Result<(), Error> {
    // A process with the same user must not read this one's memory. Where the system can't do that, the container's user does.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let mut stopped = std::pin::pin!(stopped);
    let line = tokio::select! {
        line = spawn_blocking(move || read_line(input)) => line.context("Standard input can't be read")??,
        () = stopped.as_mut() => return Ok(()),
    };
    let settings = Settings::from_line(&line)?;
    drop(line);
    run(settings, out, stopped).await
}

/// Runs the gateway with these settings, as [`start`] does.
///
/// # Errors
/// If it can't start.
pub async fn run(settings: Settings, out: impl Write + 'static, stopped: impl Future<Output = ()>) -> Result<(), Error> {
    LocalSet::new().run_until(serve::run(settings, Box::new(out), Box::pin(stopped))).await
}

/// The first line. What comes after it, and whether the input ends, means nothing.
fn read_line(input: impl Read) -> Result<Zeroizing<Vec<u8>>, SettingsProblem> {
    let mut line = Zeroizing::new(Vec::new());
    BufReader::new(input.take(LONGEST_SETTINGS)).read_until(b'\n', &mut line).map_err(|_| SettingsProblem::Missing)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_read_whole_even_if_it_holds_many_certificates() {
        let line = [vec![b'x'; 8 * 1024 * 1024], b"\n".to_vec()].concat();
        assert_eq!(*read_line([line.as_slice(), b"more"].concat().as_slice()).ok().unwrap(), line);
    }
}
