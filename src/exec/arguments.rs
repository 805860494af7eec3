//! Where an agent's flags belong in its command line.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use zeroize::Zeroizing;

use crate::clients::Client;

/// The command with the flags in it: right after the agent's program, before its subcommands, its arguments and `--`. If the program is
/// another one, such as `npx` or `node`, after the argument that names the agent; otherwise at the end.
pub fn with_flags(command: &[OsString], client: &dyn Client, flags: &[Zeroizing<String>]) -> Vec<OsString> {
    let place = command.iter().position(|word| names(word, client)).map_or(command.len(), |at| at + 1);
    let (before, after) = command.split_at(place.min(command.len()));
    let flags = flags.iter().map(|flag| OsString::from(flag.as_str()));
    before.iter().cloned().chain(flags).chain(after.iter().cloned()).collect()
}

/// Whether a word is the agent's program, its script, or its package: `claude`, `/bin/codex.js`, `@openai/codex@0.1.0`.
fn names(word: &OsStr, client: &dyn Client) -> bool {
    let Some(name) = Path::new(word).file_name().and_then(OsStr::to_str) else {
        return false;
    };
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    let name = name.strip_suffix(".js").or_else(|| name.strip_suffix(".mjs")).unwrap_or(name);
    name == client.id() || client.programs().contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::find;

    #[test]
    fn flags_follow_the_agents_program() {
        let flags = [Zeroizing::new("-f".to_owned())];
        for (client, command, placed) in [
            ("claude-code", "claude -p hello", "claude -f -p hello"),
            ("claude-code", "/usr/bin/claude -p -- hello", "/usr/bin/claude -f -p -- hello"),
            ("codex", "npx -y @openai/codex@0.1.0 exec hello", "npx -y @openai/codex@0.1.0 -f exec hello"),
            ("codex", "node /lib/codex.js exec", "node /lib/codex.js -f exec"),
            ("claude-code", "npx @anthropic-ai/claude-code", "npx @anthropic-ai/claude-code -f"),
            ("copilot-cli", "./wrapper -p hello", "./wrapper -p hello -f"),
        ] {
            let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
            assert_eq!(with_flags(&words(command), find(client).unwrap(), &flags), words(placed), "{command}");
        }
    }
}
