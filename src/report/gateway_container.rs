//! Texts about the gateway.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::code::Code;
use super::explanation::Explanation;
use super::internal;
use super::words::human;
use crate::docker::{Error, Route, Task};
use crate::mcp::ServerUrl;
use crate::net::Network;
use crate::redact::{Quote, Redactor};
use crate::runner::Console;

const TITLE: &str = "The gateway can't start";

const WITHOUT: &str = "Or leave `gateway` out: the agent then gets the token itself, and what limits it are the rights of the credentials.";

/// A gateway that is ready, for the log.
pub struct GatewayAddress<'a> {
    /// The container's name.
    pub name: &'a str,
    /// Where agents reach it.
    pub url: &'a ServerUrl,
    /// How.
    pub route: &'a Route,
    /// When it ends by itself.
    pub ends_at: Timestamp,
    /// How long that is from its start.
    pub lifetime: Duration,
}

pub fn explain(error: &Error, redactor: &Redactor) -> Explanation {
    let (what, why, fix) = match error {
        Error::Socket { path, source } => return no_socket(path, source),
        Error::NoAnswer { task, detail } | Error::Unreadable { task, detail } => (
            format!("The container engine gave no usable answer to {task}: {detail}."),
            "What listens at the engine's socket is not Docker or Podman, it is being restarted, or it stopped.",
            format!("Check the engine on the runner. {WITHOUT}"),
        ),
        Error::Refused { task, status, message } => refused(*task, *status, message),
        Error::NotInside => (
            "None of the container engine's containers is the one that this step runs in.".to_owned(),
            "The gateway runs in the same image and network as this step, so the step looks for its own container. The socket belongs to another engine than the one that runs the job, or this program was not started as a container.",
            format!("Use a runner that starts container actions with the engine whose socket it mounts. {WITHOUT}"),
        ),
        Error::NoNetwork => (
            "This step's container has no network that a second one could share.".to_owned(),
            "The runner starts containers without a network.",
            format!("Let the runner's containers have a network. {WITHOUT}"),
        ),
        Error::Ended(last) => (
            format!("The gateway's container ended before it was ready{}.", said(last)),
            "The engine killed it, or can't run this image.",
            format!("Run the job again, and look into the engine's log on the runner. {WITHOUT}"),
        ),
        Error::GaveUp { code, message } => (
            format!("The gateway gave up before it was ready: {message} ({code})."),
            "It runs in a container of its own, beside this step's.",
            format!("Check what it names. {WITHOUT}"),
        ),
        Error::NotWorking { url, detail } => (
            format!("The gateway at `{url}` doesn't work: {detail}."),
            "The MCP server gave its tools to this step directly, and not through the gateway. A firewall between containers of one network (`--icc=false`) may be in the way.",
            format!("Let the runner's containers reach each other. {WITHOUT}"),
        ),
        Error::TimedOut => (
            "The gateway was not ready before the step's time was up.".to_owned(),
            "The container engine needs long to start a container: the runner is busy, or its disk is slow.",
            format!("Raise `timeout`. {WITHOUT}"),
        ),
        Error::Internal(error) => return internal::explain(error, redactor),
    };
    Explanation::new(Code::Gateway, TITLE, what, why, fix)
}

fn said(last: &Quote) -> String {
    if last.is_empty() { String::new() } else { format!(": {last}") }
}

fn no_socket(path: &Path, source: &std::io::Error) -> Explanation {
    let what = format!("The container engine's socket `{}` can't be used: {source}.", path.display());
    let (why, fix) = match source.kind() {
        ErrorKind::NotFound => (
            "The gateway is a second container, and the runner mounted no engine's socket into this one. Runners in Kubernetes without Docker have none.",
            "Use a runner that mounts `/var/run/docker.sock` into container actions, as GitHub's do.",
        ),
        ErrorKind::PermissionDenied => (
            "The step runs as root in its container, and that root may not use the socket: the engine maps it to another user, or SELinux forbids it.",
            "On a self-hosted runner, let containers use the engine's socket.",
        ),
        _ => ("The socket is there, but no engine listens.", "Check that the container engine runs on the runner."),
    };
    Explanation::new(Code::Gateway, TITLE, what, why, format!("{fix} {WITHOUT}"))
}

fn refused(task: Task, status: u16, message: &Quote) -> (String, &'static str, String) {
    let what = format!("The container engine answered {status} to {task}: {message}.");
    match status {
        403 => (
            what,
            "A filter before the engine's socket, or a plug-in of the engine, doesn't let this step start containers.",
            format!("Let container actions start containers of their own image on this runner. {WITHOUT}"),
        ),
        _ => (
            what,
            "The engine can't start a container of this step's image with the gateway's limits.",
            format!("Follow what the engine says. {WITHOUT}"),
        ),
    }
}

/// The container runs.
pub fn log_gateway_started(name: &str, took: Duration, console: &Console) {
    console.debug(&format!("The container {name} was started within {} ms.", took.as_millis()));
}

/// The container is gone.
pub fn log_gateway_ended(name: &str, took: Duration, console: &Console) {
    console.debug(&format!("The container {name} was stopped, read and removed within {} ms.", took.as_millis()));
}

/// The gateway is ready.
pub fn log_gateway(gateway: &GatewayAddress<'_>, console: &Console) {
    let GatewayAddress { name, url, route, ends_at, lifetime } = gateway;
    console.info(&format!("Gateway: {} in the container {name}, until the job ends, or {ends_at} ({}).", url.as_str(), human(*lifetime)));
    console.info(&format!("Gateway's address: {}.", decided(route, console)));
}

fn decided(route: &Route, console: &Console) -> String {
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

/// This container has no way to the gateway.
pub fn warn_of_unchecked_gateway(console: &Console) {
    console.info("The gateway is not checked: this step's container and the gateway's have no network in common.");
}
