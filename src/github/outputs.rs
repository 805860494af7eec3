//! The step's outputs: all of them, or none.

use zeroize::Zeroizing;

use super::command_file::CommandFile;
use crate::environment::Environment;
use crate::error::Error;

/// The file behind `GITHUB_OUTPUT`.
#[derive(Debug)]
pub struct OutputFile(CommandFile);

impl OutputFile {
    /// Opens the file before anything is sent, so that no token is fetched that could not be handed on.
    ///
    /// # Errors
    /// When the runner named no file, or it can't be written.
    pub fn open(environment: &Environment) -> Result<Self, Error> {
        let missing = || Error::Runner { problem: "GITHUB_OUTPUT is not set, so there is nowhere to write the outputs.".to_owned() };
        CommandFile::open("GITHUB_OUTPUT", environment)?.map(Self).ok_or_else(missing)
    }

    /// Writes all outputs, or none.
    ///
    /// # Errors
    /// When the file can't be written or no random delimiter can be had.
    pub fn write(&mut self, outputs: &[(&str, Zeroizing<String>)]) -> Result<(), Error> {
        self.0.append(outputs)
    }
}
