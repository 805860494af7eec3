//! The token, the MCP connection, and the tools.

use tokio::time::timeout;

use crate::inputs::Inputs;
use crate::mcp::{Listing, NotVerified, Policy, Preflight, Server, Toolset};
use crate::net::retry::Pause;
use crate::net::{Budget, Http};
use crate::port::{Exchange, Progress, Token, obtain};
use crate::report::{
    Failure, log_port_progress, log_preflight_retry, log_request, warn_if_not_verified, warn_of_listing, warn_of_short_token,
};
use crate::runner::Console;

/// What is handed on.
pub struct Connected {
    /// The token.
    pub token: Token,
    /// The tools.
    pub toolset: Toolset,
    /// Whether this container reaches the MCP server through a proxy.
    pub proxied: bool,
}

/// Exchanges the credentials, and opens the MCP connection if that is wanted.
pub async fn connect(inputs: &Inputs, console: &Console) -> Result<Connected, Failure> {
    let mut budget = Budget::start(inputs.timeout);
    let port_http = http(inputs, console)?;
    let mcp_http = if needs_connection(inputs) { Some(http(inputs, console)?) } else { None };
    let token = token(inputs, &port_http, mcp_http.as_ref(), &mut budget, console).await?;
    warn_of_short_token(&token, console);
    let mcp_http = mcp_http.as_ref().unwrap_or(&port_http);
    let policy = Policy::of(&inputs.access);
    let listing = if inputs.verify { preflight(inputs, &token, mcp_http, &budget, console).await? } else { Listing::NotAsked };
    warn_of_listing(&listing, policy, console);
    let toolset = listing.choose(&inputs.allowed_tools, policy)?;
    warn_if_not_verified(&toolset, console);
    Ok(Connected { token, toolset, proxied: mcp_http.is_proxied(inputs.mcp_url.url()) })
}

fn http(inputs: &Inputs, console: &Console) -> anyhow::Result<Http> {
    let console = console.clone();
    Http::new(&inputs.network, move |trace| log_request(trace, &console))
}

/// Whether the preflight needs a connection of its own. If both servers are one, it uses that of the exchange.
fn needs_connection(inputs: &Inputs) -> bool {
    inputs.verify && inputs.mcp_url.url().origin() != inputs.endpoint.url.origin()
}

/// Gets the token. Meanwhile, the connection to the MCP server is opened; nothing is sent on it.
async fn token(inputs: &Inputs, http: &Http, mcp_http: Option<&Http>, budget: &mut Budget, console: &Console) -> Result<Token, Failure> {
    let progress = |progress: Progress<'_>| log_port_progress(&progress, console);
    let exchange = Exchange { endpoint: &inputs.endpoint, credentials: &inputs.credentials, http, console, progress: &progress };
    let preconnect = async {
        if let Some(http) = mcp_http {
            // A connection that can't be opened is tried again, and reported, by the preflight.
            drop(timeout(inputs.timeout, http.preconnect(inputs.mcp_url.url())).await);
        }
        Ok(())
    };
    let (token, ()) = tokio::try_join!(obtain(&exchange, inputs.validity, budget), preconnect)?;
    Ok(token)
}

async fn preflight(inputs: &Inputs, token: &Token, http: &Http, budget: &Budget, console: &Console) -> Result<Listing, Failure> {
    let on_retry = |not_verified: &NotVerified, pause: Pause| log_preflight_retry(not_verified, pause, console);
    let preflight = Preflight {
        server: Server { url: inputs.mcp_url.url(), token_from: inputs.endpoint.kind },
        token: token.secret(),
        headers: &inputs.access.headers(),
        reader: inputs.client.answer_reader(),
        http,
        budget,
        console,
        on_retry: &on_retry,
    };
    Ok(preflight.list_tools().await?)
}
