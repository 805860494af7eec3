//! What the step tells: to the next steps in outputs, to people in the log and in the job summary.

use std::collections::HashSet;

use strum::VariantArray;
use zeroize::Zeroizing;

use crate::Connected;
use crate::config_file;
use crate::duration::human;
use crate::environment::Environment;
use crate::error::Error;
use crate::github::console::Console;
use crate::github::outputs::OutputFile;
use crate::github::state::StateFile;
use crate::github::summary::{self, Cell, Markdown};
use crate::handover;
use crate::inputs::{AllowedActions, Inputs, names};
use crate::mcp::Toolset;
use crate::mcp::tools::{self, Kind, Tool};
use crate::port::token::Token;

/// More tools than this are folded away in the summary.
const OPEN_LIST: usize = 30;

/// Writes the config file and the outputs, then tells people.
///
/// # Errors
/// When one of them can't be written; then neither is.
pub fn success(
    connected: &Connected,
    environment: &Environment,
    console: &Console<'_>,
    outputs: &mut OutputFile,
    state: Option<&mut StateFile>,
) -> Result<(), Error> {
    let Connected { inputs, token, http, toolset } = connected;
    let allowed: Vec<_> = toolset.allowed.iter().map(ToString::to_string).collect();
    let proxied = http.is_proxied(inputs.mcp_url.url());
    let offered: Vec<_> = toolset.offered.iter().flatten().map(|tool| tool.name.to_string()).collect();
    let connection = handover::connection(inputs, token.secret(), &allowed, &offered, proxied);
    let plain = |text: String| Zeroizing::new(text);
    let composed = config_file::compose(&inputs.client.config(&connection), inputs, environment)?;
    let holds_token = composed.reveals(token.secret());
    let config = composed.output.clone();
    let arguments = inputs.client.arguments(&connection, &config);
    let spelled: Vec<_> = allowed.iter().map(|tool| inputs.client.tool(&inputs.server_name, tool)).collect();
    let path = inputs.config_file.as_ref().map(ToString::to_string).unwrap_or_default();
    let written = composed.write(state)?;
    let done = outputs.write(&[
        ("access_token", plain(token.secret().reveal().to_owned())),
        ("mcp_config", config),
        ("client_args", arguments),
        ("allowed_tools", plain(spelled.join(","))),
        ("tools", plain(serde_json::Value::from(offered.as_slice()).to_string())),
        ("expires_at", plain(token.expires_at().to_string())),
        ("expires_in", plain(token.left_on_arrival().as_secs().to_string())),
        ("mcp_url", plain(inputs.mcp_url.as_str().to_owned())),
        ("server_name", plain(inputs.server_name.clone())),
        ("config_file", plain(path)),
    ]);
    if let (Err(_), Some(written)) = (&done, &written) {
        written.take_back();
    }
    done?;
    console.info(&format!("Port issued a token: {} (at {}).", life(token), inputs.endpoint.host()));
    console.info(&format!(
        "MCP server {} for {}: {} over {}, {}.",
        inputs.server_name,
        inputs.client.id(),
        inputs.mcp_url.as_str(),
        inputs.transport,
        access(inputs)
    ));
    tell_tools(toolset, console);
    if let Some(place) = &inputs.config_file {
        config_file::tell(place, holds_token, environment, console);
    }
    if inputs.summary {
        write_summary(&summary_of(inputs, token, toolset), environment, console);
    }
    Ok(())
}

/// Tells what failed: one annotation, the same in the summary, and the code for workflows that go on.
/// A cancelled step writes to no file: its outputs are of no use to anyone.
pub fn failure(error: &Error, environment: &Environment, console: &Console<'_>, outputs: Option<&mut OutputFile>) {
    let report = error.report();
    let help = report.code.help_url();
    console.error(
        &format!("{} ({})", report.title, report.code.as_str()),
        &format!("{}\nWhy: {}\nFix: {}\nMore: {help}", report.what, report.why, report.mend),
    );
    if matches!(error, Error::Cancelled { .. }) {
        return;
    }
    if let Some(outputs) = outputs {
        // When this fails, the annotation above stands all the same, and the step fails anyway.
        drop(outputs.write(&[("error_code", Zeroizing::new(report.code.as_str().to_owned()))]));
    }
    if wants_summary(environment) {
        write_summary(&summary::of_failure(&report), environment, console);
    }
}

/// Asked of the environment, since the inputs as a whole may be what failed.
fn wants_summary(environment: &Environment) -> bool {
    let given = environment.input("summary").ok().flatten();
    given.and_then(|text| names::boolean(text).ok()).unwrap_or(true)
}

/// A summary is for people: that it can't be written is no reason to fail the step.
fn write_summary(text: &str, environment: &Environment, console: &Console<'_>) {
    if let Err(error) = summary::append(environment, &console.guard(text)) {
        console.warning("No job summary", &format!("The job summary can't be written: {error}."));
    }
}

fn tell_tools(toolset: &Toolset, console: &Console<'_>) {
    let allowed = toolset.allowed.len();
    match &toolset.offered {
        Some(offered) => console.info(&format!("{}.", counted(offered, allowed))),
        None if allowed > 0 => console.info(&format!("{} allowed, not checked against the server's list.", tools::number(allowed))),
        None => {}
    }
    if !toolset.executing.is_empty() {
        console.info(&format!(
            "Not allowed, since running an action changes things and `read_only` is on: {}. Name it in `allowed_tools`, or name the actions in `allowed_actions`, if the agent is to run them.",
            tools::listed(&toolset.executing)
        ));
    }
}

fn counted(offered: &[Tool], allowed: usize) -> String {
    format!("{} offered, {allowed} allowed", tools::number(offered.len()))
}

/// The tools by kind, folded away when there are many.
fn with_tools(text: Markdown, toolset: &Toolset) -> Markdown {
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
    if offered.len() > OPEN_LIST {
        return text.folded(&count, &Markdown::default().facts(&rows));
    }
    text.labelled("Tools:", &format!("{count}.")).facts(&rows)
}

fn summary_of(inputs: &Inputs, token: &Token, toolset: &Toolset) -> String {
    let region = match inputs.region {
        Some(region) => Cell::Code(region.to_string()),
        None => Cell::Text("own addresses".to_owned()),
    };
    let actions = match &inputs.allowed_actions {
        AllowedActions::Any => Cell::Text("all that the credentials may run".to_owned()),
        AllowedActions::Only(names) if names.is_empty() => Cell::Text("none".to_owned()),
        AllowedActions::Only(names) => Cell::Codes(names.clone()),
    };
    let text = Markdown::default().heading("🔌 Port MCP: connected").facts(&[
        ("Region", region),
        ("Token from", Cell::Code(inputs.endpoint.url.to_string())),
        ("Token ends", Cell::Text(format!("{} (in {})", minute(token), human(token.left_on_arrival())))),
        ("MCP server", Cell::Code(inputs.mcp_url.as_str().to_owned())),
        ("Server name", Cell::Code(inputs.server_name.clone())),
        ("Agent", Cell::Code(inputs.client.id().to_owned())),
        ("Transport", Cell::Code(inputs.transport.to_string())),
        ("Access", Cell::Text(access(inputs).to_owned())),
        ("Allowed actions", actions),
    ]);
    with_tools(text, toolset).finish()
}

/// To the minute, as people read it.
fn minute(token: &Token) -> String {
    token.expires_at().strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn life(token: &Token) -> String {
    format!("it ends at {}, in {}", token.expires_at(), human(token.left_on_arrival()))
}

fn access(inputs: &Inputs) -> &'static str {
    if inputs.read_only { "read-only" } else { "read and write" }
}
