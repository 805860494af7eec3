//! What can be wrong with a file that is to be written.

use rustix::io::Errno;

/// Why a file can't be read or written, as the rest of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileProblem {
    /// The runner shares no temporary directory.
    #[error("lies in the runner's temporary directory, which this runner doesn't share with containers")]
    NoTemp,
    /// The agent's own file, which lies in a home directory that nobody names.
    #[error("can't be found without the variable `HOME`")]
    NoHome,
    /// A symbolic link, at the file's place or on the way there.
    #[error("leads through a symbolic link, `{0}`")]
    Link(String),
    /// A file where a directory belongs.
    #[error("leads through `{0}`, which is not a directory")]
    NotADirectory(String),
    /// A directory, a device, or the like at the file's place.
    #[error("is not a regular file")]
    NotAFile,
    /// Too large for a config.
    #[error("is larger than 1 MiB")]
    TooLarge,
    /// Another process created it first.
    #[error("appeared while the step ran")]
    Appeared,
    /// What the system says.
    #[error("can't be {doing}: {why}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        why: String,
    },
}

impl FileProblem {
    /// Makes a problem of what the system said.
    pub fn system(doing: &'static str) -> impl Fn(Errno) -> Self {
        move |errno| Self::System { doing, why: std::io::Error::from(errno).to_string() }
    }
}
