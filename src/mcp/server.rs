//! The MCP server.

use anyhow::Context;
use reqwest::Url;

use crate::net::{UrlProblem, parse_url};
use crate::port::TokenEndpoint;

/// The MCP server's URL: the text as it was given, which the agent gets, and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    text: String,
    url: Url,
}

impl ServerUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// If no token should be sent there, or it is no plain URL.
    pub fn parse(text: &str) -> Result<Self, UrlProblem> {
        Ok(Self { text: text.to_owned(), url: parse_url(text)? })
    }

    /// The gateway's URL. It may be plain http, since what is sent there doesn't leave the machine.
    ///
    /// # Errors
    /// If `authority` is no host with an optional port.
    pub fn of_gateway(authority: &str) -> anyhow::Result<Self> {
        let text = format!("http://{authority}/mcp");
        let url = Url::parse(&text).context("The gateway's address can't be used")?;
        Ok(Self { text, url })
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }
}

/// The server that is asked.
#[derive(Debug, Clone, Copy)]
pub struct Server<'a> {
    /// Its address.
    pub url: &'a Url,
    /// What issued the token that it is asked with.
    pub token_from: TokenEndpoint,
}
