//! The MCP side: is the connection good, and which tools may the agent use?

pub mod preflight;
pub mod selection;
pub mod tools;
mod transport;
pub mod verdict;

use crate::error::Error;
use crate::github::console::Console;
use preflight::Preflight;
use selection::{Policy, Selection, Unresolved};
use tools::{Kind, Offer, Tool, ToolName};

/// What is known of the tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toolset {
    /// What the server offers, in its order; `None` when it wasn't asked or couldn't be.
    pub offered: Option<Vec<Tool>>,
    /// What the agent may use without asking.
    pub allowed: Vec<ToolName>,
    /// Execute tools that are not allowed only because reading is all that is wanted.
    pub executing: Vec<ToolName>,
}

/// Asks the server for its tools if `preflight` is given, and picks those that the agent may use.
///
/// # Errors
/// When the agent would get no connection either, or a tool was asked for that it would not get.
pub async fn choose_tools(
    preflight: Option<Preflight<'_, '_>>,
    selection: &Selection,
    policy: Policy,
    console: &Console<'_>,
) -> Result<Toolset, Error> {
    let Some(preflight) = preflight else {
        return unverified(selection, None);
    };
    match preflight.list_tools().await? {
        Ok(offer) => {
            warn_of_the_offer(&offer, policy, console);
            let allowed = selection.resolve(&offer, policy).map_err(Error::ToolUnknown)?;
            Ok(Toolset { offered: Some(offer.tools), allowed: allowed.names, executing: allowed.executing })
        }
        Err(unseen) => {
            let toolset = unverified(selection, Some(unseen.to_string()))?;
            unseen.warn(console);
            Ok(toolset)
        }
    }
}

/// Without the live list, names are taken at their word, and there is nothing to match a glob against.
fn unverified(selection: &Selection, because: Option<String>) -> Result<Toolset, Error> {
    let allowed = selection.names_only().map_err(|globs| Error::ToolUnknown(Unresolved::unlisted(globs, because)))?;
    Ok(Toolset { offered: None, allowed, executing: Vec::new() })
}

fn warn_of_the_offer(offer: &Offer, policy: Policy, console: &Console<'_>) {
    if offer.unusable > 0 {
        console.warning(
            "Tools with unusable names",
            &format!(
                "{} of the tools that the MCP server offers are left out: their names are not made of 1 to 128 of A-Z, a-z, 0-9, `_`, `-` and `.`, as MCP asks for, or hold a secret.",
                offer.unusable
            ),
        );
    }
    if offer.tools.is_empty() {
        console.warning(
            "No tools",
            "The MCP server accepts the token but offers no tools. The credentials may lack rights in Port, or `mcp_url` is not Port's MCP server.",
        );
    }
    let writing: Vec<_> = offer.tools.iter().filter(|tool| policy.read_only && tool.kind == Kind::Write).map(|tool| &tool.name).collect();
    if !writing.is_empty() {
        console.warning(
            "The server offers more than reading",
            &format!(
                "`read_only` is on, but the MCP server still offers tools that it doesn't mark as read-only: {}. They are not among the allowed tools unless `allowed_tools` names them exactly. An agent that asks the server itself can see them: give the credentials a role in Port that can't write.",
                tools::listed(writing)
            ),
        );
    }
}
