//! Where an agent finds its config.

/// Where an agent, when it is started by hand, finds its config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// In its flags.
    Flags,
    /// In a file.
    File(Folder, &'static str),
    /// In an environment variable, as text.
    Variable(&'static str),
    /// It is handed over in the agent's own code, or nothing is known.
    Unknown,
}

/// What a file's path is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// The directory in which the agent is started.
    Project,
    /// The user's home directory.
    Home,
    /// `$XDG_CONFIG_HOME`, by default `~/.config`.
    Config,
}
