//! `mcp-remote`: the stdio bridge of Port's guide, for agents that only speak stdio.

use super::Connection;

/// The one version that is started. Below 0.1.16 a hostile server can run code (CVE-2025-6514).
pub const PACKAGE: &str = "mcp-remote@0.15.1";

/// Holds the header `Authorization` in the bridge's environment.
pub const AUTHORIZATION_VARIABLE: &str = "PORT_MCP_AUTHORIZATION";

/// The arguments of `npx`.
///
/// The token stays out of them, since every process on the machine can read another's arguments: the bridge itself puts the
/// variable's value in. There is no space after the colon, because some agents split arguments at spaces.
pub fn npx_arguments(connection: &Connection<'_>) -> Vec<String> {
    let mut arguments = ["-y", PACKAGE, connection.url.as_str(), "--transport", "http-only"].map(str::to_owned).to_vec();
    let authorization = format!("Authorization:${{{AUTHORIZATION_VARIABLE}}}");
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
