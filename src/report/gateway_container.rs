//! Texts about a gateway that is a container.

use std::io::ErrorKind;
use std::path::Path;

use super::code::Code;
use super::explanation::Explanation;
use super::internal;
use crate::docker::{Error, Task};
use crate::redact::{Quote, Redactor};

/// The title of every such error.
pub const TITLE: &str = "The gateway can't start";

/// What else can be done.
pub const WITHOUT: &str =
    "Or leave `gateway` out: the agent then gets the token itself, and what limits it are the rights of the credentials.";

pub fn explain(error: &Error, redactor: &Redactor) -> Explanation {
    let (what, why, fix) = match error {
        Error::Socket { path, source } => return no_socket(path, source),
        Error::NoAnswer { task, detail } | Error::Unreadable { task, detail } => (
            format!("The container engine gave no usable answer to {task}: {detail}."),
            "What listens at the engine's socket is not Docker or Podman, it is being restarted, or it stopped.",
            format!("Check the engine on the runner. {WITHOUT}"),
        ),
        Error::Refused { task, status, message } => refused(*task, *status, message),
        Error::NotInside => (
            "None of the container engine's containers is the one that this step runs in.".to_owned(),
            "The gateway runs in the same image and network as this step, so the step looks for its own container. The socket belongs to another engine than the one that runs the job, or this program was not started as a container.",
            format!("Use a runner that starts container actions with the engine whose socket it mounts. {WITHOUT}"),
        ),
        Error::NoNetwork => (
            "This step's container has no network that a second one could share.".to_owned(),
            "The runner starts containers without a network.",
            format!("Let the runner's containers have a network. {WITHOUT}"),
        ),
        Error::Internal(error) => return internal::explain(error, redactor),
    };
    Explanation::new(Code::Gateway, TITLE, what, why, fix)
}

fn no_socket(path: &Path, source: &std::io::Error) -> Explanation {
    let what = format!("The container engine's socket `{}` can't be used: {source}.", path.display());
    let (why, fix) = match source.kind() {
        ErrorKind::NotFound => (
            "The gateway is a second container, and the runner mounted no engine's socket into this one. Runners in Kubernetes without Docker have none.",
            "Use a runner that mounts `/var/run/docker.sock` into container actions, as GitHub's do.",
        ),
        ErrorKind::PermissionDenied => (
            "The step runs as root in its container, and that root may not use the socket: the engine maps it to another user, or SELinux forbids it.",
            "On a self-hosted runner, let containers use the engine's socket.",
        ),
        _ => ("The socket is there, but no engine listens.", "Check that the container engine runs on the runner."),
    };
    Explanation::new(Code::Gateway, TITLE, what, why, format!("{fix} {WITHOUT}"))
}

fn refused(task: Task, status: u16, message: &Quote) -> (String, &'static str, String) {
    let what = format!("The container engine answered {status} to {task}: {message}.");
    match status {
        403 => (
            what,
            "A filter before the engine's socket, or a plug-in of the engine, doesn't let this step start containers.",
            format!("Let container actions start containers of their own image on this runner. {WITHOUT}"),
        ),
        _ => (
            what,
            "The engine can't start a container of this step's image with the gateway's limits.",
            format!("Follow what the engine says. {WITHOUT}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_cannot_be_used_is_told_with_the_systems_reason() {
        for (kind, says) in [
            (ErrorKind::NotFound, "mounted no engine's socket"),
            (ErrorKind::PermissionDenied, "that root may not use the socket"),
            (ErrorKind::ConnectionRefused, "no engine listens"),
        ] {
            let explanation = no_socket(Path::new("/var/run/docker.sock"), &kind.into());
            assert!(explanation.why.contains(says), "{kind}: {}", explanation.why);
        }
    }
}
