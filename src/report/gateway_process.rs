//! Texts about a gateway that is a process.

use super::code::Code;
use super::explanation::Explanation;
use super::gateway_container::{TITLE, WITHOUT};
use crate::process::Error;

pub fn explain(error: &Error) -> Explanation {
    let (what, why, fix) = match error {
        Error::NoFolder => (
            "`RUNNER_TEMP` is not set.".to_owned(),
            "The gateway's record is a file in the runner's temporary directory, and the runner names none.",
            "Set `RUNNER_TEMP` to a directory that only this user may read.",
        ),
        Error::Record(problem) => (
            format!("The gateway's record can't be written: {problem}."),
            "It is a file in the runner's temporary directory, `RUNNER_TEMP`.",
            "Let the runner's user write there, and see that the disk isn't full.",
        ),
        Error::Start(problem) => (
            format!("The gateway's process can't be started: {problem}."),
            "The system has reached a limit of processes or memory, or forbids this user to start programs.",
            "Check the runner's limits.",
        ),
        Error::Told(problem) => (
            format!("The gateway's process doesn't take its settings: {problem}."),
            "Another program of the same user, or the system, killed it.",
            "Run the job again, and look into the system's log on the runner.",
        ),
        Error::Hidden => (
            "The system hides the gateway's process from this step.".to_owned(),
            "The clean-up ends the gateway only if `/proc` shows that it is still the same process. `/proc` is mounted with `hidepid` on this runner, and hides each process that protects its memory.",
            "Mount `/proc` without `hidepid` on the runner.",
        ),
    };
    Explanation::new(Code::Gateway, TITLE, what, why, format!("{fix} {WITHOUT}"))
}
