//! This program once more, as a process of the same user that outlives the step: what the gateway is where there is no second container.

mod detached;
mod error;
mod running;

pub use detached::{Detached, Spawned, read_record};
pub use error::Error;
pub use running::{ProcessEnd, Running};
