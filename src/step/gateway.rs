//! The gateway: a second container that holds the token, and lets an agent do what the inputs allow.

use std::time::Duration;

use data_encoding::HEXLOWER;
use jiff::Timestamp;

use crate::connect::{Connected, Door, check, gateway_url, new_key, random_bytes, settings};
use crate::docker::{Engine, Error, Evidence, Own, Route, Sibling, Started};
use crate::gateway::{Line, RecordEvent, Settings};
use crate::inputs::Inputs;
use crate::mcp::ServerUrl;
use crate::net::Budget;
use crate::redact::Secret;
use crate::report::{Failure, GatewayAddress, log_gateway, log_gateway_started, warn_of_proxy_before_gateway, warn_of_unchecked_gateway};
use crate::runner::{Console, Environment};

/// The first part of the container's name. The second is random, so that each step has one of its own.
pub const NAME: &str = "port-mcp-auth-gateway-";

/// The random part of the container's name, in bytes.
const NAME_SIZE: usize = 12;

/// The name of a new gateway's container.
pub fn new_name() -> anyhow::Result<String> {
    Ok(format!("{NAME}{}", HEXLOWER.encode(&random_bytes::<NAME_SIZE>()?)))
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
    let key = new_key()?;
    console.mask(&key, [])?;
    let budget = &connected.budget;
    let settings = settings(inputs, connected, &key, Door { listen: started.listen(), hosts: started.hosts(), lifetime });
    let port = budget.limit(introduce(&mut started, &settings, console)).await.map_err(|_| Error::TimedOut)??;
    let ends_at = Timestamp::from_second(Timestamp::now().as_second()).and_then(|now| now.checked_add(lifetime)).unwrap_or(Timestamp::MAX);
    let url = gateway_url(started.agents_address(port))?;
    log_gateway(&GatewayAddress { name, url: &url, route: &started.route, ends_at, lifetime }, console);
    warn_of_proxy_before_gateway(&inputs.network, &url, console);
    if inputs.verify {
        match started.own_address(port) {
            Some(address) => check(&gateway_url(address)?, &key, inputs, connected, console).await?,
            None => warn_of_unchecked_gateway(console),
        }
    }
    Ok(Gateway { url, key, ends_at, lifetime })
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
