//! What a proxy says to a refused `CONNECT`.

use std::time::Duration;

use http::StatusCode;
use hyper_util::client::proxy::matcher::Intercept;
use reqwest::Url;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the proxy has for its answer.
const LIMIT: Duration = Duration::from_secs(5);

/// The longest first line that is read, in bytes.
const LONGEST_LINE: u64 = 512;

/// What a proxy answers to `CONNECT`.
pub struct ConnectAnswer {
    /// Its status.
    pub status: StatusCode,
    /// The status with the words that follow it.
    pub line: String,
}

/// Asks the proxy once more: `reqwest` doesn't tell the status that it got. `None` if the answer is not HTTP, or there is none, or
/// the proxy speaks TLS.
pub async fn ask(proxy: &Intercept, target: &Url) -> Option<ConnectAnswer> {
    if proxy.uri().scheme_str() != Some("http") {
        return None;
    }
    let line = timeout(LIMIT, first_line(proxy, target)).await.ok()??;
    let line = line.trim().split_once(' ').filter(|(version, _)| version.starts_with("HTTP/1."))?.1.trim();
    let status = line.split(' ').next()?.parse().ok()?;
    Some(ConnectAnswer { status, line: line.to_owned() })
}

async fn first_line(proxy: &Intercept, target: &Url) -> Option<String> {
    let host = proxy.uri().host()?.trim_matches(['[', ']']);
    let mut stream = TcpStream::connect((host, proxy.uri().port_u16().unwrap_or(80))).await.ok()?;
    let authority = format!("{}:{}", target.host_str()?, target.port_or_known_default()?);
    let mut head = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
    if let Some(credentials) = proxy.basic_auth() {
        head.extend_from_slice(b"Proxy-Authorization: ");
        head.extend_from_slice(credentials.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    stream.write_all(&head).await.ok()?;
    let mut line = Vec::new();
    BufReader::new(stream).take(LONGEST_LINE).read_until(b'\n', &mut line).await.ok()?;
    Some(String::from_utf8_lossy(&line).into_owned())
}
