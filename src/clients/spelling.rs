//! How agents spell the names of tools, and which tool a spelled name stands for.

use super::REGISTRY;
use super::client::Client;
use crate::mcp::{Glob, Selection, Tool, ToolName, Wanted, is_name_byte};

/// Stands for a tool's name, to see what an agent puts around it.
const SAMPLE: &str = "tool";

/// Separates the server's name from the tool's in most spellings.
const SEPARATOR: &str = "__";

/// What an agent puts before and after a tool's name.
struct Affixes {
    before: String,
    after: String,
}

impl Affixes {
    /// `None` for an agent that uses the bare name.
    fn of(client: &dyn Client, server_name: &str) -> Option<Self> {
        let spelled = client.tool_name(server_name, SAMPLE);
        let (before, after) = spelled.rsplit_once(SAMPLE)?;
        (spelled != SAMPLE).then(|| Self { before: before.to_owned(), after: after.to_owned() })
    }

    /// The bare name or glob.
    fn strip<'a>(&self, spelled: &'a str) -> Option<&'a str> {
        spelled.strip_prefix(self.before.as_str())?.strip_suffix(self.after.as_str()).filter(|name| !name.is_empty())
    }

    /// Whether a bare name could begin or end in the same way: opencode's `list_blueprints` is the tool `blueprints` of a server
    /// `list`, Auggie's is the tool `list` of a server `blueprints`.
    fn are_ambiguous(&self) -> bool {
        let marked = self.before.contains(SEPARATOR) || self.before.starts_with("mcp_");
        [&self.before, &self.after].iter().all(|affix| affix.bytes().all(is_name_byte)) && !marked
    }
}

/// The bare name or glob of a tool of this server that an agent, `client` or another one, spells so. `None` if it is in no agent's
/// spelling, or could be a bare name as well.
pub fn bare<'a>(spelled: &'a str, server_name: &str, client: &dyn Client) -> Option<&'a str> {
    let read = |affixes: &Affixes| Some((affixes.strip(spelled)?, affixes.are_ambiguous()));
    let own = Affixes::of(client, server_name).and_then(|affixes| read(&affixes));
    let others = REGISTRY.iter().filter_map(|client| Affixes::of(*client, server_name));
    let (name, is_ambiguous) = own.or_else(|| others.filter(|affixes| !affixes.are_ambiguous()).find_map(|affixes| read(&affixes)))?;
    (!is_ambiguous).then_some(name)
}

/// Whether an agent names all tools of this server so: in Claude Code, by what comes before the separator.
pub fn is_whole_server(spelled: &str, server_name: &str) -> bool {
    let is_all = |affixes: Affixes| affixes.before.starts_with("mcp__") && affixes.before.strip_suffix(SEPARATOR) == Some(spelled);
    REGISTRY.iter().filter_map(|client| Affixes::of(*client, server_name)).any(is_all)
}

/// The selection in the server's own names. `offered` is what the server offers; `None` if that is not known.
///
/// A name that is offered is meant as it is. Any other one may be the agent's spelling of an offered one: agents replace
/// characters, so the server's name can't be read from the spelling alone.
pub fn understood(selection: &Selection, offered: Option<&[Tool]>, server_name: &str, client: &dyn Client) -> Selection {
    let affixes = Affixes::of(client, server_name);
    let bare = |spelled: &str| affixes.as_ref().and_then(|affixes| affixes.strip(spelled)).map(str::to_owned);
    let names = || offered.unwrap_or_default().iter().map(|tool| &tool.name);
    let name = |name: &ToolName| {
        if names().any(|offered| offered == name) {
            return name.clone();
        }
        let as_bare = client.tool_name(server_name, name.as_str());
        let spells = |offered: &&ToolName| [name.as_str(), &as_bare].contains(&client.tool_name(server_name, offered.as_str()).as_str());
        let spelled = names().find(spells).cloned();
        spelled.or_else(|| ToolName::parse(&bare(name.as_str())?)).unwrap_or_else(|| name.clone())
    };
    let glob = |glob: &Glob| match bare(glob.as_str()) {
        Some(text) if !names().any(|offered| glob.matches(offered)) => Glob::new(&text),
        _ => glob.clone(),
    };
    let entries = selection.0.iter().map(|entry| match entry {
        Wanted::Name(entry) => Wanted::Name(name(entry)),
        Wanted::Glob(entry) => Wanted::Glob(glob(entry)),
    });
    Selection(entries.collect())
}
