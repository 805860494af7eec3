//! Texts about the gateway, whatever it is.

use std::fmt;
use std::time::Duration;

use anyhow::Error;
use jiff::Timestamp;

use super::failure::Failure;
use super::words::human;
use crate::docker::Route;
use crate::gateway::{self, Line, RecordEvent};
use crate::mcp::ServerUrl;
use crate::net::Network;
use crate::redact::Redactor;
use crate::runner::Console;

impl From<gateway::Error> for Failure {
    fn from(error: gateway::Error) -> Self {
        match error {
            gateway::Error::Port(error) => Self::Port(error),
            gateway::Error::Settings(problem) => Self::Internal(Error::new(problem).context("The gateway's settings are not valid")),
            gateway::Error::Internal(error) => Self::Internal(error),
        }
    }
}

/// The line that the gateway writes instead of `ready`.
#[must_use]
pub fn gateway_failure(error: gateway::Error) -> Line {
    let failure = Failure::from(error);
    // What the errors quote is clean already.
    let explanation = failure.explain(&Redactor::default());
    Line {
        event: RecordEvent::Failed,
        code: Some(explanation.code.as_str().to_owned()),
        message: Some(format!("{} {} {}", explanation.what, explanation.why, explanation.fix)),
        ..Line::default()
    }
}

/// A gateway that is ready, for the log.
pub struct GatewayAddress<'a> {
    /// What it is.
    pub place: GatewayPlace<'a>,
    /// Where agents reach it.
    pub url: &'a ServerUrl,
    /// When it ends by itself.
    pub ends_at: Timestamp,
    /// How long that is from its start.
    pub lifetime: Duration,
}

/// What a gateway is, for the log.
pub enum GatewayPlace<'a> {
    /// A container.
    Container {
        /// Its name.
        name: &'a str,
        /// How it is reached.
        route: &'a Route,
    },
    /// A process.
    Process {
        /// Its number.
        pid: i32,
    },
}

impl fmt::Display for GatewayPlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container { name, .. } => write!(f, "the container {name}"),
            Self::Process { pid } => write!(f, "the process {pid}"),
        }
    }
}

/// The gateway runs.
pub fn log_gateway_started(place: &GatewayPlace<'_>, took: Duration, console: &Console) {
    console.debug(&format!("The gateway, {place}, was started within {} ms.", took.as_millis()));
}

/// The gateway is gone.
pub fn log_gateway_ended(name: &str, took: Duration, console: &Console) {
    console.debug(&format!("The gateway {name} was stopped, read and removed within {} ms.", took.as_millis()));
}

/// The gateway is ready.
pub fn log_gateway(gateway: &GatewayAddress<'_>, console: &Console) {
    let GatewayAddress { place, url, ends_at, lifetime } = gateway;
    console.info(&format!("Gateway: {} in {place}, until the job ends, or {ends_at} ({}).", url.as_str(), human(*lifetime)));
    console.info(&format!("Gateway's address: {}.", decided(place, console)));
}

fn decided(place: &GatewayPlace<'_>, console: &Console) -> String {
    let route = match place {
        GatewayPlace::Container { route, .. } => route,
        GatewayPlace::Process { .. } => {
            return "a loopback port, since this is the action without Docker; programs on this machine, or in this job's container, reach it"
                .to_owned();
        }
    };
    match route {
        Route::Address(network) => format!(
            "the container's own in the network {}, which is this step's; steps on the host reach it, and so do containers in that network",
            console.quote(network)
        ),
        Route::Host => "a loopback port of the host, since this step runs in the host's network".to_owned(),
        Route::Container(container) => format!(
            "a loopback port in the network of the container {}, which this step shares",
            console.quote(container).shortened(SHORT_ID)
        ),
        Route::Published(_) => {
            "a port published on the host's loopback, since the engine is rootless and the host has no way into its networks".to_owned()
        }
    }
}

/// How much of a container's id people are shown.
const SHORT_ID: usize = 12;

/// An agent would ask a proxy for the gateway.
pub fn warn_of_proxy_before_gateway(network: &Network, gateway: &ServerUrl, console: &Console) {
    let is_proxied = network.http_proxy.is_some() && !Network::is_exempt(&network.no_proxy, gateway.url());
    if let Some(host) = gateway.url().host_str().filter(|_| is_proxied) {
        console.warning(
            "Agents may look for the gateway behind the proxy",
            &format!(
                "A proxy for plain http is set, and `NO_PROXY` doesn't name the gateway's address, `{host}`. An agent that uses the proxy for every address would send the gateway's key to the proxy, and would not reach the gateway.\nFix: Add `{host}` to `NO_PROXY` in the agent's step. The address is in the output `mcp_url`."
            ),
        );
    }
}

/// The runner gives the step no state, so it starts no clean-up that would know of the gateway.
pub fn log_no_clean_up(lifetime: Duration, console: &Console) {
    console.info(&format!("This runner keeps no state for the end of the job: the gateway ends by itself after {}.", human(lifetime)));
}

/// This step's container has no way to the gateway.
pub fn log_unchecked_gateway(console: &Console) {
    console.info("The gateway is not checked: this step's container and the gateway's have no network in common.");
}
