//! The input `config_file`: a place that the runner shares with this container, and never one outside.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::environment::Environment;

/// Where newer runners mount their temporary directory. Before 2.331, `RUNNER_TEMP` names a path that only exists outside.
const TEMP_MOUNT: &str = "/github/runner_temp";

/// A directory that the runner shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// `$GITHUB_WORKSPACE`.
    Workspace,
    /// `$RUNNER_TEMP`.
    Temp,
}

/// Says that a path is relative to the temporary directory.
const IN_TEMP: &str = "temp:";

/// A file below a root. Its path has no `..` in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Place {
    /// What it lies in.
    pub root: Root,
    /// The directories on the way.
    pub directories: Vec<String>,
    /// The file's own name.
    pub name: String,
}

/// Why a text names no place, as the rest of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlaceFlaw {
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
    /// A line break, or the like.
    #[error("holds a control character")]
    Control,
}

impl Root {
    /// Its path in this container; `None` if the runner shares none.
    #[must_use]
    pub fn path(self, environment: &Environment) -> Option<PathBuf> {
        match self {
            Self::Workspace => Some(environment.variable("GITHUB_WORKSPACE").unwrap_or(".").into()),
            Self::Temp => {
                let named = environment.variable("RUNNER_TEMP").map(PathBuf::from);
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
    /// When it leads elsewhere, or to no file.
    pub fn parse(text: &str, environment: &Environment) -> Result<Self, PlaceFlaw> {
        let (root, path) = match text.strip_prefix(IN_TEMP) {
            Some(path) => (Root::Temp, Path::new(path.trim_start())),
            None => relative(Path::new(text), environment).ok_or(PlaceFlaw::Outside)?,
        };
        if text.chars().any(char::is_control) {
            return Err(PlaceFlaw::Control);
        }
        if text.ends_with('/') || text.ends_with("/.") {
            return Err(PlaceFlaw::NoFile);
        }
        let mut names = Vec::new();
        for component in path.components() {
            match component {
                Component::Normal(name) => names.push(name.to_string_lossy().into_owned()),
                Component::CurDir => {}
                Component::ParentDir => return Err(PlaceFlaw::Upwards),
                Component::RootDir | Component::Prefix(_) => return Err(PlaceFlaw::Outside),
            }
        }
        if names.first().is_some_and(|name| name.starts_with('~')) {
            return Err(PlaceFlaw::Home);
        }
        let name = names.pop().ok_or(PlaceFlaw::NoFile)?;
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
    type Error = PlaceFlaw;

    fn try_from(text: String) -> Result<Self, PlaceFlaw> {
        Self::parse(&text, &Environment::default())
    }
}

fn relative<'a>(path: &'a Path, environment: &Environment) -> Option<(Root, &'a Path)> {
    if path.is_relative() {
        return Some((Root::Workspace, path));
    }
    let below = |root, variable| {
        let top = environment.variable(variable).filter(|top| Path::new(top).is_absolute())?;
        Some((root, path.strip_prefix(top).ok()?))
    };
    below(Root::Workspace, "GITHUB_WORKSPACE")
        .or_else(|| below(Root::Temp, "RUNNER_TEMP"))
        .or_else(|| Some((Root::Temp, path.strip_prefix(TEMP_MOUNT).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Place, PlaceFlaw> {
        let variables = [("GITHUB_WORKSPACE", "/github/workspace"), ("RUNNER_TEMP", "/home/runner/_temp")];
        Place::parse(text, &Environment::from_pairs(variables.map(|(name, value)| (name.to_owned(), value.into()))))
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
            ("/etc/passwd", PlaceFlaw::Outside),
            ("/github/workspace2/a", PlaceFlaw::Outside),
            ("temp:/etc/passwd", PlaceFlaw::Outside),
            ("../a", PlaceFlaw::Upwards),
            ("a/../b", PlaceFlaw::Upwards),
            ("/github/workspace/../a", PlaceFlaw::Upwards),
            ("temp:..", PlaceFlaw::Upwards),
            ("~/.codex/config.toml", PlaceFlaw::Home),
            ("temp:", PlaceFlaw::NoFile),
            (".", PlaceFlaw::NoFile),
            ("a/", PlaceFlaw::NoFile),
            ("a/.", PlaceFlaw::NoFile),
            ("/github/workspace", PlaceFlaw::NoFile),
            ("a\nb", PlaceFlaw::Control),
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
