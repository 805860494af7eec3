//! Port's regions and endpoints.

use std::fmt;

use reqwest::Url;
use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};

use crate::net::{UrlProblem, host_and_port, parse_url};

/// The domains of Port's hosts, today's and the older one. Only a name below them is Port's.
const DOMAINS: [&str; 2] = [".port.io", ".getport.io"];

/// Where Port hosts the organization. <https://docs.port.io/api-reference/port-api>
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum Region {
    /// `app.port.io`
    Eu,
    /// `app.us.port.io`
    Us,
}

impl Region {
    /// Base of the region's API.
    #[must_use]
    pub fn auth_base_url(self) -> &'static str {
        match self {
            Self::Eu => "https://api.port.io/v1",
            Self::Us => "https://api.us.port.io/v1",
        }
    }

    /// The region's MCP server.
    #[must_use]
    pub fn mcp_url(self) -> &'static str {
        match self {
            Self::Eu => "https://mcp.port.io/v1",
            Self::Us => "https://mcp.us.port.io/v1",
        }
    }

    /// The host of the region's web application, where people log in.
    #[must_use]
    pub fn app_host(self) -> &'static str {
        match self {
            Self::Eu => "app.port.io",
            Self::Us => "app.us.port.io",
        }
    }

    /// The region that a URL belongs to; `None` if it is not Port's. Hosts under `getport.io` are older names of the same ones.
    #[must_use]
    pub fn of_url(url: &Url) -> Option<Self> {
        let host = url.host_str()?.to_ascii_lowercase();
        let name = DOMAINS.iter().find_map(|domain| host.strip_suffix(domain))?;
        match name.rsplit('.').next() {
            Some("us") => Some(Self::Us),
            _ => Some(Self::Eu),
        }
    }

    /// The other region.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Eu => Self::Us,
            Self::Us => Self::Eu,
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.into())
    }
}

/// Which of Port's two endpoints issues the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum TokenEndpoint {
    /// `POST {auth_base_url}/auth/access_token`, Port's own API.
    Api,
    /// `POST {mcp_url}/token`, OAuth 2.0 client credentials (RFC 6749 section 4.4).
    Mcp,
}

/// The input `token_endpoint`: what issues the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum TokenSource {
    /// Port's API; if Port's MCP server refuses that token, the MCP server's own endpoint.
    Auto,
    /// [`TokenEndpoint::Api`]
    Api,
    /// [`TokenEndpoint::Mcp`]
    Mcp,
}

impl TokenEndpoint {
    /// The other endpoint.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Api => Self::Mcp,
            Self::Mcp => Self::Api,
        }
    }
}

impl fmt::Display for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.into())
    }
}

/// One token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Which of the two.
    pub kind: TokenEndpoint,
    /// Where the credentials are sent.
    pub url: Url,
    /// The region that the URL was taken from; `None` if the URL was given.
    pub region: Option<Region>,
}

impl Endpoint {
    /// Its host, with the port if that is not the scheme's default.
    #[must_use]
    pub fn host(&self) -> String {
        host_and_port(&self.url)
    }
}

/// The base of Port's API. An origin without a path gets `/v1`.
///
/// # Errors
/// If no secret should be sent there, or it is no plain URL.
pub fn api_base(text: &str) -> Result<Url, UrlProblem> {
    let mut url = parse_url(text)?;
    if url.path() == "/" {
        url.set_path("/v1");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::join;

    #[test]
    fn a_host_of_ports_tells_its_region() {
        for (url, region) in [
            ("https://api.port.io/v1", Some(Region::Eu)),
            ("https://mcp.port.io/v1", Some(Region::Eu)),
            ("https://api.getport.io", Some(Region::Eu)),
            ("https://API.US.getport.io", Some(Region::Us)),
            ("https://mcp.us.port.io/v1", Some(Region::Us)),
            ("https://port.io", None),
            ("https://port.io.evil.example", None),
            ("https://api-port.io", None),
            ("https://xgetport.io", None),
            ("http://127.0.0.1:8080", None),
        ] {
            assert_eq!(Region::of_url(&url.parse().unwrap()), region, "{url}");
        }
    }

    #[test]
    fn an_origin_without_a_path_gets_the_version() {
        for (text, url) in [
            ("https://api.port.io", "https://api.port.io/v1/auth/access_token"),
            ("https://api.port.io/", "https://api.port.io/v1/auth/access_token"),
            ("https://api.port.io/v1/", "https://api.port.io/v1/auth/access_token"),
            ("https://gate.example/port/v1", "https://gate.example/port/v1/auth/access_token"),
            ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/auth/access_token"),
            ("http://[::1]:8080", "http://[::1]:8080/v1/auth/access_token"),
            ("http://localhost:8080", "http://localhost:8080/v1/auth/access_token"),
            ("http://port.localhost", "http://port.localhost/v1/auth/access_token"),
            // A name outside of ASCII is given as DNS knows it (RFC 5890).
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example/v1/auth/access_token"),
        ] {
            assert_eq!(join(&api_base(text).unwrap(), "auth/access_token").as_str(), url);
        }
    }
}
