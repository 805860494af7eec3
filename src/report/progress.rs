//! What the log says while the step goes on.

use std::time::Duration;

use super::failure::Failure;
use super::words::human;
use super::{not_verified, port, tools};
use crate::clients::misnamed;
use crate::inputs::Inputs;
use crate::mcp::{Listing, NotVerified, Policy, Toolset};
use crate::net::RequestTrace;
use crate::net::retry::{MAX_ATTEMPTS, Pause};
use crate::port::{Endpoint, Progress, Token};
use crate::runner::Console;

/// A token that ends sooner is worth a warning: agents work for longer.
const SHORT: Duration = Duration::from_mins(10);

/// One request, in the debug log.
pub fn log_request(trace: &RequestTrace<'_>, console: &Console) {
    let RequestTrace { method, host, status, took } = trace;
    let status = status.map_or("no response".to_owned(), |status| status.as_u16().to_string());
    console.debug(&format!("{method} {host}: {status} after {} ms", took.as_millis()));
}

/// An event before there is a token.
pub fn log_port_progress(progress: &Progress<'_>, console: &Console) {
    match progress {
        Progress::Retrying(error, pause) => {
            let what = console.with_redactor(|redactor| port::explain(error, redactor).what);
            log_retry(&what, *pause, console);
        }
        Progress::Waiting { left, wait } => console.info(&format!(
            "Port's token lives only {} more, less than asked for. Waiting {} for a fresh one.",
            human(*left),
            human(*wait)
        )),
    }
}

/// The MCP server refuses the token of one endpoint, and the other one is asked.
pub fn log_other_endpoint(refused: &Endpoint, other: &Endpoint, console: &Console) {
    console.info(&format!(
        "The MCP server refuses the token from {} with 401. Asking its own token endpoint, {}, since `token_endpoint` is `auto`.",
        refused.host(),
        other.url
    ));
}

/// The other endpoint gave no token either.
pub fn log_no_other_token(failure: &Failure, console: &Console) {
    let what = console.with_redactor(|redactor| failure.explain(redactor).what);
    console.info(&format!("No token from the MCP server's own token endpoint: {what}"));
}

/// Another attempt of the preflight.
pub fn log_preflight_retry(not_verified: &NotVerified, pause: Pause, console: &Console) {
    log_retry(&not_verified::what(not_verified), pause, console);
}

fn log_retry(what: &str, pause: Pause, console: &Console) {
    let Pause { length, next_attempt } = pause;
    console.info(&format!("{what} Trying again in {:.1} s (attempt {next_attempt} of {MAX_ATTEMPTS}).", length.as_secs_f64()));
}

/// Warns of a token that ends soon.
pub fn warn_of_short_token(token: &Token, console: &Console) {
    let left = token.left_on_arrival();
    if left < SHORT {
        console.warning(
            "The token ends soon",
            &format!(
                "Port's token lives only {} more, since Port hands out the same one to all jobs until it expires. For longer work set `min_validity`, and `max_wait` to wait for a fresh one.",
                human(left)
            ),
        );
    }
}

/// Warns of what is wrong with the tools that are offered.
pub fn warn_of_listing(listing: &Listing, policy: Policy, console: &Console) {
    if let Listing::Offered(offer) = listing {
        tools::warn_about(offer, policy, console);
    }
}

/// Warns of tools that the agent renames or drops.
pub fn warn_of_names(inputs: &Inputs, toolset: &Toolset, console: &Console) {
    tools::warn_of_names(&misnamed(&toolset.allowed, &inputs.server_name, inputs.client), inputs.client, console);
}

/// Warns of a server that can't be judged from here.
pub fn warn_if_not_verified(toolset: &Toolset, console: &Console) {
    if let Some(not_verified) = &toolset.not_verified {
        not_verified::warn(not_verified, console);
    }
}
