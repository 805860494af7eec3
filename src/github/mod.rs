//! The runner's protocol: workflow commands, files and the event.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

pub mod command_file;
pub mod console;
pub mod event;
pub mod outputs;
pub mod state;
pub mod summary;
