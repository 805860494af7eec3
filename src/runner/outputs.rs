//! The step's outputs: all of them, or none.

use zeroize::Zeroizing;

use super::command_file::CommandFile;
use super::environment::Environment;
use super::error::Error;

/// The file behind `GITHUB_OUTPUT`.
#[derive(Debug)]
pub struct OutputFile(CommandFile);

impl OutputFile {
    /// Opens the file. This is done before anything is sent, so that no token is requested that could not be delivered.
    ///
    /// # Errors
    /// If the runner named no file, or it can't be written.
    pub fn open(environment: &Environment) -> Result<Self, Error> {
        let path = environment.output.as_deref().ok_or(Error::NoOutputFile)?;
        CommandFile::open("GITHUB_OUTPUT", path).map(Self)
    }

    /// Writes all outputs, or none.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn write(&mut self, outputs: &[(&str, Zeroizing<String>)]) -> Result<(), Error> {
        self.0.append(outputs)
    }
}
