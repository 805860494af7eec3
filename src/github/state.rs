//! What the step saves for its own clean-up at the end of the job, which the runner starts with each entry in `STATE_<name>`.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::command_file::CommandFile;
use crate::environment::Environment;
use crate::error::Error;

/// Its presence tells the clean-up from the step itself: both start the same program with the same inputs.
const CLEAN_UP: &str = "cleanup";

/// How the runner names it.
const CLEAN_UP_VARIABLE: &str = "STATE_cleanup";

/// What was written, as far as the clean-up has to know.
const RECEIPT: &str = "receipt";

/// How the runner names it.
const RECEIPT_VARIABLE: &str = "STATE_receipt";

/// What the clean-up reads of its environment.
pub const VARIABLES: &[&str] = &[CLEAN_UP_VARIABLE, RECEIPT_VARIABLE];

/// The file behind `GITHUB_STATE`.
///
/// No secret goes into it: the runner prints each entry when a job is run with debug logging.
#[derive(Debug)]
pub struct StateFile {
    file: CommandFile,
    directory: PathBuf,
}

impl StateFile {
    /// Opens the file and announces the clean-up, before there is anything to clean up. `None` for a runner without one.
    ///
    /// # Errors
    /// When the file can't be written: the clean-up would take itself for the step, and write everything anew.
    pub fn open(environment: &Environment) -> Result<Option<Self>, Error> {
        let Some((mut file, directory)) = CommandFile::open("GITHUB_STATE", environment)?.zip(directory(environment)) else {
            return Ok(None);
        };
        file.append(&[(CLEAN_UP, Zeroizing::new("true".to_owned()))])?;
        Ok(Some(Self { file, directory }))
    }

    /// Saves a receipt.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn save(&mut self, receipt: String) -> Result<(), Error> {
        self.file.append(&[(RECEIPT, Zeroizing::new(receipt))])
    }

    /// The directory that the file lies in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

/// The directory of the runner's command files. It is mounted in every container of the job, outside of the workspace, and the
/// runner empties it after the job.
#[must_use]
pub fn directory(environment: &Environment) -> Option<PathBuf> {
    let directory = Path::new(environment.variable("GITHUB_STATE")?).parent()?;
    Some(if directory.as_os_str().is_empty() { Path::new(".") } else { directory }.to_owned())
}

/// Whether this is the clean-up.
#[must_use]
pub fn is_clean_up(environment: &Environment) -> bool {
    environment.variable(CLEAN_UP_VARIABLE).is_some()
}

/// What the step saved; `None` when it wrote nothing.
#[must_use]
pub fn receipt(environment: &Environment) -> Option<&str> {
    environment.variable(RECEIPT_VARIABLE)
}
