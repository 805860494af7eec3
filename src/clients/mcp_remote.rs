//! `mcp-remote`: the stdio bridge of Port's guide, for agents that only speak stdio.

use serde_json::{Value, json};

use super::connection::{Connection, Reference, in_braces};

/// The one version that is started. Below 0.1.16 a hostile server can run code (CVE-2025-6514).
pub const PACKAGE: &str = "mcp-remote@0.15.1";

/// Holds the header `Authorization` in the bridge's environment.
const AUTHORIZATION_VARIABLE: &str = "PORT_MCP_AUTHORIZATION";

/// Never set: see [`escaped_entry`].
const UNSET_VARIABLE: &str = "PORT_MCP_UNSET";

/// The variables of the bridge's entry. If one were set outside, agents would expand it in `args`.
pub const OWN_VARIABLES: &[&str] = &[AUTHORIZATION_VARIABLE, UNSET_VARIABLE];

/// The bridge's entry for most agents: the token is in `env`, and `args` only name the variable. Many agents expand variables of
/// their own environment in `args`, but not those of `env`, and they leave unset names unchanged.
pub fn entry(connection: &Connection<'_>, reference: Reference) -> Value {
    entry_with(connection, reference, &in_braces(AUTHORIZATION_VARIABLE))
}

/// The same for an agent that also expands variables of `env`. The `$` is written as the default of a variable that is never set,
/// so the bridge still gets `${NAME}`. The agent must support `${NAME:-default}`.
pub fn escaped_entry(connection: &Connection<'_>, reference: Reference) -> Value {
    entry_with(connection, reference, &escaped())
}

/// The same for an agent that then hands the command to a shell, in which the token would be visible to every process.
pub fn shell_entry(connection: &Connection<'_>, reference: Reference) -> Value {
    entry_with(connection, reference, &format!("'{}'", escaped()))
}

fn escaped() -> String {
    format!("${{{UNSET_VARIABLE}:-$}}{{{AUTHORIZATION_VARIABLE}}}")
}

/// The same for an agent that expands variables in every value of its config, and has `$$` for a `$`.
pub fn doubled_entry(connection: &Connection<'_>, reference: Reference) -> Value {
    entry_with(connection, reference, &format!("${}", in_braces(AUTHORIZATION_VARIABLE)))
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

/// The arguments of `npx` for a bridge that inherits the variable with the token from the agent. Only for agents that use
/// arguments literally.
pub fn inheriting_arguments(connection: &Connection<'_>, variable: &str) -> Vec<String> {
    arguments(connection, &format!("Bearer {}", in_braces(variable)))
}

/// They don't contain the token, since every process on the machine can read them: the bridge itself expands the variable.
fn arguments(connection: &Connection<'_>, authorization: &str) -> Vec<String> {
    let mut arguments = ["-y", PACKAGE, connection.url.as_str(), "--transport", "http-only"].map(str::to_owned).to_vec();
    // No space after the colon, because some agents split arguments at spaces.
    let authorization = format!("Authorization:{authorization}");
    let others = connection.headers.iter().map(|(name, value)| format!("{name}:{value}"));
    for header in std::iter::once(authorization).chain(others) {
        arguments.extend(["--header".to_owned(), header]);
    }
    // By default, the bridge allows plain http only for `localhost` and 127.0.0.1.
    if connection.url.url().scheme() == "http" {
        arguments.push("--allow-http".to_owned());
    }
    // It ignores HTTPS_PROXY unless told otherwise.
    if connection.proxied {
        arguments.push("--enable-proxy".to_owned());
    }
    arguments
}
