//! Texts for a server that can't be judged from here.

use crate::mcp::{NotVerified, Obstacle};
use crate::net::TlsProblem;
use crate::runner::Console;

/// What is in the way, as a sentence.
pub fn what(not_verified: &NotVerified) -> String {
    let host = &not_verified.host;
    let obstacle = match &not_verified.obstacle {
        Obstacle::Answer(answer) => return format!("The MCP server at `{host}` can't be verified: it {answer}."),
        Obstacle::Unreachable(detail) => format!("no answer: {detail}"),
        Obstacle::Proxy(detail) => format!("the proxy on the way failed: {detail}"),
        Obstacle::Tls(_, detail) => format!("no trusted TLS connection: {detail}"),
        Obstacle::Unavailable(response) => format!("it is not available and answered {response}"),
        Obstacle::NoTime => "no answer before the step's time was up".to_owned(),
    };
    format!("The MCP server at `{host}` can't be checked from this container: {obstacle}.")
}

/// Why the agent may have tools all the same.
fn may_differ(obstacle: &Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Answer(_) => "may read this answer otherwise",
        Obstacle::Unavailable(_) | Obstacle::NoTime => "asks later",
        Obstacle::Unreachable(_) | Obstacle::Proxy(_) | Obstacle::Tls(..) => "may run outside of this container, where the network differs",
    }
}

fn fix(obstacle: &Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Unreachable(_) => "Check `mcp_url`, and that the machine on which the agent runs may open connections to it.",
        Obstacle::Proxy(_) => "Check the proxy's settings: the agent uses those of the step that it runs in.",
        Obstacle::Tls(TlsProblem::Signer, _) => {
            "An agent on the runner trusts the runner's certificates, this container only those in `ca_bundle` and the public ones."
        }
        Obstacle::Tls(..) => "An agent is likely to see the same certificate and to refuse it too: check `mcp_url`.",
        Obstacle::Unavailable(_) => "This may be over by the time the agent asks; look at https://status.port.io if it stays.",
        Obstacle::Answer(_) => "Check `mcp_url`, and look for Port's tools in the agent's log.",
        Obstacle::NoTime => "Raise `timeout` if the server needs longer; an agent waits for it with a limit of its own.",
    }
}

/// Warns that the connection was not verified, and says what may come of it.
pub fn warn(not_verified: &NotVerified, console: &Console) {
    console.warning(
        "The MCP connection is not verified",
        &format!(
            "{} The token was issued and the step goes on, since the agent {}. If it can't use the server either, it starts without Port's tools, often silently. {} `verify: false` turns this check off.",
            what(not_verified),
            may_differ(&not_verified.obstacle),
            fix(&not_verified.obstacle)
        ),
    );
}
