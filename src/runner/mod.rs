//! The runner's protocol: workflow commands, files, variables and the event.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

mod command_file;
mod console;
mod environment;
mod error;
mod event;
pub mod markdown;
mod outputs;
mod state;
mod summary;
mod workspace;

pub use console::{Console, Level, Reader};
pub use environment::{Action, Environment, text};
pub use error::Error;
pub use event::Trigger;
pub use outputs::OutputFile;
pub use state::StateFile;
pub use summary::append_summary;
pub use workspace::Workspace;
