//! Texts about the tools.

use std::collections::HashSet;

use strum::VariantArray;

use super::mcp::broken_rule;
use super::words::{count, listed};
use crate::clients::{Client, Misnamed};
use crate::mcp::{Offer, Policy, Tool, Toolset};
use crate::port::ToolKind;
use crate::runner::Console;
use crate::runner::markdown::Cell;

/// A list of more tools than this is collapsed in the summary.
const LONGEST_OPEN_LIST: usize = 30;

/// Warns of what is wrong with the tools that a server offers.
pub fn warn_about(offer: &Offer, policy: Policy, console: &Console) {
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
    if let Some(violation) = &offer.violation {
        console.warning(
            "Some agents would have no tools",
            &format!(
                "The MCP server's answers break MCP's schema: {}. Agents that check this drop all tools and report no error. Whether yours does is not known here: look into its log for Port's tools, and report the mistake to Port's support.",
                broken_rule(violation)
            ),
        );
    }
    let writing: Vec<_> =
        offer.tools.iter().filter(|tool| policy.read_only && tool.kind == ToolKind::Write).map(|tool| &tool.name).collect();
    if !writing.is_empty() {
        console.warning(
            "The server offers more than reading",
            &format!(
                "`read_only` is on, but the MCP server still offers tools that it doesn't mark as read-only: {}. They are not among the allowed tools unless `allowed_tools` names them exactly. An agent that asks the server itself can see them: give the credentials a role in Port that can't write.",
                listed(writing)
            ),
        );
    }
}

/// Warns of tools that the agent can't take under their names.
pub fn warn_of_names(misnamed: &Misnamed<'_>, client: &dyn Client, console: &Console) {
    let id = client.id();
    let title = "The agent renames or drops tools";
    if !misnamed.too_long.is_empty() {
        console.warning(
            title,
            &format!(
                "Together with the server's name, these tools have longer names than `client: {id}` takes: {}. The agent shortens the names or drops the tools, or its API refuses them.\nFix: Choose a shorter `server_name`.",
                listed(misnamed.too_long.iter().copied())
            ),
        );
    }
    if !misnamed.dotted.is_empty() {
        console.warning(
            title,
            &format!(
                "`client: {id}` takes no `.` in the names of tools: {}. It renames or drops these tools, or its API refuses them, so they may be missing, or called otherwise than `allowed_tools` says.",
                listed(misnamed.dotted.iter().copied())
            ),
        );
    }
}

/// Says in the log how many tools there are.
pub fn log(toolset: &Toolset, console: &Console) {
    let allowed = toolset.allowed.len();
    match &toolset.offered {
        Some(offered) => console.info(&format!("{}.", counted(offered, allowed))),
        None if allowed > 0 => console.info(&format!("{} allowed, not checked against the server's list.", count(allowed))),
        None => {}
    }
    if !toolset.withheld.is_empty() {
        console.info(&format!(
            "Not allowed, since `allowed_actions` names no action: {}. If the agent is to run actions, name them there, or name the tool in `allowed_tools`.",
            listed(&toolset.withheld)
        ));
    }
}

/// The rows of a summary's table about the tools: how many there are, and which, by kind.
pub fn rows(toolset: &Toolset) -> Vec<(String, Cell)> {
    let Some(offered) = &toolset.offered else {
        return vec![("Tools".to_owned(), Cell::Text("not checked".to_owned()))];
    };
    let allowed: HashSet<_> = toolset.allowed.iter().collect();
    let mut rows = vec![("Tools".to_owned(), Cell::Text(counted(offered, toolset.allowed.len())))];
    for kind in ToolKind::VARIANTS {
        for (is_allowed, label) in [(true, format!("Tools: {kind}")), (false, format!("Tools: {kind}, not allowed"))] {
            let fits = |tool: &&Tool| tool.kind == *kind && allowed.contains(&tool.name) == is_allowed;
            let names: Vec<_> = offered.iter().filter(fits).map(|tool| tool.name.to_string()).collect();
            if names.is_empty() {
                continue;
            }
            let cell = if offered.len() > LONGEST_OPEN_LIST { Cell::Folded(count(names.len()), names) } else { Cell::Codes(names) };
            rows.push((label, cell));
        }
    }
    rows
}

/// Whether a tool that runs actions is among the allowed ones. Without any list, nothing keeps the agent from those.
pub fn run_actions(toolset: &Toolset) -> bool {
    let allowed = &toolset.allowed;
    match &toolset.offered {
        Some(offered) => offered.iter().any(|tool| tool.kind == ToolKind::Execute && allowed.contains(&tool.name)),
        None => allowed.is_empty() || allowed.iter().any(|name| ToolKind::by_name(name.as_str()) == Some(ToolKind::Execute)),
    }
}

fn counted(offered: &[Tool], allowed: usize) -> String {
    format!("{} offered, {allowed} allowed", count(offered.len()))
}
