//! What started the run, as far as it explains missing secrets.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::environment::Environment;

/// GitHub caps webhook payloads at 25 MB.
/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap>
const LARGEST_EVENT: u64 = 25 * 1024 * 1024;

const DEPENDABOT: &str = "dependabot[bot]";

/// Who or what started the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A pull request from a fork: the run has no secrets.
    Fork,
    /// Dependabot: the run has only Dependabot's secrets.
    Dependabot,
    /// Anything else.
    Other,
    /// No workflow at all.
    Hand,
}

#[derive(Deserialize, Default)]
struct EventPayload {
    pull_request: Option<PullRequest>,
}

#[derive(Deserialize)]
struct PullRequest {
    head: Side,
    base: Side,
}

#[derive(Deserialize)]
struct Side {
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

impl Trigger {
    /// Reads the runner's variables and its event file. Read errors are ignored: this only helps to explain another error.
    #[must_use]
    pub fn read(environment: &Environment) -> Self {
        if environment.is_by_hand {
            return Self::Hand;
        }
        if environment.actor.as_deref() == Some(DEPENDABOT) {
            return Self::Dependabot;
        }
        // `pull_request_target` and other events run with the base's secrets, also for a fork.
        let from_pull_request =
            matches!(environment.event_name.as_deref(), Some("pull_request" | "pull_request_review" | "pull_request_review_comment"));
        let event = environment.event_path.as_deref().and_then(read_event).unwrap_or_default();
        match event.pull_request {
            Some(pull_request) if from_pull_request && pull_request.is_from_fork() => Self::Fork,
            _ => Self::Other,
        }
    }
}

impl PullRequest {
    /// A head without a repository was in a fork that has been deleted.
    fn is_from_fork(&self) -> bool {
        let name = |side: &Side| side.repo.as_ref().map(|repo| repo.full_name.clone());
        name(&self.head) != name(&self.base)
    }
}

fn read_event(path: &Path) -> Option<EventPayload> {
    let file = File::open(path).ok()?;
    serde_json::from_reader(std::io::BufReader::new(file.take(LARGEST_EVENT))).ok()
}
