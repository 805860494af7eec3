//! Prints what the registry of agents knows as JSON, for the table in docs/agents.md: `cargo run --quiet --example registry`.
#![allow(clippy::print_stdout, reason = "this is what it is for")]

use std::process::ExitCode;

use port_mcp_auth::testing::clients::{Client, Connection, REGISTRY, TokenValue, Transport};
use port_mcp_auth::testing::config::write;
use port_mcp_auth::testing::mcp::ServerUrl;
use port_mcp_auth::testing::redact::Secret;
use serde_json::{Value, json};

fn main() -> ExitCode {
    let Ok(url) = ServerUrl::parse("https://mcp.port.io/v1") else {
        return ExitCode::FAILURE;
    };
    let secret = Secret::new("example");
    let offered = ["list_blueprints", "list_entities"].map(str::to_owned);
    let (tools, _) = offered.split_at(1);
    let connection = Connection {
        server_name: "port-prod",
        url: &url,
        token: TokenValue::Literal(&secret),
        headers: Vec::new(),
        transport: Transport::Http,
        tools,
        offered: &offered,
        proxied: false,
    };
    let rows: Vec<_> = REGISTRY.iter().map(|client| row(*client, &connection)).collect();
    println!("{:#}", Value::from(rows));
    ExitCode::SUCCESS
}

fn row(client: &dyn Client, connection: &Connection<'_>) -> Value {
    let names = |transports: &[Transport]| transports.iter().map(ToString::to_string).collect::<Vec<_>>();
    let config = write(client.format(), &client.config(connection));
    json!({
        "id": client.id(),
        "format": client.format().to_string(),
        "transports": names(client.transports()),
        "token_env": names(client.token_env_transports()),
        "client_args": !client.cli_flags(connection, &config).is_empty(),
        "headers": client.sends_headers(),
        "tool": client.tool_name(connection.server_name, "list_blueprints"),
    })
}
