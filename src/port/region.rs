//! Port's regions and endpoints.

use std::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};

/// Where Port hosts the organisation. <https://docs.port.io/api-reference/port-api>
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

    /// The region that a user with the wrong one probably needs.
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

impl TokenEndpoint {
    /// The one to try when a token of this one is refused.
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

/// One token endpoint with all that error texts need to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Which of the two.
    pub kind: TokenEndpoint,
    /// Where the credentials are sent.
    pub url: reqwest::Url,
    /// The region that was asked for; `None` when the URL was given instead.
    pub region: Option<Region>,
}

impl Endpoint {
    /// Host and port, for texts.
    #[must_use]
    pub fn host(&self) -> String {
        host_of(&self.url)
    }

    /// What a user should check first when Port doesn't know the credentials.
    #[must_use]
    pub fn region_hint(&self) -> String {
        match (self.region, self.kind) {
            (Some(region), _) => format!(
                "The step asked region `{region}`. If your organisation is in the other one (you log in at app.{}port.io), set `region: {}`.",
                if region == Region::Eu { "us." } else { "" },
                region.other()
            ),
            (None, TokenEndpoint::Api) => {
                "The step asked the URL in `auth_base_url`. Check that it is the API of your organisation's region (EU: `https://api.port.io/v1`, US: `https://api.us.port.io/v1`).".to_owned()
            }
            (None, TokenEndpoint::Mcp) => {
                "The step asked the URL in `mcp_url`. Check that it is the MCP server of your organisation's region (EU: `https://mcp.port.io/v1`, US: `https://mcp.us.port.io/v1`).".to_owned()
            }
        }
    }
}

/// A URL's host, with its port when that is not the scheme's own.
#[must_use]
pub fn host_of(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_leads_to_the_other_region() {
        let hint = |region: Region| {
            Endpoint { kind: TokenEndpoint::Api, url: region.auth_base_url().parse().unwrap(), region: Some(region) }.region_hint()
        };
        assert_eq!(
            hint(Region::Eu),
            "The step asked region `eu`. If your organisation is in the other one (you log in at app.us.port.io), set `region: us`."
        );
        assert_eq!(
            hint(Region::Us),
            "The step asked region `us`. If your organisation is in the other one (you log in at app.port.io), set `region: eu`."
        );
    }
}
