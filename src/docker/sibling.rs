//! The second container: from its making to its end.

use std::cell::{Cell, OnceCell};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::attached::Attached;
use super::engine::{Engine, is_not_found};
use super::error::Error;
use super::frames::Frames;
use super::network::{Route, address};
use super::own::Own;
use super::spec::{self, PUBLISHED_PORT};
use super::task::Task;
use crate::net::next_chunk;

/// The published port, inside of the container.
const PORT: u16 = 8080;

/// How long to wait between two attempts to remove a container that is just being made.
const PAUSE: Duration = Duration::from_millis(20);

/// A container that is made, started, and removed again if nobody takes it over.
pub struct Sibling {
    name: String,
    engine: OnceCell<Engine>,
    stage: Cell<Stage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is nothing to remove.
    Nothing,
    /// The engine was asked for it, and has not answered.
    Asked,
    /// It is there.
    Made,
}

/// A started container: its program waits for its first line.
pub struct Started<'a> {
    /// Its standard input and output.
    pub attached: Attached<'a>,
    /// How it is reached.
    pub route: Route,
    address: Option<IpAddr>,
    published: Option<u16>,
}

/// How a container ended, by the engine.
#[derive(Debug, Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase", default)]
pub struct ContainerEnd {
    /// Whether it is still running.
    pub running: bool,
    /// The exit code of its program: 137 if it was killed.
    pub exit_code: i64,
    /// Whether the system killed it because it ran out of memory.
    #[serde(rename = "OOMKilled")]
    pub out_of_memory: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    state: ContainerEnd,
}

impl Sibling {
    /// Nothing yet, but its name.
    #[must_use]
    pub fn new(name: String) -> Self {
        Self { name, engine: OnceCell::new(), stage: Cell::new(Stage::Nothing) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes and starts it.
    ///
    /// # Errors
    /// If the engine refuses.
    pub async fn start(&self, engine: Engine, own: &Own, route: Route) -> Result<Started<'_>, Error> {
        let engine = self.engine.get_or_init(|| engine);
        let body = spec::container(own, &route);
        self.stage.set(Stage::Asked);
        engine.call(Task::Create, Method::POST, "containers/create", &[("name", &self.name)], Some(&body)).await?;
        self.stage.set(Stage::Made);
        if let Route::Address(primary) | Route::Published(primary) = &route {
            for (network, _) in own.networks().filter(|(name, _)| name != primary) {
                let body = json!({ "Container": self.name });
                engine.call(Task::Connect, Method::POST, &format!("networks/{network}/connect"), &[], Some(&body)).await?;
            }
        }
        engine.call(Task::Start, Method::POST, &format!("containers/{}/start", self.name), &[], None).await?;
        // Podman 4 attaches only to what is started.
        let attached = Attached::to(engine, &self.name).await?;
        let (address, published) = self.reach(engine, &route).await?;
        Ok(Started { attached, route, address, published })
    }

    /// Its own address, and its port on the host, if they count.
    async fn reach(&self, engine: &Engine, route: &Route) -> Result<(Option<IpAddr>, Option<u16>), Error> {
        let network = match route {
            Route::Host | Route::Container(_) => return Ok((Some(Ipv4Addr::LOCALHOST.into()), None)),
            Route::Address(network) | Route::Published(network) => network,
        };
        let container = Own::inspect(engine, &self.name).await?;
        let ports = container.network_settings.ports.as_ref().and_then(|ports| ports.get(PUBLISHED_PORT)?.as_ref());
        let published = ports.and_then(|bindings| bindings.first()?.host_port.parse().ok());
        let address = address(&container, network);
        let is_reachable = if matches!(route, Route::Published(_)) { published.is_some() } else { address.is_some() };
        if is_reachable { Ok((address, published)) } else { Err(engine.unreadable(Task::Inspect, "it names no address")) }
    }

    /// Leaves it to others: [`Self::remove`] does nothing from now on.
    pub fn hand_over(&self) {
        self.stage.set(Stage::Nothing);
    }

    /// Removes what was made of it, within a time limit.
    pub async fn remove(&self, limit: Duration) {
        let Some(engine) = self.engine.get().filter(|_| self.stage.get() != Stage::Nothing) else {
            return;
        };
        let removed = async {
            while let Err(error) = remove(engine, &self.name).await {
                // The engine may still be about to make it.
                if !(is_not_found(&error) && self.stage.get() == Stage::Asked) {
                    return;
                }
                sleep(PAUSE).await;
            }
        };
        // Nobody waits for more than that, and the engine goes on with what it was asked for.
        drop(timeout(limit, removed).await);
        self.stage.set(Stage::Nothing);
    }
}

impl Started<'_> {
    /// Where the program in it has to listen. Port 0 stands for any that is free.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        match (&self.route, self.address) {
            (Route::Published(_), _) => (Ipv4Addr::UNSPECIFIED, PORT).into(),
            (_, Some(address)) => (address, 0).into(),
            (_, None) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        }
    }

    /// The hosts, with a port where it isn't the one that the program listens on, by which it is reached.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let own = self.address.map(|address| host(&address));
        own.into_iter().chain(self.published.map(|port| format!("{}:{port}", Ipv4Addr::LOCALHOST))).collect()
    }

    /// Where the job's steps reach it, if its program listens on this port.
    #[must_use]
    pub fn agents_address(&self, port: u16) -> SocketAddr {
        match self.published.filter(|_| matches!(self.route, Route::Published(_))) {
            Some(published) => (Ipv4Addr::LOCALHOST, published).into(),
            None => (self.address.unwrap_or(Ipv4Addr::LOCALHOST.into()), port).into(),
        }
    }

    /// Where this step reaches it; `None` if that can't be.
    #[must_use]
    pub fn own_address(&self, port: u16) -> Option<SocketAddr> {
        self.address.map(|address| (address, port).into())
    }
}

fn host(address: &IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

impl ContainerEnd {
    /// How a container is, or how it ended.
    ///
    /// # Errors
    /// If the engine has no such container, or doesn't answer.
    pub async fn of(engine: &Engine, name: &str) -> Result<Self, Error> {
        let described: Described = engine.get(Task::Inspect, &format!("containers/{name}/json"), &[]).await?;
        Ok(described.state)
    }
}

/// Stops a container, and kills it if it needs longer than `grace`.
///
/// # Errors
/// If the engine has no such container, or doesn't answer.
pub async fn stop(engine: &Engine, name: &str, grace: Duration) -> Result<(), Error> {
    let seconds = grace.as_secs().to_string();
    engine.call(Task::Stop, Method::POST, &format!("containers/{name}/stop"), &[("t", &seconds)], None).await?;
    Ok(())
}

/// Hands each line that a container's program wrote to `take`.
///
/// # Errors
/// If the engine has no such container, or keeps no log of it.
pub async fn read_log(engine: &Engine, name: &str, mut take: impl FnMut(&str)) -> Result<(), Error> {
    let query = [("stdout", "1"), ("stderr", "0")];
    let mut response = engine.open(Task::Logs, &format!("containers/{name}/logs"), &query).await?;
    let mut frames = Frames::default();
    while let Some(chunk) = next_chunk(&mut response).await.map_err(|error| engine.no_answer(Task::Logs, &error.to_string()))? {
        frames.push(&chunk);
        while let Some(line) = frames.next_line() {
            take(&line);
        }
    }
    Ok(())
}

/// Removes a container, running or not.
///
/// # Errors
/// If the engine has no such container, or doesn't answer.
pub async fn remove(engine: &Engine, name: &str) -> Result<(), Error> {
    engine.call(Task::Remove, Method::DELETE, &format!("containers/{name}"), &[("force", "1"), ("v", "1")], None).await?;
    Ok(())
}
