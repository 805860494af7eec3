//! Writes the man page and the completions for shells, from the list of flags: `cargo run --example manual FOLDER`. The
//! folder is laid out like `/usr/share` and `~/.local/share`.

use std::env::args_os;
use std::fs::{create_dir_all, write};
use std::io;
use std::path::{Path, PathBuf};

use port_mcp_auth::testing::clients::REGISTRY;
use port_mcp_auth::testing::inputs::{SETTINGS, Setting, Verb};
use strum::VariantArray;

/// The program.
const NAME: &str = "port-mcp-auth";

/// The commands, with what each one does.
const COMMANDS: [(&str, &str); 4] = [
    ("exec", "Runs an agent, connected with Port's MCP server through a gateway"),
    ("token", "Prints an access token"),
    ("config", "Prints an agent's MCP configuration"),
    ("gateway", "Runs a gateway by itself"),
];

/// Flags without a value.
const SWITCHES: [(&str, &str); 3] = [
    ("quiet", "Print nothing but warnings and errors to standard error."),
    ("debug", "Also print each request, without its content."),
    ("help", "Shows the flags."),
];

fn main() -> io::Result<()> {
    let folder = args_os().nth(1).map(PathBuf::from).ok_or_else(|| io::Error::other("usage: manual FOLDER"))?;
    write_all(&folder)
}

/// Where `man` finds the page.
pub const MAN: &str = "man/man1/port-mcp-auth.1";
/// Where Bash finds its completions.
pub const BASH: &str = "bash-completion/completions/port-mcp-auth";
/// Where Zsh finds its completions.
pub const ZSH: &str = "zsh/site-functions/_port-mcp-auth";
/// Where Fish finds its completions.
pub const FISH: &str = "fish/vendor_completions.d/port-mcp-auth.fish";

/// Writes all files into `folder`.
///
/// # Errors
///
/// A file can't be written.
pub fn write_all(folder: &Path) -> io::Result<()> {
    [(MAN, man()), (BASH, bash()), (ZSH, zsh()), (FISH, fish())].into_iter().try_for_each(|(place, text)| {
        let path = folder.join(place);
        path.parent().map_or(Ok(()), create_dir_all)?;
        write(path, text)
    })
}

/// A command's name.
fn name(verb: Verb) -> &'static str {
    verb.into()
}

fn settings(verb: Verb) -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(move |setting| setting.verbs.contains(&verb))
}

/// The values that a flag takes, if there are only some.
fn values(setting: &Setting) -> String {
    match (setting.input, setting.value) {
        ("client", _) => REGISTRY.iter().map(|client| client.id()).collect::<Vec<_>>().join(" "),
        ("region", _) => "eu us".to_owned(),
        ("token_endpoint", _) => "auto api mcp".to_owned(),
        ("transport", _) => "http mcp-remote".to_owned(),
        (_, "BOOL") => "true false".to_owned(),
        _ => String::new(),
    }
}

/// Text in roff, where a line may not begin with a dot or a quote, and a hyphen is a minus.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

fn man() -> String {
    let mut page = format!(
        ".TH PORT\\-MCP\\-AUTH 1 \"\" \"port\\-mcp\\-auth {}\"\n.SH NAME\n{} \\- connects AI agents with Port's MCP server\n.SH SYNOPSIS\n",
        env!("CARGO_PKG_VERSION"),
        roff(NAME)
    );
    let usage = [("exec", "[FLAGS] -- COMMAND [ARGUMENTS]"), ("token", "[FLAGS]"), ("config", "[FLAGS]"), ("gateway", "")];
    for (command, arguments) in usage {
        page += &format!(".B {} {command}\n{}\n.br\n", roff(NAME), roff(arguments));
    }
    page += ".SH COMMANDS\n";
    for (command, text) in COMMANDS {
        page += &format!(".TP\n.B {command}\n{}.\n", roff(text));
    }
    page += ".SH FLAGS\n";
    for setting in SETTINGS {
        let verbs: Vec<_> = setting.verbs.iter().map(|verb| name(*verb)).collect();
        page += &format!(".TP\n.BI {} \" {}\"\n{}\n", roff(&setting.flag()), setting.value, roff(setting.text));
        page += &format!("(variable {}; {})\n", setting.variable(), verbs.join(", "));
    }
    for (switch, text) in SWITCHES {
        page += &format!(".TP\n.B {}\n{}\n", roff(&format!("--{switch}")), roff(text));
    }
    page += ".SH EXIT STATUS\nThat of the command; 128 and a signal's number; 127 or 126 if the command was not found or can't be run; 2 for a wrong command line; 1 for any other error.\n";
    page + ".SH SEE ALSO\nhttps://github.com/org/port\\-mcp\\-auth/blob/v1/docs/exec.md\n"
}

fn bash() -> String {
    let mut cases = String::new();
    for verb in Verb::VARIANTS {
        let flags: Vec<_> = settings(*verb).map(Setting::flag).chain(SWITCHES.map(|(switch, _)| format!("--{switch}"))).collect();
        cases += &format!("    {}) flags='{}' ;;\n", name(*verb), flags.join(" "));
    }
    let mut chosen = String::new();
    for setting in SETTINGS.iter().filter(|setting| !values(setting).is_empty()) {
        chosen +=
            &format!("    {}) mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$current\") && return ;;\n", setting.flag(), values(setting));
    }
    let files: Vec<_> = SETTINGS.iter().filter(|setting| setting.value == "FILE").map(Setting::flag).collect();
    let commands = COMMANDS.map(|(command, _)| command).join(" ");
    format!(
        "# Completions of {NAME} for Bash.\n_port_mcp_auth() {{\n  local current=${{COMP_WORDS[COMP_CWORD]}} flags='' at\n  COMPREPLY=()\n  if ((COMP_CWORD == 1)); then\n    mapfile -t COMPREPLY < <(compgen -W '{commands} --help --version' -- \"$current\")\n    return\n  fi\n  for ((at = 2; at < COMP_CWORD; at++)); do\n    if [[ ${{COMP_WORDS[at]}} == -- ]]; then\n      if declare -F _command_offset >/dev/null; then _command_offset $((at + 1)); else mapfile -t COMPREPLY < <(compgen -c -- \"$current\"); fi\n      return\n    fi\n  done\n  case ${{COMP_WORDS[COMP_CWORD - 1]}} in\n{chosen}    {}) mapfile -t COMPREPLY < <(compgen -f -- \"$current\") && return ;;\n    *) ;;\n  esac\n  case ${{COMP_WORDS[1]}} in\n{cases}    *) ;;\n  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$current\")\n}}\ncomplete -F _port_mcp_auth {NAME}\n",
        files.join(" | ")
    )
}

/// Text in single quotes for Zsh and Fish, without what has a meaning in a specification of Zsh.
fn quoted(text: &str) -> String {
    text.replace('\'', "’").replace(['[', ']'], "").replace(':', ",")
}

fn zsh() -> String {
    let mut cases = String::new();
    for verb in Verb::VARIANTS {
        let flags = settings(*verb).map(|setting| {
            let action = match (values(setting).as_str(), setting.value) {
                ("", "FILE") => "_files".to_owned(),
                ("", _) => String::new(),
                (values, _) => format!("({values})"),
            };
            format!("    '{}[{}]:{}:{action}'\n", setting.flag(), quoted(setting.text), setting.value)
        });
        let switches = SWITCHES.iter().map(|(switch, text)| format!("    '--{switch}[{}]'\n", quoted(text)));
        let flags: String = flags.chain(switches).collect::<Vec<_>>().concat();
        cases += &format!("  {})\n    flags=(\n{flags}    )\n    ;;\n", name(*verb));
    }
    let commands: Vec<_> = COMMANDS.iter().map(|(command, text)| format!("'{command}[{}]'", quoted(text))).collect();
    format!(
        "#compdef {NAME}\nlocal -a flags\nif ((CURRENT == 2)); then\n  _values command {}\n  return\nfi\nlocal end=${{words[(i)--]}}\nif ((end < CURRENT)); then\n  shift $end words\n  ((CURRENT -= end))\n  _normal\n  return\nfi\ncase $words[2] in\n{cases}esac\nshift words\n((CURRENT--))\n_arguments $flags\n",
        commands.join(" ")
    )
}

fn fish() -> String {
    let mut lines = format!("# Completions of {NAME} for Fish.\n");
    for (command, text) in COMMANDS {
        lines += &format!("complete -c {NAME} -n __fish_use_subcommand -f -a {command} -d '{}'\n", quoted(text));
    }
    for verb in Verb::VARIANTS {
        let seen = format!("complete -c {NAME} -n '__fish_seen_subcommand_from {}'", name(*verb));
        for setting in settings(*verb) {
            let flag = setting.flag();
            let values = match (values(setting).as_str(), setting.value) {
                ("", "FILE") => "-r".to_owned(),
                ("", _) => "-x".to_owned(),
                (values, _) => format!("-x -a '{values}'"),
            };
            lines += &format!("{seen} -l {} {values} -d '{}'\n", flag.trim_start_matches('-'), quoted(setting.text));
        }
        for (switch, text) in SWITCHES {
            lines += &format!("{seen} -l {switch} -f -d '{}'\n", quoted(text));
        }
    }
    lines
}
