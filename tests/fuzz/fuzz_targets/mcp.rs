//! The MCP server's answers, through the whole preflight: over TCP, HTTP, the stream of events, to a verdict.
#![no_main]

#[path = "../http.rs"]
mod http;
#[path = "../output.rs"]
mod output;

use std::net::Ipv4Addr;
use std::time::Duration;

use arbitrary::Arbitrary;
use http::read_request;
use libfuzzer_sys::fuzz_target;
use output::Output;
use port_mcp_auth::testing::clients::{ClaudeCode, Client};
use port_mcp_auth::testing::mcp::{Policy, Preflight, Selection, Server};
use port_mcp_auth::testing::net::{Budget, Http, Network};
use port_mcp_auth::testing::port::TokenEndpoint;
use port_mcp_auth::testing::redact::Secret;
use port_mcp_auth::testing::report::{Failure, report_failure, warn_if_not_verified, warn_of_listing};
use port_mcp_auth::testing::runner::{Console, Environment};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

const TOKEN: &str = "t0k3n-Value-0123456789";
const POLICY: Policy = Policy { read_only: false, execute: true };

/// What the server says to one kind of message.
#[derive(Arbitrary, Debug)]
enum Said<'a> {
    /// What a proper server says.
    Properly { as_event: bool },
    /// Any body, as JSON or as events.
    Body { as_event: bool, status: u8, body: &'a [u8] },
    /// A proper envelope around any result.
    Result { as_event: bool, result: &'a str },
    /// Any bytes at all.
    Bytes(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    initialize: Said<'a>,
    list: Vec<Said<'a>>,
    discover: Option<Said<'a>>,
}

const INITIALIZE: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"port","version":"1"}}"#;
const DISCOVER: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}"#;
const LIST: &str = r#"{"tools":[{"name":"list_blueprints","inputSchema":{"type":"object"}}]}"#;

fn framed(status: u16, as_event: bool, body: &[u8]) -> Vec<u8> {
    let kind = if as_event { "text/event-stream" } else { "application/json" };
    let mut bytes = format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn enveloped(id: &str, result: &str, as_event: bool) -> Vec<u8> {
    let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
    let body = if as_event { format!("data: {message}\n\n") } else { message };
    framed(200, as_event, body.as_bytes())
}

impl Said<'_> {
    fn bytes(&self, id: &str, proper: &str) -> Vec<u8> {
        match self {
            Self::Properly { as_event } => enveloped(id, proper, *as_event),
            // Only what is not asked again, which would cost a pause.
            Self::Body { as_event, status, body } => framed([200, 200, 400, 401, 404][usize::from(status % 5)], *as_event, body),
            Self::Result { as_event, result } => enveloped(id, result, *as_event),
            Self::Bytes(bytes) => bytes.to_vec(),
        }
    }
}

/// Serves connections one after the other, until nobody comes any more.
async fn serve(listener: TcpListener, input: &Input<'_>) {
    let mut lists = input.list.iter();
    while let Ok((mut stream, _)) = listener.accept().await {
        while let Ok((_, request)) = read_request(&mut stream).await {
            let id = request.split_once("\"id\":").and_then(|(_, rest)| rest.split([',', '}']).next()).unwrap_or("0").to_owned();
            let bytes = if request.contains("\"initialize\"") {
                input.initialize.bytes(&id, INITIALIZE)
            } else if request.contains("\"server/discover\"") {
                // What no server of the older revisions knows.
                input.discover.as_ref().map_or_else(|| framed(404, false, b""), |said| said.bytes(&id, DISCOVER))
            } else if request.contains("\"tools/list\"") {
                match lists.next() {
                    Some(said) => said.bytes(&id, LIST),
                    None => enveloped(&id, LIST, false),
                }
            } else {
                framed(202, false, b"")
            };
            let is_raw = bytes.len() < 12 || !bytes.starts_with(b"HTTP/1.1 2");
            if stream.write_all(&bytes).await.is_err() || is_raw {
                break;
            }
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let output = Output::default();
    let console = Console::new(output.clone(), false);
    let token = Secret::new(TOKEN);
    console.mask(&token, []).unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap()).parse().unwrap();
        let http = Http::new(&Network::default(), |_| {}).unwrap();
        let server = Server { url: &url, token_from: TokenEndpoint::Api };
        // Shorter than the first pause before another attempt, mostly.
        let budget = Budget::start(Duration::from_millis(40));
        let preflight = Preflight {
            server,
            token: &token,
            headers: &[],
            reader: ClaudeCode.answer_reader(),
            http: &http,
            budget: &budget,
            console: &console,
            on_retry: &|_, _| {},
        };
        let listing = tokio::select! {
            listing = preflight.list_tools() => listing,
            () = serve(listener, &input) => unreachable!("a listener goes on"),
        };
        let toolset = listing.and_then(|listing| {
            warn_of_listing(&listing, POLICY, &console);
            listing.choose(&Selection::default(), POLICY)
        });
        match toolset {
            Ok(toolset) => {
                for name in &toolset.allowed {
                    console.info(&format!("tool {name}"));
                }
                warn_if_not_verified(&toolset, &console);
            }
            Err(error) => report_failure(&Failure::from(error), &Environment::default(), &console, None, false),
        }
    });
    let text = output.text();
    let shown: Vec<_> = text.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    assert!(!shown.iter().any(|line| line.contains(TOKEN)), "{text}");
    assert!(!text.contains("##["), "{text}");
    let commands = shown.iter().filter(|line| line.trim_start().starts_with("::"));
    for command in commands {
        assert!(command.starts_with("::error title=") || command.starts_with("::warning title="), "{text}");
    }
});
