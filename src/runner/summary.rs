//! The file of the job summary.

use std::fs::OpenOptions;
use std::io::{self, Write};

use super::environment::Environment;

/// Appends to the file behind `GITHUB_STEP_SUMMARY`. A runner without one (Gitea, a run by hand) shows no summaries: nothing to do.
///
/// # Errors
/// If the file can't be written.
pub fn append_summary(environment: &Environment, text: &str) -> io::Result<()> {
    let Some(path) = &environment.summary else {
        return Ok(());
    };
    OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
}
