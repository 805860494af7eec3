//! The way from a root to a directory below it.

use super::directory::Directory;
use super::place::Place;
use super::problem::FileProblem;
use crate::runner::Environment;

/// Opens the directory that a place is relative to.
///
/// # Errors
/// If the runner shares none, or it can't be opened.
pub fn open_root(place: &Place, environment: &Environment) -> Result<Directory, FileProblem> {
    Directory::open(&place.root.path(environment).ok_or(FileProblem::NoTemp)?)
}

/// The result of following a path of directories.
pub struct Way {
    /// The last one that exists.
    pub last: Directory,
    /// How many don't exist.
    pub missing: usize,
}

impl Way {
    /// Follows the path.
    ///
    /// # Errors
    /// If something on it is not a directory, or can't be opened.
    pub fn down(root: &Directory, names: &[String]) -> Result<Self, FileProblem> {
        let mut last = root.again()?;
        for (depth, name) in names.iter().enumerate() {
            match last.enter(name)? {
                Some(inner) => last = inner,
                None => return Ok(Self { last, missing: names.len() - depth }),
            }
        }
        Ok(Self { last, missing: 0 })
    }
}
