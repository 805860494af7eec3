//! Texts for problems of the inputs.

use std::collections::HashSet;

use super::code::Code;
use super::explanation::Explanation;
use super::{internal, port};
use crate::inputs::{Error, InputError};
use crate::redact::Redactor;
use crate::runner::Trigger;

pub fn explain(error: &Error, redactor: &Redactor) -> Explanation {
    match error {
        Error::Missing { problems, trigger } => {
            let (why, fix) = missing_because(*trigger);
            Explanation::new(Code::InputMissing, "An input is missing", problems_of(problems), why, format!("{}{fix}", fixes_of(problems)))
        }
        Error::Invalid(problems) => invalid(problems_of(problems), fixes_of(problems).trim_end().to_owned()),
        Error::Proxy { variable, host, problem } => port::proxy_address(host, variable, *problem),
        Error::Internal(error) => internal::explain(error, redactor),
    }
}

/// Values that are not valid.
pub fn invalid(what: String, fix: String) -> Explanation {
    let why = "The step checks all of its inputs before it sends anything.";
    Explanation::new(Code::InputInvalid, "An input is not valid", what, why, fix)
}

fn missing_because(trigger: Trigger) -> (&'static str, &'static str) {
    match trigger {
        Trigger::Fork => (
            "This run is of a pull request from a fork: GitHub gives such runs no secrets.",
            "Skip the job there (`if: github.event.pull_request.head.repo.full_name == github.repository`), or run it after the merge.",
        ),
        Trigger::Dependabot => (
            "Dependabot started this run: it sees no Actions secrets, only Dependabot's own.",
            "Add the secrets under Settings › Secrets and variables › Dependabot, or skip the job (`if: github.actor != 'dependabot[bot]'`).",
        ),
        Trigger::Hand => (
            "No flag and no variable gives it, or the variable is empty.",
            "Set `PORT_CLIENT_ID` and `PORT_CLIENT_SECRET`, or give `--client-id` and `--client-secret-file`.",
        ),
        Trigger::Other => (
            "A secret that doesn't exist is empty: its name is misspelt, it is in another environment, or the caller of a reusable workflow didn't pass it.",
            "Compare the names under Settings › Secrets and variables › Actions; name the job's `environment` if the secret is in one; pass secrets to reusable workflows with `secrets: inherit`.",
        ),
    }
}

fn problems_of(problems: &[InputError]) -> String {
    let sentences: Vec<_> = problems.iter().map(|error| format!("`{}` {}.", error.input, error.problem)).collect();
    sentences.join(" ")
}

/// Several problems may have one fix.
fn fixes_of(problems: &[InputError]) -> String {
    let mut fixes: Vec<_> = problems.iter().map(|error| error.fix.as_str()).filter(|fix| !fix.is_empty()).collect();
    let mut seen = HashSet::new();
    fixes.retain(|fix| seen.insert(*fix));
    fixes.iter().fold(String::new(), |text, fix| text + fix + " ")
}
