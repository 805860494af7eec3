//! What the step leaves for its clean-up, and what the clean-up makes of it.

use data_encoding::HEXLOWER;
use ring::digest;
use serde::{Deserialize, Serialize};

use super::directory::{Attributes, Directory};
use super::place::Place;
use super::problem::FileProblem;
use super::seal::Seal;
use super::store::{self, Saved, Unproven};
use super::way::{Way, open_root};
use crate::runner::{Environment, Error, StateFile};

/// What the clean-up needs to know. It holds no content of the file, old or new, since the runner prints it in debug logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The name of the file with this receipt, in the directory of the runner's command files.
    pub(super) file: String,
    /// Where the config file is.
    pub place: Place,
    /// How many of the directories on the way were made for it.
    pub(super) made: usize,
    /// The name that it has until it is complete.
    pub(super) temporary: String,
    /// The hash of what was written.
    pub(super) written: String,
    /// What was there before.
    pub(super) before: Option<Before>,
}

/// A file that was there before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Its hash.
    pub(super) hash: String,
    /// Its metadata.
    pub(super) attributes: Attributes,
    /// The name of its copy in the directory of the runner's command files.
    ///
    /// The old content may hold secrets of the user, so it is not in the receipt; nor is the copy in the workspace, where an
    /// agent or `git add` would find it. It has mode 0600, which guards it as well as the file itself was, or better.
    pub(super) copy: String,
}

/// The result of undoing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The file is gone.
    Removed,
    /// It has its old content.
    Restored,
    /// Somebody changed it since, so it stays.
    Changed,
    /// Its old content is lost, so it stays.
    Lost,
    /// There was nothing to do.
    Nothing,
}

impl Saved for Receipt {
    const PREFIX: &'static str = "port-mcp-auth-receipt-";

    fn file(&self) -> &str {
        &self.file
    }
}

impl Receipt {
    /// Saves the receipt.
    ///
    /// # Errors
    /// If the state can't be written.
    pub fn save(&self, seal: &Seal, state: &mut StateFile) -> Result<(), Error> {
        let sealed = store::keep(self, seal, state.directory());
        state.save(sealed)
    }

    /// What was saved for this clean-up, newest first.
    ///
    /// # Errors
    /// If something was saved, and the client secret doesn't prove it.
    pub fn saved(environment: &Environment, seal: Option<&Seal>) -> Result<Vec<Self>, Unproven> {
        match environment.receipt.as_deref() {
            Some(StateFile::NOTHING) => Ok(Vec::new()),
            Some(state) => Ok(vec![store::from_state(state, seal)?]),
            None => environment.command_files().map_or(Ok(Vec::new()), |folder| store::from_files(folder, seal)),
        }
    }

    /// Restores the state before the step, at the end of the job.
    ///
    /// # Errors
    /// When the file can't be reached or written.
    pub fn undo(&self, environment: &Environment) -> Result<Outcome, FileProblem> {
        if let Some(folder) = environment.command_files() {
            store::forget(self, folder);
        }
        let folder = environment.command_files().and_then(|folder| Directory::open(folder).ok());
        let root = open_root(&self.place, environment)?;
        let Some(before) = &self.before else {
            return undo(self, &root, None);
        };
        let copy = folder.as_ref().and_then(|folder| folder.read(&before.copy).ok().flatten());
        // Other processes can write to that directory too. Only the step's own copy is restored.
        let copy = copy.filter(|copy| hash(&copy.content) == before.hash);
        let outcome = match &copy {
            Some(copy) => undo(self, &root, Some((&copy.content, before.attributes)))?,
            None => Outcome::Lost,
        };
        if let Some(folder) = folder {
            folder.remove(&before.copy);
        }
        Ok(outcome)
    }
}

/// Undoes what the receipt describes, if the file is still the one that was written.
///
/// # Errors
/// When the file can't be reached or written.
pub fn undo(receipt: &Receipt, root: &Directory, old: Option<(&[u8], Attributes)>) -> Result<Outcome, FileProblem> {
    let Receipt { place, made, .. } = receipt;
    let way = Way::down(root, &place.directories)?;
    let outcome = if way.missing == 0 { undo_in(&way.last, receipt, old)? } else { Outcome::Nothing };
    // The innermost directory first. If it is no longer empty, it stays, and so do its parents.
    let depths = place.directories.len().saturating_sub(*made)..place.directories.len();
    for (depth, name) in place.directories.iter().enumerate().filter(|(depth, _)| depths.contains(depth)).rev() {
        let above: Vec<_> = place.directories.iter().take(depth).cloned().collect();
        Way::down(root, &above)?.last.remove_empty(name);
    }
    Ok(outcome)
}

fn undo_in(directory: &Directory, receipt: &Receipt, old: Option<(&[u8], Attributes)>) -> Result<Outcome, FileProblem> {
    let Receipt { place, temporary, written, .. } = receipt;
    directory.remove(temporary);
    let found = match directory.read(&place.name) {
        Ok(None) => return Ok(Outcome::Nothing),
        Ok(Some(found)) => hash(&found.content),
        // Something else is there now.
        Err(_) => return Ok(Outcome::Changed),
    };
    if old.is_some_and(|(content, _)| found == hash(content)) {
        return Ok(Outcome::Nothing);
    }
    if found != *written {
        return Ok(Outcome::Changed);
    }
    let Some((content, attributes)) = old else {
        directory.remove(&place.name);
        return Ok(Outcome::Removed);
    };
    directory.rewrite(temporary, &place.name, content, attributes)?;
    Ok(Outcome::Restored)
}

/// A content's hash, as receipts have it.
pub fn hash(content: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, content).as_ref())
}
