//! The workspace: the only place on disk that inputs may name.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::environment::Environment;

/// The largest file that an input may name, in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// The directory in which the job works.
#[derive(Debug)]
pub struct Workspace(PathBuf);

/// Why a file can't be read, as the rest of a sentence.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceProblem {
    /// The path leads out of the workspace, perhaps through a link.
    #[error("is outside of the workspace")]
    Outside,
    /// Missing, or not readable.
    #[error("can't be read: {0}")]
    Unreadable(io::Error),
    /// A directory, a device, or the like.
    #[error("is not a regular file")]
    NotAFile,
    /// Over 1 MiB.
    #[error("is larger than 1 MiB")]
    TooLarge,
}

impl Workspace {
    /// The workspace that the runner names.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        Self(environment.workspace().to_owned())
    }

    /// Reads a file by its path in the workspace.
    ///
    /// # Errors
    /// If it isn't a readable regular file of at most 1 MiB inside of the workspace.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, WorkspaceProblem> {
        let root = self.0.canonicalize().map_err(WorkspaceProblem::Unreadable)?;
        let path = root.join(Path::new(path)).canonicalize().map_err(WorkspaceProblem::Unreadable)?;
        if !path.starts_with(&root) {
            return Err(WorkspaceProblem::Outside);
        }
        if !path.is_file() {
            return Err(WorkspaceProblem::NotAFile);
        }
        let mut bytes = Vec::new();
        File::open(&path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)).map_err(WorkspaceProblem::Unreadable)?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(WorkspaceProblem::TooLarge);
        }
        Ok(bytes)
    }
}
