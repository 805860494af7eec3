//! HTTP over a Unix socket.

use std::path::PathBuf;

use anyhow::Context;
use reqwest::{Client, redirect};

use super::tls;

/// A client that sends every request to this socket, whatever host the URL names.
///
/// # Errors
/// If the TLS library refuses its own defaults, which no input can cause.
pub fn unix_client(socket: PathBuf) -> anyhow::Result<Client> {
    // reqwest wants TLS settings, though nothing is encrypted here.
    let builder = Client::builder().tls_backend_preconfigured(tls::config(&[])?).unix_socket(socket);
    builder.redirect(redirect::Policy::none()).retry(reqwest::retry::never()).no_proxy().build().context("The HTTP client can't be set up")
}
