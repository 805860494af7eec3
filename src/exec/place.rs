//! Where the agent's config goes.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use anyhow::Context;

use super::variable::Variable;
use crate::clients::{Client, Folder, Source};
use crate::config::{Error, FileProblem, Place, Root};
use crate::runner::Environment;

/// A file for the agent's config.
pub struct ConfigFile {
    /// The file, below a root.
    pub place: Place,
    /// Says what the root is.
    pub root: Environment,
    /// Its path as people know it.
    pub shown: String,
}

impl ConfigFile {
    /// Names the file in an error as people know it.
    pub fn named_in(&self, error: Error) -> Error {
        match error {
            Error::File { problem, .. } => Error::File { path: self.shown.clone(), problem },
            error => error,
        }
    }
}

/// The file that is asked for, or the one in which the agent looks.
pub fn config_file(asked: Option<OsString>, client: &dyn Client, variable: Variable) -> Result<Option<ConfigFile>, Error> {
    if let Some(path) = asked {
        let whole = std::path::absolute(&path).context("The working directory is not known")?;
        return followed(&whole, path.to_string_lossy().into_owned()).map(Some);
    }
    let Source::File(folder, path) = client.source() else {
        return Ok(None);
    };
    let home = || variable("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let (folder, shown) = match folder {
        // The project's files may come from anybody, so no link in them is followed.
        Folder::Project => {
            let project = std::env::current_dir().context("The working directory is not known")?;
            return below(&project, Path::new(path), path.to_owned()).map(Some);
        }
        Folder::Home => (home(), format!("~/{path}")),
        Folder::Config => match variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute()) {
            Some(folder) => (Some(folder.clone()), folder.join(path).display().to_string()),
            None => (home().map(|home| home.join(".config")), format!("~/.config/{path}")),
        },
    };
    // By other ways, this agent would be connected only in part, or with the key in its flags.
    let folder = folder.ok_or(Error::File { path: shown.clone(), problem: FileProblem::NoHome })?;
    followed(&folder.join(path), shown).map(Some)
}

/// The user's own folders are often made of links, such as by programs that manage dotfiles.
fn followed(path: &Path, shown: String) -> Result<ConfigFile, Error> {
    let there = path.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
    let whole = there.and_then(|(part, real)| Some(real.join(path.strip_prefix(part).ok()?)));
    let whole = whole.map_or_else(|| path.to_owned(), |whole| whole.components().collect::<PathBuf>());
    let relative = whole.strip_prefix("/").unwrap_or(&whole);
    below(Path::new("/"), relative, shown)
}

fn below(root: &Path, path: &Path, shown: String) -> Result<ConfigFile, Error> {
    let mut names = Vec::new();
    for component in path.components() {
        match component.as_os_str().to_str() {
            Some(name) if matches!(component, Component::Normal(_)) => names.push(name.to_owned()),
            _ => return Err(unusable(shown, "it has `..` in it, or is not UTF-8")),
        }
    }
    let Some(name) = names.pop() else {
        return Err(unusable(shown, "it names no file"));
    };
    let place = Place { root: Root::Workspace, directories: names, name };
    Ok(ConfigFile { place, root: Environment { workspace: Some(root.to_owned()), ..Environment::default() }, shown })
}

fn unusable(path: String, why: &str) -> Error {
    Error::File { path, problem: FileProblem::System { doing: "reached", why: why.to_owned() } }
}
