//! What the step leaves for its clean-up, and what the clean-up makes of it.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use data_encoding::HEXLOWER;
use ring::digest;
use serde::{Deserialize, Serialize};

use super::directory::{Attributes, Directory};
use super::place::Place;
use super::problem::FileProblem;
use super::random::random_name;
use super::seal::Seal;
use super::way::{Way, open_root};
use crate::runner::{Environment, Error, StateFile};

/// How the names of files with receipts begin.
const FILE_PREFIX: &str = "port-mcp-auth-receipt-";

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

/// Something was saved, and it isn't certain that the step saved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("doesn't match the client secret")]
pub struct Unproven;

impl Receipt {
    /// A name for the file with a receipt. Sorted, these names are in the order of time.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn file_name() -> anyhow::Result<String> {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(format!("{FILE_PREFIX}{:015}-{}", since_1970.as_millis(), random_name()?))
    }

    /// Saves the receipt in the runner's state, and in a file beside it: some runners give the clean-up no state.
    ///
    /// # Errors
    /// If the state can't be written.
    pub fn save(&self, seal: &Seal, state: &mut StateFile) -> Result<(), Error> {
        // Serializing strings and numbers can't fail.
        let sealed = seal.close(&serde_json::to_string(self).unwrap_or_default());
        // Most runners need only the state, so a directory that takes no new file doesn't fail the step.
        let _ = Directory::open(state.directory()).and_then(|folder| folder.create(&self.file, sealed.as_bytes(), folder.private()));
        state.save(sealed)
    }

    /// What was saved for this clean-up, newest first. Without a state these are all receipts of steps with the same client secret:
    /// all of them ran before the first clean-up.
    ///
    /// # Errors
    /// If something was saved, and the client secret doesn't prove it.
    pub fn saved(environment: &Environment, seal: Option<&Seal>) -> Result<Vec<Self>, Unproven> {
        let Some(state) = environment.receipt.as_deref() else {
            return environment.command_files().map_or(Ok(Vec::new()), |folder| Self::from_files(folder, seal));
        };
        if state == StateFile::NOTHING {
            return Ok(Vec::new());
        }
        let receipt = seal.and_then(|seal| Self::read(state, seal)).ok_or(Unproven)?;
        Ok(vec![receipt])
    }

    fn from_files(folder: &Path, seal: Option<&Seal>) -> Result<Vec<Self>, Unproven> {
        let names = fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| name.starts_with(FILE_PREFIX)).collect();
        names.sort_by(|a, b| b.cmp(a));
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let seal = seal.ok_or(Unproven)?;
        let folder = Directory::open(folder).map_err(|_| Unproven)?;
        let read = |name: &String| {
            let found = folder.read(name).ok()??;
            Self::read(str::from_utf8(&found.content).ok()?, seal).filter(|receipt| receipt.file == *name)
        };
        // Steps with other credentials have receipts there too.
        Ok(names.iter().filter_map(read).collect())
    }

    fn read(sealed: &str, seal: &Seal) -> Option<Self> {
        serde_json::from_str(seal.open(sealed)?).ok()
    }

    /// Restores the state before the step, at the end of the job.
    ///
    /// # Errors
    /// When the file can't be reached or written.
    pub fn undo(&self, environment: &Environment) -> Result<Outcome, FileProblem> {
        let folder = environment.command_files().and_then(|folder| Directory::open(folder).ok());
        if let Some(folder) = &folder {
            folder.remove(&self.file);
        }
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
    directory.create(temporary, content, attributes)?;
    directory.replace(temporary, &place.name).inspect_err(|_| directory.remove(temporary))?;
    Ok(Outcome::Restored)
}

/// A content's hash, as receipts have it.
pub fn hash(content: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, content).as_ref())
}
