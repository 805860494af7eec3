//! `mcp-remote`: the stdio bridge of Port's guide, for agents that only speak stdio.

use serde_json::{Value, json};

use super::connection::{Connection, Reference, in_braces};

/// The one version that is started. Below 0.1.16 a hostile server can run code (CVE-2025-6514).
pub const PACKAGE: &str = "mcp-remote@0.15.1";

/// Holds the header `Authorization` in the bridge's environment.
const AUTHORIZATION_VARIABLE: &str = "PORT_MCP_AUTHORIZATION";

/// Never set: see [`escaped_entry`].
const UNSET_VARIABLE: &str = "PORT_MCP_UNSET";

/// The variables of the bridge's entry. If a user set one, agents would put its value into `args`.
pub const OWN_VARIABLES: &[&str] = &[AUTHORIZATION_VARIABLE, UNSET_VARIABLE];

/// The entry of the bridge, as most agents take it: the token is in `env`, and `args` only name the variable. Many agents put
/// variables of their own environment into `args`, but they leave a name alone that is not set there, and don't look into
/// `env`.
pub fn entry(connection: &Connection<'_>, reference: Reference) -> Value {
    entry_with(connection, reference, &in_braces(AUTHORIZATION_VARIABLE))
}

/// The same for an agent that looks into `env` too. It takes `$` as the default of a variable that is never set, and what it
/// hands on is the name in braces, for the bridge to read. This needs an agent that knows `${NAME:-default}`.
pub fn escaped_entry(connection: &Connection<'_>, reference: Reference) -> Value {
    entry_with(connection, reference, &format!("${{{UNSET_VARIABLE}:-$}}{{{AUTHORIZATION_VARIABLE}}}"))
}

fn entry_with(connection: &Connection<'_>, reference: Reference, in_arguments: &str) -> Value {
    json!({
        "command": "npx",
        "args": arguments(connection, in_arguments),
        "env": environment(connection, reference),
    })
}

/// What the bridge finds in its environment.
pub fn environment(connection: &Connection<'_>, reference: Reference) -> Value {
    json!({ AUTHORIZATION_VARIABLE: *connection.authorization(reference) })
}

/// The arguments of `npx` for a bridge with [`environment`].
pub fn named_arguments(connection: &Connection<'_>) -> Vec<String> {
    arguments(connection, &in_braces(AUTHORIZATION_VARIABLE))
}

/// The arguments of `npx` for a bridge that inherits the variable with the token from the agent. Only for agents that take
/// arguments as they are.
pub fn inheriting_arguments(connection: &Connection<'_>, variable: &str) -> Vec<String> {
    arguments(connection, &format!("Bearer {}", in_braces(variable)))
}

/// The token stays out of them, since every process on the machine can read another's arguments: the bridge itself puts the
/// variable's value in.
fn arguments(connection: &Connection<'_>, authorization: &str) -> Vec<String> {
    let mut arguments = ["-y", PACKAGE, connection.url.as_str(), "--transport", "http-only"].map(str::to_owned).to_vec();
    // No space after the colon, because some agents split arguments at spaces.
    let authorization = format!("Authorization:{authorization}");
    let others = connection.headers.iter().map(|(name, value)| format!("{name}:{value}"));
    for header in std::iter::once(authorization).chain(others) {
        arguments.extend(["--header".to_owned(), header]);
    }
    // The bridge takes plain http only for `localhost` and 127.0.0.1 without being told.
    if connection.url.url().scheme() == "http" {
        arguments.push("--allow-http".to_owned());
    }
    // It ignores HTTPS_PROXY unless told otherwise.
    if connection.proxied {
        arguments.push("--enable-proxy".to_owned());
    }
    arguments
}
