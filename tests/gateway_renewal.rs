//! Promise: a token that ends is replaced while calls go on: none fails, none is doubled, and one exchange is made for each token.
//! `GATEWAY_TOKENS=15 GATEWAY_TOKEN_SECONDS=20` makes the job as long as five minutes.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::time::Duration;

use common::gateway::{Gateway, call, settings, wait_for};
use common::number;
use jiff::Timestamp;
use port_sandbox::{Fault, McpMode, Options, Route, Sandbox, TokenKind};
use serde_json::json;

#[test]
fn calls_go_on_over_every_renewal() {
    let (count, lifetime) = (number("GATEWAY_TOKENS", 4), Duration::from_secs(number("GATEWAY_TOKEN_SECONDS", 2)));
    for (token_kind, mcp_mode) in [(TokenKind::Jwt, McpMode::Stateless), (TokenKind::Opaque, McpMode::Stateful)] {
        let options = Options { token_lifetime: lifetime, token_kind, mcp_mode, ..Options::default() };
        let sandbox = Sandbox::start(options);
        let mut gateway = Gateway::start(&settings(&sandbox));
        let session = gateway.initialize();
        let done: Vec<u64> = common::all_at_once(20, |caller| {
            let mut calls = 0;
            while (sandbox.issued_tokens().len() as u64) < count {
                let id = u64::try_from(caller).unwrap() * 1_000_000 + calls;
                let reply = gateway.post_with(&session, call(id, "list_blueprints", &json!({})).to_string().as_bytes());
                assert!(reply.answer_to(id)["result"]["content"].is_array(), "{reply:?} {}", reply.text());
                calls += 1;
            }
            calls
        });
        let calls: u64 = done.iter().sum();
        let run = sandbox.requests_to(Route::Rpc("tools/call")).into_iter().filter(|request| request.status == Some(200)).count();
        assert_eq!(u64::try_from(run).unwrap(), calls, "each call ran once");
        let tokens = sandbox.issued_tokens();
        assert_eq!(sandbox.requests_to(Route::AccessToken).len(), tokens.len(), "one exchange for each token");

        assert_eq!(gateway.stop(), Some(0));
        let renewed = gateway.events("renewed");
        assert_eq!(renewed.len(), tokens.len() - 1);
        assert!(renewed.iter().all(|line| line["ms"].is_number() && line["seconds_left"].is_u64()), "{renewed:?}");
        assert_eq!(gateway.events("call").iter().filter(|line| line["tool"].is_string()).count(), usize::try_from(calls).unwrap());
        assert!(gateway.events("answer").iter().all(|line| line["outcome"] == "ok"), "{}", gateway.text());
        let record = gateway.text();
        for part in tokens.iter().flat_map(|token| token.split('.').skip(1).chain([token.as_str()])) {
            assert!(!record.contains(part), "a token is on record");
        }
    }
}

/// Nothing but the server's word ends it: the sandbox's clock jumps, the gateway's doesn't.
#[test]
fn a_token_that_is_refused_before_its_end_is_replaced() {
    let sandbox = Sandbox::start(Options { mcp_mode: McpMode::Stateless, ..Options::default() });
    let gateway = Gateway::start(&settings(&sandbox));
    let session = gateway.initialize();
    sandbox.advance(Duration::from_hours(4));
    let replies = common::all_at_once(20, |_| gateway.post_with(&session, call(1, "list_blueprints", &json!({})).to_string().as_bytes()));
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.answer_to(1)["result"].is_object()));
    assert_eq!(sandbox.requests_to(Route::AccessToken).len(), 2);
}

/// A new token is refused too: the call fails, with the reason, and Port is not asked in a storm.
#[test]
fn a_server_that_refuses_every_token_is_named() {
    let sandbox = Sandbox::start(Options { mcp_accepts: port_sandbox::Accepts::OAuth, ..Options::default() });
    let gateway = Gateway::start(&settings(&sandbox));
    let replies = common::all_at_once(20, |_| gateway.post(&call(1, "list_blueprints", &json!({}))));
    for reply in replies {
        assert_eq!(reply.status, 200, "no 401 reaches the agent, whose client would start OAuth: {reply:?}");
        let message = reply.answer_to(1)["error"]["message"].to_string();
        assert!(message.contains("refuses"), "{message}");
    }
    assert!(sandbox.requests_to(Route::AccessToken).len() <= 7, "{}", sandbox.requests_to(Route::AccessToken).len());
    let renewed: Vec<Timestamp> = gateway.events("renewed").iter().map(|line| line["time"].as_str().unwrap().parse().unwrap()).collect();
    let pauses = renewed.windows(2).map(|pair| pair[1].duration_since(pair[0]));
    assert!(renewed.len() > 2 && pauses.clone().all(|pause| pause.as_millis() > 500), "{:?}", pauses.collect::<Vec<_>>());
}

#[test]
fn credentials_that_are_taken_back_are_named_and_given_again_they_work() {
    let sandbox = Sandbox::start(Options { mcp_mode: McpMode::Stateless, ..Options::default() });
    let gateway = Gateway::start(&settings(&sandbox));
    sandbox.advance(Duration::from_hours(4));
    sandbox.set_faults(
        Route::AccessToken,
        [Fault::answer(401, r#"{"ok":false,"error":"unauthorized","message":"Invalid client id or secret"}"#)],
    );
    let reply = gateway.post(&call(1, "list_blueprints", &json!({})));
    let message = reply.answer_to(1)["error"]["message"].to_string();
    assert!(message.contains("no token") && message.contains("rejected"), "{message}");
    let failed = wait_for("the record", || gateway.events("renewal_failed").pop());
    assert!(failed["ms"].is_number() && failed["message"].to_string().contains("rejected"), "{failed}");
    assert!(gateway.post(&call(2, "list_blueprints", &json!({}))).answer_to(2)["result"].is_object());
}

/// The step hands over the token that it has: nothing is exchanged until that ends.
#[test]
fn a_token_in_hand_is_used_first() {
    let sandbox = Sandbox::start(Options { mcp_mode: McpMode::Stateless, ..Options::default() });
    let first = Gateway::start(&settings(&sandbox));
    let token = sandbox.issued_tokens()[0].clone();
    drop(first);
    let mut given = settings(&sandbox);
    given["token"] = json!({"token": token, "seconds_left": 600});
    let gateway = Gateway::start(&given);
    assert!(gateway.post(&call(1, "list_blueprints", &json!({}))).answer_to(1)["result"].is_object());
    assert_eq!(sandbox.requests_to(Route::AccessToken).len(), 1);
}

#[test]
fn a_token_in_hand_that_has_ended_is_not_sent() {
    let sandbox = Sandbox::start(Options { mcp_mode: McpMode::Stateless, ..Options::default() });
    let mut given = settings(&sandbox);
    given["token"] = json!({"token": "a-token-that-has-ended", "seconds_left": 0});
    let gateway = Gateway::start(&given);
    assert!(gateway.post(&call(1, "list_blueprints", &json!({}))).answer_to(1)["result"].is_object());
    assert_eq!(sandbox.requests_to(Route::Mcp).len(), 1);
}
