//! What the tests share: a runtime, an HTTP client and an MCP client.

use std::{sync::Arc, time::Duration};

use port_sandbox::{CLIENT_ID, CLIENT_SECRET, Sandbox};
use reqwest::{
    Client, ClientBuilder, Response,
    header::{HeaderName, HeaderValue},
};
use rmcp::{
    RoleClient, ServiceExt,
    model::{CallToolRequestParams, CallToolResult, Tool},
    service::{RunningService, ServiceError},
    transport::{StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::{Value, json};

/// Runs a test's asynchronous part.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A client that trusts the sandbox's CA, follows nothing and gives up at last.
pub fn client(sandbox: &Sandbox) -> Client {
    builder(sandbox).build().unwrap()
}

/// The same, unfinished.
pub fn builder(sandbox: &Sandbox) -> ClientBuilder {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(sandbox.ca_pem().as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder().tls_backend_preconfigured(tls).no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(20))
}

pub fn credentials() -> Value {
    json!({"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET})
}

/// Asks the auth API for a token.
pub async fn exchange(client: &Client, base: &str, body: &Value) -> reqwest::Result<Response> {
    let url = format!("{base}/auth/access_token");
    client.post(url).json(body).send().await
}

/// The same with the right credential, and only the answer's JSON.
pub async fn answer(sandbox: &Sandbox) -> Value {
    let client = client(sandbox);
    let response = exchange(&client, &sandbox.auth_base_url(), &credentials()).await;
    response.unwrap().json().await.unwrap()
}

/// The token alone.
pub async fn token(sandbox: &Sandbox) -> String {
    let answer = answer(sandbox).await;
    answer["accessToken"].as_str().unwrap().to_owned()
}

/// Asks the OAuth endpoint.
pub async fn oauth(sandbox: &Sandbox, form: &str) -> Response {
    let request = client(sandbox).post(format!("{}/token", sandbox.mcp_url())).header("content-type", "application/x-www-form-urlencoded");
    request.body(form.to_owned()).send().await.unwrap()
}

pub type Mcp = RunningService<RoleClient, ()>;

/// Opens an MCP connection with these headers.
pub async fn connect(sandbox: &Sandbox, headers: &[(&'static str, &'static str)]) -> Mcp {
    let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let config = StreamableHttpClientTransportConfig::with_uri(sandbox.mcp_url())
        .auth_header(token(sandbox).await)
        .custom_headers(headers.collect());
    let transport = StreamableHttpClientTransport::with_client(client(sandbox), config);
    ().serve(transport).await.unwrap()
}

/// The names of all tools.
pub async fn names(mcp: &Mcp) -> Vec<String> {
    let tools = mcp.list_all_tools().await.unwrap();
    tools.iter().map(|tool| tool.name.to_string()).collect()
}

/// The tool with this name.
pub async fn tool(mcp: &Mcp, name: &str) -> Tool {
    let tools = mcp.list_all_tools().await.unwrap();
    tools.into_iter().find(|tool| tool.name == name).unwrap()
}

/// Calls a tool.
pub async fn call(mcp: &Mcp, name: &str, args: Value) -> Result<CallToolResult, ServiceError> {
    let args = args.as_object().unwrap().clone();
    let request = CallToolRequestParams::new(name.to_owned()).with_arguments(args);
    mcp.call_tool(request).await
}

/// The JSON in a tool's text.
pub fn json_of(result: &CallToolResult) -> Value {
    let text = result.content.first().unwrap().as_text().unwrap();
    serde_json::from_str(&text.text).unwrap()
}
