//! Connections: accepted over plain TCP or TLS, and reset when a fault says so.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A connection that a fault can reset.
#[derive(Debug)]
pub(crate) struct Wire {
    io: Io,
    reset: Reset,
}

#[derive(Debug)]
enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Ends a connection with a TCP reset: from then on it neither reads nor writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reset(Arc<AtomicBool>);

impl Reset {
    pub(crate) fn now(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_made(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn check(&self) -> io::Result<()> {
        if self.is_made() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

/// What a request can know of its connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) number: u64,
    pub(crate) tls: bool,
    pub(crate) reset: Reset,
}

impl Wire {
    fn io(&mut self) -> Pin<&mut dyn Duplex> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io),
            Io::Tls(io) => Pin::new(io.as_mut()),
        }
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.reset.is_made() {
            let tcp = match &self.io {
                Io::Plain(io) => io,
                Io::Tls(io) => io.get_ref().0,
            };
            // Without lingering, the close that follows is a reset. If it fails, the peer sees an end of
            // file, which is an abrupt end too.
            let _ = tcp.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.reset.check()?;
        self.io().poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.reset.check()?;
        self.io().poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.reset.check()?;
        self.io().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.reset.check()?;
        self.io().poll_shutdown(context)
    }
}

/// The plain and the TLS listener as one.
#[derive(Debug)]
pub(crate) struct Listeners {
    incoming: mpsc::Receiver<(Wire, Connection)>,
}

impl Listeners {
    /// Starts to accept. Must be called in the runtime.
    pub(crate) fn open(plain: TcpListener, tls: TcpListener, acceptor: TlsAcceptor) -> Self {
        let (sender, incoming) = mpsc::channel(64);
        tokio::spawn(accept(plain, tls, acceptor, sender));
        Self { incoming }
    }
}

async fn accept(plain: TcpListener, tls: TcpListener, acceptor: TlsAcceptor, sender: mpsc::Sender<(Wire, Connection)>) {
    for number in 0.. {
        let (accepted, is_tls) = tokio::select! {
            accepted = plain.accept() => (accepted, false),
            accepted = tls.accept() => (accepted, true),
        };
        // A peer that is gone before it was accepted needs no answer.
        let Ok((tcp, _)) = accepted else { continue };
        let (acceptor, sender) = (acceptor.clone(), sender.clone());
        // A task for each, so that a handshake that never ends delays no other connection.
        tokio::spawn(async move {
            // Best effort: it only makes answers quicker.
            let _ = tcp.set_nodelay(true);
            let io = if is_tls {
                // The caller reports why it refused the certificate.
                let Ok(tls) = acceptor.accept(tcp).await else {
                    return;
                };
                Io::Tls(Box::new(tls))
            } else {
                Io::Plain(tcp)
            };
            let reset = Reset::default();
            let connection = Connection { number, tls: is_tls, reset: reset.clone() };
            // Fails only while the sandbox stops.
            let _ = sender.send((Wire { io, reset }, connection)).await;
        });
    }
}

impl Listener for Listeners {
    type Io = Wire;
    type Addr = Connection;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.incoming.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Connected<IncomingStream<'_, Listeners>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Listeners>) -> Self {
        stream.remote_addr().clone()
    }
}
