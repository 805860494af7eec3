//! Directories by handle. Each name is looked up in the directory before it, and no symbolic link is followed, so nobody can
//! swap a part of the path between a look at it and its use.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{self as sys, AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, Uid};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::problem::FileProblem;

/// Files are read up to this size, in bytes.
pub const LARGEST_FILE: u64 = 1024 * 1024;

/// For what only its owner may see.
const PRIVATE: u32 = 0o600;

/// An open directory.
pub struct Directory {
    handle: OwnedFd,
    /// Who owns the mount, and so everything that is made in it.
    owner: Owner,
}

/// A user and a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    uid: u32,
    gid: u32,
}

/// A file's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Its permissions.
    pub mode: u32,
    /// Whose it is.
    pub owner: Owner,
}

/// A file as it was found.
pub struct Found {
    /// Its content.
    pub content: Zeroizing<Vec<u8>>,
    /// The rest.
    pub attributes: Attributes,
}

impl Directory {
    /// Opens a directory that the runner named. Symbolic links in that path are followed.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open(path: &Path) -> Result<Self, FileProblem> {
        let failed = FileProblem::system("reached");
        let handle = sys::open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(&failed)?;
        let owner = Owner::of(&sys::fstat(&handle).map_err(&failed)?);
        Ok(Self { handle, owner })
    }

    /// Opens it once more.
    ///
    /// # Errors
    /// When the system doesn't let it.
    pub fn again(&self) -> Result<Self, FileProblem> {
        let handle = rustix::io::fcntl_dupfd_cloexec(&self.handle, 0).map_err(FileProblem::system("reached"))?;
        Ok(Self { handle, owner: self.owner })
    }

    /// Opens a directory in this one; `None` if it is not there.
    ///
    /// # Errors
    /// When the name is that of something else.
    pub fn enter(&self, name: &str) -> Result<Option<Self>, FileProblem> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match sys::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => Ok(Some(Self { handle, owner: self.owner })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::NOTDIR | Errno::LOOP) if self.is_link(name) => Err(FileProblem::Link(name.to_owned())),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(FileProblem::NotADirectory(name.to_owned())),
            Err(errno) => Err(FileProblem::system("reached")(errno)),
        }
    }

    /// Makes a directory in this one.
    ///
    /// # Errors
    /// When the system doesn't let it.
    pub fn make(&self, name: &str) -> Result<Self, FileProblem> {
        let failed = FileProblem::system("created");
        sys::mkdirat(&self.handle, name, Mode::RWXU).map_err(&failed)?;
        let made = self.enter(name)?.ok_or_else(|| failed(Errno::NOENT))?;
        self.owner.give(&made.handle).map_err(failed)?;
        Ok(made)
    }

    /// Whether files can be made here.
    ///
    /// # Errors
    /// When they can't.
    pub fn check_writable(&self) -> Result<(), FileProblem> {
        let access = sys::Access::WRITE_OK | sys::Access::EXEC_OK;
        sys::accessat(&self.handle, ".", access, AtFlags::empty()).map_err(FileProblem::system("written"))
    }

    /// Reads a regular file of at most 1 MiB; `None` if it is not there.
    ///
    /// # Errors
    /// When the name is that of something else, or it can't be read.
    pub fn read(&self, name: &str) -> Result<Option<Found>, FileProblem> {
        // Opening a pipe would wait for someone to write into it.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let handle = match sys::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(FileProblem::Link(name.to_owned())),
            Err(Errno::NXIO) => return Err(FileProblem::NotAFile),
            Err(errno) => return Err(FileProblem::system("read")(errno)),
        };
        let status = sys::fstat(&handle).map_err(FileProblem::system("read"))?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Err(FileProblem::NotAFile);
        }
        let mut content = Zeroizing::new(Vec::new());
        File::from(handle).take(LARGEST_FILE + 1).read_to_end(&mut content).map_err(|error| broken("read", &error))?;
        if content.len() as u64 > LARGEST_FILE {
            return Err(FileProblem::TooLarge);
        }
        Ok(Some(Found { content, attributes: Attributes { mode: status.st_mode & 0o7777, owner: Owner::of(&status) } }))
    }

    /// What a file of ours in this directory looks like.
    #[must_use]
    pub fn private(&self) -> Attributes {
        Attributes { mode: PRIVATE, owner: self.owner }
    }

    /// Creates a file that must not exist yet. If that fails, nothing of it is left.
    ///
    /// # Errors
    /// When it is there, or can't be written.
    pub fn create(&self, name: &str, content: &[u8], attributes: Attributes) -> Result<(), FileProblem> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let failed = FileProblem::system("written");
        // Nobody else may open it before its owner is set.
        let mut file = File::from(sys::openat(&self.handle, name, flags, Mode::from_raw_mode(PRIVATE)).map_err(&failed)?);
        let written = file.write_all(content).map_err(|error| broken("written", &error)).and_then(|()| {
            attributes.owner.give(&file).map_err(&failed)?;
            sys::fchmod(&file, Mode::from_raw_mode(attributes.mode)).map_err(&failed)
        });
        written.inspect_err(|_| self.remove(name))
    }

    /// Replaces a file atomically: a reader sees the old one or the new one.
    ///
    /// # Errors
    /// When the system doesn't let it.
    pub fn replace(&self, new: &str, name: &str) -> Result<(), FileProblem> {
        sys::renameat(&self.handle, new, &self.handle, name).map_err(FileProblem::system("written"))
    }

    /// Writes a file anew, by way of a temporary one beside it.
    ///
    /// # Errors
    /// When the system doesn't let it. The temporary file is gone then.
    pub fn rewrite(&self, temporary: &str, name: &str, content: &[u8], attributes: Attributes) -> Result<(), FileProblem> {
        self.create(temporary, content, attributes)?;
        self.replace(temporary, name).inspect_err(|_| self.remove(temporary))
    }

    /// The same as [`Self::replace`] for a target that must not exist.
    ///
    /// # Errors
    /// When there is one after all, or the system doesn't let it.
    pub fn place(&self, new: &str, name: &str) -> Result<(), FileProblem> {
        match sys::renameat_with(&self.handle, new, &self.handle, name, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(FileProblem::Appeared),
            // Some file systems can't do this atomically. Checking just before is the next best.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => match sys::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => self.replace(new, name),
                _ => Err(FileProblem::Appeared),
            },
            Err(errno) => Err(FileProblem::system("written")(errno)),
        }
    }

    /// Removes a file, if it is there and can be removed.
    pub fn remove(&self, name: &str) {
        let _ = sys::unlinkat(&self.handle, name, AtFlags::empty());
    }

    /// Removes a directory, if it is empty.
    pub fn remove_empty(&self, name: &str) {
        let _ = sys::unlinkat(&self.handle, name, AtFlags::REMOVEDIR);
    }

    fn is_link(&self, name: &str) -> bool {
        let status = sys::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW);
        status.is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Symlink)
    }
}

impl Owner {
    fn of(status: &sys::Stat) -> Self {
        Self { uid: status.st_uid, gid: status.st_gid }
    }

    /// Only root can change the owner. Without root, the files keep theirs.
    fn give(self, file: impl std::os::fd::AsFd) -> Result<(), Errno> {
        if !rustix::process::geteuid().is_root() || Self::of(&sys::fstat(&file)?) == self {
            return Ok(());
        }
        sys::fchown(&file, Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))
    }
}

fn broken(doing: &'static str, error: &io::Error) -> FileProblem {
    FileProblem::System { doing, why: error.to_string() }
}
