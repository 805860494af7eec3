//! Faults: each does what it says, to as many requests as it was set for.

use std::{error::Error as _, time::Duration};

use crate::common::{block_on, client, connect, credentials, exchange};
use data_encoding::BASE64;
use jiff::fmt::rfc2822::DateTimeParser;
use port_sandbox::{CLIENT_SECRET, Fault, Route, Sandbox, SecretForm, Wait};
use reqwest::{Error, Response};
use rmcp::service::ServiceError;
use serde_json::Value;

async fn ask(sandbox: &Sandbox) -> Result<Response, Error> {
    exchange(&client(sandbox), &sandbox.auth_base_url(), &credentials()).await
}

async fn ask_with(sandbox: &Sandbox, fault: Fault) -> Result<Response, Error> {
    sandbox.set_faults(Route::AccessToken, [fault]);
    ask(sandbox).await
}

/// Whether a connection reset is at the bottom of it.
fn is_reset(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionReset) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[test]
fn faults_come_one_per_request_or_forever() {
    let sandbox = Sandbox::default();
    sandbox.set_faults(Route::AccessToken, [Fault::status(503), Fault::None, Fault::answer(500, "no").header("x-trace-id", "t-1")]);
    block_on(async {
        assert_eq!(ask(&sandbox).await.unwrap().status(), 503);
        assert_eq!(ask(&sandbox).await.unwrap().status(), 200);
        let last = ask(&sandbox).await.unwrap();
        assert_eq!(last.headers()["x-trace-id"], "t-1");
        assert_eq!(last.text().await.unwrap(), "no");
        assert_eq!(ask(&sandbox).await.unwrap().status(), 200);
        sandbox.set_fault_forever(Route::AccessToken, Fault::status(502));
        for _ in 0..3 {
            assert_eq!(ask(&sandbox).await.unwrap().status(), 502);
        }
        sandbox.set_faults(Route::AccessToken, []);
        assert_eq!(ask(&sandbox).await.unwrap().status(), 200);
    });
    let statuses: Vec<_> = sandbox.requests().iter().filter_map(|r| r.status).collect();
    assert_eq!(statuses, [503, 200, 500, 200, 502, 502, 502, 200]);
}

#[test]
fn resets_are_resets() {
    let sandbox = Sandbox::default();
    block_on(async {
        assert!(is_reset(&ask_with(&sandbox, Fault::Reset).await.unwrap_err()));
        assert_eq!(sandbox.requests()[0].status, None);
        let response = ask_with(&sandbox, Fault::ResetMidBody).await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(is_reset(&response.bytes().await.unwrap_err()));
        let client = client(&sandbox);
        for fault in [Fault::Reset, Fault::ResetMidBody] {
            sandbox.set_faults(Route::AccessToken, [fault]);
            let base = sandbox.tls_auth_base_url();
            let broken = match exchange(&client, &base, &credentials()).await {
                Ok(response) => response.bytes().await.unwrap_err(),
                Err(error) => error,
            };
            assert!(is_reset(&broken));
        }
    });
}

#[test]
fn hanging_ends_with_the_callers_patience() {
    let sandbox = Sandbox::default();
    let patience = Duration::from_millis(100);
    block_on(async {
        let asked = ask_with(&sandbox, Fault::Hang);
        tokio::pin!(asked);
        // Patience starts when the request is there.
        while sandbox.requests().is_empty() {
            let _ = tokio::time::timeout(Duration::from_millis(5), &mut asked).await;
        }
        assert!(tokio::time::timeout(patience, asked).await.is_err());
        let answer = ask_with(&sandbox, Fault::HangMidBody).await.unwrap();
        assert!(tokio::time::timeout(patience, answer.bytes()).await.is_err());
    });
    let statuses: Vec<_> = sandbox.requests().iter().map(|r| r.status).collect();
    assert_eq!(statuses, [None, Some(200)]);
}

#[test]
fn delays_delay() {
    let sandbox = Sandbox::default();
    let start = std::time::Instant::now();
    let response = block_on(ask_with(&sandbox, Fault::Delay(Duration::from_millis(120))));
    assert_eq!(response.unwrap().status(), 200);
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[test]
fn bodies_can_be_short_long_endless_or_anything() {
    let sandbox = Sandbox::default();
    block_on(async {
        let short = ask_with(&sandbox, Fault::Truncated).await.unwrap();
        assert_eq!(short.headers()["content-length"], "4096");
        assert!(short.bytes().await.is_err());
        let long = ask_with(&sandbox, Fault::Huge(2 << 20)).await.unwrap();
        assert_eq!(long.bytes().await.unwrap().len(), 2 << 20);
        let mut endless = ask_with(&sandbox, Fault::Endless).await.unwrap();
        assert_eq!(endless.headers()["transfer-encoding"], "chunked");
        let mut read = 0;
        while read < 3 << 20 {
            read += endless.chunk().await.unwrap().unwrap().len();
        }
        let any = Fault::Body { content_type: "text/html".to_owned(), body: b"<html>".to_vec() };
        let any = ask_with(&sandbox, any).await.unwrap();
        assert_eq!(any.headers()["content-type"], "text/html");
        assert_eq!(any.text().await.unwrap(), "<html>");
    });
}

#[test]
fn redirects_and_waits_are_headers() {
    let sandbox = Sandbox::default();
    block_on(async {
        let redirect = Fault::Redirect { status: 307, location: "https://elsewhere.invalid/".to_owned() };
        let redirect = ask_with(&sandbox, redirect).await.unwrap();
        assert_eq!(redirect.headers()["location"], "https://elsewhere.invalid/");
        let wait = async |wait| {
            let fault = Fault::RetryAfter { status: 429, wait };
            let response = ask_with(&sandbox, fault).await.unwrap();
            assert_eq!(response.status(), 429);
            response.headers()["retry-after"].to_str().unwrap().to_owned()
        };
        assert_eq!(wait(Wait::Seconds(7)).await, "7");
        assert_eq!(wait(Wait::Text("soon".to_owned())).await, "soon");
        let date = wait(Wait::Date(Duration::from_mins(1))).await;
        let date = DateTimeParser::new().parse_timestamp(&date).unwrap();
        let ahead = date.duration_since(jiff::Timestamp::now()).as_secs();
        assert!((50..=60).contains(&ahead));
    });
}

#[test]
fn hostile_text_arrives_as_it_is() {
    let sandbox = Sandbox::default();
    let text = "\n::error::x\r##[error]y\u{1b}[31m";
    let fault = Fault::Hostile { status: 401, text: text.to_owned() };
    block_on(async {
        let response = ask_with(&sandbox, fault).await.unwrap();
        assert_eq!(response.headers()["x-trace-id"], "::error::x##[error]y[31m");
        let body: Value = response.json().await.unwrap();
        assert_eq!((&body["error"], &body["message"]), (&text.into(), &text.into()));
    });
}

#[test]
fn secrets_are_echoed_in_every_form() {
    let sandbox = Sandbox::default();
    let echo = || Fault::EchoSecret { status: 401, forms: SecretForm::ALL.to_vec() };
    block_on(async {
        let response = ask_with(&sandbox, echo()).await.unwrap();
        assert_eq!(response.headers()["x-trace-id"], CLIENT_SECRET);
        let body: Value = response.json().await.unwrap();
        let message = body["message"].as_str().unwrap();
        for form in SecretForm::ALL {
            assert!(message.contains(&form.of(CLIENT_SECRET)), "{form:?}");
        }
        assert!(message.contains(&BASE64.encode(CLIENT_SECRET.as_bytes())));

        sandbox.set_faults(Route::OAuthToken, [echo()]);
        let response = crate::common::oauth(&sandbox, "client_secret=form%2Bsecret").await;
        assert_eq!(response.headers()["x-trace-id"], "form+secret");
        sandbox.set_faults(Route::Mcp, [echo()]);
        let request = client(&sandbox).post(sandbox.mcp_url()).bearer_auth("a-token");
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["x-trace-id"], "a-token");
    });
}

#[test]
fn connections_are_kept_unless_closed() {
    let sandbox = Sandbox::default();
    let client = client(&sandbox);
    let ask = async || {
        let base = sandbox.auth_base_url();
        let response = exchange(&client, &base, &credentials()).await.unwrap();
        let close = response.headers().contains_key("connection");
        response.bytes().await.unwrap();
        close
    };
    block_on(async {
        assert!(!ask().await);
        sandbox.set_faults(Route::AccessToken, [Fault::ConnectionClose]);
        assert!(ask().await);
        sandbox.set_faults(Route::AccessToken, [Fault::CloseEarly(503)]);
        assert!(ask().await);
        assert!(!ask().await);
    });
    let requests = sandbox.requests();
    let connections: Vec<_> = requests.iter().map(|r| r.connection).collect();
    assert_eq!(connections, [0, 0, 1, 2]);
    let statuses: Vec<_> = requests.iter().filter_map(|r| r.status).collect();
    assert_eq!(statuses, [200, 200, 503, 200]);
    assert!(requests[2].body.is_empty());
}

#[test]
fn mcp_faults_can_wait_for_a_method() {
    let sandbox = Sandbox::default();
    let error = Fault::RpcError { code: -32_000, message: "not today".to_owned() };
    sandbox.set_faults(Route::Rpc("tools/list"), [error]);
    block_on(async {
        let mcp = connect(&sandbox, &[]).await;
        let error = mcp.list_all_tools().await.unwrap_err();
        assert!(matches!(error, ServiceError::McpError(error) if error.message == "not today"));
        assert!(!mcp.list_all_tools().await.unwrap().is_empty());
        mcp.cancel().await.unwrap();
    });
}
