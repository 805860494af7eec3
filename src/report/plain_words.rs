//! The action's texts in words for people who started the program themselves: there is no step, runner or workflow.

use crate::inputs::SETTINGS;

/// What the action's texts say, and what it is elsewhere. The first that fits counts.
const PHRASES: &[(&str, &str)] = &[
    ("The step asked", "port-mcp-auth asked"),
    ("The step checks all of its inputs", "port-mcp-auth checks everything"),
    ("The step can't go on", "port-mcp-auth can't go on"),
    ("The step was cancelled", "Cancelled"),
    ("The step would have", "port-mcp-auth would have"),
    ("The step's", "port-mcp-auth's"),
    ("the step's time", "the time"),
    ("The token was issued and the step goes on, since the agent", "The command starts all the same, since the agent"),
    ("the step can wait", "port-mcp-auth can wait"),
    ("keeps this step from", "keeps port-mcp-auth from"),
    ("This step's server is", "The server is"),
    ("this step can't", "port-mcp-auth can't"),
    ("This step can't", "port-mcp-auth can't"),
    ("This step takes", "port-mcp-auth takes"),
    ("This step speaks", "port-mcp-auth speaks"),
    ("This step knows", "port-mcp-auth knows"),
    ("the log of a step without this input shows it", "the log without this flag shows it"),
    ("the agent uses those of the step that it runs in", "the agent uses those of its own environment"),
    ("get another token in a later step for longer work", "get another token for longer work"),
    ("appeared while the step ran", "appeared meanwhile"),
    ("Another step or process", "Another process"),
    ("set `HTTPS_PROXY` in the step's or the job's `env`", "set `HTTPS_PROXY`"),
    ("The runner sent", "port-mcp-auth got"),
    (
        "Someone cancelled the run, a newer run replaced it (`concurrency`), or the job's time was up.",
        "Somebody or something ended it before the command was started.",
    ),
    ("Nothing was written. Run the job again if it is still wanted.", "Nothing was written. Start it again if it is still wanted."),
    ("Run the job again, or raise", "Try again, or raise"),
    ("Run the job again, or set", "Try again, or set"),
    ("Run the job again", "Try again"),
    ("then run the job again", "then try again"),
    ("run the job again", "try again"),
    ("On a self-hosted runner check the clock", "Check the clock"),
    ("A self-hosted runner sets the variable from its own settings.", ""),
    ("A self-hosted runner sets it from its own settings.", ""),
    ("All jobs behind one address share", "All machines behind one address share"),
    (
        "start fewer jobs at once (`strategy.max-parallel`), let the jobs start at different times, or use runners behind several addresses",
        "or start fewer at once",
    ),
    ("Port refused this runner", "Port refused this machine"),
    (
        "Use a runner with a fixed address that is on the allow-list (a self-hosted or larger runner)",
        "Use a machine with an address that is on the allow-list",
    ),
    (" GitHub-hosted runners change their addresses.", ""),
    ("Use a runner whose address", "Use a machine whose address"),
    ("of this runner and of its containers (`/etc/resolv.conf`, Docker's `dns` setting)", "of this machine (`/etc/resolv.conf`)"),
    ("of this runner and of its containers", "of this machine"),
    ("this container's network", "this machine's network"),
    ("This container's network", "This machine's network"),
    ("from this container", "from here"),
    ("outside of this container", "elsewhere"),
    ("that this container trusts", "that port-mcp-auth trusts"),
    (" Certificates of the runner's own system are not seen inside the container.", " Certificates of the system are not read."),
    (
        "An agent on the runner trusts the runner's certificates, this container only those",
        "An agent may trust the system's certificates, port-mcp-auth only those",
    ),
    ("of which this container has", "of which port-mcp-auth has"),
    ("not writable for this container", "not writable"),
    ("to let the runner through", "to let it through"),
    ("let this runner through", "let this machine through"),
    ("this runner", "this machine"),
    (" into the repository's secrets", ""),
    (" in the workspace, after a checkout", ""),
    (" (PEM text, or a file in the workspace)", " (PEM text, or a file)"),
    ("the path of a PEM file in the workspace", "the path of a PEM file"),
    ("the path of one in the workspace", "the path of one"),
    (
        "Inputs are taken as they are, and no shell reads them: write `${{ secrets.NAME }}`, `${{ vars.NAME }}` or `${{ env.NAME }}` in the workflow.",
        "The value is taken as it is: let the shell replace the variable, without single quotes around it.",
    ),
    (
        "GitHub evaluates `${{ … }}` only in workflow files and `action.yml`: write the expression there, not into the secret or variable itself.",
        "Only GitHub evaluates `${{ … }}`: give the value itself.",
    ),
    (
        "Load the secret in an earlier step, with that store's own action, and pass its output here.",
        "Let that store's own program print the secret, and pass it with `--client-secret-file <(…)`.",
    ),
    ("Write it as `${{ secrets.NAME }}` in the workflow.", "Give the value itself."),
    (
        "Pass one field of it, such as `${{ fromJSON(secrets.NAME).clientSecret }}`, or store each credential in a secret of its own.",
        "Pass one field of it, or store each credential by itself.",
    ),
    ("Remove the quotes: a secret or a variable needs none, and in a workflow one pair is enough.", "Remove the quotes."),
    (", and set that variable to the output `access_token` in the `env` of the agent's step", ""),
    ("they can't reach a gateway in the job", "they can't reach a gateway on this machine"),
    ("Leave `gateway` out, or choose an agent that runs in the job in `client`.", "Choose another agent in `client`."),
    ("gave its tools to this step directly", "gave its tools directly"),
    (
        "A firewall between containers of one network (`--icc=false`) may be in the way.",
        "Something on this machine is in the way of connections to 127.0.0.1.",
    ),
    ("Let the runner's containers reach each other.", "Let programs on this machine connect to 127.0.0.1."),
    ("Or leave `gateway` out: the agent then gets the token itself, and what limits it are the rights of the credentials.", ""),
    ("An input is missing", "Something is missing"),
    ("An input is not valid", "A value is not valid"),
    (", and say which runner it is", ", and say which system it is"),
];

/// A text of the action in words that fit where no workflow is: inputs are flags, and runners are machines.
#[must_use]
pub fn plain_words(text: &str) -> String {
    let text = PHRASES.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let pieces: Vec<_> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return text;
    }
    let pieces: Vec<_> =
        pieces.into_iter().enumerate().map(|(at, piece)| if at % 2 == 1 { flag(piece) } else { piece.to_owned() }).collect();
    pieces.join("`")
}

/// The flag of an input, or of an input with a value as a workflow has it.
fn flag(code: &str) -> String {
    let (input, value) = code.split_once(": ").map_or((code, None), |(input, value)| (input, Some(value)));
    if let Some(setting) = SETTINGS.iter().find(|setting| setting.input == input) {
        return value.map_or_else(|| setting.flag(), |value| format!("{} {value}", setting.flag()));
    }
    if code == "client_secret" {
        return "PORT_CLIENT_SECRET".to_owned();
    }
    code.to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A phrase that no text has any more would stay here unseen.
    #[test]
    fn every_phrase_is_one_of_a_text() {
        fn texts(folder: &Path) -> String {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let files = entries.filter(|path| !path.ends_with("plain_words.rs"));
            files.map(|path| if path.is_dir() { texts(&path) } else { std::fs::read_to_string(path).unwrap() }).collect()
        }
        let all = texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        let gone: Vec<_> = PHRASES.iter().map(|(from, _)| from).filter(|from| !all.contains(**from)).collect();
        assert!(gone.is_empty(), "{gone:#?}");
    }

    #[test]
    fn inputs_become_flags_and_other_code_stays() {
        for (text, plain) in [
            ("Set `region` to `us`.", "Set `--region` to `us`."),
            ("set `region: us`.", "set `--region us`."),
            ("`client_secret` is empty.", "`PORT_CLIENT_SECRET` is empty."),
            ("It answered `region and more`.", "It answered `region and more`."),
            ("It ` region`", "It ` region`"),
            ("Run the job again.", "Try again."),
        ] {
            assert_eq!(plain_words(text), plain);
        }
    }
}
