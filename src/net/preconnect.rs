//! A connection that is opened before there is a request for it.
//!
//! `reqwest` opens connections only for requests. A layer around its connector keeps the first connection that is opened, and
//! fails the request that it was opened for, which therefore never leaves. The next request gets the kept connection. All rules
//! for proxies and TLS stay those of the client. The layer also tells when a request waits for its connection.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::{Client, Url};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::phase::{Phase, Phases};

/// A server may close an idle connection. One that is older than this is not used.
const LONGEST_IDLE: Duration = Duration::from_secs(10);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Opens the connection.
#[derive(Clone)]
pub struct Preconnect {
    state: Arc<Mutex<SlotState>>,
    phases: Phases,
}

#[derive(Default)]
enum SlotState {
    /// Connections are opened for requests.
    #[default]
    OnDemand,
    /// The next connection is kept.
    Keep,
    /// A connection is kept, since this time. Only the connector knows its type.
    Kept(Instant, Box<dyn Any + Send>),
}

/// Ends the request that only opened a connection.
#[derive(Debug, thiserror::Error)]
#[error("the connection is open")]
struct Opened;

impl Preconnect {
    /// `phases` are told when a connection is opened.
    pub fn new(phases: Phases) -> Self {
        Self { state: Arc::default(), phases }
    }

    /// The layer around the client's connector.
    pub fn layer(&self) -> PreconnectLayer {
        PreconnectLayer(self.clone())
    }

    /// Opens a connection. Call it before any other request of the same client.
    pub async fn open(&self, client: &Client, url: &Url) {
        if let Ok(request) = client.get(url.clone()).build() {
            self.set(SlotState::Keep);
            drop(client.execute(request).await);
        }
    }

    fn set(&self, state: SlotState) -> SlotState {
        std::mem::replace(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner), state)
    }
}

/// Wraps the connector.
#[derive(Clone)]
pub struct PreconnectLayer(Preconnect);

impl<S> Layer<S> for PreconnectLayer {
    type Service = Connector<S>;

    fn layer(&self, connector: S) -> Self::Service {
        Connector { connector, preconnect: self.0.clone() }
    }
}

/// A connector that can keep a connection for the next request.
#[derive(Clone)]
pub struct Connector<S> {
    connector: S,
    preconnect: Preconnect,
}

impl<S, R> Service<R> for Connector<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, target: R) -> Self::Future {
        match self.preconnect.set(SlotState::OnDemand) {
            SlotState::Keep => {
                let (connecting, preconnect) = (self.connect(target), self.preconnect.clone());
                Box::pin(async move {
                    let connection = connecting.await?;
                    preconnect.set(SlotState::Kept(Instant::now(), Box::new(connection)));
                    Err(Opened.into())
                })
            }
            SlotState::Kept(since, connection) if since.elapsed() < LONGEST_IDLE => match connection.downcast() {
                Ok(connection) => Box::pin(async move { Ok(*connection) }),
                Err(_) => self.connect(target),
            },
            SlotState::Kept(..) | SlotState::OnDemand => self.connect(target),
        }
    }
}

impl<S> Connector<S> {
    fn connect<R>(&mut self, target: R) -> BoxFuture<'static, Result<S::Response, BoxError>>
    where
        S: Service<R, Error = BoxError>,
        S::Future: Send + 'static,
        S::Response: Send + 'static,
    {
        let (connecting, phases) = (self.connector.call(target), self.preconnect.phases.clone());
        phases.set(Phase::Connection);
        Box::pin(async move {
            let connection = connecting.await?;
            phases.set(Phase::Answer);
            Ok(connection)
        })
    }
}
