//! Where the job's other steps reach a second container.

use std::net::IpAddr;

use serde::Deserialize;

use super::engine::Engine;
use super::error::Error;
use super::own::Own;
use super::task::Task;

/// Where the runner mounts the work directory into the job's own container, and into no other.
const WORK_DIRECTORY: &str = "/__w";

/// How the job's other steps reach a second container. It is decided from what the engine says of this step's own container, since
/// the steps' side can't be tried from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// By a loopback port: both share the host's network.
    Host,
    /// By a loopback port: both share the network of this container, as in `act`.
    Container(String),
    /// By the container's own address in this network, from the host and from the job's containers alike.
    Address(String),
    /// By a port that is published on the host's loopback: the engine is rootless, so the host has no way into its networks.
    Published(String),
}

/// The part of `/info` that is needed here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    #[serde(default)]
    security_options: Vec<String>,
}

/// A container in the engine's list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedNetwork {
    id: String,
    #[serde(default)]
    mounts: Vec<Mount>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Mount {
    #[serde(default)]
    destination: String,
}

impl Route {
    /// Decides it.
    ///
    /// # Errors
    /// If this step's container has no network, or the engine doesn't answer.
    pub async fn decide(engine: &Engine, own: &Own) -> Result<Self, Error> {
        let mode = own.host_config.network_mode.as_str();
        if mode == "host" {
            return Ok(Self::Host);
        }
        if let Some(container) = mode.strip_prefix("container:") {
            return Ok(Self::Container(container.to_owned()));
        }
        let network = primary(own)?;
        let info: Info = engine.get(Task::Info, "info", &[]).await?;
        let is_rootless = info.security_options.iter().any(|option| option.split(',').any(|part| part == "name=rootless"));
        // A port on the host's loopback is out of reach for a job that runs in a container.
        if is_rootless && !has_job_container(engine, own, &network).await? {
            return Ok(Self::Published(network));
        }
        Ok(Self::Address(network))
    }
}

/// The network that the container was started in.
fn primary(own: &Own) -> Result<String, Error> {
    let mode = own.host_config.network_mode.as_str();
    let named = own.networks().find(|(name, _)| *name == mode);
    // Docker calls its own network `default` or `bridge`; Podman has other words.
    let found = named.or_else(|| own.networks().next()).map(|(name, _)| name.to_owned());
    found.or_else(|| (!matches!(mode, "none" | "")).then(|| mode.to_owned())).ok_or(Error::NoNetwork)
}

/// Whether the job's steps run in a container, which is in the same network then.
async fn has_job_container(engine: &Engine, own: &Own, network: &str) -> Result<bool, Error> {
    let filters = serde_json::json!({ "network": [network] }).to_string();
    let listed: Vec<ListedNetwork> = engine.get(Task::List, "containers/json", &[("filters", &filters)]).await?;
    let is_job = |container: &ListedNetwork| container.mounts.iter().any(|mount| mount.destination == WORK_DIRECTORY);
    Ok(listed.iter().any(|container| container.id != own.id && is_job(container)))
}

/// A container's address in a network, or in any.
pub fn address(container: &Own, network: &str) -> Option<IpAddr> {
    let named = container.networks().filter(|(name, _)| *name == network);
    named.chain(container.networks()).find_map(|(_, endpoint)| {
        let endpoint = endpoint?;
        [&endpoint.v4, &endpoint.v6].into_iter().find_map(|address| address.parse().ok())
    })
}
