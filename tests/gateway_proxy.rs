//! Promise: what is allowed goes through the gateway as if it were not there, in both eras of the protocol.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::gateway::{Gateway, KEY, call, request, settings};
use port_sandbox::{McpMode, Options, Route, Sandbox};
use serde_json::json;

fn tools(answer: &serde_json::Value) -> Vec<String> {
    answer["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

/// With sessions and event streams, and without both.
#[test]
fn a_conversation_goes_through_in_both_kinds_of_answers() {
    for mcp_mode in [McpMode::Stateful, McpMode::Stateless] {
        let sandbox = Sandbox::start(Options { mcp_mode, ..Options::default() });
        let mut gateway = Gateway::start(&settings(&sandbox));
        let session = gateway.initialize();
        assert_eq!(session.contains("Mcp-Session-Id"), mcp_mode == McpMode::Stateful);
        let list = gateway.post_with(&session, request(1, "tools/list", &json!({})).to_string().as_bytes());
        assert_eq!(tools(&list.answer_to(1)), ["list_blueprints", "list_entities"], "{mcp_mode:?}");
        let called = gateway.post_with(&session, call(2, "list_blueprints", &json!({})).to_string().as_bytes());
        assert!(called.answer_to(2)["result"]["content"][0]["text"].as_str().unwrap().contains("service"), "{called:?}");

        for request in sandbox.requests_to(Route::Mcp) {
            assert!(!request.headers.iter().any(|(_, value)| value.contains(KEY)), "{request:?}");
            assert_eq!(request.header("x-read-only-mode"), Some("1"));
        }
        assert_eq!(gateway.stop(), Some(0));
        let end = gateway.events("end");
        assert_eq!((end[0]["reason"].as_str(), end[0]["calls"].as_u64(), end[0]["refused"].as_u64()), (Some("stopped"), Some(1), Some(0)));
        assert_eq!(gateway.events("call").len(), gateway.events("answer").len());
        for token in sandbox.issued_tokens() {
            assert!(!gateway.text().contains(&token));
        }
    }
}
