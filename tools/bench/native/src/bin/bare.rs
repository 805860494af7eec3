//! The exchange with `hyper` and `rustls` and nothing around them: no checks, no retries, no proxy, no redaction, one output.
//!
//! It takes the same inputs as the action, sends the same request, masks the token and writes it as the output `access_token`.

use std::env;
use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    client_id: String,
    client_secret: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    access_token: String,
}

fn main() -> Outcome<()> {
    let token = tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(exchange())?;
    println!("::add-mask::{token}");
    let mut output = OpenOptions::new().append(true).open(env::var("GITHUB_OUTPUT")?)?;
    output.write_all(format!("access_token={token}\n").as_bytes())?;
    Ok(())
}

async fn exchange() -> Outcome<String> {
    let url: hyper::Uri = format!("{}/auth/access_token", env::var("INPUT_AUTH_BASE_URL")?).parse()?;
    let authority = url.authority().ok_or("the URL has no host")?;
    let credentials = Credentials { client_id: env::var("INPUT_CLIENT_ID")?, client_secret: env::var("INPUT_CLIENT_SECRET")? };
    let request = Request::post(url.path())
        .header("host", authority.as_str())
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .header("user-agent", "bare/1")
        .body(Full::<Bytes>::from(serde_json::to_vec(&credentials)?))?;

    let way = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(443))).await?;
    way.set_nodelay(true)?;
    let name = ServerName::try_from(authority.host().to_owned())?;
    let way = TlsConnector::from(Arc::new(tls()?)).connect(name, way).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(way)).await?;
    // Ends when the runtime does: nobody is told that the connection closes.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    if !status.is_success() {
        return Err(format!("Port answered {status}").into());
    }
    Ok(serde_json::from_slice::<Answer>(&body)?.access_token)
}

fn tls() -> Outcome<ClientConfig> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for root in CertificateDer::pem_slice_iter(env::var("INPUT_CA_BUNDLE")?.as_bytes()) {
        roots.add(root?)?;
    }
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
