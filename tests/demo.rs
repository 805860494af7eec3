//! `cargo demo`: runs the real binary as the runner would, shows what the runner shows, and connects with the config that it wrote.
//!
//! With the word `gateway` it shows the gateway, and agents that meet its limits. Without, it talks to the sandbox, or to Port where `PORT_CLIENT_ID` and `PORT_CLIENT_SECRET` are set.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a demonstration prints, and ends where it can't go on"
)]

mod common;
#[path = "demo/gateway.rs"]
mod gateway;

use std::collections::HashMap;
use std::process::ExitCode;

use common::{Outcome, Step};
use console::style;
use http::{HeaderName, HeaderValue};
use port_mcp_auth::testing::net::{Http, Network};
use port_sandbox::Sandbox;
use rmcp::ServiceExt;
use rmcp::model::CallToolRequestParams;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::Value;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "gateway") {
        return gateway::demo();
    }
    let real = std::env::var_os("PORT_CLIENT_ID").zip(std::env::var_os("PORT_CLIENT_SECRET"));
    let sandbox = real.is_none().then(Sandbox::default);
    let step = match (&sandbox, real) {
        (Some(sandbox), _) => {
            heading("A sandbox that answers as Port does listens on loopback");
            println!("To talk to Port instead, set PORT_CLIENT_ID and PORT_CLIENT_SECRET (and INPUT_REGION=us in the US).");
            Step::against(sandbox)
        }
        (None, Some((id, secret))) => {
            heading("Port itself, with the credentials in PORT_CLIENT_ID and PORT_CLIENT_SECRET");
            with_own_environment(Step::bare().input("client_id", id).input("client_secret", secret))
        }
        (None, None) => unreachable!("there is a sandbox where there are no credentials"),
    };

    heading("The step, as a workflow has it");
    println!(
        "- uses: org/port-mcp-auth@v1\n  id: port\n  with:\n    client_id: ${{{{ secrets.PORT_CLIENT_ID }}}}\n    client_secret: ${{{{ secrets.PORT_CLIENT_SECRET }}}}"
    );

    let outcome = step.run();
    heading("Its log, as the runner shows it");
    print!("{}", outcome.log.shown());
    if outcome.exit_code != Some(0) {
        println!("{}", style("The step failed.").red());
        return ExitCode::FAILURE;
    }
    heading("Its outputs, with what the runner masks");
    for (name, value) in outcome.outputs() {
        println!("{} {}", style(format!("{name}:")).bold(), outcome.log.mask(&value));
    }
    heading("Its job summary");
    print!("{}", outcome.summary);

    heading("The proof: an MCP client connects with the output mcp_config");
    match connect(&outcome) {
        Ok(blueprints) => {
            println!("list_blueprints answered:\n{blueprints}");
            println!("{}", style("✔ The config works.").green());
            ExitCode::SUCCESS
        }
        Err(problem) => {
            println!("{}", style(format!("The config does not work: {problem}")).red());
            ExitCode::FAILURE
        }
    }
}

fn heading(text: &str) {
    println!("\n{} {}", style("▶").cyan(), style(text).bold());
}

/// With the real Port, inputs and proxies may come from the shell.
fn with_own_environment(step: Step) -> Step {
    std::env::vars_os().fold(step, |step, (name, value)| match name.to_str() {
        Some(name) if name.starts_with("INPUT_") || name.to_ascii_uppercase().ends_with("_PROXY") => step.env(name, value),
        _ => step,
    })
}

/// Does with the config what an agent does, and returns what `list_blueprints` says.
fn connect(outcome: &Outcome) -> Result<String, Box<dyn std::error::Error>> {
    let config = outcome.config();
    let server = &config["mcpServers"]["port-prod"];
    let mut headers: HashMap<HeaderName, HeaderValue> = HashMap::new();
    let mut token = String::new();
    for (name, value) in server["headers"].as_object().ok_or("no headers")? {
        let value = value.as_str().ok_or("a header is no text")?;
        match value.strip_prefix("Bearer ") {
            Some(bearer) => bearer.clone_into(&mut token),
            None => drop(headers.insert(name.parse()?, value.parse()?)),
        }
    }
    let url = server["url"].as_str().ok_or("no url")?.to_owned();
    let transport_config = StreamableHttpClientTransportConfig::with_uri(url).auth_header(token).custom_headers(headers);
    let http = Http::new(&Network::default(), |_| {})?;

    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let transport = StreamableHttpClientTransport::with_client(http.client().clone(), transport_config);
        let client = ().serve(transport).await?;
        let tools = client.list_all_tools().await?;
        println!("tools/list answered: {} tools.", tools.len());
        let answer = client.call_tool(CallToolRequestParams::new("list_blueprints")).await?;
        let answer = serde_json::to_value(answer)?;
        client.cancel().await?;
        Ok(first_lines(answer["content"][0]["text"].as_str().ok_or("no text")?))
    })
}

/// JSON with line ends, cut to what a screen shows.
fn first_lines(text: &str) -> String {
    const LINES: usize = 12;
    let pretty =
        serde_json::from_str::<Value>(text).and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| text.to_owned());
    let mut lines: Vec<_> = pretty.lines().take(LINES).collect();
    if pretty.lines().count() > LINES {
        lines.push("  …");
    }
    lines.join("\n")
}
