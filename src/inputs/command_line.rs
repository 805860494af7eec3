//! The inputs as flags and variables, for the commands that no workflow calls.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use lexopt::{Arg, Parser};
use strum::{EnumString, IntoStaticStr, VariantArray};
use zeroize::Zeroizing;

use super::problem::InputError;

/// The largest file with a secret, in bytes.
const LARGEST_SECRET: u64 = 64 * 1024;

/// The prefix of variables.
const PREFIX: &str = "PORT_";

/// What names the file with the client secret.
const SECRET_FILE: &str = "client_secret_file";

/// Values longer than this are texts and no paths.
const LONGEST_PATH: usize = 4096;

/// How long the gateway lives if nothing is said: as long as the inputs allow, since it ends with its command.
const LIFETIME: &str = "120h";

/// A command that takes inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Verb {
    /// Runs another command.
    Exec,
    /// Prints a token.
    Token,
    /// Prints a config.
    Config,
}

/// An input as a flag, and as a variable.
pub struct Setting {
    /// The input's name.
    pub input: &'static str,
    /// What its value stands for.
    pub value: &'static str,
    /// What it means.
    pub text: &'static str,
    /// The commands that take it.
    pub verbs: &'static [Verb],
}

/// An input that is no flag.
pub struct LeftOut {
    /// The input's name.
    pub input: &'static str,
    /// Why.
    pub why: &'static str,
}

const ALL: &[Verb] = &[Verb::Exec, Verb::Token, Verb::Config];
const ISSUED: &[Verb] = &[Verb::Token, Verb::Config];
const AGENT: &[Verb] = &[Verb::Exec, Verb::Config];
const EXEC: &[Verb] = &[Verb::Exec];

const fn setting(input: &'static str, value: &'static str, text: &'static str, verbs: &'static [Verb]) -> Setting {
    Setting { input, value, text, verbs }
}

/// Every input of the action that is a flag, in the order of the list.
pub const SETTINGS: &[Setting] = &[
    setting("client_id", "ID", "Client ID of the credentials.", ALL),
    setting(
        SECRET_FILE,
        "FILE",
        "File with the client secret, such as <(pass port). The variable PORT_CLIENT_SECRET holds the secret itself.",
        ALL,
    ),
    setting("region", "REGION", "Region of your Port organization: eu (default) or us.", ALL),
    setting("auth_base_url", "URL", "Base URL of Port's API, if it is not the region's.", ALL),
    setting("mcp_url", "URL", "URL of the MCP server, if it is not the region's.", ALL),
    setting("token_endpoint", "KIND", "What issues the token: api, mcp, or auto (default).", ALL),
    setting("server_name", "NAME", "Name of the server in the configuration (default: port-prod).", AGENT),
    setting("client", "NAME", "The agent, such as codex. exec finds it by the command's name.", AGENT),
    setting("token_env", "NAME", "Variable that the configuration refers to, instead of containing what authorizes the agent.", AGENT),
    setting("transport", "KIND", "http (default), or mcp-remote for agents that speak stdio only.", AGENT),
    setting("read_only", "BOOL", "true (default): the agent can't use the tools that write.", AGENT),
    setting("allowed_tools", "LIST", "Tools that the agent may use, as names and patterns (list_*). May be repeated.", AGENT),
    setting("allowed_actions", "LIST", "Self-service actions that the agent may run, or none. May be repeated.", AGENT),
    setting("verify", "BOOL", "true (default): check the MCP connection first.", ALL),
    setting("gateway_lifetime", "TIME", "Time limit for the gateway. Usually it ends with the command, before that (default: 120h).", EXEC),
    setting("organization", "ID", "Port organization that the credentials must belong to (org_...).", ALL),
    setting("min_validity", "TIME", "Minimum time that the token must still be valid (default: 0).", ISSUED),
    setting("max_wait", "TIME", "How long to wait for a new token if the current one expires before that (default: 0).", ISSUED),
    setting("config_file", "FILE", "Write the configuration to this file, and not to where the agent looks for it.", EXEC),
    setting("base_config", "FILE", "A configuration of the same agent to add the server to, as text or as a file.", AGENT),
    setting("ca_bundle", "FILE", "Additional certificate authorities to trust, as PEM text or as a file.", ALL),
    setting("timeout", "TIME", "Time limit until the connection is there (default: 60s).", ALL),
];

/// Every other input.
pub const LEFT_OUT: &[LeftOut] = &[
    LeftOut {
        input: "client_secret",
        why: "every process on the machine can read command lines: use --client-secret-file or PORT_CLIENT_SECRET",
    },
    LeftOut { input: "gateway", why: "exec always has a gateway, token and config never have one" },
    LeftOut { input: "summary", why: "only a step of a workflow has a job summary" },
];

impl Setting {
    /// The flag.
    #[must_use]
    pub fn flag(&self) -> String {
        flag(self.input)
    }

    /// The variable.
    #[must_use]
    pub fn variable(&self) -> String {
        variable(self.input)
    }
}

fn flag(input: &str) -> String {
    format!("--{}", input.replace('_', "-"))
}

fn variable(input: &str) -> String {
    format!("{PREFIX}{}", input.to_ascii_uppercase())
}

/// The variables that hold credentials, or lead to them.
#[must_use]
pub fn credential_variables() -> Vec<String> {
    ["client_id", "client_secret"]
        .iter()
        .flat_map(|input| [variable(input), format!("INPUT_{}", input.to_ascii_uppercase())])
        .chain([variable(SECRET_FILE)])
        .collect()
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// The command's help.
    Help,
    /// The command itself.
    Run(CommandLine),
}

/// The flags, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    given: BTreeMap<&'static str, OsString>,
    /// The command to run, with its arguments.
    pub command: Vec<OsString>,
    /// Whether to print nothing but warnings and errors.
    pub quiet: bool,
    /// Whether to print what helps to find the cause of a problem.
    pub debug: bool,
}

/// Why the command line can't be read. It quotes no value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// No such command.
    #[error("there is no such command")]
    Command {
        /// The one that is most like it.
        nearest: Option<&'static str>,
    },
    /// No such flag.
    #[error("there is no flag {flag}")]
    Flag {
        /// What was written.
        flag: String,
        /// The one that is most like it.
        nearest: Option<String>,
    },
    /// An input that is no flag of this command.
    #[error("{flag} is no flag here")]
    NotHere {
        /// What was written.
        flag: String,
        /// Why.
        why: &'static str,
    },
    /// A flag without a value.
    #[error("{0} needs a value")]
    NoValue(String),
    /// A value for a flag that takes none.
    #[error("{0} takes no value")]
    Value(String),
    /// An argument that is no flag.
    #[error("there is an argument that belongs to no flag")]
    Argument,
    /// Nothing to run.
    #[error("there is no command to run")]
    NothingToRun,
}

impl CommandLine {
    /// Reads the arguments after the command's name.
    ///
    /// # Errors
    /// If they can't be meant.
    pub fn parse(verb: Verb, arguments: impl Iterator<Item = OsString>) -> Result<Request, UsageError> {
        let mut line = Self::default();
        let mut parser = Parser::from_args(arguments);
        loop {
            if let Some(rest) = parser.try_raw_args()
                && rest.peek() == Some(OsStr::new("--"))
            {
                line.command = rest.skip(1).collect();
                break;
            }
            match parser.next().map_err(|error| unexpected(&error))? {
                Some(Arg::Short('h') | Arg::Long("help")) => return Ok(Request::Help),
                Some(Arg::Short('q') | Arg::Long("quiet")) => line.quiet = true,
                Some(Arg::Long("debug")) => line.debug = true,
                Some(Arg::Long(name)) => {
                    let setting = find(verb, name)?;
                    let value = value(&mut parser).ok_or_else(|| UsageError::NoValue(setting.flag()))?;
                    line.add(setting.input, value);
                }
                Some(Arg::Short(letter)) => return Err(UsageError::Flag { flag: format!("-{letter}"), nearest: None }),
                Some(Arg::Value(_)) => return Err(UsageError::Argument),
                None => break,
            }
        }
        match (verb, line.command.is_empty()) {
            (Verb::Exec, true) => Err(UsageError::NothingToRun),
            (Verb::Token | Verb::Config, false) => Err(UsageError::Argument),
            _ => Ok(Request::Run(line)),
        }
    }

    fn add(&mut self, input: &'static str, value: OsString) {
        let is_list = ["allowed_tools", "allowed_actions"].contains(&input);
        match self.given.get_mut(input).filter(|_| is_list) {
            Some(list) => {
                list.push(",");
                list.push(value);
            }
            None => drop(self.given.insert(input, value)),
        }
    }

    /// What is given for an input, as a flag or as a variable.
    #[must_use]
    pub fn input(&self, verb: Verb, input: &str, environment: impl Fn(&str) -> Option<OsString>) -> Option<OsString> {
        match input {
            "gateway" => return (verb == Verb::Exec).then(|| "true".into()),
            "client_secret" => return environment(&variable(input)),
            _ => {}
        }
        let setting = SETTINGS.iter().find(|setting| setting.input == input && setting.verbs.contains(&verb))?;
        let given = self.given.get(input).cloned().or_else(|| environment(&setting.variable())).filter(|value| !value.is_empty());
        match input {
            "gateway_lifetime" => Some(given.unwrap_or_else(|| LIFETIME.into())),
            // Paths are relative to the working directory.
            "base_config" | "ca_bundle" => given.map(absolute),
            _ => given,
        }
    }

    /// The client secret, out of its file.
    ///
    /// # Errors
    /// If a file is named, and holds none.
    pub fn secret_of_file(&self, environment: impl Fn(&str) -> Option<OsString>) -> Result<Option<Zeroizing<String>>, InputError> {
        let has_variable = || environment(&variable("client_secret")).is_some_and(|value| !value.is_empty());
        let path = match self.given.get(SECRET_FILE) {
            Some(path) => path.clone(),
            None if has_variable() => return Ok(None),
            None => match environment(&variable(SECRET_FILE)).filter(|path| !path.is_empty()) {
                Some(path) => path,
                None => return Ok(None),
            },
        };
        read_secret(Path::new(&path)).map(Some).map_err(|problem| InputError {
            input: "client_secret",
            missing: false,
            problem: format!("can't be read from `--client-secret-file`: {problem}"),
            fix: "Name a file that holds the client secret and nothing else, or a pipe, such as `<(pass show port)` in Bash.".to_owned(),
        })
    }
}

/// Why a file holds no secret, as the rest of a sentence.
#[derive(Debug, thiserror::Error)]
enum SecretProblem {
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    #[error("it is empty")]
    Empty,
    #[error("it is larger than 64 KiB")]
    TooLarge,
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("it is an open file, which the command would inherit and could read again; only a pipe is empty after it was read")]
    Inherited,
}

fn read_secret(path: &Path) -> Result<Zeroizing<String>, SecretProblem> {
    let is_descriptor = ["/dev/fd", "/proc/self/fd", "/dev/stdin"].iter().any(|folder| path.starts_with(folder));
    let kind = fs::metadata(path)?.file_type();
    if is_descriptor && !kind.is_fifo() && !kind.is_socket() {
        return Err(SecretProblem::Inherited);
    }
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)?.take(LARGEST_SECRET + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_SECRET {
        return Err(SecretProblem::TooLarge);
    }
    match str::from_utf8(&bytes) {
        Ok(text) if text.trim().is_empty() => Err(SecretProblem::Empty),
        Ok(text) => Ok(Zeroizing::new(text.trim().to_owned())),
        Err(_) => Err(SecretProblem::NotText),
    }
}

/// A path that is there as a whole path; anything else as it is.
fn absolute(value: OsString) -> OsString {
    let is_path = value.len() <= LONGEST_PATH && fs::exists(&value).unwrap_or(false);
    let whole = is_path.then(|| std::path::absolute(&value).ok()).flatten();
    whole.map_or(value, OsString::from)
}

/// The value of the flag that was read last.
fn value(parser: &mut Parser) -> Option<OsString> {
    if let Some(value) = parser.optional_value() {
        return Some(value);
    }
    let mut rest = parser.try_raw_args()?;
    let is_value = rest.peek().is_some_and(|next| !next.as_encoded_bytes().starts_with(b"--"));
    is_value.then(|| rest.next()).flatten()
}

fn find(verb: Verb, name: &str) -> Result<&'static Setting, UsageError> {
    let flag = format!("--{name}");
    let known = SETTINGS.iter().find(|setting| setting.flag() == flag);
    match known {
        Some(setting) if setting.verbs.contains(&verb) => return Ok(setting),
        Some(_) => return Err(UsageError::NotHere { flag, why: "this command doesn't use it" }),
        None => {}
    }
    if let Some(left_out) = LEFT_OUT.iter().find(|left_out| self::flag(left_out.input) == flag) {
        return Err(UsageError::NotHere { flag, why: left_out.why });
    }
    let flags = SETTINGS.iter().filter(|setting| setting.verbs.contains(&verb)).map(Setting::flag);
    let nearest = nearest(&flag, flags.chain(["--help", "--quiet", "--debug"].map(str::to_owned)));
    Err(UsageError::Flag { flag, nearest })
}

fn unexpected(error: &lexopt::Error) -> UsageError {
    match error {
        lexopt::Error::UnexpectedValue { option, .. } => UsageError::Value(option.clone()),
        _ => UsageError::Argument,
    }
}

/// The most similar of some words, if it is similar.
pub fn nearest<T: AsRef<str>>(word: &str, words: impl Iterator<Item = T>) -> Option<T> {
    let rated = words.map(|known| (strsim::normalized_damerau_levenshtein(word, known.as_ref()), known));
    rated.filter(|(likeness, _)| *likeness >= SIMILAR).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, known)| known)
}

/// From this on, a word is a likely slip for another one.
const SIMILAR: f64 = 0.6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Given;

    fn parse(arguments: &[&str]) -> Result<Request, UsageError> {
        CommandLine::parse(Verb::Exec, arguments.iter().map(OsString::from))
    }

    fn line(arguments: &[&str]) -> CommandLine {
        match parse(arguments) {
            Ok(Request::Run(line)) => line,
            other => panic!("{other:?}"),
        }
    }

    /// The runner ends a job after five days.
    #[test]
    fn a_gateway_lasts_as_long_as_any_command_unless_told_otherwise() {
        let lifetime = |arguments: &[&str]| line(arguments).input(Verb::Exec, "gateway_lifetime", |_| None);
        assert_eq!(lifetime(&["--", "agent"]), Some("120h".into()));
        assert_eq!(lifetime(&["--gateway-lifetime", "1h", "--", "agent"]), Some("1h".into()));
    }

    #[test]
    fn every_input_is_a_flag_or_left_out_for_a_reason() {
        let flags = SETTINGS.iter().map(|setting| setting.input).filter(|input| *input != SECRET_FILE);
        let mut known: Vec<_> = flags.chain(LEFT_OUT.iter().map(|left_out| left_out.input)).collect();
        known.sort_unstable();
        let mut inputs = Given::names().to_vec();
        inputs.sort_unstable();
        assert_eq!(known, inputs, "left: SETTINGS and LEFT_OUT; right: Given in src/inputs/given.rs");
    }

    #[test]
    fn values_come_in_both_forms_and_end_before_the_command() {
        let line =
            line(&["--region=us", "--client", "codex", "--allowed-tools", "a,b", "--allowed-tools=c", "-q", "--", "x", "--region", "--"]);
        let given = |input| line.input(Verb::Exec, input, |_| None);
        assert_eq!(given("region"), Some("us".into()));
        assert_eq!(given("client"), Some("codex".into()));
        assert_eq!(given("allowed_tools"), Some("a,b,c".into()));
        assert!(line.quiet && !line.debug);
        assert_eq!(line.command, ["x", "--region", "--"]);
    }

    #[test]
    fn a_flag_counts_more_than_a_variable() {
        let environment = |name: &str| (name == "PORT_REGION").then(|| "us".into());
        assert_eq!(line(&["--", "x"]).input(Verb::Exec, "region", environment), Some("us".into()));
        assert_eq!(line(&["--region", "eu", "--", "x"]).input(Verb::Exec, "region", environment), Some("eu".into()));
    }

    #[test]
    fn what_cannot_be_meant_is_an_error() {
        let flag = |flag: &str, nearest: Option<&str>| UsageError::Flag { flag: flag.to_owned(), nearest: nearest.map(str::to_owned) };
        for (arguments, error) in [
            (&["--alowed-tools", "a", "--", "x"][..], flag("--alowed-tools", Some("--allowed-tools"))),
            (&["--nothing-like-it"], flag("--nothing-like-it", None)),
            (&["-x"], flag("-x", None)),
            (&["claude"], UsageError::Argument),
            (&["--region", "--", "x"], UsageError::NoValue("--region".to_owned())),
            (&["--region", "--client", "x"], UsageError::NoValue("--region".to_owned())),
            (&["--quiet=yes", "--", "x"], UsageError::Value("--quiet".to_owned())),
            (&["--region", "eu"], UsageError::NothingToRun),
            (&["--"], UsageError::NothingToRun),
        ] {
            assert_eq!(parse(arguments), Err(error), "{arguments:?}");
        }
        for input in ["--client-secret=a", "--summary=a", "--gateway=a", "--max-wait=a"] {
            assert!(matches!(parse(&[input]), Err(UsageError::NotHere { .. })), "{input}");
        }
        assert!(CommandLine::parse(Verb::Token, ["--", "x"].iter().map(OsString::from)).is_err());
    }
}
