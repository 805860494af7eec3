//! What the step leaves for its clean-up: in the runner's state, and in files beside it, since some runners give the clean-up no state.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::directory::Directory;
use super::random::random_name;
use super::seal::Seal;

/// Something that the step saves for its clean-up. It holds no secret, since the runner prints the state in debug logs.
pub trait Saved: Serialize + DeserializeOwned {
    /// How the names of its files begin.
    const PREFIX: &'static str;

    /// The name of its own file.
    fn file(&self) -> &str;

    /// A new name for such a file. Sorted, these names are in the order of time.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    fn new_file() -> anyhow::Result<String> {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(format!("{}{:015}-{}", Self::PREFIX, since_1970.as_millis(), random_name()?))
    }
}

/// Something was saved, and it isn't certain that the step saved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("doesn't match the client secret")]
pub struct Unproven;

/// Writes it to its file, and returns the same text for the runner's state.
pub fn keep<T: Saved>(saved: &T, seal: &Seal, folder: &Path) -> String {
    // Serializing strings and numbers can't fail.
    let sealed = seal.close(&serde_json::to_string(saved).unwrap_or_default());
    // Most runners need only the state, so a directory that takes no new file doesn't fail the step.
    let _ = Directory::open(folder).and_then(|folder| folder.create(saved.file(), sealed.as_bytes(), folder.private()));
    sealed
}

/// Removes its file, if there is one.
pub fn forget<T: Saved>(saved: &T, folder: &Path) {
    if let Ok(folder) = Directory::open(folder) {
        folder.remove(saved.file());
    }
}

/// What the runner's state holds.
///
/// # Errors
/// If the client secret doesn't prove it.
pub fn from_state<T: Saved>(sealed: &str, seal: Option<&Seal>) -> Result<T, Unproven> {
    seal.and_then(|seal| read(sealed, seal)).ok_or(Unproven)
}

/// What the files hold, newest first: all of the steps with the same client secret, since all of them ran before the first clean-up.
///
/// # Errors
/// If there are files, and no client secret that could prove any of them.
pub fn from_files<T: Saved>(folder: &Path, seal: Option<&Seal>) -> Result<Vec<T>, Unproven> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| name.starts_with(T::PREFIX)).collect();
    names.sort_by(|a, b| b.cmp(a));
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let seal = seal.ok_or(Unproven)?;
    let folder = Directory::open(folder).map_err(|_| Unproven)?;
    let from_file = |name: &String| {
        let found = folder.read(name).ok()??;
        read(str::from_utf8(&found.content).ok()?, seal).filter(|saved: &T| saved.file() == name)
    };
    // Steps with other credentials have files there too.
    Ok(names.iter().filter_map(from_file).collect())
}

fn read<T: Saved>(sealed: &str, seal: &Seal) -> Option<T> {
    serde_json::from_str(seal.open(sealed)?).ok()
}
