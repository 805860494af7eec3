//! What a run is to be: the step's inputs, and where the server is hostile.

use std::time::Duration;

use port_mcp_auth::testing::clients::{REGISTRY, Transport};

use super::common::Step;
use super::hostile::dice::Dice;
use super::hostile::token::Kind;
use super::hostile::{Play, Stage, client_secret, proxy};

/// One run.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "these are inputs, of which each can be on or off")]
pub struct Plan {
    pub play: Play,
    pub timeout: Duration,
    pub verify: bool,
    /// The tools that are asked for: all, one, or those that match.
    pub allowed_tools: &'static str,
    pub read_only: bool,
    pub token_env: bool,
    pub config_file: Option<&'static str>,
    inputs: Vec<(&'static str, String)>,
}

/// Every twentieth run breaks an answer off, each a byte later than the last.
const SWEEP: u64 = 20;

impl Plan {
    pub fn of(seed: u64) -> Self {
        let dice = Dice::of(seed, "plan", 0);
        let stage = if seed.is_multiple_of(SWEEP) {
            Stage::Sweep(usize::try_from(seed / SWEEP).unwrap_or_default())
        } else {
            dice.weighted(&[(48, Stage::Token), (34, Stage::Mcp), (8, Stage::Both), (3, Stage::Tls), (3, Stage::Proxy), (4, Stage::Tunnel)])
        };
        let client_secret = client_secret(&dice);
        let timeout = match stage {
            Stage::Sweep(_) => 5_000,
            _ => dice.weighted(&[(4, 150), (4, 500), (4, 1_500), (1, 4_000)]),
        };
        let needed = if stage == Stage::Token { dice.any(&[0, 0, 600]) } else { 0 };
        let at = dice.number(0..REGISTRY.len());
        let strict = dice.percent(40);
        let is_strict = |id: &str| ["claude-code", "claude-agent-sdk"].contains(&id);
        let client = REGISTRY.iter().find(|client| strict && is_strict(client.id())).unwrap_or(&REGISTRY[at]);
        let strict = is_strict(client.id());
        let verify = matches!(stage, Stage::Mcp | Stage::Both) || dice.percent(50) || !client.sends_headers();
        let token_env = dice.percent(25) && client.token_env_transports().contains(&client.transports()[0]);
        let config_file = if dice.percent(25) { Some(dice.any(&["config.txt", "temp:config.txt"])) } else { None };
        let mut inputs = vec![
            ("client_id", "id-of-the-run".to_owned()),
            ("client", client.id().to_owned()),
            (
                "transport",
                if dice.percent(30) && client.transports().contains(&Transport::McpRemote) && !token_env { "mcp-remote" } else { "" }
                    .to_owned(),
            ),
            ("verify", verify.to_string()),
            ("min_validity", needed.to_string()),
            ("timeout", format!("{timeout}ms")),
            ("summary", (!dice.percent(10)).to_string()),
        ];
        let allowed_tools =
            if verify { dice.any(&["", "", "", "", "", "list_*", "list_*", "list_blueprints", "*", "get_nothing"]) } else { "" };
        let read_only = !verify || !dice.percent(if client.sends_headers() { 20 } else { 40 });
        if verify {
            inputs.push(("allowed_tools", allowed_tools.to_owned()));
            inputs.push(("read_only", read_only.to_string()));
        }
        if token_env {
            inputs.push(("token_env", "PORT_TOKEN".to_owned()));
        }
        if let Some(path) = config_file {
            inputs.push(("config_file", path.to_owned()));
        }
        let kind = dice.any(&[Kind::Api, Kind::Api, Kind::Mcp]);
        let host = dice.any(&["127.0.0.1", "127.0.0.1", "localhost"]);
        Self {
            timeout: Duration::from_millis(timeout),
            verify,
            allowed_tools,
            read_only,
            token_env,
            config_file,
            inputs,
            play: Play { seed, stage, kind, client_secret, needed, strict, host },
        }
    }

    /// The step that meets a server at this port.
    pub fn step(&self, port: u16) -> Step {
        let scheme = if matches!(self.play.stage, Stage::Tls | Stage::Tunnel) { "https" } else { "http" };
        let mut step = Step::bare()
            .input("client_secret", &self.play.client_secret)
            .input("token_endpoint", if self.play.kind == Kind::Api { "api" } else { "mcp" })
            .input("auth_base_url", format!("{scheme}://127.0.0.1:{port}/v1"))
            .input("mcp_url", format!("{scheme}://{}:{port}/mcp", self.play.host));
        for (name, value) in &self.inputs {
            step = step.input(name, value);
        }
        if matches!(self.play.stage, Stage::Proxy | Stage::Tunnel) {
            let proxy = proxy(port);
            step = step.env("HTTP_PROXY", &proxy).env("HTTPS_PROXY", proxy);
        }
        let temp = step.path("temp");
        std::fs::create_dir(&temp).expect("a new directory");
        step.env("RUNNER_TEMP", temp)
    }
}
