//! Texts for problems with the runner's files.

use std::io::ErrorKind;

use super::code::Code;
use super::explanation::Explanation;
use super::internal;
use crate::redact::Redactor;
use crate::runner::Error;

const TITLE: &str = "The runner's files can't be used";

const BY_HAND: &str = "Run this as a step (`uses: org/port-mcp-auth@v1`), or, by hand, mount a file and name it in `GITHUB_OUTPUT`.";

pub fn explain(error: &Error, redactor: &Redactor) -> Explanation {
    match error {
        Error::NoOutputFile | Error::Unmasked(_) => files_unusable(format!("{error}.")),
        Error::Open { source, .. } | Error::Write { source, .. } => {
            let (why, fix) = because(source.kind());
            Explanation::new(Code::Runner, TITLE, format!("{error}."), why, fix)
        }
        Error::Output(_) => Explanation::new(
            Code::Runner,
            "Standard output can't be written",
            format!("{error}."),
            "What reads it has ended, or the disk is full.",
            "Check what the output is connected with.",
        ),
        Error::Internal(error) => internal::explain(error, redactor),
    }
}

/// Why the system refuses a file, and what to do.
fn because(kind: ErrorKind) -> (&'static str, &'static str) {
    match kind {
        ErrorKind::PermissionDenied => (
            "The step runs as root in its container, and that root may not write this file: the container engine maps it to another user (user namespaces, rootless Docker, Podman), lacks a capability (`DAC_OVERRIDE`), or SELinux forbids it.",
            "On a self-hosted runner, let containers write the runner's work directory: run the engine without user namespaces, keep the default capabilities, or give the runner's directory the label that containers may write.",
        ),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (
            "There is no room left on the runner's disk, or its quota is used up.",
            "Free space on the runner, or use one with a larger disk.",
        ),
        ErrorKind::ReadOnlyFilesystem => (
            "The file lies on a file system that is mounted read-only: in the container, or because the runner's disk has errors.",
            "Check how the runner's work directory is mounted into containers, and the disk's health.",
        ),
        ErrorKind::NotFound | ErrorKind::NotADirectory => (
            "The variable names a file whose directory doesn't exist in this container: the runner's files are not mounted, or by hand it names another path.",
            BY_HAND,
        ),
        ErrorKind::IsADirectory => ("The variable names a directory.", BY_HAND),
        _ => ("The runner hands each step files to write to, and this one can't be written.", BY_HAND),
    }
}

/// A file that the runner named can't be used.
pub fn files_unusable(what: String) -> Explanation {
    Explanation::new(
        Code::Runner,
        TITLE,
        what,
        "The runner hands each step files to write to. They are missing when the image is run by hand without them, and can't be written when the disk is full.",
        format!("{BY_HAND} Check the runner's free disk space."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_that_of_the_system() {
        for (kind, says) in [
            (ErrorKind::PermissionDenied, "may not write this file"),
            (ErrorKind::StorageFull, "no room left"),
            (ErrorKind::QuotaExceeded, "its quota is used up"),
            (ErrorKind::ReadOnlyFilesystem, "mounted read-only"),
            (ErrorKind::NotFound, "directory doesn't exist"),
            (ErrorKind::NotADirectory, "directory doesn't exist"),
            (ErrorKind::IsADirectory, "names a directory"),
            (ErrorKind::Other, "can't be written"),
        ] {
            assert!(because(kind).0.contains(says), "{kind}: {}", because(kind).0);
        }
    }
}
