//! Proxies, from the variables that curl and most other programs read.

use std::ffi::OsString;
use std::net::IpAddr;

use reqwest::Url;
use rustls::pki_types::CertificateDer;

use super::error::Error;
use crate::net::{Network, ProxyUrl, host_and_port};
use crate::runner::text;

/// The variables for each kind of URL. The first one that is set counts: as in curl, lower case comes first.
const HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const HTTP: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// What stands for every host: any name, and any address of either kind.
const EVERY_HOST: &str = "*,0.0.0.0/0,::/0";

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

    /// The settings of all connections. `urls` are those that requests are sent to: a variable that none of them needs may hold
    /// anything.
    ///
    /// # Errors
    /// If the address of a proxy that is needed can't be used.
    pub fn network(self, extra_roots: Vec<CertificateDer<'static>>, urls: &[&Url]) -> Result<Network, Error> {
        let no_proxy = self.exceptions.map_or(String::new(), |(_, hosts)| exceptions(&hosts, urls));
        let proxy = |scheme: &str, variable: Option<Variable>| {
            let Some((variable, value)) = variable else {
                return Ok(None);
            };
            match ProxyUrl::parse(variable, &value) {
                Ok(proxy) => Ok(Some(proxy)),
                Err(problem) => match urls.iter().find(|url| url.scheme() == scheme && !Network::is_exempt(&no_proxy, url)) {
                    Some(url) => Err(Error::Proxy { variable, problem, host: host_and_port(url) }),
                    None => Ok(None),
                },
            }
        };
        Ok(Network { https_proxy: proxy("https", self.https)?, http_proxy: proxy("http", self.http)?, no_proxy, extra_roots })
    }
}

/// The exceptions in the form that the matcher knows. Other programs also take blanks between them, ports, and `*.` before a name.
fn exceptions(hosts: &str, urls: &[&Url]) -> String {
    let entries = hosts.split(|character: char| character == ',' || character.is_whitespace());
    let known: Vec<_> = entries.filter(|entry| !entry.is_empty()).filter_map(|entry| exception(entry, urls)).collect();
    known.join(",")
}

fn exception(entry: &str, urls: &[&Url]) -> Option<String> {
    if entry == "*" {
        return Some(EVERY_HOST.to_owned());
    }
    let (host, port) = host_and_exempt_port(entry);
    // The matcher knows no ports, so an entry with one counts if a request goes to just that port.
    let is_asked = |port: u16| urls.iter().any(|url| url.port_or_known_default() == Some(port));
    if port.is_some_and(|port| !is_asked(port)) {
        return None;
    }
    let host = host.strip_prefix('*').unwrap_or(host);
    Some(host.strip_suffix('.').unwrap_or(host).to_owned())
}

/// `host`, `host:port`, `[address]`, `[address]:port`, or an address, whose colons name no port.
fn host_and_exempt_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((address, rest)) = entry.strip_prefix('[').and_then(|entry| entry.split_once(']')) {
        return (address, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    let network = entry.split('/').next().unwrap_or(entry);
    if network.parse::<IpAddr>().is_ok() {
        return (entry, None);
    }
    match entry.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => (host, port.parse().ok()),
        _ => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_taken_in_every_form() {
        let urls: Vec<Url> = ["https://api.port.io/v1", "https://gate.example:8443"].iter().map(|url| url.parse().unwrap()).collect();
        let urls: Vec<_> = urls.iter().collect();
        for (given, known) in [
            ("a.example,b.example", "a.example,b.example"),
            (" a.example b.example\t,, c.example ", "a.example,b.example,c.example"),
            ("a.example:b c.example:99999", "a.example:b,c.example:99999"),
            ("*", EVERY_HOST),
            ("*.example .example example.", ".example,.example,example"),
            ("api.port.io:443 other.example:80 gate.example:8443", "api.port.io,gate.example"),
            ("10.0.0.0/8,::1,fd00::/8,[::1],[::2]:443,[::3]:80", "10.0.0.0/8,::1,fd00::/8,::1,::2"),
        ] {
            assert_eq!(exceptions(given, &urls), known, "{given}");
        }
    }
}
