//! The routes that the sandbox serves, by name.

use std::fmt;

/// A route of the sandbox: what faults are set for, and what a record is filed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// `POST {auth_base_url}/auth/access_token`.
    AccessToken,
    /// `POST {mcp_url}/token`.
    OAuthToken,
    /// The MCP server, all methods.
    Mcp,
    /// MCP requests with this JSON-RPC method, such as `tools/list`. Only for setting faults: they come
    /// before those of [`Route::Mcp`], which is what the request is recorded as.
    Rpc(&'static str),
    /// Anything else. Answered with 404, so only seen in records.
    Other,
}

impl Route {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/v1/auth/access_token" => Self::AccessToken,
            "/mcp/v1/token" => Self::OAuthToken,
            "/mcp/v1" => Self::Mcp,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessToken => "access_token",
            Self::OAuthToken => "oauth_token",
            Self::Mcp => "mcp",
            Self::Rpc(method) => method,
            Self::Other => "other",
        })
    }
}
