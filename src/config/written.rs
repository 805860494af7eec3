//! Writes the config file, and undoes that.

use super::directory::{Directory, Found};
use super::error::Error;
use super::place::Place;
use super::problem::FileProblem;
use super::random::random_name;
use super::receipt::{Before, Outcome, Receipt, hash, undo};
use super::seal::Seal;
use super::store::Saved;
use super::way::{Way, open_root};
use crate::runner::{Environment, StateFile};

/// A place, and what was found there.
pub struct Target {
    pub(super) place: Place,
    pub(super) root: Directory,
    /// The file that is there already.
    pub old: Option<Found>,
}

impl Target {
    /// Inspects the target without changing anything.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn find(place: &Place, environment: &Environment) -> Result<Self, FileProblem> {
        let root = open_root(place, environment)?;
        let way = Way::down(&root, &place.directories)?;
        way.last.check_writable()?;
        let old = if way.missing == 0 { way.last.read(&place.name)? } else { None };
        Ok(Self { place: place.clone(), root, old })
    }

    /// Writes the file in a way that can be undone: at once, and with a state also by the clean-up.
    ///
    /// # Errors
    /// If that fails. Then nothing has changed.
    pub fn write(self, content: &str, state: Option<&mut StateFile>, seal: &Seal) -> Result<Written, Error> {
        let Self { place, root, old } = self;
        let failed = |problem| Error::File { path: place.to_string(), problem };
        let before = match (&old, &state) {
            (Some(old), Some(state)) => {
                Some(Before { hash: hash(&old.content), attributes: old.attributes, copy: save_copy(state, &old.content)? })
            }
            _ => None,
        };
        let receipt = Receipt {
            file: Receipt::new_file()?,
            made: Way::down(&root, &place.directories).map_err(failed)?.missing,
            temporary: format!(".{}", random_name()?),
            written: hash(content.as_bytes()),
            before,
            place: place.clone(),
        };
        let written = Written { receipt, root, old };
        // Saved first, so that the clean-up also knows about a file that is only partly written.
        let saved = state.map_or(Ok(()), |state| written.receipt.save(seal, state).map_err(Error::from));
        let done = saved.and_then(|()| written.put(content.as_bytes()).map_err(failed));
        done.inspect_err(|_| written.take_back())?;
        Ok(written)
    }
}

/// A file that was written.
pub struct Written {
    pub(super) receipt: Receipt,
    pub(super) root: Directory,
    pub(super) old: Option<Found>,
}

impl Written {
    fn put(&self, content: &[u8]) -> Result<(), FileProblem> {
        let Receipt { place, temporary, .. } = &self.receipt;
        let way = Way::down(&self.root, &place.directories)?;
        let missing = place.directories.iter().skip(place.directories.len() - way.missing);
        let directory = missing.into_iter().try_fold(way.last, |directory, name| directory.make(name))?;
        directory.create(temporary, content, directory.private())?;
        if self.old.is_some() { directory.replace(temporary, &place.name) } else { directory.place(temporary, &place.name) }
    }

    /// Restores the state before the step.
    pub fn take_back(&self) {
        // The clean-up tries again if this fails.
        drop(self.undo());
    }

    /// Restores the state before, if the file is still as it was written.
    ///
    /// # Errors
    /// When the file can't be reached or written.
    pub(super) fn undo(&self) -> Result<Outcome, FileProblem> {
        let old = self.old.as_ref().map(|old| (old.content.as_slice(), old.attributes));
        undo(&self.receipt, &self.root, old)
    }
}

fn save_copy(state: &StateFile, content: &[u8]) -> Result<String, Error> {
    let name = random_name()?;
    let saved = Directory::open(state.directory()).and_then(|directory| directory.create(&name, content, directory.private()));
    saved.map_err(Error::Backup)?;
    Ok(name)
}
