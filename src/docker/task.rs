//! What the engine is asked to do.

/// What the engine is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
pub enum Task {
    /// The engine's version.
    #[strum(serialize = "the question for its version")]
    Version,
    /// How the engine runs.
    #[strum(serialize = "the question how it runs")]
    Info,
    /// All containers.
    #[strum(serialize = "the list of containers")]
    List,
    /// One container.
    #[strum(serialize = "the question for a container")]
    Inspect,
    /// A new container.
    #[strum(serialize = "making the gateway's container")]
    Create,
    /// Another network for it.
    #[strum(serialize = "connecting the gateway's container with a network")]
    Connect,
    /// Its start.
    #[strum(serialize = "starting the gateway's container")]
    Start,
    /// Its standard input and output.
    #[strum(serialize = "attaching to the gateway's container")]
    Attach,
    /// Its end.
    #[strum(serialize = "stopping the gateway's container")]
    Stop,
    /// What it wrote.
    #[strum(serialize = "reading the log of the gateway's container")]
    Logs,
    /// Its removal.
    #[strum(serialize = "removing the gateway's container")]
    Remove,
}
