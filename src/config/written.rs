//! Writes the config file, and undoes that.

use anyhow::Context;
use data_encoding::HEXLOWER;
use ring::digest;
use serde::{Deserialize, Serialize};

use super::directory::{Attributes, Directory, Found};
use super::error::Error;
use super::place::Place;
use super::problem::FileProblem;
use crate::runner::{Environment, StateFile};

/// A place, and what was found there.
pub struct Target {
    place: Place,
    root: Directory,
    /// The file that is there already.
    pub old: Option<Found>,
}

/// What the clean-up needs to know. It holds no content of the file, old or new, since the runner prints it in debug logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Where the file is.
    pub place: Place,
    /// How many of the directories on the way were made for it.
    made: usize,
    /// The name that it has until it is complete.
    temporary: String,
    /// The hash of what was written.
    written: String,
    /// What was there before.
    before: Option<Before>,
}

/// A file that was there before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Before {
    hash: String,
    attributes: Attributes,
    /// The name of its copy in the directory of the runner's command files.
    ///
    /// The old content may hold secrets of the user, so it is not in the receipt; nor is the copy in the workspace, where an
    /// agent or `git add` would find it. It has mode 0600, which guards it as well as the file itself was, or better.
    copy: String,
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

    /// Writes the file in a way that can be undone.
    ///
    /// # Errors
    /// If that fails. Then nothing has changed.
    pub fn write(self, content: &str, state: Option<&mut StateFile>) -> Result<Written, Error> {
        let Self { place, root, old } = self;
        let failed = |problem| Error::File { path: place.to_string(), problem };
        let before = match (&old, &state) {
            (Some(old), Some(state)) => {
                Some(Before { hash: hash(&old.content), attributes: old.attributes, copy: save_copy(state, &old.content)? })
            }
            _ => None,
        };
        let receipt = Receipt {
            made: Way::down(&root, &place.directories).map_err(failed)?.missing,
            temporary: format!(".{}", random_name()?),
            written: hash(content.as_bytes()),
            before,
            place: place.clone(),
        };
        let written = Written { receipt, root, old };
        // Saved first, so that the clean-up also knows about a file that is only partly written.
        let saved = state.map_or(Ok(()), |state| state.save(written.receipt.to_text()).map_err(Error::from));
        let done = saved.and_then(|()| written.put(content.as_bytes()).map_err(failed));
        done.inspect_err(|_| written.take_back())?;
        Ok(written)
    }
}

/// A file that was written.
pub struct Written {
    receipt: Receipt,
    root: Directory,
    old: Option<Found>,
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
        let old = self.old.as_ref().map(|old| (old.content.as_slice(), old.attributes));
        // The clean-up tries again if this fails.
        drop(undo(&self.receipt, &self.root, old));
    }
}

impl Receipt {
    fn to_text(&self) -> String {
        // Serializing strings and numbers can't fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Restores the state before the step, at the end of the job.
    ///
    /// # Errors
    /// When the file can't be reached or written.
    pub fn undo(&self, environment: &Environment) -> Result<Outcome, FileProblem> {
        let root = open_root(&self.place, environment)?;
        let Some(before) = &self.before else {
            return undo(self, &root, None);
        };
        let directory = environment.command_files().map(Directory::open).transpose()?;
        let copy = directory.as_ref().and_then(|directory| directory.read(&before.copy).ok().flatten());
        // Other processes can write to that directory too. Only the step's own copy is restored.
        let copy = copy.filter(|copy| hash(&copy.content) == before.hash);
        let outcome = match &copy {
            Some(copy) => undo(self, &root, Some((&copy.content, before.attributes)))?,
            None => Outcome::Lost,
        };
        if let Some(directory) = directory {
            directory.remove(&before.copy);
        }
        Ok(outcome)
    }
}

/// Undoes what the receipt describes, if the file is still the one that was written.
fn undo(receipt: &Receipt, root: &Directory, old: Option<(&[u8], Attributes)>) -> Result<Outcome, FileProblem> {
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

fn open_root(place: &Place, environment: &Environment) -> Result<Directory, FileProblem> {
    Directory::open(&place.root.path(environment).ok_or(FileProblem::NoTemp)?)
}

/// The result of following a path of directories.
struct Way {
    /// The last one that exists.
    last: Directory,
    /// How many don't exist.
    missing: usize,
}

impl Way {
    fn down(root: &Directory, names: &[String]) -> Result<Self, FileProblem> {
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

fn save_copy(state: &StateFile, content: &[u8]) -> Result<String, Error> {
    let name = random_name()?;
    let saved = Directory::open(state.directory()).and_then(|directory| directory.create(&name, content, directory.private()));
    saved.map_err(Error::Backup)?;
    Ok(name)
}

fn random_name() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("The system gives no random bytes")?;
    Ok(format!("port-mcp-auth-{}", HEXLOWER.encode(&bytes)))
}

fn hash(content: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, content).as_ref())
}
