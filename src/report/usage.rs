//! The help, and texts for a command line that can't be read.

use crate::inputs::{SETTINGS, UsageError, Verb};
use crate::runner::Console;

/// The width of the column of flags in the help, in characters.
const FLAGS: usize = 28;

/// The width of the help, in characters.
const WIDTH: usize = 100;

/// What is built: set by whoever builds a release.
const COMMIT: &str = match option_env!("PORT_MCP_AUTH_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};
const BUILD: &str = match option_env!("PORT_MCP_AUTH_BUILD") {
    Some(build) => build,
    None => "unknown",
};

/// Where more is written.
const MANUAL: &str = "https://github.com/org/port-mcp-auth/blob/v1/docs/exec.md";

/// The version.
#[must_use]
pub fn version() -> String {
    format!("port-mcp-auth {}\ncommit: {COMMIT}\nbuild: {BUILD}\n", env!("CARGO_PKG_VERSION"))
}

/// The help of the whole program.
#[must_use]
pub fn help() -> String {
    let commands = [
        ("exec [FLAGS] -- COMMAND", "Runs an agent, connected with Port's MCP server through a gateway that holds the credentials."),
        ("token [FLAGS]", "Prints an access token."),
        ("config [FLAGS]", "Prints an agent's MCP configuration, which contains a token."),
        ("gateway", "Runs a gateway by itself. Its settings come as JSON over standard input."),
    ];
    let commands: String = commands.iter().map(|(command, text)| row(command, text)).collect();
    format!(
        "Connects AI agents with Port's MCP server.\n\nUsage: port-mcp-auth COMMAND\n\nCommands:\n{commands}\nFlags:\n{}{}\nport-mcp-auth COMMAND --help shows the flags of a command. Without a command, this is a step of a workflow.\nMore: {MANUAL}\n",
        row("--help", "Shows this."),
        row("--version", "Shows the version, the commit and the build."),
    )
}

/// The help of a command.
#[must_use]
pub fn help_of(verb: Verb) -> String {
    let (usage, text) = match verb {
        Verb::Exec => (
            "exec [FLAGS] -- COMMAND [ARGUMENTS]",
            "Runs a command, such as an AI agent, connected with Port's MCP server. A gateway in this process holds the credentials and the token, and lets through what the flags allow.\n\nThe command gets the gateway's address in PORT_MCP_URL, headers as a JSON object in PORT_MCP_HEADERS, and a configuration in PORT_MCP_CONFIG. Known agents are configured without that: by flags, or in their own file, which is restored at the end.\n\nThe exit code is the command's: 128 and the number of the signal that ended it, 127 if it was not found, 126 if it can't be run. Otherwise: 1 for any error, 2 for a command line that can't be read.",
        ),
        Verb::Token => ("token [FLAGS]", "Prints an access token, and nothing else, to standard output."),
        Verb::Config => (
            "config [FLAGS]",
            "Prints an agent's MCP configuration, and nothing else, to standard output. It contains a token, unless --token-env is set.",
        ),
    };
    let settings = SETTINGS.iter().filter(|setting| setting.verbs.contains(&verb));
    let flags: String = settings.map(|setting| row(&format!("{} {}", setting.flag(), setting.value), setting.text)).collect();
    let text: String = text.split("\n\n").map(|paragraph| wrapped(paragraph, WIDTH, "") + "\n\n").collect();
    format!(
        "Usage: port-mcp-auth {usage}\n\n{text}Flags:\n{flags}{}{}{}\n{}\n\nMore: {MANUAL}\n",
        row("-q, --quiet", "Print nothing but warnings and errors to standard error."),
        row("--debug", "Also print each request, without its content."),
        row("-h, --help", "Shows this."),
        wrapped("Each flag is also a variable: --allowed-tools is PORT_ALLOWED_TOOLS. A flag counts more than its variable.", WIDTH, ""),
    )
}

/// A line of a table, and as many more as its text needs.
fn row(name: &str, text: &str) -> String {
    let indent = " ".repeat(FLAGS + 4);
    let text = wrapped(text, WIDTH - FLAGS - 4, &indent);
    format!("  {name:FLAGS$}  {text}\n")
}

/// A text in lines of at most so many characters, with something before each but the first.
fn wrapped(text: &str, width: usize, before: &str) -> String {
    let (mut lines, mut length) = (String::new(), 0);
    for word in text.split(' ') {
        if length > 0 && length + 1 + word.len() > width {
            lines.push('\n');
            lines.push_str(before);
            length = 0;
        } else if length > 0 {
            lines.push(' ');
            length += 1;
        }
        lines.push_str(word);
        length += word.len();
    }
    lines
}

/// Says what is wrong with a command line.
pub fn report_usage(error: &UsageError, verb: Option<Verb>, console: &Console) {
    let name = verb.map_or("", Into::into);
    let (title, what) = match error {
        UsageError::Command { nearest } => (
            "There is no such command".to_owned(),
            nearest.map_or_else(
                || "The commands are `exec`, `token`, `config` and `gateway`.".to_owned(),
                |nearest| format!("Did you mean `{nearest}`?"),
            ),
        ),
        UsageError::Flag { flag, nearest } => (
            format!("`{name}` has no flag {}", console.quote(flag)),
            nearest.as_ref().map_or_else(String::new, |nearest| format!("Did you mean `{nearest}`?")),
        ),
        UsageError::NotHere { flag, why } => (format!("`{flag}` is not a flag of `{name}`"), format!("Why: {why}.")),
        UsageError::NoValue(flag) => {
            (format!("`{flag}` needs a value"), format!("Write `{flag} VALUE`, or `{flag}=VALUE` for a value that begins with `--`."))
        }
        UsageError::Value(flag) => (format!("`{flag}` takes no value"), String::new()),
        UsageError::Argument if verb == Some(Verb::Exec) => (
            "There is an argument that belongs to no flag".to_owned(),
            "Put `--` before the command: `port-mcp-auth exec [FLAGS] -- COMMAND`.".to_owned(),
        ),
        UsageError::Argument => ("There is an argument that belongs to no flag".to_owned(), format!("`{name}` takes nothing but flags.")),
        UsageError::NothingToRun => {
            ("There is no command to run".to_owned(), "Write the command after `--`: `port-mcp-auth exec [FLAGS] -- COMMAND`.".to_owned())
        }
    };
    let more = if name.is_empty() { "port-mcp-auth --help".to_owned() } else { format!("port-mcp-auth {name} --help") };
    let what = if what.is_empty() { what } else { format!("{what}\n") };
    console.error(&title, &format!("{what}Help: `{more}`"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_long_as_it_may_be_and_no_longer() {
        assert_eq!(wrapped("aa bb cc", 5, "> "), "aa bb\n> cc");
        assert_eq!(wrapped("aa bb cc", 4, ""), "aa\nbb\ncc");
        assert_eq!(wrapped("much-too-long a", 4, ""), "much-too-long\na");
    }
}
