//! The container engine's API, as far as a second container of this step's own image needs it.
//!
//! The runner mounts the engine's socket into every container action. The API is Docker's; Podman speaks it too.
//! <https://docs.docker.com/reference/api/engine/>

mod attached;
mod engine;
mod error;
mod frames;
mod network;
mod own;
mod sibling;
mod spec;
mod task;
mod version;

pub use engine::{Engine, is_not_found};
pub use error::Error;
#[cfg(feature = "testing")]
pub use frames::Frames;
pub use network::Route;
pub use own::{Evidence, Own};
pub use sibling::{ContainerEnd, Sibling, Started, read_log, remove, stop};
pub use task::Task;
