//! A running sandbox: its start, its end, and what a test can ask of it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::{
    catalog::Catalog,
    clock::Clock,
    faults::{Fault, Faults},
    limit::Limiter,
    options::Options,
    record::{Recorded, Recorder},
    route::Route,
    server,
    shared::Shared,
    tls,
    tokens::Tokens,
    wire::{Connection, Listeners},
};

/// An embedded Port. It listens until it is dropped.
///
/// It runs in a thread of its own, so a test that uses it needs no runtime, and may have one.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    plain: SocketAddr,
    tls: SocketAddr,
    ca_pem: String,
    /// Dropped to stop the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::start(Options::default())
    }
}

impl Sandbox {
    /// Starts a sandbox. It listens when this returns.
    ///
    /// # Panics
    ///
    /// If it can't: the address is taken, a name does not fit a certificate, or the log can't be written.
    #[must_use]
    pub fn start(options: Options) -> Self {
        let (acceptor, ca_pem) = tls::identity(&options).expect("the names fit a certificate");
        let listen = |port| listen(SocketAddr::new(options.bind, port)).expect("the port is free");
        let (plain_listener, plain) = listen(options.port);
        let (tls_listener, tls) = listen(options.tls_port);
        let shared = Arc::new(Shared {
            clock: Clock::default(),
            tokens: Tokens::default(),
            auth_limiter: Limiter::new(options.rate_limit),
            oauth_limiter: Limiter::new(options.oauth_rate_limit),
            faults: Faults::default(),
            recorder: Recorder::new(options.log.as_deref()).expect("the log can be written"),
            catalog: Mutex::new(Catalog::default()),
            options,
        });
        let (stop, stopped) = oneshot::channel();
        let serve = serve(Arc::clone(&shared), plain_listener, tls_listener, acceptor, stopped);
        let thread = thread::Builder::new()
            .name("port-sandbox".to_owned())
            .spawn(|| {
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("the system has room for a runtime")
                    .block_on(serve);
            })
            .expect("the system has room for a thread");
        Self { shared, plain, tls, ca_pem, stop: Some(stop), thread: Some(thread) }
    }

    /// The base of the auth API, `http://127.0.0.1:{port}/v1`.
    #[must_use]
    pub fn auth_base_url(&self) -> String {
        format!("http://{}/v1", reachable(self.plain))
    }

    /// The MCP server, `http://127.0.0.1:{port}/mcp/v1`.
    #[must_use]
    pub fn mcp_url(&self) -> String {
        format!("http://{}/mcp/v1", reachable(self.plain))
    }

    /// The base of the auth API over TLS.
    #[must_use]
    pub fn tls_auth_base_url(&self) -> String {
        format!("https://{}/v1", reachable(self.tls))
    }

    /// The MCP server over TLS.
    #[must_use]
    pub fn tls_mcp_url(&self) -> String {
        format!("https://{}/mcp/v1", reachable(self.tls))
    }

    /// The port of plain HTTP.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.plain.port()
    }

    /// The port of TLS.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls.port()
    }

    /// The CA that vouches for the TLS side, made at start.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// All requests so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.recorder.all()
    }

    /// The requests to one route, in order.
    #[must_use]
    pub fn requests_to(&self, route: Route) -> Vec<Recorded> {
        let mut requests = self.requests();
        requests.retain(|request| match route {
            Route::Rpc(method) => request.rpc_method.as_deref() == Some(method),
            _ => request.route == route,
        });
        requests
    }

    /// Forgets all requests so far.
    pub fn clear_requests(&self) {
        self.shared.recorder.clear();
    }

    /// Every token that was ever issued, in order.
    #[must_use]
    pub fn issued_tokens(&self) -> Vec<String> {
        self.shared.tokens.issued()
    }

    /// Lets the next requests to a route fail, one fault each; those after them succeed. Replaces the faults
    /// that were set for the route before.
    pub fn set_faults(&self, route: Route, faults: impl IntoIterator<Item = Fault>) {
        let faults = faults.into_iter().collect();
        self.shared.faults.set(route, faults, None);
    }

    /// Lets every request to a route fail. Replaces the faults that were set for the route before.
    pub fn set_fault_forever(&self, route: Route, fault: Fault) {
        self.shared.faults.set(route, [].into(), Some(fault));
    }

    /// Moves the sandbox's clock ahead: tokens expire and rate-limit windows end without a wait.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It panics only if the sandbox has a bug, which its own tests would find.
            let _ = thread.join();
        }
    }
}

/// Binds before the thread starts, so that a caller can connect at once.
fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The address under which a listener is found: loopback if it listens everywhere.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

async fn serve(shared: Arc<Shared>, plain: TcpListener, tls: TcpListener, acceptor: TlsAcceptor, stopped: oneshot::Receiver<()>) {
    let adopt = |listener| tokio::net::TcpListener::from_std(listener).expect("it is non-blocking");
    let listeners = Listeners::open(adopt(plain), adopt(tls), acceptor);
    let routes = server::router(&shared).into_make_service_with_connect_info::<Connection>();
    tokio::select! {
        // Never ends by itself. Whatever still runs is cut off with the runtime.
        _ = axum::serve(listeners, routes) => {}
        _ = stopped => {}
    }
}
