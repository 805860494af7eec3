//! The preflight: open the connection as the agent will, and ask for the tools.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use rmcp::RoleClient;
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation, PaginatedRequestParams, ProtocolVersion};
use rmcp::service::{ClientInitializeError, ClientLifecycleMode, Peer, ServiceError, serve_client_with_lifecycle};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::tools::{Listed, Offer};
use super::transport::{Backend, Conversation, Failure};
use super::verdict::{Server, Unseen, Verdict};
use crate::budget::Budget;
use crate::error::Error;
use crate::github::console::Console;
use crate::net::Http;
use crate::port::retry::{self, MAX_ATTEMPTS};
use crate::secret::Secret;
use crate::stack::WipedPreflight;

/// A server that lists more tools than this has no end to its list: agents choke on a hundredth of it.
const MOST_TOOLS: usize = 10_000;

/// A list with more pages than this has no end.
const MOST_PAGES: usize = 100;

/// All that the preflight needs.
pub struct Preflight<'a, 'out> {
    /// The server, as texts need it.
    pub server: Server<'a>,
    /// What the agent will show.
    pub token: &'a Secret,
    /// The other headers that the agent will send.
    pub headers: &'a [(&'static str, String)],
    /// The way there.
    pub http: &'a Arc<Http>,
    /// The connection that is being opened, if it was begun before.
    pub early: Option<JoinHandle<()>>,
    /// The time that is left.
    pub budget: &'a Budget,
    /// Where each retry is told.
    pub console: &'a Console<'out>,
}

impl Preflight<'_, '_> {
    /// Lists the tools that the agent will see, or says why they can't be seen from here.
    ///
    /// # Errors
    /// When the server's answer is one that the agent would get too.
    pub async fn list_tools(mut self) -> Result<Result<Offer, Unseen>, Error> {
        // Dropped last, when all that it is about is gone.
        let _wiped = WipedPreflight;
        let headers = self.headers()?;
        if let Some(early) = self.early.take() {
            // What it ran into, or that the time is up, is found out again below.
            drop(self.budget.spend("", early).await);
        }
        let mut attempt = 1;
        let mut last = None;
        loop {
            let backend = Backend::new(Arc::clone(self.http), self.server.url.clone(), headers.clone());
            // The SDK's futures are large. What the budget would say of its end is said by `Unseen`.
            let Ok(talked) = self.budget.spend("", Box::pin(talk(&backend))).await else {
                return Ok(Err(last.unwrap_or_else(|| Unseen::silent(&self.server))));
            };
            let failure = match talked {
                Ok(listed) => return Ok(Ok(self.console.with_redactor(|redactor| Offer::of(&listed, redactor)))),
                Err(failure) => failure,
            };
            let verdict = self.console.with_redactor(|redactor| Verdict::on(failure, &self.server, redactor, Timestamp::now()));
            let (unseen, passing, wait) = match verdict {
                Verdict::Definite(error) => return Err(error),
                Verdict::Unseen { unseen, passing, wait } => (unseen, passing, wait),
            };
            let pause = retry::pause(attempt, wait, retry::chance());
            if !passing || attempt == MAX_ATTEMPTS || pause >= self.budget.left() {
                return Ok(Err(unseen));
            }
            attempt += 1;
            self.console.info(&format!("{unseen} Trying again in {:.1} s (attempt {attempt} of {MAX_ATTEMPTS}).", pause.as_secs_f64()));
            tokio::time::sleep(pause).await;
            last = Some(unseen);
        }
    }

    /// What the agent will send.
    fn headers(&self) -> Result<HeaderMap, Error> {
        let unfit = |name: &str| Error::Runner { problem: format!("The header {name} can't be sent.") };
        let bearer = Zeroizing::new(format!("Bearer {}", self.token.reveal()));
        let mut authorization = HeaderValue::from_str(&bearer).map_err(|_| unfit("Authorization"))?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([(AUTHORIZATION, authorization)]);
        for (name, value) in self.headers {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).map_err(|_| unfit(name))?);
        }
        Ok(headers)
    }
}

/// One connection, opened as a server of today wants it, or else as one that only speaks the newest protocol does.
async fn talk(backend: &Backend) -> Result<Vec<Listed>, Failure> {
    match converse(backend, ClientLifecycleMode::Initialize).await {
        Err(failure) if failure.is_of_version() => {
            let preferred_versions = vec![ProtocolVersion::LATEST];
            converse(backend, ClientLifecycleMode::Discover { preferred_versions }).await
        }
        done => done,
    }
}

/// From the first message to the end of the session.
async fn converse(backend: &Backend, lifecycle: ClientLifecycleMode) -> Result<Vec<Listed>, Failure> {
    let me = ClientConfig::new(ClientCapabilities::default(), Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")))
        .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
    let first = |failure: Failure| backend.take_failure().unwrap_or(failure);
    let connection = serve_client_with_lifecycle(me, Conversation::new(backend.clone()), lifecycle)
        .await
        .map_err(|error| first(of_initialize(error)))?;
    let listed = pages(&connection).await.map_err(first);
    // Ends the session, if there is one. How that goes changes nothing.
    drop(connection.cancel().await);
    listed
}

async fn pages(peer: &Peer<RoleClient>) -> Result<Vec<Listed>, Failure> {
    let mut listed = Vec::new();
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        let page = cursor.take().map(|cursor| PaginatedRequestParams::default().with_cursor(Some(cursor)));
        let page = peer.list_tools(page).await.map_err(of_list)?;
        listed.extend(page.tools.into_iter().map(Listed::from));
        if listed.len() > MOST_TOOLS {
            break;
        }
        cursor = page.next_cursor.filter(|cursor| !cursor.is_empty());
        if cursor.is_none() {
            return Ok(listed);
        }
    }
    Err(Failure::Nonsense("its list of tools has no end", None))
}

/// What the SDK makes of answers that arrived whole.
fn of_initialize(error: ClientInitializeError) -> Failure {
    match error {
        ClientInitializeError::JsonRpcError(error) => Failure::Rpc(error.code.0, error.message.into_owned()),
        // The SDK's own text would show the answer as it is.
        _ => Failure::Nonsense("it is no answer to `initialize`", None),
    }
}

fn of_list(error: ServiceError) -> Failure {
    match error {
        ServiceError::McpError(error) => Failure::Rpc(error.code.0, error.message.into_owned()),
        _ => Failure::Nonsense("it is no answer to `tools/list`", None),
    }
}
