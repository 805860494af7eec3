//! Whether git would commit a file.

use std::path::{Path, PathBuf};

use gix_ignore::Search;
use gix_ignore::glob::pattern::Case;
use gix_ignore::search::Ignore;

use super::place::Place;

/// Whether a file in the workspace lies in a checkout that doesn't ignore it.
///
/// A file that is both ignored and tracked is not detected: that would need git's index.
#[must_use]
pub fn would_commit(workspace: &Path, place: &Place) -> bool {
    // A job can have several checkouts. The nearest one above the file counts.
    let checkout = (0..=place.directories.len()).rev().find(|depth| above(workspace, place, *depth).join(".git").exists());
    checkout.is_some_and(|depth| !is_ignored(workspace, place, depth))
}

fn is_ignored(workspace: &Path, place: &Place, checkout: usize) -> bool {
    let top = above(workspace, place, checkout);
    // Later patterns win: first those of `.git/info/exclude`, then those of each directory, from the top down to the file's own.
    let mut search = Search::from_git_dir(&top.join(".git"), None, &mut Vec::new(), Ignore::default()).unwrap_or_default();
    for depth in checkout..=place.directories.len() {
        let file = above(workspace, place, depth).join(".gitignore");
        if let Ok(patterns) = std::fs::read(&file) {
            // This fails only for a name that git can't represent. Paths are UTF-8 here, so there is none.
            drop(search.add_patterns_buffer(&patterns, file, Some(&top), Ignore::default()));
        }
    }
    let names: Vec<_> = place.directories.iter().skip(checkout).chain([&place.name]).map(String::as_str).collect();
    // A file in an ignored directory is ignored, whatever patterns say about the file itself.
    (1..=names.len()).any(|length| {
        let path = names.iter().take(length).copied().collect::<Vec<_>>().join("/");
        let found = search.pattern_matching_relative_path(path.as_str().into(), Some(length < names.len()), Case::Sensitive);
        found.is_some_and(|found| !found.pattern.is_negative())
    })
}

/// The directory that is `depth` levels below the workspace, on the file's path.
fn above(workspace: &Path, place: &Place, depth: usize) -> PathBuf {
    place.directories.iter().take(depth).fold(workspace.to_owned(), |path, name| path.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::place::Root;

    #[test]
    fn git_takes_what_it_does_not_ignore() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let commits = |path: &str| {
            let mut directories: Vec<_> = path.split('/').map(str::to_owned).collect();
            let name = directories.pop().unwrap();
            would_commit(dir.path(), &Place { root: Root::Workspace, directories, name })
        };
        assert!(!commits(".mcp.json"), "no checkout");
        write(".git/info/exclude", "excluded.json\n/top.json\n");
        write(".gitignore", "# secrets\n*.secret\n!not.secret\nout/\n/only/here.json\n");
        write("sub/.gitignore", "!kept.secret\nlocal.json\n");
        for path in [
            "a.secret",
            "sub/a.secret",
            "out/a",
            "out/not.secret",
            "only/here.json",
            "excluded.json",
            "sub/excluded.json",
            "top.json",
            "sub/local.json",
        ] {
            assert!(!commits(path), "{path} is ignored");
        }
        // A pattern that ends with a slash is for directories only.
        for path in [".mcp.json", "not.secret", "sub/kept.secret", "local.json", "sub/only/here.json", "sub/top.json", "a/b/c", "out"] {
            assert!(commits(path), "{path} is not ignored");
        }
        write("nested/.git", "gitdir: elsewhere\n");
        assert!(commits("nested/a.secret"), "the nested checkout has patterns of its own");
    }
}
