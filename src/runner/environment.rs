//! The runner's variables, read once, at the start.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where the runner mounts the container engine's socket.
const ENGINE_SOCKET: &str = "/var/run/docker.sock";

/// The runner's variables. Each is asked for by name: listing all variables would copy the secrets of other programs.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>
#[derive(Debug, Default)]
pub struct Environment {
    /// The file for outputs.
    pub output: Option<PathBuf>,
    /// The file for what the clean-up at the end of the job needs to know.
    pub state: Option<PathBuf>,
    /// The file for the job summary.
    pub summary: Option<PathBuf>,
    /// The name of the event that started the run.
    pub event_name: Option<String>,
    /// The file with the event's payload.
    pub event_path: Option<PathBuf>,
    /// Who started the run.
    pub actor: Option<String>,
    /// The directory in which the job works.
    pub workspace: Option<PathBuf>,
    /// The runner's temporary directory.
    pub temp: Option<PathBuf>,
    /// Whether the run shows debug messages.
    pub debug: bool,
    /// What the step saved under the name `receipt`.
    pub receipt: Option<String>,
    /// What the step saved under the name `gateway`.
    pub gateway: Option<String>,
    /// Whether the step saved something under the name `gateway_left`.
    pub gateway_was_left: bool,
    /// Which action the program is. No variable of the job says so.
    pub action: Action,
    /// The container engine's socket, if it is not where the runner mounts it.
    pub engine_socket: Option<PathBuf>,
    /// Whether a person gives the inputs as flags and variables, and no workflow does.
    pub is_by_hand: bool,
}

/// How the runner starts the program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Action {
    /// As a container of its own.
    #[default]
    Container,
    /// Without Docker: as a process of the runner's user.
    Native,
}

impl Environment {
    /// Takes each variable from `variable`. What is not UTF-8 counts as not set.
    #[must_use]
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |name| variable(name).and_then(|value| text(value).ok().flatten());
        let path = |name| value(name).map(PathBuf::from);
        Self {
            output: path("GITHUB_OUTPUT"),
            state: path("GITHUB_STATE"),
            summary: path("GITHUB_STEP_SUMMARY"),
            event_name: value("GITHUB_EVENT_NAME"),
            event_path: path("GITHUB_EVENT_PATH"),
            actor: value("GITHUB_ACTOR"),
            workspace: path("GITHUB_WORKSPACE"),
            temp: path("RUNNER_TEMP"),
            debug: value("RUNNER_DEBUG").as_deref() == Some("1"),
            receipt: value("STATE_receipt"),
            gateway: value("STATE_gateway"),
            gateway_was_left: value("STATE_gateway_left").is_some(),
            action: Action::default(),
            engine_socket: engine_socket(value),
            is_by_hand: false,
        }
    }

    /// The same for a command that takes its inputs as flags and variables. It writes to none of the runner's files, and paths in its
    /// inputs are those of the system.
    #[must_use]
    pub fn of_command(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let Self { event_name, event_path, actor, .. } = Self::read(&variable);
        let is_by_hand = variable("GITHUB_ACTIONS").is_none_or(|value| value != "true");
        Self { event_name, event_path, actor, is_by_hand, workspace: Some(PathBuf::from("/")), ..Self::default() }
    }

    /// The container engine's socket.
    #[must_use]
    pub fn engine_socket(&self) -> &Path {
        self.engine_socket.as_deref().unwrap_or(Path::new(ENGINE_SOCKET))
    }

    /// The workspace; in a run by hand, the working directory.
    #[must_use]
    pub fn workspace(&self) -> &Path {
        self.workspace.as_deref().unwrap_or(Path::new("."))
    }

    /// The directory of the files for outputs and state. It is mounted in every container of the job, outside of the workspace,
    /// and the runner empties it after the job.
    #[must_use]
    pub fn command_files(&self) -> Option<&Path> {
        let directory = self.state.as_deref()?.parent()?;
        Some(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })
    }
}

/// In a run by hand, `DOCKER_HOST` counts, as for other programs. In a job it doesn't: any earlier step can set it, and the credentials
/// would go to whoever listens there. No step can change `GITHUB_ACTIONS`.
fn engine_socket(value: impl Fn(&'static str) -> Option<String>) -> Option<PathBuf> {
    let by_hand = value("GITHUB_ACTIONS").is_none();
    value("DOCKER_HOST").filter(|_| by_hand)?.strip_prefix("unix://").map(PathBuf::from)
}

/// A variable's value, trimmed; `None` if it is empty or white space: the runner sets inputs that are not given to empty text.
///
/// # Errors
/// The value itself, if it is not UTF-8.
pub fn text(value: OsString) -> Result<Option<String>, OsString> {
    let text = value.into_string()?;
    Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned))
}
