//! The agent's config: added to one that exists, written to a file, and removed again at the end of the job.

mod directory;
mod draft;
mod error;
mod format;
mod git;
mod later;
mod merge;
mod place;
mod problem;
mod random;
mod receipt;
mod seal;
mod store;
mod text;
mod way;
mod withdraw;
mod written;

pub use draft::{Draft, Rendered};
pub use error::Error;
pub use format::Format;
pub use git::would_commit;
pub use later::path_for_later_steps;
#[cfg(feature = "testing")]
pub use merge::merge;
pub use merge::{Clash, ServerEntry};
pub use place::{Place, Root};
pub use problem::FileProblem;
pub use receipt::{Outcome, Receipt};
pub use seal::Seal;
pub use store::{Saved, Unproven, forget, from_files, from_state, keep};
pub use text::{Document, TextProblem, write};
#[cfg(feature = "testing")]
pub use text::{parse, rewrite};
pub use withdraw::{Withdrawn, remove_dead};
pub use written::Written;
