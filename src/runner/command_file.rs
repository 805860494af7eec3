//! The files in which a step writes to the runner: entries, appended all at once or not at all.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::Context;
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::error::Error;

/// The size of an entry besides its name and value, in bytes: the delimiter twice, and punctuation.
const OVERHEAD: usize = 100;

/// A delimiter's random part, in bytes.
const DELIMITER_SIZE: usize = 16;

/// A file that the runner named in a variable, open for appending.
#[derive(Debug)]
pub struct CommandFile {
    variable: &'static str,
    file: File,
}

impl CommandFile {
    /// Opens the file that `variable` names.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn open(variable: &'static str, path: &Path) -> Result<Self, Error> {
        // A missing file is not created: the runner creates these files, and would not read a new one.
        let file = OpenOptions::new().read(true).append(true).open(path).map_err(|source| Error::Open { variable, source })?;
        Ok(Self { variable, file })
    }

    /// Writes all entries in one piece. If that fails, removes what was written of them.
    ///
    /// # Errors
    /// If the file can't be written, or the system gives no random bytes for the delimiters.
    pub fn append(&mut self, entries: &[(&str, Zeroizing<String>)]) -> Result<(), Error> {
        let variable = self.variable;
        let failed = |source| Error::Write { variable, source };
        let mut text = Zeroizing::new(String::with_capacity(entries.iter().map(|(name, value)| name.len() + value.len() + OVERHEAD).sum()));
        for ((name, value), delimiter) in entries.iter().zip(delimiters(entries.len())?) {
            entry(&mut text, name, value, &delimiter);
        }
        let before = self.file.metadata().map_err(failed)?.len();
        if !self.ends_with_newline(before) {
            text.insert(0, '\n');
        }
        self.file.write_all(text.as_bytes()).map_err(|error| {
            // Truncating needs no space, so it works on a full disk. It fails on a device, where nothing can be removed.
            drop(self.file.set_len(before));
            failed(error)
        })
    }

    /// Whether an entry can begin where the file ends.
    fn ends_with_newline(&mut self, length: u64) -> bool {
        let mut last = [0];
        length == 0 || (self.file.seek(SeekFrom::End(-1)).is_ok() && self.file.read_exact(&mut last).is_ok() && last == *b"\n")
    }
}

/// Adds one entry in the heredoc form, which allows any value. An empty value has no line: some runners refuse blank lines.
fn entry(text: &mut String, name: &str, value: &str, delimiter: &str) {
    let line_end = if value.is_empty() { "" } else { "\n" };
    text.extend([name, "<<", delimiter, "\n", value, line_end, delimiter, "\n"]);
}

/// Lines that no value can contain, since nobody can guess them: 128 random bits each.
fn delimiters(count: usize) -> anyhow::Result<Vec<String>> {
    let mut bytes = vec![0; DELIMITER_SIZE * count];
    getrandom::fill(&mut bytes).context("The system gives no random bytes")?;
    Ok(bytes.chunks_exact(DELIMITER_SIZE).map(|bytes| format!("ghadelimiter_{}", HEXLOWER.encode(bytes))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads one entry as the runner does: lines end with LF only, and the value is what stands between the two delimiters.
    fn read_back(text: &str) -> (String, String) {
        let (head, rest) = text.split_once('\n').unwrap();
        let (name, delimiter) = head.split_once("<<").unwrap();
        let mut lines = Vec::new();
        for line in rest.split('\n') {
            if line == delimiter {
                return (name.to_owned(), lines.join("\n"));
            }
            lines.push(line);
        }
        panic!("no closing delimiter in {text:?}");
    }

    proptest! {
        #[test]
        fn any_value_reads_back(value in "(?s).{0,80}|[\r\n<=a]{0,20}") {
            let mut text = String::new();
            entry(&mut text, "name", &value, &delimiters(1).unwrap()[0]);
            prop_assert_eq!(read_back(&text), ("name".to_owned(), value));
        }
    }
}
