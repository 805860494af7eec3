//! The token, the MCP connection, and the tools.

use futures_util::future::LocalBoxFuture;
use tokio::time::timeout;

use crate::clients::understood;
use crate::inputs::Inputs;
use crate::mcp::{self, Listing, NotVerified, Policy, Preflight, Server, Toolset};
use crate::net::retry::Pause;
use crate::net::{Budget, Http};
use crate::port::{self, Endpoint, Exchange, Progress, Token, obtain};
use crate::report::{
    Failure, log_no_other_token, log_other_endpoint, log_port_progress, log_preflight_retry, log_request, warn_if_not_verified,
    warn_of_listing, warn_of_names, warn_of_short_token,
};
use crate::runner::Console;

/// 401: the server doesn't take this token (RFC 9110 section 15.5.2).
const UNAUTHORIZED: u16 = 401;

/// What is handed on.
pub struct Connected {
    /// The token.
    pub token: Token,
    /// What issued it.
    pub endpoint: Endpoint,
    /// The tools.
    pub toolset: Toolset,
    /// Whether this container reaches the MCP server through a proxy.
    pub proxied: bool,
    /// The time that is left.
    pub budget: Budget,
}

/// Exchanges the credentials, and opens the MCP connection if that is wanted. The future is in a box so that the program has its code
/// once.
pub fn connect<'a>(inputs: &'a Inputs, console: &'a Console) -> LocalBoxFuture<'a, Result<Connected, Failure>> {
    Box::pin(connect_to(inputs, console))
}

async fn connect_to(inputs: &Inputs, console: &Console) -> Result<Connected, Failure> {
    let mut servers = Servers::new(inputs, console)?;
    let mut endpoint = &inputs.endpoint;
    let mut token = servers.token(endpoint).await?;
    let mut listing = servers.preflight(endpoint, &token).await;
    if let (Err(mcp::Error::Refused { response, .. }), Some(fallback)) = (&listing, &inputs.fallback)
        && response.status == UNAUTHORIZED
    {
        log_other_endpoint(endpoint, fallback, console);
        match servers.token(fallback).await {
            Ok(other) => {
                (endpoint, token) = (fallback, other);
                listing = servers.preflight(endpoint, &token).await;
            }
            // The other endpoint would have given the right token, later.
            Err(Failure::Port(error)) if error.is_rate_limit() => return Err(error.into()),
            // That the MCP server refuses the first token is what the user has to know.
            Err(error) => log_no_other_token(&error, console),
        }
    }
    let listing = listing?;
    let policy = Policy::of(&inputs.access);
    warn_of_listing(&listing, policy, console);
    let offered = match &listing {
        Listing::Offered(offer) => Some(offer.tools.as_slice()),
        Listing::NotVerified(_) | Listing::NotAsked => None,
    };
    let selection = understood(&inputs.allowed_tools, offered, &inputs.server_name, inputs.client);
    let toolset = listing.choose(&selection, policy)?;
    warn_if_not_verified(&toolset, console);
    warn_of_names(inputs, &toolset, console);
    let proxied = servers.mcp_http().is_proxied(inputs.mcp_url.url());
    Ok(Connected { token, endpoint: endpoint.clone(), toolset, proxied, budget: servers.budget })
}

/// The servers, and the time that is left for them.
struct Servers<'a> {
    inputs: &'a Inputs,
    console: &'a Console,
    budget: Budget,
    port_http: Http,
    /// The preflight's own client; `None` if both servers are one, so that it uses the connection of the exchange.
    mcp_http: Option<Http>,
    preconnected: bool,
}

impl<'a> Servers<'a> {
    fn new(inputs: &'a Inputs, console: &'a Console) -> Result<Self, Failure> {
        let http = || {
            let console = console.clone();
            Http::new(&inputs.network, move |trace| log_request(trace, &console))
        };
        let separate = inputs.verify && inputs.mcp_url.url().origin() != inputs.endpoint.url.origin();
        let mcp_http = if separate { Some(http()?) } else { None };
        let budget = Budget::start(inputs.timeout);
        Ok(Self { inputs, console, budget, port_http: http()?, mcp_http, preconnected: false })
    }

    fn mcp_http(&self) -> &Http {
        self.mcp_http.as_ref().unwrap_or(&self.port_http)
    }

    /// Gets a token. Meanwhile, the first time, the connection to the MCP server is opened; nothing is sent on it.
    async fn token(&mut self, endpoint: &Endpoint) -> Result<Token, Failure> {
        let Self { inputs, console, budget, port_http, mcp_http, preconnected } = self;
        let progress = |progress: Progress<'_>| log_port_progress(&progress, console);
        let exchange = Exchange { endpoint, credentials: &inputs.credentials, http: port_http, console, progress: &progress };
        let http = if *preconnected { None } else { mcp_http.as_ref() };
        *preconnected = true;
        let preconnect = async {
            if let Some(http) = http {
                // A connection that can't be opened is tried again, and reported, by the preflight.
                drop(timeout(inputs.timeout, http.preconnect(inputs.mcp_url.url())).await);
            }
            Ok(())
        };
        let (token, ()) = tokio::try_join!(obtain(&exchange, inputs.validity, budget), preconnect)?;
        self.check_organization(&token)?;
        // The gateway takes a new one in time.
        if self.inputs.gateway.is_none() {
            warn_of_short_token(&token, self.console);
        }
        Ok(token)
    }

    /// Credentials of another organization would work, on the wrong catalog.
    fn check_organization(&self, token: &Token) -> Result<(), port::Error> {
        match &self.inputs.organization {
            Some(expected) if token.organization() != Some(expected) => {
                let found = token.organization().map(|found| self.console.quote(found));
                Err(port::Error::Organization { expected: expected.clone(), found })
            }
            _ => Ok(()),
        }
    }

    async fn preflight(&self, endpoint: &Endpoint, token: &Token) -> Result<Listing, mcp::Error> {
        if !self.inputs.verify {
            return Ok(Listing::NotAsked);
        }
        let on_retry = |not_verified: &NotVerified, pause: Pause| log_preflight_retry(not_verified, pause, self.console);
        let preflight = Preflight {
            server: Server { url: self.inputs.mcp_url.url(), token_from: endpoint.kind },
            token: token.secret(),
            headers: &self.inputs.access.headers(),
            reader: self.inputs.client.answer_reader(),
            http: self.mcp_http(),
            budget: &self.budget,
            console: self.console,
            on_retry: &on_retry,
        };
        preflight.list_tools().await
    }
}
