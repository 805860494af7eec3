//! Proxies, from the variables that curl and most other programs read.

use std::ffi::OsString;

use rustls::pki_types::CertificateDer;

use super::error::Error;
use crate::net::{Network, ProxyUrl};
use crate::port::Endpoint;
use crate::redact::Redactor;
use crate::runner::text;

/// The variables for each kind of URL. The first one that is set counts: as in curl, lower case comes first.
const HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const HTTP: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// A variable's name and value.
type Variable = (&'static str, String);

/// The proxy settings, as they are given.
#[derive(Default)]
pub struct Proxies {
    https: Option<Variable>,
    http: Option<Variable>,
    exceptions: Option<Variable>,
}

impl Proxies {
    /// Takes each setting from `variable`.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let first = |names: &[&'static str]| names.iter().find_map(|name| Some((*name, text(variable(name)?).ok().flatten()?)));
        Self { https: first(&HTTPS), http: first(&HTTP), exceptions: first(&EXCEPTIONS) }
    }

    /// The settings of all connections.
    ///
    /// # Errors
    /// If an address can't be used.
    pub fn network(self, extra_roots: Vec<CertificateDer<'static>>, endpoint: &Endpoint) -> Result<Network, Error> {
        let proxy = |variable: Option<Variable>| {
            let Some((variable, value)) = variable else {
                return Ok(None);
            };
            ProxyUrl::parse(variable, &value).map(Some).map_err(|problem| Error::Proxy {
                variable,
                problem,
                host: endpoint.host(),
                detail: Redactor::default().quote(&format!("the variable {variable} can't be used: {problem}")),
            })
        };
        Ok(Network {
            https_proxy: proxy(self.https)?,
            http_proxy: proxy(self.http)?,
            // Many tools write `*.example.com` for what the matcher calls `.example.com`.
            no_proxy: self.exceptions.map_or(String::new(), |(_, hosts)| hosts.replace("*.", ".")),
            extra_roots,
        })
    }
}
