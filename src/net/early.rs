//! A connection that is opened before there is anything to send on it.
//!
//! `reqwest` opens connections only for requests. But it lets a layer stand around its connector, and what is done here is
//! done there: a request that never leaves makes the connector open a connection, with every rule for proxies and TLS; the
//! layer keeps the connection and fails the request; and the first real request is given what was kept.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::{Client, Url};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

/// A server may close a connection on which nothing comes. An older one than this is not used.
const FRESH: Duration = Duration::from_secs(10);

tokio::task_local! {
    /// What the connector is to do for the request that is on its way in this task.
    static PURPOSE: Purpose;
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To open a connection and keep it.
    Open,
    /// To use what was kept.
    Use,
}

/// The one connection that is kept. What it is only the connector knows.
type Kept = Arc<Mutex<Option<(Instant, Box<dyn Any + Send>)>>>;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Ends the request that only opened a connection.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the connection is open and kept")]
struct Opened;

/// Opens a connection to this server and keeps it. That it can't be opened is left to the first request to find out.
pub async fn open(client: &Client, url: &Url) {
    if let Ok(request) = client.get(url.clone()).build() {
        drop(PURPOSE.scope(Purpose::Open, client.execute(request)).await);
    }
}

/// Does `work` so that its first connection is the kept one, if there is one.
pub async fn used<T>(work: impl Future<Output = T>) -> T {
    PURPOSE.scope(Purpose::Use, work).await
}

/// Stands around the connector.
#[derive(Clone, Default)]
pub struct EarlyLayer {
    kept: Kept,
}

impl<S> Layer<S> for EarlyLayer {
    type Service = EarlyConnector<S>;

    fn layer(&self, connector: S) -> Self::Service {
        EarlyConnector { connector, kept: Arc::clone(&self.kept) }
    }
}

/// A connector that can keep a connection for later.
#[derive(Clone)]
pub struct EarlyConnector<S> {
    connector: S,
    kept: Kept,
}

impl<S, R> Service<R> for EarlyConnector<S>
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
        match PURPOSE.try_get() {
            Ok(Purpose::Open) => {
                let (opening, kept) = (self.connector.call(target), Arc::clone(&self.kept));
                Box::pin(async move {
                    let connection = opening.await?;
                    *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Box::new(connection)));
                    Err(Opened.into())
                })
            }
            Ok(Purpose::Use) if let Some(connection) = take(&self.kept) => Box::pin(async move { Ok(connection) }),
            _ => Box::pin(self.connector.call(target)),
        }
    }
}

fn take<C: 'static>(kept: &Kept) -> Option<C> {
    let (opened, connection) = kept.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    let connection = connection.downcast().ok()?;
    (opened.elapsed() < FRESH).then_some(*connection)
}
