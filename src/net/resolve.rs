//! Look-ups of names, before a connection is opened.
//!
//! A look-up has no limit but the step's time. `reqwest` counts it to the limit of a connection attempt: a slow one, because the
//! first name server is down, would be given up and begun anew with each attempt.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;
use tokio::time::Instant;

/// How long addresses are used. The requests of a step follow each other within it.
const LONGEST_KEPT: Duration = Duration::from_mins(1);

/// When a name was looked up, and what came of it.
type Resolved = (Instant, Vec<SocketAddr>);

/// Looks names up, and keeps their addresses for the connection that follows.
#[derive(Clone, Default)]
pub struct Resolver(Arc<Mutex<HashMap<String, Resolved>>>);

impl Resolver {
    /// The addresses of a host.
    pub async fn look_up(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        if let Some((since, addresses)) = self.found().get(host)
            && since.elapsed() < LONGEST_KEPT
        {
            return Ok(addresses.clone());
        }
        let addresses: Vec<_> = lookup_host((host, 0)).await?.collect();
        self.found().insert(host.to_owned(), (Instant::now(), addresses.clone()));
        Ok(addresses)
    }

    /// Looks a host up anew the next time.
    pub fn forget(&self, host: &str) {
        self.found().remove(host);
    }

    fn found(&self) -> MutexGuard<'_, HashMap<String, Resolved>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.look_up(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
