//! Why the runner's files or standard output can't be used.

use std::io;

/// Why something can't be passed to the runner.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The runner named no file for the outputs.
    #[error("GITHUB_OUTPUT is not set, so there is nowhere to write the outputs")]
    NoOutputFile,
    /// A file that the runner named can't be opened.
    #[error("The file in {variable} can't be opened for writing: {source}")]
    Open {
        /// The variable that names the file.
        variable: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A file that the runner named can't be written.
    #[error("The file in {variable} can't be written: {source}")]
    Write {
        /// The variable that names the file.
        variable: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A secret that isn't masked must not be used.
    #[error("Standard output can't be written ({0}), so the secret can't be masked")]
    Unmasked(io::ErrorKind),
    /// What was asked for can't be printed.
    #[error("Standard output can't be written: {0}")]
    Output(io::Error),
    /// A fault of this program or of the system below it.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}
