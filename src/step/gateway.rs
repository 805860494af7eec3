//! The gateway: a second container, or process, that holds the token, and lets an agent do what the inputs allow.

use std::time::Duration;

use data_encoding::HEXLOWER;
use jiff::Timestamp;

use super::beside::{Beside, Waiting};
use crate::connect::{Connected, Door, check, gateway_url, new_key, random_bytes, settings};
use crate::gateway::{GatewayForm, Line, RecordEvent, Settings, Unready};
use crate::inputs::Inputs;
use crate::mcp::ServerUrl;
use crate::net::Budget;
use crate::redact::Secret;
use crate::report::{Failure, GatewayAddress, log_gateway, log_gateway_started, log_unchecked_gateway, warn_of_proxy_before_gateway};
use crate::runner::{Console, Environment};

/// The first part of the gateway's name. The second is random, so that each step has one of its own.
pub const NAME: &str = "port-mcp-auth-gateway-";

/// The random part of the gateway's name, in bytes.
const NAME_SIZE: usize = 12;

/// The name of a new gateway.
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

/// Starts the gateway's program, which waits for its settings then, at the same time as other work.
pub async fn start_beside<'a, T>(
    work: impl Future<Output = Result<T, Failure>>,
    beside: &'a Beside,
    inputs: &Inputs,
    environment: &Environment,
    console: &Console,
) -> Result<(T, Waiting<'a>), Failure> {
    let limit = Budget::start(inputs.timeout);
    let start = async {
        let begun = std::time::Instant::now();
        let waiting =
            limit.limit(beside.start(environment, console)).await.map_err(|_| Failure::Unready(beside.form(), Unready::TimedOut))??;
        log_gateway_started(&waiting.place(), begun.elapsed(), console);
        Ok(waiting)
    };
    tokio::try_join!(work, start)
}

/// Tells the program what to do, waits until it is ready, and looks for the tools through it.
pub async fn hand_over(
    mut waiting: Waiting<'_>,
    form: GatewayForm,
    inputs: &Inputs,
    connected: &Connected,
    lifetime: Duration,
    console: &Console,
) -> Result<Gateway, Failure> {
    let key = new_key()?;
    console.mask(&key, [])?;
    let budget = &connected.budget;
    let settings = settings(inputs, connected, &key, Door { listen: waiting.listen(), hosts: waiting.hosts(), lifetime });
    let introduced = budget.limit(introduce(&mut waiting, form, &settings, console)).await;
    let port = introduced.map_err(|_| Failure::Unready(form, Unready::TimedOut))??;
    let ends_at = Timestamp::from_second(Timestamp::now().as_second()).and_then(|now| now.checked_add(lifetime)).unwrap_or(Timestamp::MAX);
    let url = gateway_url(waiting.agents_address(port))?;
    log_gateway(&GatewayAddress { place: waiting.place(), url: &url, ends_at, lifetime }, console);
    warn_of_proxy_before_gateway(&inputs.network, &url, console);
    if inputs.verify {
        match waiting.own_address(port) {
            Some(address) => check(&gateway_url(address)?, form, &key, inputs, connected, console).await?,
            None => log_unchecked_gateway(console),
        }
    }
    Ok(Gateway { url, key, ends_at, lifetime })
}

/// Hands over the settings, and waits for the port that the program listens on.
async fn introduce(waiting: &mut Waiting<'_>, form: GatewayForm, settings: &Settings, console: &Console) -> Result<u16, Failure> {
    waiting.say(&settings.to_line()?).await?;
    let mut last = String::new();
    while let Some(line) = waiting.hear().await? {
        match serde_json::from_str(&line) {
            Ok(Line { event: RecordEvent::Ready, port: Some(port), .. }) => return Ok(port),
            Ok(Line { event: RecordEvent::Failed, code, message, .. }) => {
                let quote = |text: Option<String>| console.quote(&text.unwrap_or_default());
                return Err(Failure::Unready(form, Unready::GaveUp { code: quote(code), message: quote(message) }));
            }
            _ => last = line,
        }
    }
    Err(Failure::Unready(form, Unready::Ended(console.quote(&last))))
}
