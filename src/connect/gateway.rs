//! What a gateway is told, and the look at the tools through it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use data_encoding::BASE64URL_NOPAD;
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;

use super::connected::Connected;
use crate::gateway::{AllowedTool, GatewayForm, ProxySettings, Rules, Settings, TokenAddress, TokenInHand, Unready};
use crate::inputs::Inputs;
use crate::mcp::{Listing, NotVerified, Obstacle, Preflight, Server, ServerUrl, ToolName, Toolset};
use crate::net::retry::Pause;
use crate::net::{Http, Network};
use crate::port::ToolKind;
use crate::redact::Secret;
use crate::report::{Failure, log_preflight_retry, log_request, warn_if_not_verified};
use crate::runner::Console;

/// The key, in bytes.
const KEY_SIZE: usize = 32;

/// Where a gateway listens, and for how long.
pub struct Door {
    /// The address. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The hosts that agents may name.
    pub hosts: Vec<String>,
    /// When it ends by itself, from its start.
    pub lifetime: Duration,
}

/// Bytes that nobody can guess.
pub fn random_bytes<const SIZE: usize>() -> anyhow::Result<[u8; SIZE]> {
    let mut bytes = [0; SIZE];
    getrandom::fill(&mut bytes).context("The system gives no random bytes")?;
    Ok(bytes)
}

/// A new key.
pub fn new_key() -> anyhow::Result<Secret> {
    Ok(Secret::new(&BASE64URL_NOPAD.encode(&random_bytes::<KEY_SIZE>()?)))
}

/// The URL of a gateway.
pub fn gateway_url(address: SocketAddr) -> anyhow::Result<ServerUrl> {
    ServerUrl::of_gateway(&address.to_string())
}

/// What a gateway is told.
pub fn settings(inputs: &Inputs, connected: &Connected, key: &Secret, door: Door) -> Settings {
    let Connected { token, endpoint, toolset, .. } = connected;
    let seconds_left = token.expires_at().duration_since(Timestamp::now()).as_secs();
    Settings {
        client_id: inputs.credentials.client_id.clone(),
        client_secret: inputs.credentials.client_secret.clone(),
        token_endpoint: TokenAddress { kind: endpoint.kind, url: endpoint.url.to_string() },
        token: Some(TokenInHand { token: token.secret().clone(), seconds_left: u64::try_from(seconds_left).unwrap_or_default() }),
        mcp_url: inputs.mcp_url.as_str().to_owned(),
        headers: inputs.access.headers().into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        rules: Rules { tools: allowed(toolset), actions: Rules::actions_of(&inputs.access.actions), read_only: inputs.access.read_only },
        key: key.clone(),
        listen: door.listen,
        hosts: door.hosts,
        lifetime: door.lifetime.as_secs().max(1),
        extra_roots: inputs.network.extra_roots.clone(),
        proxies: ProxySettings::of(&inputs.network),
    }
}

/// The tools by name and kind; `None` where neither the user nor the server has named any.
fn allowed(toolset: &Toolset) -> Option<Vec<AllowedTool>> {
    let offered = toolset.offered.as_deref();
    if offered.is_none() && toolset.allowed.is_empty() {
        return None;
    }
    let listed: HashMap<_, _> = offered.unwrap_or_default().iter().map(|tool| (&tool.name, tool.kind)).collect();
    let kind = |name: &ToolName| listed.get(name).copied().or_else(|| ToolKind::by_name(name.as_str())).unwrap_or(ToolKind::Write);
    Some(toolset.allowed.iter().map(|name| AllowedTool { name: name.to_string(), kind: kind(name) }).collect())
}

/// Opens the MCP connection as the agent will. What Port itself has to say was heard before, so what fails now is the gateway.
pub fn check<'a>(
    url: &'a ServerUrl,
    form: GatewayForm,
    key: &'a Secret,
    inputs: &'a Inputs,
    connected: &'a Connected,
    console: &'a Console,
) -> LocalBoxFuture<'a, Result<(), Failure>> {
    Box::pin(look(url, form, key, inputs, connected, console))
}

async fn look(
    url: &ServerUrl,
    form: GatewayForm,
    key: &Secret,
    inputs: &Inputs,
    connected: &Connected,
    console: &Console,
) -> Result<(), Failure> {
    let log = console.clone();
    // The way to it leads through no proxy.
    let http = Http::new(&Network::default(), move |trace| log_request(trace, &log))?;
    let on_retry = |not_verified: &NotVerified, pause: Pause| log_preflight_retry(not_verified, pause, console);
    let preflight = Preflight {
        server: Server { url: url.url(), token_from: connected.endpoint.kind },
        token: key,
        headers: &[],
        reader: inputs.client.answer_reader(),
        http: &http,
        budget: &connected.budget,
        console,
        on_retry: &on_retry,
    };
    let not_working =
        |detail: &str| Failure::Unready(form, Unready::NotWorking { url: url.as_str().to_owned(), detail: console.quote(detail) });
    match preflight.list_tools().await {
        Ok(Listing::NotVerified(NotVerified { obstacle: Obstacle::Unreachable(detail), .. })) => Err(not_working(detail.as_str())),
        // That the server can't be judged was said already, if it was so before.
        Ok(Listing::NotVerified(not_verified)) if connected.toolset.not_verified.is_none() => {
            warn_if_not_verified(&Toolset { not_verified: Some(not_verified), ..Toolset::default() }, console);
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(error) => Err(not_working(&error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::Tool;

    #[test]
    fn a_tool_is_of_the_kind_that_the_server_lists_and_otherwise_of_its_name() {
        let name = |text: &str| ToolName::parse(text).unwrap();
        let tool = |text: &str, kind| Tool { name: name(text), kind };
        let offered = vec![tool("merge", ToolKind::Read), tool("tidy", ToolKind::Execute), tool("look", ToolKind::Read)];
        let names = ["tidy", "look", "run_action", "unknown"].map(name).to_vec();
        let kinds = |toolset: &Toolset| allowed(toolset).unwrap().into_iter().map(|tool| tool.kind).collect::<Vec<_>>();
        let listed = Toolset { offered: Some(offered), allowed: names.clone(), ..Toolset::default() };
        assert_eq!(kinds(&listed), [ToolKind::Execute, ToolKind::Read, ToolKind::Execute, ToolKind::Write]);
        let unlisted = Toolset { allowed: names, ..Toolset::default() };
        assert_eq!(kinds(&unlisted), [ToolKind::Write, ToolKind::Write, ToolKind::Execute, ToolKind::Write]);
        assert_eq!(allowed(&Toolset::default()), None);
    }

    #[test]
    fn no_two_keys_are_the_same() {
        let keys: std::collections::HashSet<String> = (0..50).map(|_| new_key().unwrap().reveal().to_owned()).collect();
        assert_eq!(keys.len(), 50);
    }
}
