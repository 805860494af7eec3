//! What can be wrong with a file that is to be written.

use rustix::io::Errno;

/// Why a file can't be read or written, as the rest of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileProblem {
    /// The runner shares no temporary directory.
    #[error("lies in the runner's temporary directory, which this runner doesn't share with containers")]
    NoTemp,
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
    /// Somebody else was faster.
    #[error("appeared while the step ran")]
    Appeared,
    /// The system's own word.
    #[error("can't be {doing}: {why}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        why: String,
    },
}

impl FileProblem {
    /// Takes over what the system said.
    pub fn system(doing: &'static str) -> impl Fn(Errno) -> Self {
        move |errno| Self::System { doing, why: std::io::Error::from(errno).to_string() }
    }

    /// Why that is likely.
    #[must_use]
    pub fn why(&self) -> &'static str {
        match self {
            Self::NoTemp => "Runners before 2.331 don't mount it.",
            Self::Link(_) => "A link can lead anywhere, so none is followed: a token must not end up where nobody looks for it.",
            Self::NotADirectory(_) | Self::NotAFile => "Something else has this name.",
            Self::TooLarge => "An agent's config has a few kilobytes; this is probably another file.",
            Self::Appeared => "Another step or process wrote to the same place at the same time.",
            Self::System { .. } => {
                "The directory is not writable for this container, the disk is full, or the file system has no owners and modes."
            }
        }
    }

    /// What to do.
    #[must_use]
    pub fn mend(&self) -> &'static str {
        match self {
            Self::NoTemp => "Name a path in the workspace in `config_file`, without `temp:`, or update the runner.",
            Self::Link(_) => "Name the real path in `config_file`.",
            Self::NotADirectory(_) | Self::NotAFile | Self::TooLarge => "Name another path in `config_file`.",
            Self::Appeared => "Run the job again. If it happens often, give each of them a path of its own.",
            Self::System { .. } => {
                "Check the free disk space and who owns the directory, or name another path in `config_file`, such as `temp:mcp.json`."
            }
        }
    }
}
