//! What the step saves for its own clean-up. At the end of the job the runner starts the program again, with each entry in a
//! variable `STATE_<name>`.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::command_file::CommandFile;
use super::environment::Environment;
use super::error::Error;

/// The file behind `GITHUB_STATE`.
///
/// No secret goes into it: the runner prints each entry if the run shows debug messages.
#[derive(Debug)]
pub struct StateFile {
    file: CommandFile,
    directory: PathBuf,
}

impl StateFile {
    /// Opens the file and marks it for the clean-up, before there is anything to clean up. `None` for a runner without state.
    ///
    /// # Errors
    /// If the file can't be written: at the end of the job, the program would run as the step again, and write everything anew.
    pub fn open(environment: &Environment) -> Result<Option<Self>, Error> {
        let Some((path, directory)) = environment.state.as_deref().zip(environment.command_files()) else {
            return Ok(None);
        };
        let mut file = CommandFile::open("GITHUB_STATE", path)?;
        // This entry distinguishes the clean-up from the step: both run the same program with the same inputs.
        file.append(&[("cleanup", Zeroizing::new("true".to_owned()))])?;
        Ok(Some(Self { file, directory: directory.to_owned() }))
    }

    /// Saves what the clean-up needs to know.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn save(&mut self, receipt: String) -> Result<(), Error> {
        self.file.append(&[("receipt", Zeroizing::new(receipt))])
    }

    /// Saves which gateway the clean-up has to end.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn save_gateway(&mut self, receipt: String) -> Result<(), Error> {
        self.file.append(&[("gateway", Zeroizing::new(receipt))])
    }

    /// Saves that the step ended well, and left the gateway to the agent.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn save_gateway_left(&mut self) -> Result<(), Error> {
        self.file.append(&[("gateway_left", Zeroizing::new("true".to_owned()))])
    }

    /// The directory that the file is in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}
