//! Texts for problems with the config.

use super::code::Code;
use super::explanation::Explanation;
use super::inputs::invalid;
use super::{internal, runner};
use crate::config::{Clash, Error, FileProblem};
use crate::inputs::fix_of_config;
use crate::redact::Redactor;

pub fn explain(error: &Error, redactor: &Redactor) -> Explanation {
    match error {
        Error::NotText => not_usable("config_file", &error.to_string()),
        Error::Text { input, problem } => {
            let of_file = if *input == "config_file" { "names a file that " } else { "" };
            let what = format!("`{input}` {of_file}{problem}.");
            match fix_of_config(problem) {
                Some(fix) => invalid(what, fix.to_owned()),
                None => not_usable(input, &format!("{of_file}{problem}")),
            }
        }
        Error::Clash { input, clash: clash @ Clash::Shape { .. } } => not_usable(input, &clash.to_string()),
        Error::Clash { input, clash: Clash::Taken { at, server_name, url } } => Explanation::new(
            Code::ConfigConflict,
            "The config has another server of this name",
            format!("`{input}` has a server at {at} already, and it is not `{url}`."),
            "One name can't stand for two servers, and the one that is there is yours: it is not replaced unseen. It may be Port in another region, or started in another way.",
            format!("Choose another name in `server_name` than `{server_name}`, or remove that server from the config."),
        ),
        Error::File { path, problem } => {
            let (why, fix) = file_texts(problem);
            let what = format!("`config_file` (`{path}`) {problem}.");
            Explanation::new(Code::FileWrite, "The config file can't be written", what, why, fix)
        }
        Error::Backup(_) => runner::files_unusable(format!("{error}.")),
        Error::Runner(error) => runner::explain(error, redactor),
        Error::Internal(error) => internal::explain(error, redactor),
    }
}

fn not_usable(input: &str, problem: &str) -> Explanation {
    let fix = format!("Give `{input}` a config of the agent that `client` names, in that agent's own format.");
    invalid(format!("`{input}` {problem}."), fix)
}

fn file_texts(problem: &FileProblem) -> (&'static str, &'static str) {
    let another_path = "Name another path in `config_file`.";
    match problem {
        FileProblem::NoTemp => (
            "Runners before 2.329.0 don't mount it.",
            "Name a path in the workspace in `config_file`, without `temp:`, or update the runner.",
        ),
        FileProblem::NoHome => {
            ("The agent looks for its config in the home directory.", "Set `HOME`, or name another path in `config_file`.")
        }
        FileProblem::Link(_) => (
            "A link can lead anywhere, so none is followed: a token must not end up where nobody looks for it.",
            "Name the real path in `config_file`.",
        ),
        FileProblem::NotADirectory(_) | FileProblem::NotAFile => ("Something else has this name.", another_path),
        FileProblem::TooLarge => ("An agent's config has a few kilobytes; this is probably another file.", another_path),
        FileProblem::Appeared => (
            "Another step or process wrote to the same place at the same time.",
            "Run the job again. If it happens often, give each of them a path of its own.",
        ),
        FileProblem::System { .. } => (
            "The directory is not writable for this container, the disk is full, or the file system has no owners and modes.",
            "Check the free disk space and who owns the directory, or name another path in `config_file`, such as `temp:mcp.json`.",
        ),
    }
}
