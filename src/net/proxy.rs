//! How the network is to be used: proxies, and certificate authorities beside the built-in ones.

use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use crate::redact::Secret;

/// The schemes of proxies. With the last letter of `socks4a` and `socks5h`, the proxy looks up the server's name.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// The settings of all connections.
#[derive(Debug, Default)]
pub struct Network {
    /// The proxy for `https` URLs.
    pub https_proxy: Option<ProxyUrl>,
    /// The proxy for `http` URLs.
    pub http_proxy: Option<ProxyUrl>,
    /// Hosts that are reached without a proxy, separated by commas.
    pub no_proxy: String,
    /// Certificate authorities to trust beside the built-in ones.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

impl Network {
    /// Whether a URL is reached without a proxy, by exceptions as in [`Self::no_proxy`].
    #[must_use]
    pub fn is_exempt(no_proxy: &str, url: &Url) -> bool {
        let matcher = Matcher::builder().all("http://proxy").no(no_proxy).build();
        url.as_str().parse().is_ok_and(|uri| matcher.intercept(&uri).is_none())
    }

    /// The proxies' passwords, in the forms in which they may be echoed.
    pub fn passwords(&self) -> impl Iterator<Item = Secret> {
        self.https_proxy.iter().chain(&self.http_proxy).flat_map(ProxyUrl::passwords)
    }
}

/// A proxy's address, with its password if it has one.
#[derive(Debug)]
pub struct ProxyUrl {
    pub(super) url: Secret,
    password: Option<Secret>,
    pub(super) variable: &'static str,
}

/// Why a proxy's address can't be used, as a sentence. It never quotes the address, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyUrlProblem {
    /// A kind of proxy that is not known.
    #[error("its scheme is not one of http, https, socks4, socks4a, socks5 and socks5h")]
    Scheme,
    /// No URL with a host.
    #[error("it is not of the form http://host:port or http://user:password@host:port")]
    Form,
}

impl ProxyUrl {
    /// Reads a proxy's address from the value of an environment variable. Without a scheme it is `http`, as in curl.
    ///
    /// # Errors
    /// If it is not an `http`, `https` or SOCKS URL with a host.
    pub fn parse(variable: &'static str, text: &str) -> Result<Self, ProxyUrlProblem> {
        let full = if text.contains("://") { Zeroizing::new(text.to_owned()) } else { Zeroizing::new(format!("http://{text}")) };
        let url = Url::parse(&full).map_err(|_| ProxyUrlProblem::Form)?;
        if !SCHEMES.contains(&url.scheme()) {
            return Err(ProxyUrlProblem::Scheme);
        }
        // Where a password holds one of `/?#`, the parser takes a part of it for the host, and names it in texts.
        let is_cut = url.query().is_some() || url.fragment().is_some() || url.path().contains('@');
        let usable = url.has_host() && !is_cut;
        // The matcher that reqwest uses reads addresses more strictly, and would silently use no proxy.
        let understood = Matcher::builder().all(full.to_string()).build();
        if !usable || understood.intercept(&"https://a".parse().map_err(|_| ProxyUrlProblem::Form)?).is_none() {
            return Err(ProxyUrlProblem::Form);
        }
        Ok(Self { url: Secret::new(&full), password: url.password().map(Secret::new), variable })
    }

    /// The variable that named it, and the address as it was given.
    #[must_use]
    pub fn address(&self) -> (&'static str, &Secret) {
        (self.variable, &self.url)
    }

    /// The password as it stands in the address, percent-encoded, and as it is sent.
    fn passwords(&self) -> impl Iterator<Item = Secret> {
        let decoded = self.password.as_ref().map(|password| Secret::new(&percent_decode_str(password.reveal()).decode_utf8_lossy()));
        self.password.clone().into_iter().chain(decoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_address_gives_its_password_in_both_forms() {
        let proxy = ProxyUrl::parse("HTTPS_PROXY", "http://me:p%40ss+word@proxy.example:3128").unwrap();
        let passwords: Vec<_> = proxy.passwords().map(|secret| secret.reveal().to_owned()).collect();
        assert_eq!(passwords, ["p%40ss+word", "p@ss+word"]);
    }

    #[test]
    fn an_address_that_the_matcher_would_ignore_is_refused() {
        for text in ["http://", "http://h:port", "http://a b", "http://u:1/2@h", "http://u#p@h", "http://u?p@h"] {
            assert_eq!(ProxyUrl::parse("HTTPS_PROXY", text).map(|_| ()), Err(ProxyUrlProblem::Form), "{text}");
        }
        for text in ["socks6://h:1", "ftp://h"] {
            assert_eq!(ProxyUrl::parse("HTTPS_PROXY", text).map(|_| ()), Err(ProxyUrlProblem::Scheme), "{text}");
        }
        for text in ["proxy:3128", "10.0.0.1:80", "http://[::1]:8080", "https://u:p@h", "socks5://h:1", "socks5h://u:p@h"] {
            assert!(ProxyUrl::parse("HTTPS_PROXY", text).is_ok(), "{text}");
        }
    }
}
