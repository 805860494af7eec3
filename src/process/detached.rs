//! The second process: from its start to its end, or until it is left to others.

use std::cell::RefCell;
use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::Sender;
use tokio::time::sleep;

use super::error::Error;
use super::running::Running;

/// This program, whatever became of its file.
const PROGRAM: &str = "/proc/self/exe";

/// The name that it shows in a list of processes.
const SHOWN: &str = "port-mcp-auth";

/// How long to wait between two looks at what it wrote.
const PAUSE: Duration = Duration::from_millis(5);

/// How much of a record is read, in bytes. Other programs of the user can write to the file.
const LONGEST_RECORD: u64 = 256 * 1024 * 1024;

/// A process that is started, and killed again if nobody takes it over.
pub struct Detached {
    name: String,
    made: RefCell<Option<Made>>,
}

struct Made {
    child: Child,
    record: PathBuf,
}

/// A started process: it waits for its first line.
pub struct Spawned<'a> {
    detached: &'a Detached,
    /// What it is known by.
    pub running: Running,
    input: Option<ChildStdin>,
    output: BufReader<File>,
    line: Vec<u8>,
}

impl Detached {
    /// Nothing yet, but the name of its record.
    #[must_use]
    pub fn new(name: String) -> Self {
        Self { name, made: RefCell::new(None) }
    }

    /// The name of its record.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts this program with an argument. It gets nothing of this process: no variable, no directory, no terminal's signals. What it
    /// writes to its standard output goes to a file in `folder`.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn start(&self, folder: &Path, argument: &str) -> Result<Spawned<'_>, Error> {
        let record = folder.join(&self.name);
        let written = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&record).map_err(Error::Record)?;
        let spawned = open(&record).map_err(Error::Record).and_then(|output| {
            let mut command = Command::new(PROGRAM);
            command.arg0(SHOWN).arg(argument).env_clear().current_dir("/").process_group(0);
            command.stdin(Stdio::piped()).stdout(written).stderr(Stdio::null());
            Ok((output, command.spawn().map_err(Error::Start)?))
        });
        let (output, mut child) = spawned.inspect_err(|_| drop(remove_file(&record)))?;
        let (input, running) = (child.stdin.take(), Running::of(child.id()));
        *self.made.borrow_mut() = Some(Made { child, record });
        let running = running.ok_or(Error::Hidden)?;
        Ok(Spawned { detached: self, running, input, output: BufReader::new(output), line: Vec::new() })
    }

    /// Leaves it to others: [`Self::remove`] does nothing from now on.
    pub fn hand_over(&self) {
        self.made.take();
    }

    /// Removes what was made of it.
    pub fn remove(&self) {
        if let Some(Made { mut child, record }) = self.made.take() {
            // One that has ended already can't be killed.
            drop(child.kill());
            drop(child.wait());
            drop(remove_file(record));
        }
    }
}

impl Spawned<'_> {
    /// Writes a line, with its end, to its standard input, and closes that.
    ///
    /// # Errors
    /// If it doesn't read.
    pub async fn say(&mut self, line: &[u8]) -> Result<(), Error> {
        let input = self.input.take().map(OwnedFd::from).ok_or(Error::Told(io::ErrorKind::BrokenPipe.into()))?;
        Sender::from_owned_fd(input).map_err(Error::Told)?.write_all(line).await.map_err(Error::Told)
    }

    /// The next line of its standard output; `None` when it has ended.
    ///
    /// # Errors
    /// If what it wrote can't be read, or the system hides it.
    pub async fn hear(&mut self) -> Result<Option<String>, Error> {
        loop {
            // Seen before the file is read, so that nothing is missed.
            let has_ended = self.has_ended();
            self.output.read_until(b'\n', &mut self.line).map_err(Error::Record)?;
            if self.line.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).trim_end().to_owned();
                return if has_ended || self.running.is_there() { Ok(Some(line)) } else { self.hidden(line) };
            }
            if has_ended {
                return Ok(None);
            }
            sleep(PAUSE).await;
        }
    }

    /// It may have ended in the meantime.
    fn hidden(&self, line: String) -> Result<Option<String>, Error> {
        if self.has_ended() { Ok(Some(line)) } else { Err(Error::Hidden) }
    }

    fn has_ended(&self) -> bool {
        let mut made = self.detached.made.borrow_mut();
        made.as_mut().is_none_or(|made| !matches!(made.child.try_wait(), Ok(None)))
    }
}

/// Hands each line of a record to `take`, and removes the file.
///
/// # Errors
/// If it isn't there, or can't be read.
pub fn read_record(folder: &Path, name: &str, mut take: impl FnMut(&str)) -> io::Result<()> {
    let path = folder.join(name);
    let mut record = BufReader::new(open(&path)?.take(LONGEST_RECORD));
    let mut line = Vec::new();
    let read = loop {
        line.clear();
        match record.read_until(b'\n', &mut line) {
            Ok(0) => break Ok(()),
            Ok(_) => take(String::from_utf8_lossy(&line).trim_end()),
            Err(error) => break Err(error),
        }
    };
    drop(remove_file(&path));
    read
}

/// Opens a regular file. Opening a pipe would wait for someone to write into it.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// Not a test by itself: what [`what_it_writes_is_heard_until_it_ends`] starts. It ends with its input.
    #[test]
    #[ignore = "waits for its input"]
    fn it_reads_until_the_end() {
        io::copy(&mut io::stdin(), &mut io::sink()).unwrap();
    }

    /// The program is the one with these tests. With this argument, it runs the one above.
    #[tokio::test(flavor = "current_thread")]
    async fn what_it_writes_is_heard_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let detached = Detached::new("record".to_owned());
        let mut spawned = detached.start(folder.path(), "--ignored").unwrap();
        spawned.say(b"x\n").await.unwrap();
        let mut lines = Vec::new();
        while let Some(line) = spawned.hear().await.unwrap() {
            lines.push(line);
        }
        assert!(lines.iter().any(|line| line.contains("it_reads_until_the_end")), "{lines:?}");
        detached.remove();
        assert!(!folder.path().join("record").exists());
    }

    #[test]
    fn a_record_of_many_calls_is_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("real"), "a line of the record\n".repeat(200_000)).unwrap();
        let mut lines = 0;
        read_record(folder.path(), "real", |_| lines += 1).unwrap();
        assert_eq!(lines, 200_000);
    }

    #[test]
    fn only_a_regular_file_is_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("real"), "a\nb").unwrap();
        symlink("real", path("link")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        for name in ["link", "folder", "pipe", "nothing"] {
            assert!(read_record(folder.path(), name, |line| panic!("{line}")).is_err(), "{name}");
        }
        let mut lines = Vec::new();
        read_record(folder.path(), "real", |line| lines.push(line.to_owned())).unwrap();
        assert!(lines == ["a", "b"] && !path("real").exists(), "{lines:?}");
    }
}
