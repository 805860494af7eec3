//! The gateway: a second container that holds the token, and lets an agent do what the inputs allow.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use jiff::Timestamp;

use super::connect::Connected;
use crate::docker::{Engine, Error, Evidence, Own, Route, Sibling, Started};
use crate::gateway::{AllowedTool, Line, ProxySettings, RecordEvent, Rules, Settings, TokenAddress, TokenInHand};
use crate::inputs::Inputs;
use crate::mcp::{Listing, NotVerified, Obstacle, Preflight, Server, ServerUrl, ToolName, Toolset};
use crate::net::retry::Pause;
use crate::net::{Budget, Http, Network};
use crate::port::ToolKind;
use crate::redact::Secret;
use crate::report::{
    Failure, GatewayAddress, log_gateway, log_gateway_started, log_preflight_retry, log_request, warn_if_not_verified,
    warn_of_proxy_before_gateway, warn_of_unchecked_gateway,
};
use crate::runner::{Console, Environment};

/// The first part of the container's name. The second is random, so that each step has one of its own.
pub const NAME: &str = "port-mcp-auth-gateway-";

/// The random part of the container's name, in bytes.
const NAME_SIZE: usize = 12;

/// The key, in bytes.
const KEY_SIZE: usize = 32;

/// The name of a new gateway's container.
pub fn new_name() -> anyhow::Result<String> {
    Ok(format!("{NAME}{}", HEXLOWER.encode(&random::<NAME_SIZE>()?)))
}

fn random<const SIZE: usize>() -> anyhow::Result<[u8; SIZE]> {
    let mut bytes = [0; SIZE];
    getrandom::fill(&mut bytes).context("The system gives no random bytes")?;
    Ok(bytes)
}

/// A gateway that is ready.
pub struct Gateway {
    /// Its address.
    pub url: ServerUrl,
    /// What an agent shows there in place of a token.
    pub key: Secret,
    /// When it ends by itself.
    pub ends_at: Timestamp,
    /// How long that is from its start.
    pub lifetime: Duration,
}

/// Makes and starts the container. Its program waits for its settings then.
pub async fn start<'a>(sibling: &'a Sibling, environment: &Environment, console: &Console) -> Result<Started<'a>, Error> {
    let engine = Engine::connect(environment.engine_socket(), console).await?;
    let output = environment.output.as_deref().unwrap_or_else(|| "".as_ref());
    let own = Own::find(&engine, &Evidence::gather(&output.to_string_lossy())).await?;
    let route = Route::decide(&engine, &own).await?;
    sibling.start(engine, &own, route).await
}

/// The same at the same time as other work, which fails first if there is no engine.
pub async fn start_beside<'a, T>(
    work: impl Future<Output = Result<T, Failure>>,
    sibling: &'a Sibling,
    inputs: &Inputs,
    environment: &Environment,
    console: &Console,
) -> Result<(T, Started<'a>), Failure> {
    let limit = Budget::start(inputs.timeout);
    let start = async {
        let begun = std::time::Instant::now();
        let started = limit.limit(start(sibling, environment, console)).await.map_err(|_| Error::TimedOut)??;
        log_gateway_started(sibling.name(), begun.elapsed(), console);
        Ok(started)
    };
    tokio::try_join!(work, start)
}

/// Tells the program what to do, waits until it is ready, and looks for the tools through it.
pub async fn hand_over(
    mut started: Started<'_>,
    name: &str,
    inputs: &Inputs,
    connected: &Connected,
    lifetime: Duration,
    console: &Console,
) -> Result<Gateway, Failure> {
    let key = Secret::new(&BASE64URL_NOPAD.encode(&random::<KEY_SIZE>()?));
    console.mask(&key, [])?;
    let budget = &connected.budget;
    let settings = settings(&started, inputs, connected, &key, lifetime);
    let port = budget.limit(introduce(&mut started, &settings, console)).await.map_err(|_| Error::TimedOut)??;
    let ends_at = Timestamp::from_second(Timestamp::now().as_second()).and_then(|now| now.checked_add(lifetime)).unwrap_or(Timestamp::MAX);
    let url = url_of(started.agents_address(port))?;
    log_gateway(&GatewayAddress { name, url: &url, route: &started.route, ends_at, lifetime }, console);
    warn_of_proxy_before_gateway(&inputs.network, &url, console);
    if inputs.verify {
        match started.own_address(port) {
            Some(address) => check(&url_of(address)?, &key, inputs, connected, console).await?,
            None => warn_of_unchecked_gateway(console),
        }
    }
    Ok(Gateway { url, key, ends_at, lifetime })
}

fn url_of(address: SocketAddr) -> anyhow::Result<ServerUrl> {
    ServerUrl::of_gateway(&address.to_string())
}

fn settings(started: &Started<'_>, inputs: &Inputs, connected: &Connected, key: &Secret, lifetime: Duration) -> Settings {
    let Connected { token, endpoint, toolset, .. } = connected;
    let seconds_left = token.expires_at().duration_since(Timestamp::now()).as_secs();
    Settings {
        client_id: inputs.credentials.client_id.clone(),
        client_secret: inputs.credentials.client_secret.clone(),
        token_endpoint: TokenAddress { kind: endpoint.kind, url: endpoint.url.to_string() },
        token: Some(TokenInHand { token: token.secret().clone(), seconds_left: u64::try_from(seconds_left).unwrap_or_default() }),
        mcp_url: inputs.mcp_url.as_str().to_owned(),
        headers: inputs.access.headers().into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        rules: Rules { tools: allowed(toolset), actions: Rules::actions_of(&inputs.access.actions), read_only: inputs.access.read_only },
        key: key.clone(),
        listen: started.listen(),
        hosts: started.hosts(),
        lifetime: lifetime.as_secs().max(1),
        extra_roots: inputs.network.extra_roots.clone(),
        proxies: ProxySettings::of(&inputs.network),
    }
}

/// The tools by name and kind; `None` where neither the user nor the server has named any.
fn allowed(toolset: &Toolset) -> Option<Vec<AllowedTool>> {
    let offered = toolset.offered.as_deref();
    if offered.is_none() && toolset.allowed.is_empty() {
        return None;
    }
    let listed = |name: &ToolName| offered.unwrap_or_default().iter().find(|tool| tool.name == *name).map(|tool| tool.kind);
    let kind = |name: &ToolName| listed(name).or_else(|| ToolKind::by_name(name.as_str())).unwrap_or(ToolKind::Write);
    Some(toolset.allowed.iter().map(|name| AllowedTool { name: name.to_string(), kind: kind(name) }).collect())
}

/// Hands over the settings, and waits for the port that the program listens on.
async fn introduce(started: &mut Started<'_>, settings: &Settings, console: &Console) -> Result<u16, Failure> {
    started.attached.say(&settings.to_line()?).await?;
    let mut last = String::new();
    while let Some(line) = started.attached.hear().await? {
        match serde_json::from_str(&line) {
            Ok(Line { event: RecordEvent::Ready, port: Some(port), .. }) => return Ok(port),
            Ok(Line { event: RecordEvent::Failed, code, message, .. }) => {
                let quote = |text: Option<String>| console.quote(&text.unwrap_or_default());
                return Err(Error::GaveUp { code: quote(code), message: quote(message) }.into());
            }
            _ => last = line,
        }
    }
    Err(Error::Ended(console.quote(&last)).into())
}

/// Opens the MCP connection as the agent will. What Port itself has to say was heard before, so what fails now is the gateway.
async fn check(url: &ServerUrl, key: &Secret, inputs: &Inputs, connected: &Connected, console: &Console) -> Result<(), Failure> {
    let log = console.clone();
    // The way to it leads through no proxy.
    let http = Http::new(&Network::default(), move |trace| log_request(trace, &log))?;
    let on_retry = |not_verified: &NotVerified, pause: Pause| log_preflight_retry(not_verified, pause, console);
    let preflight = Preflight {
        server: Server { url: url.url(), token_from: connected.endpoint.kind },
        token: key,
        headers: &[],
        reader: inputs.client.answer_reader(),
        http: &http,
        budget: &connected.budget,
        console,
        on_retry: &on_retry,
    };
    let not_working = |detail: &str| Failure::Gateway(Error::NotWorking { url: url.as_str().to_owned(), detail: console.quote(detail) });
    match preflight.list_tools().await {
        Ok(Listing::NotVerified(NotVerified { obstacle: Obstacle::Unreachable(detail), .. })) => Err(not_working(detail.as_str())),
        // That the server can't be judged was said already, if it was so before.
        Ok(Listing::NotVerified(not_verified)) if connected.toolset.not_verified.is_none() => {
            warn_if_not_verified(&Toolset { not_verified: Some(not_verified), ..Toolset::default() }, console);
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(error) => Err(not_working(&error.to_string())),
    }
}
