//! Faults: what a test can ask for, the queue it waits in, and what it does to a request.

mod fault;
mod play;
mod queue;
mod secret_form;

pub use fault::{Fault, Wait};
pub(crate) use play::{Effect, Target};
pub(crate) use queue::Faults;
pub use secret_form::SecretForm;
