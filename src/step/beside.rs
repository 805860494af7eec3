//! What runs beside the step: a second container, or a second process where the step is no container itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::docker::{Engine, Evidence, Own, Route, Sibling, Started};
use crate::gateway::GatewayForm;
use crate::process::{Detached, Error, Running, Spawned};
use crate::report::{Failure, GatewayPlace};
use crate::runner::{Action, Console, Environment};

/// What of the program runs beside the step.
const GATEWAY: &str = "gateway";

/// Nothing yet, or what was started and is removed again if nobody takes it over.
pub enum Beside {
    /// A second container of this step's image.
    Container(Sibling),
    /// A second process of this step's user.
    Process(Detached),
}

/// It runs, and waits for its first line.
pub enum Waiting<'a> {
    /// A container.
    Container(&'a str, Box<Started<'a>>),
    /// A process.
    Process(Spawned<'a>),
}

impl Beside {
    /// Decides which it will be.
    pub fn new(name: String, environment: &Environment) -> Self {
        match environment.action {
            Action::Container => Self::Container(Sibling::new(name)),
            Action::Native => Self::Process(Detached::new(name)),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Container(sibling) => sibling.name(),
            Self::Process(detached) => detached.name(),
        }
    }

    /// What it is.
    pub fn form(&self) -> GatewayForm {
        match self {
            Self::Container(_) => GatewayForm::Container,
            Self::Process(_) => GatewayForm::Process,
        }
    }

    /// Makes and starts it.
    pub async fn start(&self, environment: &Environment, console: &Console) -> Result<Waiting<'_>, Failure> {
        match self {
            Self::Container(sibling) => {
                let engine = Engine::connect(environment.engine_socket(), console).await?;
                let output = environment.output.as_deref().unwrap_or_else(|| "".as_ref());
                let own = Own::find(&engine, &Evidence::gather(&output.to_string_lossy())).await?;
                let route = Route::decide(&engine, &own).await?;
                let started = sibling.start(engine, &own, route).await?;
                Ok(Waiting::Container(sibling.name(), Box::new(started)))
            }
            Self::Process(detached) => {
                let folder = environment.temp.as_deref().ok_or(Error::NoFolder)?;
                Ok(Waiting::Process(detached.start(folder, GATEWAY)?))
            }
        }
    }

    /// Leaves it to others: [`Self::remove`] does nothing from now on.
    pub fn hand_over(&self) {
        match self {
            Self::Container(sibling) => sibling.hand_over(),
            Self::Process(detached) => detached.hand_over(),
        }
    }

    /// Removes what was made of it, within a time limit.
    pub async fn remove(&self, limit: Duration) {
        match self {
            Self::Container(sibling) => sibling.remove(limit).await,
            Self::Process(detached) => detached.remove(),
        }
    }
}

impl Waiting<'_> {
    /// Writes a line, with its end, to its standard input.
    pub async fn say(&mut self, line: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Container(_, started) => Ok(started.attached.say(line).await?),
            Self::Process(spawned) => Ok(spawned.say(line).await?),
        }
    }

    /// The next line of its standard output; `None` when it has ended.
    pub async fn hear(&mut self) -> Result<Option<String>, Failure> {
        match self {
            Self::Container(_, started) => Ok(started.attached.hear().await?),
            Self::Process(spawned) => Ok(spawned.hear().await?),
        }
    }

    /// What it is, and where.
    pub fn place(&self) -> GatewayPlace<'_> {
        match self {
            Self::Container(name, started) => GatewayPlace::Container { name, route: &started.route },
            Self::Process(spawned) => GatewayPlace::Process { pid: spawned.running.pid() },
        }
    }

    /// What the end of the job knows it by, if it is a process.
    pub fn running(&self) -> Option<Running> {
        match self {
            Self::Container(..) => None,
            Self::Process(spawned) => Some(spawned.running),
        }
    }

    /// Where it has to listen. Port 0 stands for any that is free.
    pub fn listen(&self) -> SocketAddr {
        match self {
            Self::Container(_, started) => started.listen(),
            Self::Process(_) => loopback(0),
        }
    }

    /// The hosts by which it is reached.
    pub fn hosts(&self) -> Vec<String> {
        match self {
            Self::Container(_, started) => started.hosts(),
            Self::Process(_) => vec![Ipv4Addr::LOCALHOST.to_string()],
        }
    }

    /// Where the job's steps reach it, if it listens on this port.
    pub fn agents_address(&self, port: u16) -> SocketAddr {
        match self {
            Self::Container(_, started) => started.agents_address(port),
            Self::Process(_) => loopback(port),
        }
    }

    /// Where this step reaches it; `None` if that can't be.
    pub fn own_address(&self, port: u16) -> Option<SocketAddr> {
        match self {
            Self::Container(_, started) => started.own_address(port),
            Self::Process(_) => Some(loopback(port)),
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
