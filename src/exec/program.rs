//! The program of a command: looked for before anything is sent.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::{Access, access};

use crate::clients::{Client, find_by_program};
use crate::report::NotStarted;

/// As shells have it (POSIX, Shell Command Language, section 2.8.2).
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// A command whose program is there.
pub struct Program {
    /// The whole command.
    pub command: Vec<OsString>,
    /// The agent that it is, if it is one.
    pub client: Option<&'static dyn Client>,
}

impl Program {
    /// Finds it as a shell does.
    pub fn find(command: &[OsString], path: Option<OsString>) -> Result<Self, NotStarted> {
        let program = command.first().map_or(OsStr::new(""), OsString::as_os_str);
        // An empty name in a folder would be the folder.
        if program.is_empty() {
            return Err(NotStarted::NotFound);
        }
        if program.as_encoded_bytes().contains(&b'/') {
            look(Path::new(program))?;
        } else {
            look_in(program, &path.unwrap_or_default())?;
        }
        let client = Path::new(program).file_name().and_then(OsStr::to_str).and_then(find_by_program);
        Ok(Self { command: command.to_vec(), client })
    }
}

fn look(path: &Path) -> Result<(), NotStarted> {
    if !path.exists() {
        Err(NotStarted::NotFound)
    } else if path.is_dir() || access(path, Access::EXEC_OK).is_err() {
        Err(NotStarted::NotExecutable)
    } else {
        Ok(())
    }
}

/// The first in `PATH` that may be run. Otherwise, one that may not tells more than none.
fn look_in(program: &OsStr, path: &OsStr) -> Result<(), NotStarted> {
    let mut problem = NotStarted::NotFound;
    for folder in std::env::split_paths(path) {
        match look(&folder.join(program)) {
            Ok(()) => return Ok(()),
            Err(NotStarted::NotFound) => {}
            Err(other) => problem = other,
        }
    }
    Err(problem)
}

/// What the system says of a program that was there.
pub fn not_started(error: io::Error) -> NotStarted {
    /// The file has no form that the system runs.
    const ENOEXEC: i32 = 8;
    match error.kind() {
        ErrorKind::NotFound => NotStarted::NotFound,
        ErrorKind::PermissionDenied => NotStarted::NotExecutable,
        _ if error.raw_os_error() == Some(ENOEXEC) => NotStarted::NotExecutable,
        _ => NotStarted::Failed(error),
    }
}

/// The exit code that a shell would have.
pub fn exit_code(problem: &NotStarted) -> u8 {
    match problem {
        NotStarted::NotFound => NOT_FOUND,
        NotStarted::NotExecutable | NotStarted::Failed(_) => NOT_EXECUTABLE,
    }
}
