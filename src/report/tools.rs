//! Texts about the tools.

use std::collections::HashSet;

use strum::VariantArray;

use super::mcp::broken_rule;
use super::words::{count, listed};
use crate::mcp::{Kind, Offer, Policy, Tool, Toolset};
use crate::runner::Console;
use crate::runner::markdown::{Cell, Markdown};

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
    let writing: Vec<_> = offer.tools.iter().filter(|tool| policy.read_only && tool.kind == Kind::Write).map(|tool| &tool.name).collect();
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
            "Not allowed, since running an action changes things and `read_only` is on: {}. Name it in `allowed_tools`, or name the actions in `allowed_actions`, if the agent is to run them.",
            listed(&toolset.withheld)
        ));
    }
}

/// Adds the tools by kind to a summary.
pub fn summarize(text: Markdown, toolset: &Toolset) -> Markdown {
    let Some(offered) = &toolset.offered else {
        return text.labelled("Tools:", "not checked.");
    };
    let allowed: HashSet<_> = toolset.allowed.iter().collect();
    let mut rows = Vec::new();
    for kind in Kind::VARIANTS {
        for (is_allowed, label) in [(true, kind.to_string()), (false, format!("{kind}, not allowed"))] {
            let fits = |tool: &&Tool| tool.kind == *kind && allowed.contains(&tool.name) == is_allowed;
            let names: Vec<_> = offered.iter().filter(fits).map(|tool| tool.name.to_string()).collect();
            if !names.is_empty() {
                rows.push((label, Cell::Codes(names)));
            }
        }
    }
    let rows: Vec<_> = rows.iter().map(|(label, cell)| (label.as_str(), cell.clone())).collect();
    let count = counted(offered, toolset.allowed.len());
    if offered.len() > LONGEST_OPEN_LIST {
        return text.folded(&count, &Markdown::default().facts(&rows));
    }
    text.labelled("Tools:", &format!("{count}.")).facts(&rows)
}

fn counted(offered: &[Tool], allowed: usize) -> String {
    format!("{} offered, {allowed} allowed", count(offered.len()))
}
