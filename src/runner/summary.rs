//! The file of the job summary.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::environment::Environment;

/// The bytes of a line end and a blank line.
const LINE_ENDS: u64 = 2;

/// Appends to the file behind `GITHUB_STEP_SUMMARY`. A runner without one (Gitea, a run by hand) shows no summaries: nothing to do.
///
/// # Errors
/// If the file can't be written.
pub fn append_summary(environment: &Environment, text: &str) -> io::Result<()> {
    let Some(path) = &environment.summary else {
        return Ok(());
    };
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(format!("{}{text}", gap(path)).as_bytes())
}

/// The line ends that are missing before a heading. It needs a blank line before it; otherwise it would belong to the last line,
/// or to the HTML block, that was written before.
fn gap(path: &Path) -> &'static str {
    let mut end = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LINE_ENDS)))?;
        file.take(LINE_ENDS).read_to_end(&mut end)
    });
    match (read, end.as_slice()) {
        (Ok(_), [] | b"\n" | b"\n\n") => "",
        (Ok(_), [.., b'\n']) => "\n",
        // If the file can't be read, too much space is better than too little.
        (Ok(_) | Err(_), _) => "\n\n",
    }
}
