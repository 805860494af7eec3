//! Prints what the registry of agents knows as JSON, for the table in the README: `cargo run --quiet --example registry`.
#![allow(clippy::print_stdout, reason = "this is what it is for")]

use std::process::ExitCode;

use port_mcp_auth::clients::{Client, Connection, REGISTRY, Token};
use port_mcp_auth::inputs::{Transport, urls};
use port_mcp_auth::secret::Secret;
use serde_json::{Value, json};

fn main() -> ExitCode {
    let Ok(url) = urls::server("https://mcp.port.io/v1") else {
        return ExitCode::FAILURE;
    };
    let secret = Secret::new("example");
    let offered = ["list_blueprints", "list_entities"].map(str::to_owned);
    let (tools, _) = offered.split_at(1);
    let connection = Connection {
        server_name: "port-prod",
        url: &url,
        token: Token::Literal(&secret),
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
    let config = client.format().write(&client.config(connection));
    json!({
        "id": client.id(),
        "format": client.format().to_string(),
        "transports": names(client.transports()),
        "token_env": names(client.variables()),
        "client_args": !client.arguments(connection, &config).is_empty(),
        "headers": client.sends_headers(),
        "tool": client.tool(connection.server_name, "list_blueprints"),
    })
}
