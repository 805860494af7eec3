//! One HTTP client for the whole step: TLS roots, proxy, no redirects; and what its failures mean.

pub mod early;

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use hyper::body::Bytes;
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use reqwest::{Client, NoProxy, Proxy, Request, Response, Url, redirect};
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use crate::secret::Secret;
use early::EarlyLayer;

/// How long one connection attempt may take. A host that drops packets is tried again instead of eating the whole budget.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Bodies are read up to this size: Port's are under 2 KiB.
pub const LARGEST_BODY: usize = 1024 * 1024;

/// Room for most bodies, in bytes. What is not used of it has to be wiped too.
const USUAL_BODY: usize = 1024;

/// What hyper-util's error for a `CONNECT` that failed begins with. The type itself is private; `tests/network.rs` provokes both.
const TUNNEL: &str = "tunnel error: ";

/// What it says when the proxy answered 407.
const TUNNEL_AUTH: &str = "proxy authorization required";

/// How the network is to be used.
#[derive(Debug, Default)]
pub struct Network {
    /// The proxy for `https` URLs.
    pub https_proxy: Option<ProxyUrl>,
    /// The proxy for `http` URLs.
    pub http_proxy: Option<ProxyUrl>,
    /// Hosts that are reached without a proxy, comma separated.
    pub no_proxy: String,
    /// Roots beside the built-in ones.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

impl Network {
    /// The proxies' passwords, in the forms in which they may be echoed.
    pub fn passwords(&self) -> impl Iterator<Item = Secret> {
        self.https_proxy.iter().chain(&self.http_proxy).flat_map(ProxyUrl::passwords)
    }
}

/// A proxy's address, with its password if it has one.
#[derive(Debug)]
pub struct ProxyUrl {
    url: Secret,
    password: Option<Secret>,
    variable: &'static str,
}

/// A proxy address that can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its address is not of the form http://host:port or http://user:password@host:port")]
pub struct ProxyUrlProblem;

impl ProxyUrl {
    /// Reads a proxy's address from the value of an environment variable. Without a scheme it is `http`, as everywhere.
    ///
    /// # Errors
    /// When it is no `http` or `https` URL with a host.
    pub fn parse(variable: &'static str, text: &str) -> Result<Self, ProxyUrlProblem> {
        let full = if text.contains("://") { Zeroizing::new(text.to_owned()) } else { Zeroizing::new(format!("http://{text}")) };
        let url = Url::parse(&full).map_err(|_| ProxyUrlProblem)?;
        let usable = matches!(url.scheme(), "http" | "https") && url.has_host();
        // The matcher that reqwest asks reads addresses more strictly and would silently go without a proxy.
        let understood = Matcher::builder().all(full.to_string()).build();
        if !usable || understood.intercept(&"https://a".parse().map_err(|_| ProxyUrlProblem)?).is_none() {
            return Err(ProxyUrlProblem);
        }
        Ok(Self { url: Secret::new(&full), password: url.password().map(Secret::new), variable })
    }

    /// The password as it stands in the address, percent-encoded, and as it is sent.
    pub fn passwords(&self) -> impl Iterator<Item = Secret> {
        let decoded = self.password.as_ref().map(|password| Secret::new(&percent_decode_str(password.reveal()).decode_utf8_lossy()));
        self.password.clone().into_iter().chain(decoded)
    }
}

/// Why there is no trust in a TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distrust {
    /// Nobody known here signed the certificate.
    Signer,
    /// Its time is over, or has not come.
    Date,
    /// It is for another host.
    Name,
    /// It didn't come to a certificate, or the certificate breaks the rules.
    Handshake,
}

impl Distrust {
    fn of(error: &rustls::Error) -> Self {
        use CertificateError::{
            BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext, UnknownIssuer,
        };
        match error {
            rustls::Error::InvalidCertificate(problem) => match problem {
                UnknownIssuer | BadSignature => Self::Signer,
                Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. } => Self::Date,
                NotValidForName | NotValidForNameContext { .. } => Self::Name,
                _ => Self::Handshake,
            },
            _ => Self::Handshake,
        }
    }
}

/// The HTTP client, and which requests go through a proxy.
#[derive(Debug)]
pub struct Http {
    client: Client,
    proxies: Matcher,
    named_by: NamedBy,
}

/// The environment variables that name the proxies.
#[derive(Debug, Clone, Copy)]
struct NamedBy {
    https: Option<&'static str>,
    http: Option<&'static str>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answered {
    /// Status, headers and version.
    pub head: http::response::Parts,
    /// The body, up to [`LARGEST_BODY`]; wiped when dropped.
    pub body: Zeroizing<Vec<u8>>,
}

/// Why there is no answer. Texts are as libraries and servers gave them: clean them before use.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// DNS, connect, reset, or an early end.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The proxy refused for good.
    #[error("the proxy refused: {0}")]
    ProxyRefused(String),
    /// The proxy couldn't be reached, or couldn't reach on.
    #[error("the proxy failed: {0}")]
    ProxyUnreachable(String),
    /// No trusted connection.
    #[error("no trusted TLS connection: {1}")]
    Tls(Distrust, String),
    /// The body is larger than [`LARGEST_BODY`].
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    /// What came is not HTTP, or can't be decoded.
    #[error("not HTTP: {0}")]
    NotHttp(String),
}

impl Http {
    /// Makes the client.
    ///
    /// # Errors
    /// When the TLS library refuses its own defaults, which no input can cause.
    pub fn new(network: &Network) -> Result<Self, String> {
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls_config(&network.extra_roots)?)
            .user_agent(concat!("port-mcp-auth/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            // The budget ends what hangs, long before the system would.
            .tcp_keepalive(None)
            .tcp_keepalive_interval(None)
            .tcp_keepalive_retries(None)
            .connector_layer(EarlyLayer::default())
            // The environment was read at the door: no second look at it.
            .no_proxy();
        let mut proxies = Matcher::builder().no(network.no_proxy.clone());
        if let Some(proxy) = &network.https_proxy {
            proxies = proxies.https(proxy.url.reveal().to_owned());
            builder = builder.proxy(proxy_for(Proxy::https(proxy.url.reveal()), &network.no_proxy)?);
        }
        if let Some(proxy) = &network.http_proxy {
            proxies = proxies.http(proxy.url.reveal().to_owned());
            builder = builder.proxy(proxy_for(Proxy::http(proxy.url.reveal()), &network.no_proxy)?);
        }
        let client = builder.build().map_err(|error| chain(&error))?;
        let variable = |proxy: &Option<ProxyUrl>| proxy.as_ref().map(|proxy| proxy.variable);
        let named_by = NamedBy { https: variable(&network.https_proxy), http: variable(&network.http_proxy) };
        Ok(Self { client, proxies: proxies.build(), named_by })
    }

    /// The client, for libraries that take one.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether requests to this URL go through a proxy.
    #[must_use]
    pub fn is_proxied(&self, url: &Url) -> bool {
        url.as_str().parse().is_ok_and(|uri| self.proxies.intercept(&uri).is_some())
    }

    /// The environment variable that names the proxy for this URL.
    #[must_use]
    pub fn proxy_variable(&self, url: &Url) -> Option<&'static str> {
        if url.scheme() == "https" { self.named_by.https } else { self.named_by.http }
    }

    /// Sends a request and reads the answer whole.
    ///
    /// # Errors
    /// When no whole answer came.
    pub async fn send(&self, request: Request) -> Result<Answered, Fault> {
        read(self.open(request).await?).await
    }

    /// Sends a request, and leaves the answer's body to be read.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn open(&self, request: Request) -> Result<Response, Fault> {
        let proxied = self.is_proxied(request.url());
        self.client.execute(request).await.map_err(|error| classify(&error, proxied))
    }
}

/// The next piece of a body; `None` at its end.
///
/// # Errors
/// When the connection ends before the body does.
pub async fn chunk(response: &mut Response) -> Result<Option<Bytes>, Fault> {
    response.chunk().await.map_err(|error| classify(&error, false))
}

/// Reads an answer whole.
///
/// # Errors
/// When it doesn't come whole, or is too large.
pub async fn read(mut response: Response) -> Result<Answered, Fault> {
    let mut body = Zeroizing::new(Vec::with_capacity(USUAL_BODY));
    while let Some(chunk) = chunk(&mut response).await? {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(Fault::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let (head, _) = http::Response::from(response).into_parts();
    Ok(Answered { head, body })
}

fn tls_config(extra_roots: &[CertificateDer<'static>]) -> Result<ClientConfig, String> {
    let mut anchors = Vec::with_capacity(webpki_roots::TLS_SERVER_ROOTS.len() + extra_roots.len());
    anchors.extend_from_slice(webpki_roots::TLS_SERVER_ROOTS);
    let mut roots = RootCertStore { roots: anchors };
    roots.add_parsable_certificates(extra_roots.iter().cloned());
    let mut config = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A step opens one connection to each server: what would resume a session is one more secret to keep.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn proxy_for(proxy: reqwest::Result<Proxy>, no_proxy: &str) -> Result<Proxy, String> {
    Ok(proxy.map_err(|error| chain(&error))?.no_proxy(NoProxy::from_string(no_proxy)))
}

fn classify(error: &reqwest::Error, proxied: bool) -> Fault {
    let detail = chain(error);
    if proxied && causes(error).any(|cause| cause.to_string().starts_with(TUNNEL)) {
        let refused = causes(error).any(|cause| cause.to_string().contains(TUNNEL_AUTH));
        return if refused { Fault::ProxyRefused(detail) } else { Fault::ProxyUnreachable(detail) };
    }
    if let Some(error) = find::<rustls::Error>(error) {
        return Fault::Tls(Distrust::of(error), detail);
    }
    if error.is_connect() && proxied {
        return Fault::ProxyUnreachable(detail);
    }
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        return Fault::NotHttp(detail);
    }
    Fault::Unreachable(detail)
}

/// The error and what it wraps, outermost first. An `io::Error` hides the one that it wraps.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    })
}

fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The innermost two causes: the outer ones only say that something failed, and name the URL.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in causes(error).skip(1) {
        let text = cause.to_string();
        // Wrappers often repeat what they wrap.
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
    }
    match texts.as_slice() {
        [] => error.to_string(),
        [.., outer, inner] => format!("{outer}: {inner}"),
        [only] => only.clone(),
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
        for text in ["socks5://h:1", "http://", "http://h:port", "ftp://h", "http://a b"] {
            assert_eq!(ProxyUrl::parse("HTTPS_PROXY", text).map(|_| ()), Err(ProxyUrlProblem), "{text}");
        }
        for text in ["proxy:3128", "10.0.0.1:80", "http://[::1]:8080", "https://u:p@h"] {
            assert!(ProxyUrl::parse("HTTPS_PROXY", text).is_ok(), "{text}");
        }
    }
}
