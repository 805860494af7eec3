//! Why the config can't be delivered.

use super::merge::Clash;
use super::problem::FileProblem;
use super::text::TextProblem;
use crate::runner;

/// Why the config can't be composed, written or removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file at `config_file` is not text.
    #[error("names a file that is not text in UTF-8")]
    NotText,
    /// The config that exists can't be read or edited.
    #[error("{problem}")]
    Text {
        /// The input that it comes from.
        input: &'static str,
        /// What is wrong with it.
        problem: TextProblem,
    },
    /// The server can't be added to the existing config.
    #[error("{clash}")]
    Clash {
        /// The input that it comes from.
        input: &'static str,
        /// What is in the way.
        clash: Clash,
    },
    /// The file can't be written.
    #[error("{path} {problem}")]
    File {
        /// Its path, as the user knows it.
        path: String,
        /// What is wrong.
        problem: FileProblem,
    },
    /// The content that is replaced can't be kept for the clean-up.
    #[error("The old content can't be kept beside the file in GITHUB_STATE: it {0}")]
    Backup(FileProblem),
    /// The clean-up can't be told what to do.
    #[error(transparent)]
    Runner(#[from] runner::Error),
    /// A fault of this program or of the system below it.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}
