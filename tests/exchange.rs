//! Promise: credentials in, a masked token and a working config out, from both endpoints.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::time::Duration;

use common::Step;
use port_sandbox::{CLIENT_ID, CLIENT_SECRET, Options, Route, Sandbox, Stated, TokenKind};
use serde_json::json;

#[test]
fn all_outputs_are_written_and_agree_with_each_other() {
    let sandbox = Sandbox::default();
    let outcome = Step::against(&sandbox).run().succeeded();
    let token = sandbox.issued_tokens().remove(0);

    let names: Vec<_> = outcome.outputs().into_keys().collect();
    assert_eq!(
        names,
        [
            "access_token",
            "allowed_tools",
            "client_args",
            "config_file",
            "expires_at",
            "expires_in",
            "headers",
            "mcp_config",
            "mcp_url",
            "port_headers",
            "server_name",
            "tools"
        ]
    );
    assert_eq!(outcome.output("access_token"), token);
    assert_eq!(outcome.output("server_name"), "port-prod");
    assert_eq!(outcome.output("mcp_url"), sandbox.mcp_url());

    let left: i64 = outcome.output("expires_in").parse().unwrap();
    assert!((10_790..=10_800).contains(&left), "{left}");
    let end: jiff::Timestamp = outcome.output("expires_at").parse().unwrap();
    let distance = end.as_second() - jiff::Timestamp::now().as_second();
    assert!((left - 10..=left).contains(&distance), "expires_at is {distance} s away, expires_in says {left}");
}

#[test]
fn the_config_is_what_claude_code_takes() {
    let sandbox = Sandbox::default();
    let outcome = Step::against(&sandbox).run().succeeded();
    let token = outcome.output("access_token");
    assert_eq!(
        outcome.config(),
        json!({"mcpServers": {"port-prod": {
            "type": "http",
            "url": sandbox.mcp_url(),
            "headers": {"Authorization": format!("Bearer {token}"), "x-read-only-mode": "1"},
        }}})
    );
    assert!(outcome.output("mcp_config").starts_with(r#"{"mcpServers":{"port-prod":{"type":"http","url":"#));
}

#[test]
fn mcp_remote_gets_the_token_in_its_environment_and_not_in_its_arguments() {
    let sandbox = Sandbox::default();
    let outcome = Step::against(&sandbox).input("transport", "mcp-remote").input("allowed_actions", "restart_service").run().succeeded();
    let server = &outcome.config()["mcpServers"]["port-prod"];
    assert_eq!(server["command"], "npx");
    assert_eq!(
        server["args"],
        json!([
            "-y",
            "mcp-remote@0.15.1",
            sandbox.mcp_url(),
            "--transport",
            "http-only",
            "--header",
            "Authorization:${PORT_MCP_AUTHORIZATION}",
            "--header",
            "x-read-only-mode:1",
            "--header",
            "x-allowed-actions-to-run:restart_service",
            "--allow-http",
        ])
    );
    assert_eq!(server["env"], json!({"PORT_MCP_AUTHORIZATION": format!("Bearer {}", outcome.output("access_token"))}));
}

#[test]
fn the_headers_narrow_what_the_agent_may_do() {
    let sandbox = Sandbox::default();
    let headers = |step: Step| step.run().succeeded().config()["mcpServers"]["port-prod"]["headers"].clone();
    let only = |headers: serde_json::Value| -> Vec<(String, String)> {
        let pairs = headers.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        pairs.filter(|(name, _)| name != "Authorization").collect()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());

    assert_eq!(only(headers(Step::against(&sandbox))), [pair("x-read-only-mode", "1")]);
    assert_eq!(only(headers(Step::against(&sandbox).input("read_only", "false"))), []);
    assert_eq!(
        only(headers(Step::against(&sandbox).input("read_only", "false").input("allowed_actions", " a, b\nc "))),
        [pair("x-allowed-actions-to-run", "a,b,c")]
    );
    assert_eq!(
        only(headers(Step::against(&sandbox).input("read_only", "false").input("allowed_actions", "none"))),
        [pair("x-allowed-actions-to-run", "")]
    );
}

#[test]
fn the_headers_for_libraries_are_those_of_the_config() {
    let sandbox = Sandbox::default();
    let step = || Step::against(&sandbox).input("allowed_actions", "restart_service,scale_up");
    // Neither the client, nor the transport, nor a variable in the config changes what a library has to send.
    let others = [
        step(),
        step().input("token_env", "PORT_TOKEN"),
        step().input("transport", "mcp-remote"),
        step().input("client", "codex"),
        Step::exchange_only(&sandbox).input("allowed_actions", "restart_service,scale_up"),
    ];
    for step in others {
        let outcome = step.run().succeeded();
        let (all, ports) = (outcome.output("headers"), outcome.output("port_headers"));
        assert!(!all.contains(['\'', '\n']) && !ports.contains(['\'', '\n']), "{all} {ports}");
        let port_headers = json!({"x-read-only-mode": "1", "x-allowed-actions-to-run": "restart_service,scale_up"});
        assert_eq!(serde_json::from_str::<serde_json::Value>(&ports).unwrap(), port_headers);
        let mut headers = port_headers;
        headers["Authorization"] = json!(format!("Bearer {}", outcome.output("access_token")));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&all).unwrap(), headers);
    }
    assert_eq!(Step::against(&sandbox).input("read_only", "false").run().succeeded().output("port_headers"), "{}");
}

#[test]
fn the_oauth_endpoint_issues_a_token_too() {
    let sandbox = Sandbox::default();
    let outcome = Step::against(&sandbox).input("token_endpoint", "mcp").run().succeeded();
    assert_eq!(sandbox.requests_to(Route::OAuthToken).len(), 1);
    assert_eq!(sandbox.requests_to(Route::AccessToken).len(), 0);
    assert_eq!(outcome.output("access_token"), sandbox.issued_tokens()[0]);
}

#[test]
fn unset_inputs_arrive_empty_and_mean_the_default() {
    let sandbox = Sandbox::default();
    let mut step = Step::against(&sandbox);
    for name in [
        "region",
        "token_endpoint",
        "server_name",
        "transport",
        "read_only",
        "allowed_actions",
        "min_validity",
        "max_wait",
        "ca_bundle",
        "timeout",
        "summary",
    ] {
        step = step.input(name, " \n");
    }
    let outcome =
        step.input("client_id", format!("  {CLIENT_ID}\n")).input("client_secret", format!("{CLIENT_SECRET}\n")).run().succeeded();
    assert_eq!(outcome.output("server_name"), "port-prod");
}

#[test]
fn a_token_that_is_no_jwt_is_fine() {
    let sandbox = Sandbox::start(Options { token_kind: TokenKind::Opaque, ..Options::default() });
    let outcome = Step::against(&sandbox).run().succeeded();
    assert_eq!(outcome.output("expires_in"), "10800");
}

#[test]
fn the_earlier_end_counts() {
    let in_an_hour = jiff::Timestamp::now().as_second() + 3600;
    for (expires_in, jwt_exp, least, most) in [
        (Stated::As(json!(1800)), Stated::Truth, 1800, 1800),
        (Stated::As(json!("1800")), Stated::Truth, 1800, 1800),
        (Stated::Truth, Stated::As(json!(in_an_hour)), 3500, 3600),
        (Stated::Absent, Stated::As(json!(in_an_hour)), 3500, 3600),
        (Stated::Truth, Stated::Absent, 10_790, 10_800),
    ] {
        let sandbox = Sandbox::start(Options { expires_in: expires_in.clone(), jwt_exp: jwt_exp.clone(), ..Options::default() });
        let left: u64 = Step::against(&sandbox).run().succeeded().output("expires_in").parse().unwrap();
        assert!((least..=most).contains(&left), "expiresIn {expires_in:?}, exp {jwt_exp:?}: {left}");
    }
}

#[test]
fn the_output_file_is_appended_to() {
    let sandbox = Sandbox::default();
    let step = Step::against(&sandbox);
    std::fs::write(step.path("output"), "earlier=kept").unwrap();
    assert_eq!(step.run().succeeded().output("earlier"), "kept");
}

#[test]
fn a_short_token_is_a_warning() {
    let sandbox = Sandbox::start(Options { leftover: Some(Duration::from_secs(500)), ..Options::default() });
    let outcome = Step::against(&sandbox).run().succeeded();
    let warnings: Vec<_> = outcome.log.warnings().collect();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].text.contains("8 min"), "{}", warnings[0].text);
}
