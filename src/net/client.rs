//! The HTTP client.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use hyper::body::Bytes;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Client, Method, NoProxy, Proxy, Request, Response, StatusCode, Url, redirect};
use zeroize::Zeroizing;

use super::error::{RequestError, is_refused_tunnel};
use super::phase::{Phase, Phases};
use super::preconnect::Preconnect;
use super::proxy::Network;
use super::resolve::Resolver;
use super::retry::is_retryable;
use super::url::host_and_port;
use super::{tls, tunnel};

/// How long one connection attempt may take, from the look-up of the name on. A host that drops packets is tried again instead of
/// using up the whole budget. If it has several addresses, each of them has its part of the time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest body that is read, in bytes. Port's are under 2 KiB.
const LARGEST_BODY: usize = 1024 * 1024;

/// Room for most bodies, in bytes. All of it is wiped, so it is not larger than needed.
const USUAL_BODY: usize = 1024;

/// The HTTP client, and which requests go through a proxy.
pub struct Http {
    client: Client,
    preconnect: Preconnect,
    resolver: Resolver,
    phases: Phases,
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
        let (phases, resolver) = (Phases::default(), Resolver::default());
        let preconnect = Preconnect::new(phases.clone());
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls::config(&network.extra_roots)?)
            .dns_resolver(resolver.clone())
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
        Ok(Self { client, preconnect, resolver, phases, proxies: proxies.build(), variables, observer: Box::new(observer) })
    }

    /// The client, for what builds requests.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Opens a connection that the first request will use. It sends nothing. If it fails, the first request tries again.
    pub async fn preconnect(&self, url: &Url) {
        if self.look_up(url, self.proxy(url).as_ref()).await.is_ok() {
            self.preconnect.open(&self.client, url).await;
        }
    }

    /// What the last request waits for, if it has no answer.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phases.get()
    }

    /// Whether requests to this URL go through a proxy.
    #[must_use]
    pub fn is_proxied(&self, url: &Url) -> bool {
        self.proxy(url).is_some()
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
        let response = self.open(request).await?;
        self.phases.set(Phase::Body);
        read_body(response).await
    }

    /// Sends a request, and leaves the response's body to be read.
    ///
    /// # Errors
    /// If there is no response.
    pub async fn open(&self, request: Request) -> Result<Response, RequestError> {
        let url = request.url().clone();
        let (method, host) = (request.method().clone(), host_and_port(&url));
        let started = Instant::now();
        let result = self.execute(request, &url).await;
        let status = result.as_ref().ok().map(Response::status);
        (self.observer)(&RequestTrace { method: &method, host: &host, status, took: started.elapsed() });
        result
    }

    async fn execute(&self, request: Request, url: &Url) -> Result<Response, RequestError> {
        let proxy = self.proxy(url);
        self.look_up(url, proxy.as_ref()).await?;
        self.phases.set(Phase::Answer);
        match self.client.execute(request).await {
            Ok(response) => Ok(response),
            Err(error) => {
                self.resolver.forget(host_to_reach(url, proxy.as_ref()).unwrap_or_default());
                Err(self.no_response(&error, url, proxy.as_ref()).await)
            }
        }
    }

    async fn no_response(&self, error: &reqwest::Error, url: &Url, proxy: Option<&Intercept>) -> RequestError {
        let general = RequestError::of(error, proxy.is_some());
        let Some(proxy) = proxy.filter(|_| is_refused_tunnel(error)) else {
            return general;
        };
        match tunnel::ask(proxy, url).await {
            Some(answer) if answer.status.is_success() => general,
            Some(answer) if is_retryable(answer.status) => RequestError::ProxyUnreachable(format!("CONNECT got {}", answer.line)),
            Some(answer) => RequestError::ProxyRefused(format!("CONNECT got {}", answer.line)),
            None => RequestError::ProxyUnreachable("the answer to CONNECT is not HTTP".to_owned()),
        }
    }

    /// Looks up the name of the host that the connection goes to. Its addresses are kept for the connection.
    async fn look_up(&self, url: &Url, proxy: Option<&Intercept>) -> Result<(), RequestError> {
        let Some(host) = host_to_reach(url, proxy) else {
            return Ok(());
        };
        self.phases.set(Phase::LookUp);
        match self.resolver.look_up(host).await {
            Ok(_) => Ok(()),
            Err(error) => Err(RequestError::of_look_up(&error, host, proxy.is_some())),
        }
    }

    fn proxy(&self, url: &Url) -> Option<Intercept> {
        self.proxies.intercept(&url.as_str().parse().ok()?)
    }
}

/// The name to look up: the proxy's, if there is one. An address needs no look-up.
fn host_to_reach<'a>(url: &'a Url, proxy: Option<&'a Intercept>) -> Option<&'a str> {
    let host = proxy.map_or_else(|| url.host_str(), |proxy| proxy.uri().host())?;
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    (!is_address).then_some(host)
}

/// The next piece of a body; `None` at its end.
///
/// # Errors
/// If the connection ends before the body does.
pub async fn next_chunk(response: &mut Response) -> Result<Option<Bytes>, RequestError> {
    response.chunk().await.map_err(|error| RequestError::in_body(&error))
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

fn with_exceptions(proxy: reqwest::Result<Proxy>, no_proxy: &str) -> anyhow::Result<Proxy> {
    Ok(proxy.context("The proxy can't be set up")?.no_proxy(NoProxy::from_string(no_proxy)))
}
