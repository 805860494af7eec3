//! Texts for problems with the runner's files.

use super::code::Code;
use super::explanation::Explanation;
use super::internal;
use crate::redact::Redactor;
use crate::runner::Error;

pub fn explain(error: &Error, redactor: &Redactor) -> Explanation {
    match error {
        Error::NoOutputFile | Error::Open { .. } | Error::Write { .. } | Error::Unmasked(_) => files_unusable(format!("{error}.")),
        Error::Internal(error) => internal::explain(error, redactor),
    }
}

/// A file that the runner named can't be used.
pub fn files_unusable(what: String) -> Explanation {
    Explanation::new(
        Code::Runner,
        "The runner's files can't be used",
        what,
        "The runner hands each step files to write to. They are missing when the image is run by hand without them, and can't be written when the disk is full.",
        "Run this as a step (`uses: org/port-mcp-auth@v1`), or, by hand, mount a file and name it in `GITHUB_OUTPUT`. Check the runner's free disk space.",
    )
}
