//! The end of a step that succeeded.

use std::time::Duration;

use jiff::Timestamp;

use super::summary::write_summary;
use super::tools;
use super::words::human;
use crate::clients::Client;
use crate::config::{Place, Root, would_commit};
use crate::inputs::Inputs;
use crate::mcp::{ServerUrl, Toolset};
use crate::port::{AllowedActions, Endpoint, Token};
use crate::redact::Quote;
use crate::runner::markdown::{Cell, Markdown};
use crate::runner::{Console, Environment};

/// What the step handed on.
pub struct Success<'a> {
    /// What was asked for.
    pub inputs: &'a Inputs,
    /// What Port issued.
    pub token: &'a Token,
    /// What issued it.
    pub endpoint: &'a Endpoint,
    /// What is known of the tools.
    pub toolset: &'a Toolset,
    /// The gateway, if there is one.
    pub gateway: Option<GatewayFacts<'a>>,
    /// Whether the config file holds the token itself, or the gateway's key.
    pub file_holds_token: bool,
    /// Whether the runner keeps what the clean-up needs to know.
    pub is_cleaned_up: bool,
    /// What in the existing config keeps the agent from the server or its tools.
    pub obstacles: Option<Obstacles>,
    /// The outputs that are too long for an argument or a variable.
    pub oversized: Vec<&'static str>,
}

/// Settings of an existing config that keep the agent from the server or its tools.
pub struct Obstacles {
    /// The input that the config comes from, or the file.
    pub input: &'static str,
    /// The settings, each as its path and value.
    pub settings: Vec<String>,
}

/// What people have to know of the gateway.
pub struct GatewayFacts<'a> {
    /// Its address.
    pub url: &'a ServerUrl,
    /// When it ends by itself.
    pub ends_at: Timestamp,
    /// How long that is from its start.
    pub lifetime: Duration,
}

/// Tells people what was handed on.
pub fn report_success(success: &Success<'_>, environment: &Environment, console: &Console) {
    let Success { inputs, token, endpoint, toolset, gateway, obstacles, oversized, .. } = success;
    let organization = token.organization().map(|organization| console.quote(organization));
    let left = human(token.left_on_arrival());
    let of_organization = organization.as_ref().map(|organization| format!(" for organization {organization}")).unwrap_or_default();
    console.info(&format!("Port issued a token{of_organization}: it ends at {}, in {left} (at {}).", token.expires_at(), endpoint.host()));
    console.info(&format!(
        "MCP server {} for {}: {} over {}, {}{}.",
        inputs.server_name,
        inputs.client.id(),
        inputs.mcp_url.as_str(),
        inputs.transport,
        access(inputs),
        if gateway.is_some() { ", through the gateway" } else { "" }
    ));
    tools::log(toolset, console);
    if let Some(place) = &inputs.config_file {
        log_config_file(place, success, environment, console);
    }
    if let Some(obstacles) = obstacles {
        warn_of_obstacles(obstacles, inputs.client, console);
    }
    warn_of_sizes(oversized, console);
    if inputs.summary {
        write_summary(summarize(success, organization.as_ref()), environment, console);
    }
}

/// Says where the file is, and warns if it stays after the job, or if git would commit the token.
fn log_config_file(place: &Place, success: &Success<'_>, environment: &Environment, console: &Console) {
    let root = match place.root {
        Root::Workspace => "in the workspace",
        Root::Temp => "in the runner's temporary directory",
    };
    console.info(&format!("Config file: {place}, {root}."));
    if !success.is_cleaned_up {
        console.warning(
            "The config file stays",
            &format!("`{place}` is not removed at the end of the job: `GITHUB_STATE` is not set, so nothing can be saved for the clean-up.\nFix: Remove the file when the agent is done."),
        );
    }
    if success.file_holds_token && place.root == Root::Workspace && would_commit(environment.workspace(), place) {
        console.warning(
            "Git would commit the token",
            &format!("`{place}` holds the token, and git doesn't ignore it. Until the job ends, when it is taken away, `git add` would take it into a commit, and an agent with the right to push would publish it.\nFix: Add `/{place}` to `.gitignore`, write to `temp:{}` instead, or set `token_env` so that the file holds no token.", place.name),
        );
    }
}

/// The user may mean them, so they stay.
pub fn warn_of_obstacles(obstacles: &Obstacles, client: &dyn Client, console: &Console) {
    let Obstacles { input, settings } = obstacles;
    if settings.is_empty() {
        return;
    }
    let settings: Vec<_> = settings.iter().map(|setting| console.quote(setting).to_string()).collect();
    console.warning(
        "The config keeps the agent from tools",
        &format!(
            "`{input}` has settings with which `client: {}` leaves out Port's server, or some of the allowed tools: {}.\nFix: Remove them from the config, unless you mean them.",
            client.id(),
            settings.join(", ")
        ),
    );
}

/// A later step would fail with *Argument list too long*.
fn warn_of_sizes(oversized: &[&str], console: &Console) {
    for output in oversized {
        console.warning(
            "An output is too long to be handed over",
            &format!(
                "The output `{output}` has more than 128 KiB, and Linux hands no longer argument or variable to a program: the step that uses it fails with *Argument list too long*.\nFix: Set `config_file`, and let the agent read that file.",
            ),
        );
    }
}

fn summarize(success: &Success<'_>, organization: Option<&Quote>) -> Markdown {
    let Success { inputs, token, endpoint, toolset, gateway, .. } = success;
    let region = match inputs.region {
        Some(region) => Cell::Code(region.to_string()),
        None => Cell::Text("own addresses".to_owned()),
    };
    let actions = match &inputs.access.actions {
        _ if !tools::run_actions(toolset) => Cell::Text("none: no tool that runs actions is allowed".to_owned()),
        AllowedActions::Any => Cell::Text("all that the credentials may run".to_owned()),
        AllowedActions::Only(names) if names.is_empty() => Cell::Text("none".to_owned()),
        AllowedActions::Only(names) => Cell::Codes(names.clone()),
    };
    let end = token.expires_at().strftime("%Y-%m-%d %H:%M UTC");
    let organization = match organization {
        Some(organization) => Cell::Code(organization.as_str().to_owned()),
        None => Cell::Text("not named by the token".to_owned()),
    };
    let facts = [
        ("Region", region),
        ("Organization", organization),
        ("Token from", Cell::Code(endpoint.url.to_string())),
        ("Token ends", Cell::Text(format!("{end} (in {})", human(token.left_on_arrival())))),
        ("MCP server", Cell::Code(inputs.mcp_url.as_str().to_owned())),
        ("Server name", Cell::Code(inputs.server_name.clone())),
        ("Agent", Cell::Code(inputs.client.id().to_owned())),
        ("Transport", Cell::Code(inputs.transport.to_string())),
        ("Access", Cell::Text(access(inputs).to_owned())),
        ("Allowed actions", actions),
    ];
    let facts = facts.into_iter().chain(gateway.iter().flat_map(gateway_facts)).map(|(name, cell)| (name.to_owned(), cell));
    let rows: Vec<_> = facts.chain(tools::rows(toolset)).collect();
    let heading = match (&toolset.offered, &toolset.not_verified) {
        (Some(_), _) => "🔌 Port MCP: connected",
        (None, Some(_)) => "🔌 Port MCP: token issued, MCP connection not verified",
        (None, None) => "🔌 Port MCP: token issued",
    };
    Markdown::default().heading(heading).table(["Property", "Value"], &rows)
}

fn gateway_facts(gateway: &GatewayFacts<'_>) -> [(&'static str, Cell); 2] {
    let end = gateway.ends_at.strftime("%Y-%m-%d %H:%M UTC");
    [
        ("Gateway", Cell::Code(gateway.url.as_str().to_owned())),
        ("Gateway ends", Cell::Text(format!("with the job, or {end} (in {})", human(gateway.lifetime)))),
    ]
}

fn access(inputs: &Inputs) -> &'static str {
    if inputs.access.read_only { "read-only" } else { "read and write" }
}
