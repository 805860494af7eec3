//! What the sandbox serves: one file per endpoint.

pub(crate) mod auth;
pub(crate) mod mcp;
pub(crate) mod oauth;
