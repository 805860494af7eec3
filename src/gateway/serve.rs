//! The server that agents talk to: one thread, from its start to its end.

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::LocalBoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::error::Error;
use super::judge::Judge;
use super::proxy::answer;
use super::record::{Line, Record, RecordEvent};
use super::refusal::Refusal;
use super::settings::Settings;
use super::state::State;
use super::tokens::Tokens;
use crate::net::Http;
use crate::runner::Console;

/// How many connections are open at most.
const MOST_CONNECTIONS: usize = 256;

/// How many headers a request may have.
const MOST_HEADERS: usize = 64;

/// How much of a request is held before its body is read, in bytes.
const BUFFER: usize = 64 * 1024;

/// How long a connection may wait for the next request, and a request for the rest of its head. Agents give up sooner.
const HEAD_LIMIT: Duration = Duration::from_mins(2);

/// How many large messages may be held at the same time, so that the memory lasts.
const MOST_LARGE: usize = 4;

/// How long calls in flight may take after the end.
const GRACE: Duration = Duration::from_secs(5);

/// The pause after a connection that can't be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Runs the gateway until its lifetime is over or `stopped` ends, and writes the record to `out`.
///
/// The future is in a box so that the program has its code once, whoever runs it.
///
/// # Errors
/// If it can't start.
pub fn run(settings: Settings, out: Box<dyn Write>, stopped: LocalBoxFuture<'_, ()>) -> LocalBoxFuture<'_, Result<(), Error>> {
    Box::pin(run_until(settings, out, stopped))
}

async fn run_until(settings: Settings, out: Box<dyn Write>, mut stopped: LocalBoxFuture<'_, ()>) -> Result<(), Error> {
    let listener = TcpListener::bind(settings.listen).await.context("The gateway can't listen")?;
    let address = listener.local_addr().context("The gateway can't listen")?;
    let (end, ending) = watch::channel(false);
    let record = Rc::new(Record::new(out));
    let state = Rc::new(state(&settings, address, Rc::clone(&record), ending)?);
    if let Some(given) = &settings.token {
        state.tokens.put(&given.token, Duration::from_secs(given.seconds_left));
    } else {
        tokio::select! {
            asked = state.tokens.ask(&state.http) => drop(asked?),
            () = stopped.as_mut() => return Ok(()),
        }
    }
    let ready = Line { event: RecordEvent::Ready, port: Some(address.port()), ..Line::default() };
    record.write(ready).context("Standard output can't be written")?;

    let mut connections = JoinSet::new();
    let reason = tokio::select! {
        () = accept(&listener, &state, &mut connections) => "fault",
        () = stopped.as_mut() => "stopped",
        () = sleep(Duration::from_secs(settings.lifetime)) => "lifetime",
    };
    drop(listener);
    let _ = end.send(true);
    drop(timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await);
    connections.shutdown().await;
    record.end(reason);
    Ok(())
}

fn state(settings: &Settings, address: SocketAddr, record: Rc<Record>, ending: watch::Receiver<bool>) -> Result<State, Error> {
    let network = settings.network();
    let console = Console::new(io::sink(), false);
    network.passwords().for_each(|password| console.learn_password(&password));
    let with_port = |host: &String| {
        let host = host.to_ascii_lowercase();
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
        if has_port { host } else { format!("{host}:{}", address.port()) }
    };
    let endpoint = settings.endpoint().context("The settings are not valid")?;
    Ok(State {
        http: Http::new(&network, |_| {})?,
        mcp_url: settings.mcp_url().context("The settings are not valid")?,
        port_headers: port_headers(&settings.headers)?,
        judge: Judge::new(settings.rules.clone()),
        tokens: Tokens::new(endpoint, settings.credentials(), console),
        record,
        key: settings.key.clone(),
        hosts: settings.hosts.iter().map(with_port).collect(),
        large_messages: Semaphore::new(MOST_LARGE),
        ending,
    })
}

fn port_headers(headers: &[(String, String)]) -> anyhow::Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name: HeaderName = name.parse().context("A header of the settings is not valid")?;
        map.insert(name, HeaderValue::from_str(value).context("A header of the settings is not valid")?);
    }
    Ok(map)
}

/// Takes connections. It never ends by itself.
async fn accept(listener: &TcpListener, state: &Rc<State>, connections: &mut JoinSet<()>) {
    let places = std::sync::Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = std::sync::Arc::clone(&places).acquire_owned().await else {
            return;
        };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn_local(serve(stream, Rc::clone(state), place))),
                // There are too many open files, or the agent is gone already.
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn serve(stream: TcpStream, state: Rc<State>, _place: OwnedSemaphorePermit) {
    drop(stream.set_nodelay(true));
    let service = service_fn(|request| {
        let state = Rc::clone(&state);
        async move { Ok::<_, Infallible>(answer(state, request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).max_headers(MOST_HEADERS).max_buf_size(BUFFER);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = Rc::clone(&state).end() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if served.is_err_and(|error| error.is_parse()) {
        let refusal = Refusal::NotHttp;
        let line = Line {
            event: RecordEvent::Refused,
            id: Some(state.record.number()),
            decision: Some("refused".to_owned()),
            reason: Some(refusal.name().to_owned()),
            message: Some(refusal.to_string()),
            ..Line::default()
        };
        drop(state.record.write(line));
    }
}
