//! The HTTP client.

use std::time::{Duration, Instant};

use anyhow::Context;
use hyper::body::Bytes;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Client, Method, NoProxy, Proxy, Request, Response, StatusCode, Url, redirect};
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::error::RequestError;
use super::preconnect::Preconnect;
use super::proxy::Network;
use super::url::host_and_port;

/// How long one connection attempt may take. A host that drops packets is tried again instead of using up the whole budget.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest body that is read, in bytes. Port's are under 2 KiB.
const LARGEST_BODY: usize = 1024 * 1024;

/// Room for most bodies, in bytes. All of it is wiped, so it is not larger than needed.
const USUAL_BODY: usize = 1024;

/// The HTTP client, and which requests go through a proxy.
pub struct Http {
    client: Client,
    preconnect: Preconnect,
    proxies: Matcher,
    /// The environment variables that name the proxies for `https` and `http`.
    variables: (Option<&'static str>, Option<&'static str>),
    observer: Box<dyn Fn(&RequestTrace<'_>)>,
}

/// What became of one request, for people who look for the cause of a problem. It holds no secret: no path, header or body.
#[derive(Debug)]
pub struct RequestTrace<'a> {
    /// The method.
    pub method: &'a Method,
    /// The server's host, with its port if that is not the scheme's default.
    pub host: &'a str,
    /// The response's status; `None` if there was no response.
    pub status: Option<StatusCode>,
    /// The time from the request to the response's headers.
    pub took: Duration,
}

/// A response, with its whole body.
#[derive(Debug)]
pub struct HttpResponse {
    /// Status, headers and version.
    pub head: http::response::Parts,
    /// The body, up to [`LARGEST_BODY`]; wiped when dropped.
    pub body: Zeroizing<Vec<u8>>,
}

impl Http {
    /// Makes the client. `observer` is told of every request.
    ///
    /// # Errors
    /// If the TLS library refuses its own defaults, which no input can cause.
    pub fn new(network: &Network, observer: impl Fn(&RequestTrace<'_>) + 'static) -> anyhow::Result<Self> {
        let preconnect = Preconnect::default();
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls_config(&network.extra_roots)?)
            .user_agent(concat!("port-mcp-auth/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            // Without a header, a server may choose any encoding (RFC 9110 section 12.5.3).
            .default_headers(HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]))
            .connect_timeout(CONNECT_TIMEOUT)
            // The budget ends a connection that hangs, long before the system would.
            .tcp_keepalive(None)
            .tcp_keepalive_interval(None)
            .tcp_keepalive_retries(None)
            .connector_layer(preconnect.layer())
            // The environment was read at the start, and is not read again.
            .no_proxy();
        let mut proxies = Matcher::builder().no(network.no_proxy.clone());
        if let Some(proxy) = &network.https_proxy {
            proxies = proxies.https(proxy.url.reveal().to_owned());
            builder = builder.proxy(with_exceptions(Proxy::https(proxy.url.reveal()), &network.no_proxy)?);
        }
        if let Some(proxy) = &network.http_proxy {
            proxies = proxies.http(proxy.url.reveal().to_owned());
            builder = builder.proxy(with_exceptions(Proxy::http(proxy.url.reveal()), &network.no_proxy)?);
        }
        let client = builder.build().context("The HTTP client can't be set up")?;
        let variables = (network.https_proxy.as_ref().map(|proxy| proxy.variable), network.http_proxy.as_ref().map(|proxy| proxy.variable));
        Ok(Self { client, preconnect, proxies: proxies.build(), variables, observer: Box::new(observer) })
    }

    /// The client, for what builds requests.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Opens a connection that the first request will use. It sends nothing. If it fails, the first request tries again.
    pub async fn preconnect(&self, url: &Url) {
        self.preconnect.open(&self.client, url).await;
    }

    /// Whether requests to this URL go through a proxy.
    #[must_use]
    pub fn is_proxied(&self, url: &Url) -> bool {
        url.as_str().parse().is_ok_and(|uri| self.proxies.intercept(&uri).is_some())
    }

    /// The environment variable that names the proxy for this URL.
    #[must_use]
    pub fn proxy_variable(&self, url: &Url) -> Option<&'static str> {
        if url.scheme() == "https" { self.variables.0 } else { self.variables.1 }
    }

    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    /// If there is no whole response.
    pub async fn send(&self, request: Request) -> Result<HttpResponse, RequestError> {
        read_body(self.open(request).await?).await
    }

    /// Sends a request, and leaves the response's body to be read.
    ///
    /// # Errors
    /// If there is no response.
    pub async fn open(&self, request: Request) -> Result<Response, RequestError> {
        let proxied = self.is_proxied(request.url());
        let (method, host) = (request.method().clone(), host_and_port(request.url()));
        let started = Instant::now();
        let result = self.client.execute(request).await;
        let status = result.as_ref().ok().map(Response::status);
        (self.observer)(&RequestTrace { method: &method, host: &host, status, took: started.elapsed() });
        result.map_err(|error| RequestError::of(&error, proxied))
    }
}

/// The next piece of a body; `None` at its end.
///
/// # Errors
/// If the connection ends before the body does.
pub async fn next_chunk(response: &mut Response) -> Result<Option<Bytes>, RequestError> {
    response.chunk().await.map_err(|error| RequestError::of(&error, false))
}

/// Reads a response whole.
///
/// # Errors
/// If it doesn't arrive whole, or is larger than [`LARGEST_BODY`].
async fn read_body(response: Response) -> Result<HttpResponse, RequestError> {
    read_body_up_to(response, LARGEST_BODY).await
}

/// Reads a response whole, up to a limit in bytes.
///
/// # Errors
/// If it doesn't arrive whole, or is larger.
pub async fn read_body_up_to(mut response: Response, limit: usize) -> Result<HttpResponse, RequestError> {
    let mut body = Zeroizing::new(Vec::with_capacity(USUAL_BODY));
    while let Some(chunk) = next_chunk(&mut response).await? {
        if body.len() + chunk.len() > limit {
            return Err(RequestError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let (head, _) = http::Response::from(response).into_parts();
    Ok(HttpResponse { head, body })
}

fn tls_config(extra_roots: &[CertificateDer<'static>]) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(extra_roots.iter().cloned());
    let mut config = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .context("TLS can't be set up")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A step opens one connection to each server: a session ticket would be one more secret to keep.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn with_exceptions(proxy: reqwest::Result<Proxy>, no_proxy: &str) -> anyhow::Result<Proxy> {
    Ok(proxy.context("The proxy can't be set up")?.no_proxy(NoProxy::from_string(no_proxy)))
}
