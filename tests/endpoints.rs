//! Promise: a workflow that is written for either page of Port's documentation works, credentials go to Port's own servers only,
//! and they are those of the right organization.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::io::{BufRead, BufReader, Write, copy};
use std::net::{TcpListener, TcpStream};
use std::thread;

use common::{Outcome, Step};
use port_sandbox::{Accepts, Fault, Options, Route, Sandbox, Wait};

/// Names of Port's hosts that lead to a sandbox: a proxy connects each of them with it.
struct Port {
    sandbox: Sandbox,
    proxy: String,
}

const MCP_URL: &str = "https://mcp.port.io/mcp/v1";

impl Port {
    fn start(accepts: Accepts) -> Self {
        let names = ["api.port.io", "mcp.port.io", "mcp.example.com"].map(str::to_owned).to_vec();
        let sandbox = Sandbox::start(Options { mcp_accepts: accepts, names, ..Options::default() });
        let url = sandbox.tls_mcp_url();
        let target = url.split('/').nth(2).unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let target = target.clone();
                thread::spawn(move || tunnel(client, &target));
            }
        });
        Self { sandbox, proxy }
    }

    /// A step as a user writes it, with the region's own address of the API.
    fn step(&self) -> Step {
        let step = Step::bare().input("client_id", port_sandbox::CLIENT_ID).input("client_secret", port_sandbox::CLIENT_SECRET);
        step.input("mcp_url", MCP_URL).input("ca_bundle", self.sandbox.ca_pem()).env("HTTPS_PROXY", &self.proxy)
    }

    fn exchanges(&self) -> (usize, usize) {
        (self.sandbox.requests_to(Route::AccessToken).len(), self.sandbox.requests_to(Route::OAuthToken).len())
    }
}

fn tunnel(client: TcpStream, target: &str) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        line.clear();
    }
    let mut client = client;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    let mut server = TcpStream::connect(target).unwrap();
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || copy(&mut from_client, &mut to_server));
    drop(copy(&mut server, &mut client));
}

fn has_tools(outcome: &Outcome) -> bool {
    outcome.output("tools").contains("list_blueprints")
}

#[test]
fn the_api_is_asked_and_nothing_else_if_the_server_takes_its_token() {
    let port = Port::start(Accepts::Api);
    let outcome = port.step().run().succeeded();
    assert!(has_tools(&outcome));
    assert_eq!(port.exchanges(), (1, 0));
    assert!(outcome.summary.contains("`https://api.port.io/v1/auth/access_token`"), "{}", outcome.summary);
    assert!(outcome.log.shown().contains("(at api.port.io)"), "{}", outcome.stdout);
}

#[test]
fn the_servers_own_endpoint_is_asked_if_it_refuses_the_token_of_the_api() {
    let port = Port::start(Accepts::OAuth);
    let outcome = port.step().run().succeeded();
    assert!(has_tools(&outcome));
    assert_eq!(port.exchanges(), (1, 1));
    let log = outcome.log.shown();
    assert!(
        log.contains("refuses the token from api.port.io with 401. Asking its own token endpoint, https://mcp.port.io/mcp/v1/token"),
        "{log}"
    );
    assert!(log.contains("(at mcp.port.io)"), "{log}");
    assert!(outcome.summary.contains("`https://mcp.port.io/mcp/v1/token`"), "{}", outcome.summary);
    let tokens = port.sandbox.issued_tokens();
    assert_eq!(tokens.len(), 2);
    assert!(tokens.iter().all(|token| outcome.log.masks().contains(token)), "both tokens are masked");
    assert_eq!(outcome.output("access_token"), tokens[1]);
    assert_eq!(outcome.log.warnings().count(), 0, "{log}");
}

#[test]
fn the_server_is_asked_only_if_the_user_leaves_the_choice_and_the_answer_is_401() {
    let port = Port::start(Accepts::OAuth);
    port.step().input("token_endpoint", "api").run().failed("mcp_refused");
    port.step().input("verify", "false").run().succeeded();
    assert_eq!(port.exchanges().1, 0);
    let port = Port::start(Accepts::Api);
    port.sandbox.set_fault_forever(Route::Mcp, Fault::status(403));
    port.step().run().failed("mcp_refused");
    assert_eq!(port.exchanges(), (1, 0));
    port.step().input("token_endpoint", "MCP").run().failed("mcp_refused");
    assert_eq!(port.exchanges(), (1, 1));
}

#[test]
fn credentials_go_to_no_server_of_somebody_else() {
    let port = Port::start(Accepts::OAuth);
    let text = port.step().input("mcp_url", "https://mcp.example.com/mcp/v1").run().failed("mcp_refused").error_text();
    assert!(text.contains("Set `token_endpoint: mcp`"), "{text}");
    assert_eq!(port.exchanges().1, 0);
    Step::against(&port.sandbox).run().failed("mcp_refused");
    assert_eq!(port.exchanges().1, 0);
}

#[test]
fn a_second_endpoint_that_fails_changes_nothing_about_the_error() {
    let port = Port::start(Accepts::OAuth);
    port.sandbox.set_fault_forever(Route::OAuthToken, Fault::answer(401, r#"{"error":"invalid_client"}"#));
    let outcome = port.step().run().failed("mcp_refused");
    let log = outcome.log.shown();
    assert!(log.contains("No token from the MCP server's own token endpoint: ") && log.contains("`invalid_client`"), "{log}");
}

#[test]
fn the_limit_of_the_second_endpoint_is_the_error_if_it_is_reached() {
    let port = Port::start(Accepts::OAuth);
    port.sandbox.set_fault_forever(Route::OAuthToken, Fault::RetryAfter { status: 429, wait: Wait::Seconds(600) });
    let outcome = port.step().run().failed("rate_limited");
    assert!(outcome.error_text().contains("50 requests in 15 minutes"), "{}", outcome.error_text());
    assert!(outcome.log.shown().contains("refuses the token from api.port.io with 401"), "{}", outcome.log.shown());
}

#[test]
fn the_organization_of_the_credentials_is_named() {
    let sandbox = Sandbox::default();
    let outcome = Step::exchange_only(&sandbox).run().succeeded();
    assert!(outcome.log.shown().contains("Port issued a token for organization `org_sandbox`: "), "{}", outcome.stdout);
    assert!(outcome.summary.contains("| Organization | `org_sandbox` |"), "{}", outcome.summary);
    Step::exchange_only(&sandbox).input("organization", "org_sandbox").run().succeeded();
}

#[test]
fn credentials_of_another_organization_are_an_error_before_the_server_is_asked() {
    let sandbox = Sandbox::default();
    let outcome = Step::against(&sandbox).input("organization", "org_other").run().failed("credentials_rejected");
    let text = outcome.error_text();
    assert!(text.contains("belong to the organization `org_sandbox`, and `organization` asks for `org_other`"), "{text}");
    assert_eq!(sandbox.requests_to(Route::Mcp).len(), 0);
    sandbox.set_fault_forever(Route::AccessToken, Fault::answer(200, r#"{"accessToken":"opaque-token-0123456789","expiresIn":10800}"#));
    let text = Step::against(&sandbox).input("organization", "org_other").run().failed("credentials_rejected").error_text();
    assert!(text.contains("The token doesn't name its organization"), "{text}");
    let text = Step::against(&sandbox).input("organization", "My Organization").run().failed("input_invalid").error_text();
    assert!(text.contains("is not the identifier of an organization"), "{text}");
}

#[test]
fn a_known_host_tells_which_region_was_asked() {
    let port = Port::start(Accepts::Api);
    let text = port.step().input("client_secret", "wrong-secret").input("auth_base_url", "https://api.port.io").run();
    let text = text.failed("credentials_rejected").error_text();
    assert!(text.contains("`api.port.io`, which belongs to region `eu`") && text.contains("log in at app.us.port.io"), "{text}");
}
