//! The MCP server.

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
