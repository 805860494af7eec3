//! What the step saves for its own clean-up. At the end of the job the runner starts the program again, with each entry in a
//! variable `STATE_<name>`. The name of the program tells that this is the clean-up, since not every runner does so.

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
    /// What is saved until there is something to clean up. So the clean-up can tell a step that wrote nothing from a runner that
    /// gives it no state.
    pub const NOTHING: &str = "none";

    /// Opens the file, before there is anything to clean up. `None` for a runner without state.
    ///
    /// # Errors
    /// If the file can't be written: what the step writes later could not be removed.
    pub fn open(environment: &Environment) -> Result<Option<Self>, Error> {
        let Some((path, directory)) = environment.state.as_deref().zip(environment.command_files()) else {
            return Ok(None);
        };
        let mut state = Self { file: CommandFile::open("GITHUB_STATE", path)?, directory: directory.to_owned() };
        state.save(Self::NOTHING.to_owned())?;
        Ok(Some(state))
    }

    /// Saves what the clean-up needs to know, in place of what was saved before.
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
