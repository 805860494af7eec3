//! The path by which later steps reach a file. They see other paths than this container.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::place::{Place, Root};
use crate::runner::Environment;

/// The mounts of this process. <https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html>
const MOUNTS: &str = "/proc/self/mountinfo";

/// The file's path relative to the workspace, in which steps start. A file in the temporary directory is reached from there too, as
/// `../../_temp/…` with GitHub's runner. Where that can't be found out, its path is relative to the temporary directory.
#[must_use]
pub fn path_for_later_steps(place: &Place, environment: &Environment) -> String {
    let way = || {
        let mounts = fs::read_to_string(MOUNTS).ok()?;
        let temp = Root::Temp.path(environment)?.canonicalize().ok()?;
        way_between(&environment.workspace().canonicalize().ok()?, &temp, &mounts)
    };
    match place.root {
        Root::Workspace => place.to_string(),
        Root::Temp => way().map_or_else(|| place.to_string(), |way| format!("{way}/{place}")),
    }
}

/// The relative path between two directories of one file system of the host.
fn way_between(from: &Path, to: &Path, mounts: &str) -> Option<String> {
    let (from, to) = (on_host(from, mounts)?, on_host(to, mounts)?);
    if from.device != to.device {
        return None;
    }
    let (from, to): (Vec<_>, Vec<_>) = (from.path.components().collect(), to.path.components().collect());
    let shared = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
    let up = from.iter().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to.iter().skip(shared).copied()).collect();
    way.to_str().filter(|way| !way.is_empty()).map(str::to_owned)
}

/// A directory in a file system of the host.
struct OnHost<'a> {
    device: &'a str,
    path: PathBuf,
}

/// What is mounted where a path is. The last mount at a point is the one that is seen. A path that the list would escape is not found.
fn on_host<'a>(path: &Path, mounts: &'a str) -> Option<OnHost<'a>> {
    let read = |line: &'a str| {
        let mut fields = line.split(' ').skip(2);
        let (device, root, point) = (fields.next()?, fields.next()?, fields.next()?);
        let rest = path.strip_prefix(point).ok()?;
        Some((point.len(), OnHost { device, path: Path::new(root).join(rest) }))
    };
    mounts
        .lines()
        .filter_map(read)
        .max_by_key(|(length, _)| *length)
        .map(|(_, found)| found)
        .filter(|found| !found.path.to_string_lossy().contains('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTED: &str = "\
1 0 0:50 / / rw - overlay overlay rw
2 1 8:1 /home/runner/work/repo/repo /github/workspace rw - ext4 /dev/sda1 rw
3 1 8:1 /home/runner/work/_temp /github/runner_temp rw - ext4 /dev/sda1 rw
4 1 8:2 /elsewhere /github/home rw - ext4 /dev/sdb1 rw
";

    fn way(from: &str, to: &str) -> Option<String> {
        way_between(Path::new(from), Path::new(to), HOSTED)
    }

    #[test]
    fn the_hosts_directories_lie_beside_each_other() {
        assert_eq!(way("/github/workspace", "/github/runner_temp").as_deref(), Some("../../_temp"));
        assert_eq!(way("/github/workspace", "/github/runner_temp/a").as_deref(), Some("../../_temp/a"));
        assert_eq!(way("/a/b", "/a/c").as_deref(), Some("../c"));
    }

    #[test]
    fn what_lies_on_another_file_system_is_not_found() {
        assert_eq!(way("/github/workspace", "/github/home"), None);
        assert_eq!(way("/github/workspace", "/github/workspace"), None);
        assert_eq!(way_between(Path::new("/a"), Path::new("/b"), ""), None);
        let escaped = HOSTED.replace("/home/runner", "/my\\040runner");
        assert_eq!(way_between(Path::new("/github/workspace"), Path::new("/github/runner_temp"), &escaped), None);
    }
}
