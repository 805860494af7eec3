//! The input `allowed_tools`: names and globs of tools.

use super::problem::ValueError;
use crate::clients::{Client, bare, is_whole_server};
use crate::mcp::{Glob, Selection, ToolName, Wanted, is_name_byte};

/// The prefix of a tool's name as Claude Code and others spell it. The server's name, two underscores and the tool's own name follow.
const PREFIX: &str = "mcp__";

/// Tool names and globs, separated by commas or line ends, each as the server or as an agent spells it.
///
/// # Errors
/// If an entry can't be a tool of this server, or is a glob and there will be no list to match it against.
pub fn read(text: &str, server_name: &str, client: &dyn Client, verify: bool) -> Result<Selection, ValueError> {
    let entries = text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
    let wanted: Vec<_> = entries.map(|entry| wanted(entry, server_name, client)).collect::<Result<_, _>>()?;
    let selection = Selection(wanted);
    if selection.0.is_empty() {
        return Err(error(None, "names no tool"));
    }
    if let Some(glob) = selection.globs().next().filter(|_| !verify) {
        return Err(ValueError {
            value: Some(glob.to_owned()),
            problem: "in it is a glob, and with `verify` off there is no list of tools to match it against".to_owned(),
            fix: "Write the tools' names into `allowed_tools`, or set `verify: true`.".to_owned(),
        });
    }
    Ok(selection)
}

fn wanted(entry: &str, server_name: &str, client: &dyn Client) -> Result<Wanted, ValueError> {
    let name = match bare(entry, server_name, client) {
        Some(name) => name,
        None if is_whole_server(entry, server_name) => "*",
        None if entry.starts_with(PREFIX) => {
            return Err(ValueError {
                value: Some(entry.to_owned()),
                problem: "in it is a tool of another server".to_owned(),
                fix: format!(
                    "This step's server is `{server_name}`: write the tools' bare names, or begin them with `{PREFIX}{server_name}__`, or set `server_name`."
                ),
            });
        }
        None => entry,
    };
    if let Some(name) = ToolName::parse(name) {
        return Ok(Wanted::Name(name));
    }
    let is_glob = name.contains(['*', '?']) && name.bytes().all(|byte| is_name_byte(byte) || b"*?".contains(&byte));
    if is_glob { Ok(Wanted::Glob(Glob::new(name))) } else { Err(error(Some(entry), "in it can't be the name of a tool")) }
}

fn error(value: Option<&str>, problem: &str) -> ValueError {
    ValueError {
        value: value.map(str::to_owned),
        problem: problem.to_owned(),
        fix: "List names of Port's tools in `allowed_tools`, separated by commas; `*` and `?` stand for any characters. Leave it out to allow all that are offered.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claude_code() -> &'static dyn Client {
        crate::clients::find("claude-code").unwrap()
    }

    fn name(text: &str) -> Wanted {
        Wanted::Name(ToolName::parse(text).unwrap())
    }

    #[test]
    fn the_prefix_of_this_server_is_stripped() {
        let read = |text| read(text, "port-prod", claude_code(), true).map(|selection| selection.0);
        assert_eq!(
            read("mcp__port-prod__list_blueprints,\n list_*, a"),
            Ok(vec![name("list_blueprints"), Wanted::Glob(Glob::new("list_*")), name("a")])
        );
        assert_eq!(read("mcp__port-prod__*"), Ok(vec![Wanted::Glob(Glob::new("*"))]));
        assert_eq!(read("mcp__port-prod"), Ok(vec![Wanted::Glob(Glob::new("*"))]));
        for text in
            ["mcp__port__a", "mcp__port-production__a", "mcp__port-prod__", "mcp__", "Bash(git *)", "a b", ",", "a;b", "$(id)", "a'b"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_glob_needs_the_list() {
        assert!(read("list_*", "p", claude_code(), false).is_err());
        assert!(read("mcp__p", "p", claude_code(), false).is_err());
        assert!(read("list_a", "p", claude_code(), false).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_taken_is_a_tool_name_or_a_glob(text in "\\PC{0,30}|(mcp__)?(p__)?[a-z*?._, \n-]{0,30}") {
            if let Ok(selection) = read(&text, "p", claude_code(), true) {
                prop_assert!(!selection.0.is_empty());
                for glob in selection.globs() {
                    prop_assert!(glob.contains(['*', '?']) && glob.bytes().all(|byte| is_name_byte(byte) || b"*?".contains(&byte)));
                }
            }
        }
    }
}
