//! The path of the config file. It is always in a directory that the runner shares with this container.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::runner::Environment;

/// Where runners mount their temporary directory since 2.329.0. With older ones, `RUNNER_TEMP` is a path that exists only on the host.
const TEMP_MOUNT: &str = "/github/runner_temp";

/// A directory that the runner shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// `$GITHUB_WORKSPACE`.
    Workspace,
    /// `$RUNNER_TEMP`.
    Temp,
}

/// The prefix of a path that is relative to the temporary directory.
const IN_TEMP: &str = "temp:";

/// A file below a root. Its path has no `..` in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Place {
    /// The directory that the path is relative to.
    pub root: Root,
    /// The directories on the way.
    pub directories: Vec<String>,
    /// The file's own name.
    pub name: String,
}

/// Why a text isn't such a path, as the rest of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlaceProblem {
    /// `/etc/passwd`
    #[error("is an absolute path outside of the workspace")]
    Outside,
    /// `../x`
    #[error("has `..` in it")]
    Upwards,
    /// `~/.config`
    #[error("begins with `~`, but the job's home directory is not shared with this container")]
    Home,
    /// `x/`, `.`
    #[error("names no file")]
    NoFile,
    /// Such as a line break.
    #[error("holds a control character")]
    Control,
}

impl Root {
    /// Its path in this container; `None` if the runner shares none.
    #[must_use]
    pub fn path(self, environment: &Environment) -> Option<PathBuf> {
        match self {
            Self::Workspace => Some(environment.workspace().to_owned()),
            Self::Temp => {
                let named = environment.temp.clone();
                named.into_iter().chain([TEMP_MOUNT.into()]).find(|path| path.is_dir())
            }
        }
    }
}

impl Place {
    /// Reads a path relative to the workspace, or to the temporary directory when it begins with `temp:`.
    ///
    /// An absolute path is taken if it lies in one of them: `${{ github.workspace }}` and `${{ runner.temp }}` give such paths.
    ///
    /// # Errors
    /// If it leads elsewhere, or doesn't name a file.
    pub fn parse(text: &str, environment: &Environment) -> Result<Self, PlaceProblem> {
        let (root, path) = match text.strip_prefix(IN_TEMP) {
            Some(path) => (Root::Temp, Path::new(path.trim_start())),
            None => relative(Path::new(text), environment).ok_or(PlaceProblem::Outside)?,
        };
        if text.chars().any(char::is_control) {
            return Err(PlaceProblem::Control);
        }
        if text.ends_with('/') || text.ends_with("/.") {
            return Err(PlaceProblem::NoFile);
        }
        let mut names = Vec::new();
        for component in path.components() {
            match component {
                Component::Normal(name) => names.push(name.to_string_lossy().into_owned()),
                Component::CurDir => {}
                Component::ParentDir => return Err(PlaceProblem::Upwards),
                Component::RootDir | Component::Prefix(_) => return Err(PlaceProblem::Outside),
            }
        }
        if names.first().is_some_and(|name| name.starts_with('~')) {
            return Err(PlaceProblem::Home);
        }
        let name = names.pop().ok_or(PlaceProblem::NoFile)?;
        Ok(Self { root, directories: names, name })
    }
}

/// The path as people and workflows know it: relative to its root, never a path in this container.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.directories.iter().try_for_each(|directory| write!(f, "{directory}/"))?;
        f.write_str(&self.name)
    }
}

/// As `config_file` takes it.
impl From<Place> for String {
    fn from(place: Place) -> Self {
        match place.root {
            Root::Workspace => place.to_string(),
            Root::Temp => format!("{IN_TEMP}{place}"),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = PlaceProblem;

    fn try_from(text: String) -> Result<Self, PlaceProblem> {
        Self::parse(&text, &Environment::default())
    }
}

fn relative<'a>(path: &'a Path, environment: &Environment) -> Option<(Root, &'a Path)> {
    if path.is_relative() {
        return Some((Root::Workspace, path));
    }
    let below = |root, top: &Option<PathBuf>| {
        let top = top.as_deref().filter(|top| top.is_absolute())?;
        Some((root, path.strip_prefix(top).ok()?))
    };
    below(Root::Workspace, &environment.workspace)
        .or_else(|| below(Root::Temp, &environment.temp))
        .or_else(|| Some((Root::Temp, path.strip_prefix(TEMP_MOUNT).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Place, PlaceProblem> {
        let (workspace, temp) = (Some("/github/workspace".into()), Some("/home/runner/_temp".into()));
        Place::parse(text, &Environment { workspace, temp, ..Environment::default() })
    }

    #[test]
    fn places_in_the_workspace_and_in_temp() {
        for (text, root, shown) in [
            (".mcp.json", Root::Workspace, ".mcp.json"),
            ("./a//b/.mcp.json", Root::Workspace, "a/b/.mcp.json"),
            ("/github/workspace/a/b", Root::Workspace, "a/b"),
            ("temp:a/b", Root::Temp, "a/b"),
            ("/home/runner/_temp/b", Root::Temp, "b"),
            ("/github/runner_temp/b", Root::Temp, "b"),
            ("a.", Root::Workspace, "a."),
        ] {
            let place = parse(text).unwrap();
            assert_eq!((place.root, place.to_string().as_str()), (root, shown), "{text}");
        }
    }

    #[test]
    fn nothing_outside() {
        for (text, flaw) in [
            ("/etc/passwd", PlaceProblem::Outside),
            ("/github/workspace2/a", PlaceProblem::Outside),
            ("temp:/etc/passwd", PlaceProblem::Outside),
            ("../a", PlaceProblem::Upwards),
            ("a/../b", PlaceProblem::Upwards),
            ("/github/workspace/../a", PlaceProblem::Upwards),
            ("temp:..", PlaceProblem::Upwards),
            ("~/.codex/config.toml", PlaceProblem::Home),
            ("temp:", PlaceProblem::NoFile),
            (".", PlaceProblem::NoFile),
            ("a/", PlaceProblem::NoFile),
            ("a/.", PlaceProblem::NoFile),
            ("/github/workspace", PlaceProblem::NoFile),
            ("a\nb", PlaceProblem::Control),
        ] {
            assert_eq!(parse(text), Err(flaw), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_never_leads_out(text in "(temp:|/github/workspace/)?[a./~]{1,12}") {
            if let Ok(place) = parse(&text) {
                prop_assert_eq!(Place::try_from(String::from(place.clone())), Ok(place.clone()));
                for part in place.directories.iter().chain([&place.name]) {
                    prop_assert!(!part.is_empty() && part != "." && part != ".." && !part.contains('/'), "{}", part);
                }
            }
        }
    }
}
