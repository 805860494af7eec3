//! `cargo demo -- gateway`: an agent that keeps to the rules and one that doesn't, each with what the step hands out.
//!
//! In place of a container engine, a program of these tests runs the gateway's program as a process of this machine.

use std::process::ExitCode;

use console::style;
use port_sandbox::{Route, Sandbox};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use super::common::engine::{Engine, Program, Script};
use super::common::{Outcome, Step, runner};
use super::heading;

/// A tool that the workflow allows.
const TOOL: &str = "list_blueprints";

/// The one action that it allows.
const ACTION: &str = "restart_service";

/// Runs it. It fails if the agent gets what it must not have.
pub fn demo() -> ExitCode {
    let sandbox = Sandbox::default();
    let step = Step::against(&sandbox).without("GITHUB_ACTIONS").input("gateway", "true");
    let step = step.input("allowed_tools", format!("{TOOL},run_action")).input("allowed_actions", ACTION);
    let engine = Engine::start(Script { program: Program::Real, ..Script::default() }, &step.path("output"));
    let state = step.path("state");
    std::fs::write(&state, "").unwrap();
    let step = step.env("DOCKER_HOST", engine.host()).env("GITHUB_STATE", state);

    heading("The step: a gateway, two tools, one action");
    println!("  with:\n    gateway: true\n    allowed_tools: {TOOL}, run_action\n    allowed_actions: {ACTION}");
    let outcome = step.run();
    heading("Its log, as the runner shows it");
    print!("{}", outcome.log.shown());
    if outcome.exit_code != Some(0) {
        return ExitCode::FAILURE;
    }
    let agent = Agent::with(&outcome);
    heading("What the agent gets");
    println!("{} and a key for it. Port's token is in no output.", agent.url);
    let before = sandbox.requests_to(Route::Mcp).len();

    heading("An agent that keeps to the rules");
    agent.shows("tools/list", &agent.ask("tools/list", &json!({})));
    agent.calls(TOOL, &json!({}));
    agent.calls("run_action", &json!({ "actionIdentifier": ACTION, "properties": {} }));
    let allowed = calls(&sandbox, before);

    heading("An agent that doesn't");
    agent.calls("delete_entity", &json!({ "blueprintIdentifier": "service", "entityIdentifier": "checkout" }));
    agent.calls("run_action", &json!({ "actionIdentifier": "deploy_to_production", "properties": {} }));
    let port = Agent { url: sandbox.mcp_url(), key: agent.key.clone() };
    port.shows("Port itself, with the key", &port.ask("tools/list", &json!({})));
    let guess = Agent { url: agent.url.clone(), key: "a-guess-a-guess-a-guess-a-guess-a-guess-a-g".to_owned() };
    guess.shows("the gateway, with another key", &guess.ask("tools/list", &json!({})));
    let reached: Vec<_> = calls(&sandbox, before);

    let saved = runner::read_outputs(&std::fs::read_to_string(step.path("state")).unwrap());
    std::fs::write(step.path("summary.md"), "").unwrap();
    let end = saved.into_iter().fold(step, |step, (name, value)| step.env(&format!("STATE_{name}"), value)).clean_up();
    heading("The end of the job: the log, and the job summary");
    print!("{}\n{}", end.log.shown(), end.summary);

    heading("What reached Port's server");
    println!("{}", reached.join(", "));
    let holds = reached == allowed && reached == [TOOL, "run_action"] && engine.containers().is_empty();
    match holds {
        true => println!("{}", style("✔ Nothing but what the workflow allows.").green()),
        false => println!("{}", style("The gateway let through what it must not.").red()),
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The tools whose calls reached the server, in order.
fn calls(sandbox: &Sandbox, since: usize) -> Vec<String> {
    sandbox.requests_to(Route::Mcp).into_iter().skip(since).filter_map(|request| request.tool).collect()
}

/// An agent of a few lines, which sends what it likes.
struct Agent {
    url: String,
    key: String,
}

impl Agent {
    fn with(outcome: &Outcome) -> Self {
        Self { url: outcome.output("mcp_url"), key: outcome.output("access_token") }
    }

    fn calls(&self, tool: &str, arguments: &Value) {
        let what = if tool == "run_action" { format!("run_action {}", arguments["actionIdentifier"]) } else { tool.to_owned() };
        self.shows(&what, &self.ask("tools/call", &json!({ "name": tool, "arguments": arguments })));
    }

    /// One line on what came of it.
    fn shows(&self, what: &str, (status, answer): &(u16, Value)) {
        let result = &answer["result"];
        let text = match (result["tools"].as_array(), result["isError"].as_bool(), status) {
            (Some(tools), ..) => tools.iter().filter_map(|tool| tool["name"].as_str()).collect::<Vec<_>>().join(", "),
            (_, Some(true), _) => format!("{} {}", style("refused:").red(), result["content"][0]["text"].as_str().unwrap_or_default()),
            (.., 200) if !result.is_null() => "done".to_owned(),
            _ => style(format!("refused: {status}")).red().to_string(),
        };
        println!("{} → {text}", style(what).bold());
    }

    /// Opens a session if it can, and asks one thing.
    fn ask(&self, method: &str, params: &Value) -> (u16, Value) {
        let opening = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "demo", "version": "1" } });
        let (status, session, answer) = self.send(None, 1, "initialize", &opening);
        if status != 200 {
            return (status, answer);
        }
        let (status, _, answer) = self.send(session.as_deref(), 2, method, params);
        (status, answer)
    }

    fn send(&self, session: Option<&str>, id: u64, method: &str, params: &Value) -> (u16, Option<String>, Value) {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let http = port_mcp_auth::testing::net::Http::new(&Default::default(), |_| {}).unwrap();
        let request = http
            .client()
            .post(&self.url)
            .header(AUTHORIZATION, format!("Bearer {}", self.key))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream");
        let request = match session {
            Some(session) => request.header("mcp-session-id", session),
            None => request,
        };
        let request = request.body(message.to_string()).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(http.send(request)).unwrap();
        let session = answer.head.headers.get("mcp-session-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let event = text.lines().filter_map(|line| line.strip_prefix("data:")).find(|data| data.trim_start().starts_with('{'));
        let body = serde_json::from_str(event.unwrap_or(&text)).unwrap_or_default();
        (answer.head.status.as_u16(), session, body)
    }
}
