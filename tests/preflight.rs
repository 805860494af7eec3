//! Promise: the MCP connection is opened with the new token before it is handed on. What is certain to hit the agent too fails the
//! step; whatever can't be judged from here is a warning.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::collections::BTreeSet;
use std::io::{Read, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use common::scenarios::{HOSTILE, dead_address};
use common::{Outcome, Step};
use port_sandbox::{Accepts, Certificate, Fault, McpMode, Options, Recorded, Route, Sandbox};
use serde_json::{Value, json};

/// How many of the sandbox's tools read.
const READ_TOOLS: usize = 23;

/// How many run something.
const RUN_TOOLS: usize = 2;

fn sandbox(options: impl FnOnce(&mut Options)) -> Sandbox {
    let mut chosen = Options::default();
    options(&mut chosen);
    Sandbox::start(chosen)
}

/// The MCP requests after the first, with which Claude Code asks for `server/discover`. The last one's answer is not awaited for
/// long, so the step may be over before the sandbox reads it.
fn mcp_requests(sandbox: &Sandbox, least: usize) -> Vec<Recorded> {
    let patience = Instant::now() + Duration::from_secs(10);
    loop {
        let requests: Vec<_> = sandbox.requests_to(Route::Mcp).into_iter().skip(1).collect();
        if requests.len() >= least || Instant::now() > patience {
            return requests;
        }
        thread::yield_now();
    }
}

fn lines(requests: &[Recorded]) -> Vec<String> {
    requests.iter().map(|request| format!("{} {}", request.method, request.rpc_method.as_deref().unwrap_or("-"))).collect()
}

fn tools(outcome: &Outcome) -> Vec<String> {
    serde_json::from_str(&outcome.output("tools")).unwrap()
}

/// Asserts a success in spite of a server that can't be judged from here, and hands on the warning.
fn unverified(outcome: Outcome) -> String {
    let outcome = outcome.succeeded();
    assert_eq!(outcome.output("tools"), "[]");
    assert_eq!(outcome.output("allowed_tools"), "");
    assert!(!outcome.output("client_args").contains("--allowedTools"));
    let warnings: Vec<_> = outcome.log.warnings().collect();
    assert_eq!(warnings.len(), 1, "{}", outcome.stdout);
    assert_eq!(warnings[0].title, "The MCP connection is not verified");
    assert!(warnings[0].text.contains("without Port's tools"), "{}", warnings[0].text);
    warnings[0].text.clone()
}

#[test]
fn the_connection_is_opened_as_the_agent_will_open_it() {
    let sandbox = Sandbox::default();
    let outcome = Step::against(&sandbox).input("allowed_actions", "restart_service,create_service").run().succeeded();
    let requests = mcp_requests(&sandbox, 4);
    assert_eq!(lines(&requests), ["POST initialize", "POST notifications/initialized", "POST tools/list", "DELETE -"]);
    let bearer = format!("Bearer {}", outcome.output("access_token"));
    for request in &requests {
        assert_eq!(request.header("authorization"), Some(bearer.as_str()));
        assert_eq!(request.header("x-read-only-mode"), Some("1"));
        assert_eq!(request.header("x-allowed-actions-to-run"), Some("restart_service,create_service"));
    }
    let session = requests[1].header("mcp-session-id").expect("the sandbox opens a session");
    assert!(requests[1..].iter().all(|request| request.header("mcp-session-id") == Some(session)));
    assert_eq!(requests[2].header("mcp-protocol-version"), Some("2025-11-25"));
    assert_eq!(tools(&outcome), requests[2].tools.clone().unwrap());
}

#[test]
fn one_connection_serves_all_requests() {
    for mode in [McpMode::Stateful, McpMode::Stateless] {
        let sandbox = sandbox(|options| options.mcp_mode = mode);
        Step::against_tls(&sandbox).run().succeeded();
        mcp_requests(&sandbox, if mode == McpMode::Stateful { 4 } else { 3 });
        let connections: Vec<_> = sandbox.requests().iter().map(|request| request.connection).collect();
        assert!(connections.iter().all(|connection| *connection == connections[0]), "{mode:?}: {connections:?}");
    }
}

#[test]
fn the_connection_is_opened_while_the_token_is_fetched_and_nothing_is_sent_on_it() {
    let sandbox = Sandbox::default();
    sandbox.set_fault_forever(Route::AccessToken, Fault::Hang);
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", server.local_addr().unwrap());
    Step::against(&sandbox).input("mcp_url", &url).input("timeout", "1s").run().failed("timeout");
    server.set_nonblocking(true).unwrap();
    let mut received = Vec::new();
    server.accept().unwrap().0.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"");
    assert!(server.accept().is_err(), "one connection is enough");
    Step::exchange_only(&sandbox).input("mcp_url", &url).input("timeout", "1s").run().failed("timeout");
    assert!(server.accept().is_err(), "without `verify` the server is left alone");
}

#[test]
fn the_early_connection_is_the_one_that_is_used() {
    let sandbox = Sandbox::default();
    let step = Step::against_tls(&sandbox).input("auth_base_url", sandbox.auth_base_url());
    assert_eq!(tools(&step.run().succeeded()).len(), READ_TOOLS + RUN_TOOLS);
    mcp_requests(&sandbox, 4);
    let connections: BTreeSet<_> = sandbox.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, BTreeSet::from([0, 1]));
}

#[test]
fn an_early_connection_that_the_server_gave_up_is_replaced() {
    let sandbox = Sandbox::default();
    let gate = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp/v1", gate.local_addr().unwrap());
    let target = ("127.0.0.1", sandbox.port());
    thread::scope(|scope| {
        scope.spawn(|| {
            drop(gate.accept().unwrap());
            let (mut inner, mut outer) = (TcpStream::connect(target).unwrap(), gate.accept().unwrap().0);
            let (mut inner_too, mut outer_too) = (inner.try_clone().unwrap(), outer.try_clone().unwrap());
            let back = thread::spawn(move || copy(&mut inner_too, &mut outer_too));
            drop(copy(&mut outer, &mut inner));
            inner.shutdown(Shutdown::Both).unwrap();
            drop(back.join());
        });
        let outcome = Step::against(&sandbox).input("mcp_url", &url).run().succeeded();
        assert_eq!(tools(&outcome).len(), READ_TOOLS + RUN_TOOLS);
        assert_eq!(outcome.log.warnings().count(), 0, "{}", outcome.stdout);
    });
}

#[test]
fn a_server_without_sessions_is_fine() {
    let sandbox = sandbox(|options| options.mcp_mode = McpMode::Stateless);
    let outcome = Step::against(&sandbox).run().succeeded();
    assert_eq!(lines(&mcp_requests(&sandbox, 3)), ["POST initialize", "POST notifications/initialized", "POST tools/list"]);
    assert_eq!(tools(&outcome).len(), READ_TOOLS + RUN_TOOLS);
    assert!(outcome.log.shown().contains("\n25 tools offered, 23 allowed.\n"), "{}", outcome.stdout);
}

/// Most clients begin with `initialize`; Claude Code begins with `server/discover`, as `tests/agents/shapes` shows.
#[test]
fn the_conversation_begins_as_the_agent_begins_it() {
    let methods = |sandbox: &Sandbox| -> Vec<_> {
        let requests = sandbox.requests_to(Route::Mcp).into_iter().filter(|request| request.method == "POST");
        requests.filter_map(|request| request.rpc_method).collect()
    };
    let of_old = ["initialize", "notifications/initialized", "tools/list"];
    for (client, mode, expected) in [
        ("claude-code", McpMode::Newest, vec!["server/discover", "tools/list"]),
        ("claude-agent-sdk", McpMode::Newest, vec!["server/discover", "tools/list"]),
        ("vscode", McpMode::Newest, of_old.to_vec()),
        ("claude-code", McpMode::Stateful, [&["server/discover"], &of_old[..]].concat()),
        ("claude-code", McpMode::Stateless, [&["server/discover"], &of_old[..]].concat()),
        ("vscode", McpMode::Stateful, of_old.to_vec()),
    ] {
        let sandbox = sandbox(|options| options.mcp_mode = mode);
        let outcome = Step::against(&sandbox).input("client", client).run().succeeded();
        assert_eq!(tools(&outcome).len(), READ_TOOLS + RUN_TOOLS);
        assert_eq!(methods(&sandbox), expected, "{client} {mode:?}");
    }
}

#[test]
fn whatever_discover_gets_claude_code_goes_on_with_initialize() {
    for fault in [401, 403, 404, 405, 407, 422, 429, 500, 503, 202].map(Fault::status).into_iter().chain([
        Fault::RpcError { code: -32603, message: "no".to_owned() },
        Fault::answer(200, "<html>").header("content-type", "text/html"),
        Fault::json(&json!({"jsonrpc": "2.0", "id": 0, "result": {}})),
        Fault::json(&json!({"jsonrpc": "2.0", "id": 0, "result": {"supportedVersions": ["2099-01-01"], "capabilities": {"tools": {}}}})),
        Fault::json(&json!({"jsonrpc": "2.0", "id": 0, "result": {"supportedVersions": ["2026-07-28"], "capabilities": null}})),
        Fault::Reset,
        Fault::ResetMidBody,
        Fault::Hang,
    ]) {
        let sandbox = Sandbox::default();
        sandbox.set_fault_forever(Route::Rpc("server/discover"), fault.clone());
        let outcome = Step::against(&sandbox).run().succeeded();
        assert_eq!(tools(&outcome).len(), READ_TOOLS + RUN_TOOLS, "{fault:?}: {}", outcome.stdout);
        assert_eq!(outcome.log.warnings().count(), 0, "{fault:?}");
    }
}

#[test]
fn of_a_server_that_speaks_both_ways_the_one_counts_that_the_agent_takes() {
    let discovered = |capabilities: Value, instructions: Value| {
        let result = json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities,
            "serverInfo": {"name": "s", "version": "1"}, "instructions": instructions,
        });
        Fault::json(&json!({"jsonrpc": "2.0", "id": 0, "result": result}))
    };
    let step = |fault: Fault, client: &str| {
        let sandbox = sandbox(|options| options.mcp_mode = McpMode::Newest);
        sandbox.set_fault_forever(Route::Rpc("server/discover"), fault);
        Step::against(&sandbox).input("client", client).run()
    };
    let outcome = step(discovered(json!({}), json!("")), "claude-code").failed("mcp_error");
    assert!(outcome.error_text().contains("`capabilities.tools` is missing"), "{}", outcome.error_text());
    step(discovered(json!({}), json!("")), "vscode").succeeded();
    // An answer that breaks the schema is none, and the agent begins anew.
    let outcome = step(discovered(json!({"tools": {}}), json!(null)), "claude-code").succeeded();
    assert_eq!(tools(&outcome).len(), READ_TOOLS + RUN_TOOLS);
}

/// A server that refuses `initialize` with `fault`, and speaks the newest revision.
fn newest(fault: Fault) -> Sandbox {
    let sandbox = sandbox(|options| options.mcp_mode = McpMode::Newest);
    sandbox.set_fault_forever(Route::Rpc("initialize"), fault);
    sandbox
}

#[test]
fn a_server_that_only_speaks_the_newest_protocol_is_fine() {
    for code in [-32022, -32601] {
        let refusal = Fault::RpcError { code, message: "another version, please".to_owned() };
        let sandbox = newest(refusal.clone());
        assert_eq!(tools(&Step::against(&sandbox).input("client", "vscode").run().succeeded()).len(), READ_TOOLS + RUN_TOOLS);
        assert_eq!(lines(&sandbox.requests_to(Route::Mcp)), ["POST initialize", "POST server/discover", "POST tools/list"]);
        assert_eq!(tools(&Step::against(&newest(refusal)).run().succeeded()).len(), READ_TOOLS + RUN_TOOLS);
    }
    let sandbox = newest(Fault::RpcError { code: -32600, message: "no".to_owned() });
    let text = unverified(Step::against(&sandbox).input("client", "vscode").run());
    assert!(text.contains("the JSON-RPC error -32600, `no`"), "{text}");
    assert_eq!(lines(&sandbox.requests_to(Route::Mcp)), ["POST initialize"]);
}

#[test]
fn a_server_may_refuse_the_version_with_a_status_of_its_own() {
    for (status, code) in [(400, -32022), (404, -32601), (405, -32601)] {
        let refusal = json!({"jsonrpc": "2.0", "id": 0, "error": {"code": code, "message": "another version, please"}});
        let sandbox = newest(Fault::answer(status, refusal.to_string()));
        for client in ["vscode", "claude-code"] {
            assert_eq!(
                tools(&Step::against(&sandbox).input("client", client).run().succeeded()).len(),
                READ_TOOLS + RUN_TOOLS,
                "{status} {code}"
            );
        }
    }
}

#[test]
fn what_the_newest_protocol_answers_is_looked_at_too() {
    let sandbox = newest(Fault::RpcError { code: -32022, message: "another version, please".to_owned() });
    sandbox.set_fault_forever(Route::Rpc("server/discover"), Fault::json(&json!({"jsonrpc": "2.0", "id": 0, "result": {}})));
    for client in ["vscode", "claude-code"] {
        let text = unverified(Step::against(&sandbox).input("client", client).run());
        assert!(text.contains("it gave no answer to `server/discover` that this step understands"), "{text}");
    }
}

#[test]
fn every_page_is_read() {
    let whole = tools(&Step::against(&Sandbox::default()).run().succeeded());
    for mode in [McpMode::Stateful, McpMode::Stateless] {
        let sandbox = sandbox(|options| {
            options.mcp_mode = mode;
            options.tools_page_size = Some(6);
        });
        assert_eq!(tools(&Step::against(&sandbox).run().succeeded()), whole);
        assert_eq!(sandbox.requests_to(Route::Rpc("tools/list")).len(), 5);
    }
}

#[test]
fn without_verify_the_server_is_not_asked() {
    let sandbox = Sandbox::default();
    let outcome = Step::against(&sandbox).input("verify", "false").run().succeeded();
    assert_eq!(sandbox.requests_to(Route::Mcp).len(), 0);
    assert_eq!((outcome.output("tools").as_str(), outcome.output("allowed_tools").as_str()), ("[]", ""));
}

#[test]
fn a_refused_token_suggests_the_other_endpoint() {
    for (accepts, endpoint, other) in [(Accepts::OAuth, "api", "mcp"), (Accepts::Api, "mcp", "api")] {
        let sandbox = sandbox(|options| options.mcp_accepts = accepts);
        let outcome = Step::against(&sandbox).input("token_endpoint", endpoint).run().failed("mcp_refused");
        assert!(outcome.error_text().contains(&format!("Set `token_endpoint: {other}`")), "{}", outcome.error_text());
        assert!(outcome.error_text().contains("answered 401"), "{}", outcome.error_text());
    }
}

#[test]
fn a_proxy_that_answers_for_the_server_is_no_verdict_on_it() {
    let sandbox = Sandbox::default();
    sandbox.set_fault_forever(Route::Rpc("initialize"), Fault::status(407));
    let outcome = Step::against(&sandbox).run().succeeded();
    assert!(outcome.stdout.contains("::warning title=The MCP connection is not verified::"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("407"), "{}", outcome.stdout);
}

#[test]
fn an_answer_that_no_agent_can_use_fails_the_step() {
    let html = |status| Fault::answer(status, "<html>Sign in</html>").header("content-type", "text/html; charset=utf-8");
    for (fault, code, text) in [
        (Fault::status(401), "mcp_refused", "answered 401"),
        (Fault::status(403), "mcp_refused", "IP allow-list"),
        (Fault::status(404), "mcp_error", "404"),
        (Fault::status(405), "mcp_error", "405"),
        (html(200), "mcp_error", "200 with an HTML page"),
        (html(404), "mcp_error", "404, `an HTML page`"),
        (Fault::status(202), "mcp_error", "202, which says that no answer comes"),
        (Fault::Redirect { status: 307, location: "https://evil.example/mcp".to_owned() }, "mcp_error", "`https://evil.example/mcp`"),
        (Fault::json(&json!({"ok": true, "message": "hello"})), "mcp_error", "answered 200, `hello` (trace id"),
        (Fault::answer(404, r#"{"ok":false,"error":"not_found"}"#), "mcp_error", "answered 404, `not_found`"),
        (Fault::json(&json!([])), "mcp_error", "is no JSON-RPC message"),
    ] {
        let shown = format!("{fault:?}").chars().take(120).collect::<String>();
        let sandbox = Sandbox::default();
        sandbox.set_fault_forever(Route::Rpc("initialize"), fault.clone());
        sandbox.set_fault_forever(Route::Rpc("server/discover"), fault);
        let outcome = Step::against(&sandbox).run().failed(code);
        assert!(outcome.error_text().contains(text), "{shown}: no {text:?} in {}", outcome.error_text());
        assert_eq!(sandbox.requests_to(Route::Rpc("initialize")).len(), 1, "{shown} is not asked again");
    }
}

#[test]
fn an_answer_from_which_nothing_follows_for_the_agent_is_a_warning() {
    let result = |result: Value| Fault::json(&json!({"jsonrpc": "2.0", "id": 0, "result": result}));
    let initialized = |version: &str| {
        result(json!({"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}))
    };
    let no_session = r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"no such session"}}"#;
    for (fault, text) in [
        (Fault::answer(400, no_session), "the JSON-RPC error -32600, `no such session`"),
        (Fault::RpcError { code: -32603, message: "out of order".to_owned() }, "-32603, `out of order`"),
        (result(json!({})), "no answer to `initialize`"),
        (result(json!(null)), "no answer to `initialize`"),
        (Fault::json(&json!({"jsonrpc": "2.0", "id": 77, "result": {}})), "answered another request"),
        (Fault::json(&json!({"jsonrpc": "2.0", "id": 77, "error": {"code": -32000, "message": "x"}})), "answered another request"),
        (Fault::json(&json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "x"}})), "error -32700"),
        (initialized("1999-01-01"), "a revision of MCP that this step doesn't know: `1999-01-01`"),
        (Fault::Huge(9 << 20), "larger than what this step reads (8 MiB)"),
    ] {
        let shown = format!("{fault:?}").chars().take(120).collect::<String>();
        let sandbox = Sandbox::default();
        sandbox.set_fault_forever(Route::Rpc("initialize"), fault);
        let warning = unverified(Step::against(&sandbox).run());
        assert!(warning.contains(text), "{shown}: no {text:?} in {warning}");
        assert_eq!(sandbox.requests_to(Route::Rpc("initialize")).len(), 1, "{shown} is not asked again");
    }
}

#[test]
fn the_list_itself_may_be_refused() {
    for (fault, code, says) in [
        (Fault::status(401), Some("mcp_refused"), "401"),
        (Fault::status(405), Some("mcp_error"), "405"),
        (Fault::RpcError { code: -32601, message: "Method not found".to_owned() }, None, "the JSON-RPC error -32601, `Method not found`"),
    ] {
        let sandbox = Sandbox::default();
        sandbox.set_fault_forever(Route::Rpc("tools/list"), fault);
        let outcome = Step::against(&sandbox).run();
        let text = match code {
            Some(code) => outcome.failed(code).error_text(),
            None => unverified(outcome),
        };
        assert!(text.contains(says), "no {says:?} in {text}");
        let requests = mcp_requests(&sandbox, 4);
        assert_eq!(lines(&requests)[3], "DELETE -", "the session is ended all the same");
    }
}

fn events(body: &str) -> Fault {
    Fault::Body { content_type: "text/event-stream".to_owned(), body: body.into() }
}

#[test]
fn the_answer_is_found_among_other_events_and_behind_megabytes_of_them() {
    let answer = "event: ping\ndata: no message\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[]}}\n\n";
    let sandbox = sandbox(|options| options.mcp_mode = McpMode::Stateless);
    for (size, fits) in [(3 << 20, true), (9 << 20, false)] {
        // A comment, which counts for nothing but its length.
        let body = format!(":{}\n{answer}", " ".repeat(size));
        sandbox.set_faults(Route::Rpc("tools/list"), [events(&body)]);
        let outcome = Step::against(&sandbox).run();
        if fits {
            assert!(outcome.succeeded().log.warnings().any(|warning| warning.title == "No tools"), "{size}");
        } else {
            assert!(unverified(outcome).contains("8 MiB"));
        }
    }
}

#[test]
fn a_list_without_an_end_is_not_verified() {
    let sandbox = sandbox(|options| {
        options.tools_page_size = Some(1);
        options.extra_tools = (0..150).map(|number| format!("tool_{number}")).collect();
    });
    let text = unverified(Step::against(&sandbox).run());
    assert!(text.contains("more tools or pages than this step reads"), "{text}");
    assert_eq!(sandbox.requests_to(Route::Rpc("tools/list")).len(), 100);
}

#[test]
fn ten_thousand_tools_are_read_and_not_one_more() {
    const MOST: usize = 10_000;
    let sandbox = sandbox(|options| options.mcp_mode = McpMode::Stateless);
    for count in [MOST, MOST + 1] {
        let listed: Vec<_> =
            (0..count).map(|number| json!({"name": format!("list_{number}"), "inputSchema": {"type": "object"}})).collect();
        let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": listed}});
        sandbox.set_faults(Route::Rpc("tools/list"), [Fault::json(&answer)]);
        let outcome = Step::against(&sandbox).run();
        if count > MOST {
            assert!(unverified(outcome).contains("more tools or pages than this step reads"));
        } else {
            assert_eq!(tools(&outcome.succeeded()).len(), count);
        }
    }
}

#[test]
fn the_token_is_never_sent_on_to_another_address() {
    let (first, second) = (Sandbox::default(), Sandbox::default());
    for status in [301, 302, 303, 307, 308] {
        first.set_fault_forever(Route::Mcp, Fault::Redirect { status, location: second.mcp_url() });
        Step::against(&first).run().failed("mcp_error");
    }
    assert_eq!(second.requests().len(), 0);
}

#[test]
fn a_server_out_of_reach_is_a_warning() {
    let sandbox = Sandbox::default();
    let step = || Step::against(&sandbox).input("timeout", "1s");
    let text = unverified(step().input("mcp_url", dead_address()).run());
    assert!(text.contains("no answer: "), "{text}");
    let text = unverified(step().input("mcp_url", "https://no-such-host.invalid/v1").run());
    assert!(text.contains("`no-such-host.invalid`"), "{text}");
    let text = unverified(step().input("mcp_url", sandbox.tls_mcp_url()).run());
    assert!(text.contains("no trusted TLS connection"), "{text}");
    let proxy = dead_address().replace("/v1", "");
    let text = unverified(step().input("mcp_url", sandbox.tls_mcp_url()).env("HTTPS_PROXY", proxy).run());
    assert!(text.contains("the proxy on the way failed"), "{text}");
}

#[test]
fn a_certificate_for_another_name_is_a_warning() {
    let sandbox = sandbox(|options| options.certificate = Certificate::WrongName);
    let step = Step::against(&sandbox).input("mcp_url", sandbox.tls_mcp_url()).input("ca_bundle", sandbox.ca_pem());
    let outcome = step.run();
    assert!(!outcome.log.shown().contains("Trying again"), "{}", outcome.stdout);
    let text = unverified(outcome);
    assert!(text.contains("no trusted TLS connection"), "{text}");
}

#[test]
fn a_server_that_fails_or_stays_silent_is_a_warning() {
    for (route, fault, text) in [
        (Route::Mcp, Fault::status(503), "answered 503"),
        (Route::Mcp, Fault::status(408), "answered 408"),
        (Route::Mcp, Fault::answer(500, r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32603,"message":"oh no"}}"#), "answered 500, `oh no`"),
        (Route::Mcp, Fault::RetryAfter { status: 429, wait: port_sandbox::Wait::Seconds(300) }, "answered 429"),
        (Route::Mcp, Fault::Reset, "no answer: "),
        (Route::Mcp, Fault::ResetMidBody, "no answer: "),
        (Route::Mcp, Fault::Hang, "time was up"),
        (Route::Mcp, Fault::HangMidBody, "time was up"),
        (Route::Rpc("notifications/initialized"), Fault::status(503), "answered 503"),
        (Route::Rpc("notifications/initialized"), Fault::Reset, "no answer: "),
        (Route::Rpc("tools/list"), Fault::status(503), "answered 503"),
        (Route::Rpc("tools/list"), Fault::ResetMidBody, "no answer: "),
        (Route::Rpc("tools/list"), Fault::Hang, "time was up"),
        (Route::Rpc("tools/list"), Fault::HangMidBody, "time was up"),
        (
            Route::Rpc("tools/list"),
            Fault::Body { content_type: "text/event-stream".to_owned(), body: b": nothing\n\n".to_vec() },
            "it ended the stream before the answer",
        ),
    ] {
        let sandbox = Sandbox::default();
        sandbox.set_fault_forever(route, fault.clone());
        let warning = unverified(Step::against(&sandbox).input("timeout", "1s").run());
        assert!(warning.contains(text), "{route} {fault:?}: no {text:?} in {warning}");
    }
}

#[test]
fn what_passes_is_asked_again() {
    for route in [Route::Rpc("initialize"), Route::Rpc("notifications/initialized"), Route::Rpc("tools/list")] {
        for fault in [Fault::status(503), Fault::Reset, Fault::ResetMidBody, Fault::status(429)] {
            // Nothing in the answer to a notification matters, so half of one is as good as a whole.
            let counts = !matches!((&route, &fault), (Route::Rpc("notifications/initialized"), Fault::ResetMidBody));
            let sandbox = Sandbox::default();
            sandbox.set_faults(route, [fault.clone()]);
            let outcome = Step::against(&sandbox).run().succeeded();
            assert_eq!(tools(&outcome).len(), READ_TOOLS + RUN_TOOLS);
            assert_eq!(outcome.log.warnings().count(), 0);
            assert_eq!(outcome.log.shown().contains("(attempt 2 of 5)"), counts, "{route} {fault:?}: {}", outcome.stdout);
        }
    }
}

#[test]
fn five_attempts_are_enough() {
    let sandbox = Sandbox::default();
    sandbox.set_fault_forever(Route::Mcp, Fault::status(503));
    let text = unverified(Step::against(&sandbox).run());
    assert!(text.contains("answered 503"), "{text}");
    assert_eq!(sandbox.requests_to(Route::Rpc("initialize")).len(), 5);
}

#[test]
fn hostile_names_are_counted_and_go_nowhere() {
    let long = "x".repeat(129);
    let hostile =
        [HOSTILE, "a'; rm -rf /; '", "::error::x", "", " ", "list entities", "a,b", "a\u{0}b", "ünïcode", &long, "${{ secrets.X }}"];
    let sandbox =
        sandbox(|options| options.extra_tools = hostile.iter().map(ToString::to_string).chain(["fine.tool-1".to_owned()]).collect());
    let outcome = Step::against(&sandbox).run().succeeded();
    let warnings: Vec<_> = outcome.log.warnings().collect();
    assert_eq!(warnings.len(), 1, "{}", outcome.stdout);
    assert!(warnings[0].text.starts_with(&format!("{} of the tools", hostile.len())), "{}", warnings[0].text);
    assert!(outcome.log.commands().all(|command| ["add-mask", "warning"].contains(&command.name.as_str())), "{}", outcome.stdout);
    assert_eq!(tools(&outcome).len(), READ_TOOLS + RUN_TOOLS + 1);
    let everything = format!("{}{}{}", outcome.stdout, outcome.output_file, outcome.summary);
    for forged in ["forged", "rm -rf", "evil", "<img", "secrets.X", &long] {
        assert!(!everything.contains(forged), "{forged} in {everything}");
    }
}

#[test]
fn five_thousand_tools_are_listed_and_the_summary_stays_short() {
    let sandbox = sandbox(|options| options.extra_tools = (0..5000).map(|number| format!("get_{number}")).collect());
    let outcome = Step::against(&sandbox).run().succeeded();
    assert_eq!(tools(&outcome).len(), 5000 + READ_TOOLS + RUN_TOOLS);
    assert_eq!(outcome.output("allowed_tools").split(',').count(), 5000 + READ_TOOLS);
    assert!(outcome.summary.contains("| Tools | 5025 tools offered, 5023 allowed |"), "{}", outcome.summary);
    assert!(outcome.summary.contains(" and 4823 more</details> |"), "{}", outcome.summary);
    assert!(outcome.summary.len() < 8192, "{}", outcome.summary.len());
}

#[test]
fn a_server_without_tools_is_a_warning() {
    let sandbox = sandbox(|options| options.mcp_mode = McpMode::Stateless);
    sandbox.set_faults(Route::Rpc("tools/list"), [Fault::json(&json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": []}}))]);
    let outcome = Step::against(&sandbox).run().succeeded();
    assert!(outcome.log.warnings().any(|warning| warning.title == "No tools"), "{}", outcome.stdout);
    assert_eq!(outcome.output("allowed_tools"), "");
}
