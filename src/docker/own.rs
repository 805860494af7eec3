//! The container that this step runs in.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use serde_json::Value;

use super::engine::{Engine, is_not_found};
use super::error::Error;
use super::task::Task;

/// The most containers of the engine that are looked at.
const MOST_CONTAINERS: usize = 500;

/// The length of a container's id, in hex digits.
const ID: usize = 64;

/// What this process knows of the container around it.
pub struct Evidence {
    /// Ids and names that the container may have.
    candidates: Vec<String>,
    /// What no other container has in its environment: the runner's file for this step's outputs.
    variable: String,
}

/// A container, as the engine describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Own {
    /// Its id.
    pub(super) id: String,
    /// The id of its image, which is a digest.
    pub(super) image: String,
    #[serde(default)]
    config: Config,
    #[serde(default)]
    pub(super) host_config: HostConfig,
    #[serde(default)]
    pub(super) network_settings: NetworkSettings,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    env: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
}

/// What of a container's settings the second one shares.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HostConfig {
    #[serde(default)]
    pub network_mode: String,
    #[serde(default)]
    pub userns_mode: String,
    #[serde(default)]
    pub dns: Value,
    #[serde(default)]
    pub dns_search: Value,
    #[serde(default)]
    pub dns_options: Value,
    #[serde(default)]
    pub extra_hosts: Value,
}

/// A container's networks.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NetworkSettings {
    pub networks: Option<BTreeMap<String, Option<NetworkEndpoint>>>,
    pub ports: Option<BTreeMap<String, Option<Vec<Binding>>>>,
}

/// A container's place in a network.
#[derive(Debug, Default, Clone, Deserialize)]
pub struct NetworkEndpoint {
    #[serde(rename = "IPAddress", default)]
    pub v4: String,
    #[serde(rename = "GlobalIPv6Address", default)]
    pub v6: String,
}

/// Where a port is published.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Binding {
    #[serde(default)]
    pub host_port: String,
}

/// A container in the engine's list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedContainer {
    id: String,
}

impl Evidence {
    /// Gathers it from the system. `output` is the runner's file for this step's outputs.
    #[must_use]
    pub fn gather(output: &str) -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self::of(&read("/proc/self/mountinfo"), &read("/proc/sys/kernel/hostname"), output)
    }

    /// The same, out of what the system says of this process's mounts, and of the host's name.
    #[must_use]
    pub fn of(mountinfo: &str, host_name: &str, output: &str) -> Self {
        let host_name = host_name.trim().to_owned();
        let candidates = mounted_ids(mountinfo).chain(is_name(&host_name).then_some(host_name)).collect();
        Self { candidates, variable: format!("GITHUB_OUTPUT={output}") }
    }

    fn fits(&self, container: &Own) -> bool {
        container.config.env.iter().flatten().any(|variable| *variable == self.variable)
    }
}

/// The ids in the paths of the files that the engine mounts into each container, such as `/etc/hosts`.
fn mounted_ids(mountinfo: &str) -> impl Iterator<Item = String> {
    let roots = mountinfo.lines().filter_map(|line| line.split(' ').nth(3));
    let mut ids: Vec<_> = roots.flat_map(|root| root.split('/')).filter(|part| is_id(part)).map(str::to_owned).collect();
    ids.dedup();
    ids.into_iter()
}

fn is_id(text: &str) -> bool {
    text.len() == ID && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A host's name is put into a path.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

impl Own {
    /// Finds the container that this process runs in.
    ///
    /// In the network of another container, both the mounts and the host's name are those of the other one, as they are in `act`. So
    /// what is found counts only if its environment is this step's own.
    ///
    /// # Errors
    /// If it is none of the engine's, or the engine doesn't answer.
    pub async fn find(engine: &Engine, evidence: &Evidence) -> Result<Self, Error> {
        let mut others = Vec::new();
        for candidate in &evidence.candidates {
            match Self::inspect(engine, candidate).await {
                Ok(container) if evidence.fits(&container) => return Ok(container),
                Ok(container) => others.push(format!("container:{}", container.id)),
                Err(error) if is_not_found(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let listed: Vec<ListedContainer> = engine.get(Task::List, "containers/json", &[]).await?;
        let mut found = Vec::new();
        for ListedContainer { id } in listed.iter().take(MOST_CONTAINERS) {
            match Self::inspect(engine, id).await {
                Ok(container) if evidence.fits(&container) => found.push(container),
                Ok(_) => {}
                // It ended in the meantime.
                Err(error) if is_not_found(&error) => {}
                Err(error) => return Err(error),
            }
        }
        // `act` gives the same value to the steps of jobs that run at the same time.
        if found.len() > 1 {
            found.retain(|container| others.contains(&container.host_config.network_mode));
        }
        match found.len() {
            1 => found.pop().ok_or(Error::NotInside),
            _ => Err(Error::NotInside),
        }
    }

    /// Asks for a container.
    pub(super) async fn inspect(engine: &Engine, id: &str) -> Result<Self, Error> {
        engine.get(Task::Inspect, &format!("containers/{id}/json"), &[]).await
    }

    /// Its labels. With the runner's own among them, the runner removes what a killed job left behind.
    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        self.config.labels.clone().unwrap_or_default()
    }

    /// Its networks by name.
    pub(super) fn networks(&self) -> impl Iterator<Item = (&str, Option<&NetworkEndpoint>)> {
        self.network_settings.networks.iter().flatten().map(|(name, endpoint)| (name.as_str(), endpoint.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_from_the_mounts_of_both_engines() {
        let (docker, podman) = ("a1".repeat(32), "0f".repeat(32));
        let mountinfo = format!(
            "513 505 0:44 / / rw - overlay overlay rw,lowerdir=/var/lib/docker/{}\n\
             523 514 8:1 /var/lib/docker/containers/{docker}/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw\n\
             524 514 8:1 /var/lib/docker/containers/{docker}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n\
             525 514 0:25 /containers/overlay-containers/{podman}/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw\n",
            "b2".repeat(32)
        );
        assert_eq!(mounted_ids(&mountinfo).collect::<Vec<_>>(), [docker, podman]);
        assert_eq!(mounted_ids("").count(), 0);
    }

    #[test]
    fn a_hosts_name_counts_if_it_is_one() {
        assert_eq!(Evidence::of("", "runner-1_a\n", "x").candidates, ["runner-1_a"]);
        for name in ["", "\n", "../x", "a/json?x", "a b", "a%2f"] {
            assert!(Evidence::of("", name, "x").candidates.is_empty(), "{name}");
        }
    }
}
