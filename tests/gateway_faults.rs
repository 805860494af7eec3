//! Promise: whatever fails behind the gateway, the agent is told why, nothing is sent twice, and the gateway goes on.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use common::gateway::{Gateway, KEY, Reply, call, program, request, settings, wait_for};
use common::upstream::{Upstream, begin_events, end_events, event, respond};
use port_sandbox::{CLIENT_SECRET, Fault, McpMode, Options, Route, Sandbox, Wait};
use serde_json::{Value, json};

fn sandbox() -> Sandbox {
    Sandbox::start(Options { mcp_mode: McpMode::Stateless, ..Options::default() })
}

fn blueprints(gateway: &Gateway) -> Reply {
    gateway.post(&call(1, "list_blueprints", &json!({})))
}

fn error(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "clients read an error with a status of success only: {reply:?}");
    reply.answer_to(1)["error"].clone()
}

#[test]
fn a_server_that_is_down_is_named_and_used_again_when_it_is_up() {
    let first = sandbox();
    let (port, given) = (first.port(), settings(&first));
    let gateway = Gateway::start(&given);
    assert!(blueprints(&gateway).answer_to(1)["result"].is_object());
    drop(first);
    let message = error(&blueprints(&gateway))["message"].to_string();
    assert!(message.contains("no answer"), "{message}");
    let again = wait_for("the port", || std::net::TcpListener::bind(("127.0.0.1", port)).ok());
    drop(again);
    let _second = Sandbox::start(Options { port, mcp_mode: McpMode::Stateless, ..Options::default() });
    // It knows no token of the first one.
    assert!(blueprints(&gateway).answer_to(1)["result"].is_object());
}

#[test]
fn a_call_that_may_have_run_is_not_sent_again() {
    let sandbox = sandbox();
    let gateway = Gateway::start(&settings(&sandbox));
    assert!(blueprints(&gateway).answer_to(1)["result"].is_object());
    for fault in [Fault::Reset, Fault::ResetMidBody, Fault::Truncated] {
        sandbox.clear_requests();
        sandbox.set_faults(Route::Rpc("tools/call"), [fault.clone()]);
        let reply = blueprints(&gateway);
        assert!(!reply.whole || reply.answer_to(1).get("error").is_some(), "{fault:?}: {reply:?}");
        assert_eq!(sandbox.requests_to(Route::Mcp).len(), 1, "{fault:?}");
    }
    let answers = wait_for("the record", || Some(gateway.events("answer")).filter(|answers| answers.len() == 4));
    assert!(answers[1..].iter().all(|answer| answer["outcome"] == "failed"), "{answers:?}");
    assert!(blueprints(&gateway).answer_to(1)["result"].is_object());
}

/// What came of the stream before is there, and the error is its last event. A stream that can be resumed ends without one.
#[test]
fn an_event_stream_that_breaks_off_ends_with_the_reason() {
    let upstream = Upstream::start(|asked, stream| {
        begin_events(stream);
        event(stream, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{}}\n\n");
        if asked.json()["params"]["name"] == "b" {
            event(stream, "id: 1\ndata: {}\n\n");
        }
        event(stream, "data: {\"jsonrpc\":\"2.0\",\"id\":1,");
    });
    let gateway = Gateway::start(&upstream.settings());
    let reply = gateway.post(&call(1, "a", &json!({})));
    assert!(reply.whole && reply.messages()[0]["method"] == "notifications/progress", "{}", reply.text());
    assert!(error(&reply)["message"].to_string().contains("broke off"));
    let resumable = gateway.post(&call(1, "b", &json!({})));
    assert!(!resumable.whole && !resumable.text().contains("broke off"), "{}", resumable.text());
    let answers = wait_for("the record", || Some(gateway.events("answer")).filter(|answers| answers.len() == 2));
    assert!(answers.iter().all(|answer| answer["message"] == "the server's answer broke off"), "{answers:?}");
}

/// The limit is the gateway's, so the server isn't blamed. A stream that can be resumed says it too: it would be as large again.
#[test]
fn a_list_that_is_larger_than_what_the_gateway_reads_is_refused_as_such() {
    for mcp_mode in [McpMode::Stateless, McpMode::Stateful] {
        let sandbox = Sandbox::start(Options { mcp_mode, large_tools: 9_000, ..Options::default() });
        let gateway = Gateway::start(&settings(&sandbox));
        let session = gateway.initialize();
        let reply = gateway.post_with(&session, request(1, "tools/list", &json!({})).to_string().as_bytes());
        let message = error(&reply)["message"].to_string();
        assert!(message.contains("larger than what the gateway reads (8 MiB)"), "{mcp_mode:?}: {message}");
        let failed = wait_for("the record", || gateway.events("answer").into_iter().find(|answer| answer["outcome"] == "failed"));
        assert!(failed["message"].to_string().contains("8 MiB"), "{failed}");
    }
}

#[test]
fn a_server_that_is_busy_is_named_with_the_wait_that_it_asks_for() {
    let sandbox = sandbox();
    let gateway = Gateway::start(&settings(&sandbox));
    for status in [429, 503] {
        sandbox.set_faults(Route::Rpc("tools/call"), [Fault::RetryAfter { status, wait: Wait::Seconds(7) }]);
        let reply = blueprints(&gateway);
        assert_eq!(reply.header("retry-after").as_deref(), Some("7"));
        let error = error(&reply);
        assert_eq!(error["code"], -32000, "{error}");
        assert_eq!(error["data"], json!({"status": status, "retryAfter": "7"}), "{error}");
    }
    for fault in
        [Fault::status(500), Fault::Redirect { status: 307, location: "http://127.0.0.1:1/".to_owned() }, Fault::answer(200, "<html>")]
    {
        sandbox.clear_requests();
        sandbox.set_faults(Route::Rpc("tools/call"), [fault.clone()]);
        assert!(error(&blueprints(&gateway))["message"].is_string(), "{fault:?}");
        assert_eq!(sandbox.requests().len(), 1, "{fault:?}");
    }
    // The list can't be cut if it can't be read.
    sandbox.set_faults(
        Route::Rpc("tools/list"),
        [Fault::Body {
            content_type: "application/json".to_owned(),
            body: b"{\"result\":{\"tools\":[{\"name\":\"delete_entity\"}".to_vec(),
        }],
    );
    let reply = gateway.post(&request(1, "tools/list", &json!({})));
    assert!(error(&reply)["message"].is_string() && !reply.text().contains("delete_entity"));
    assert!(blueprints(&gateway).answer_to(1)["result"].is_object());
}

#[test]
fn an_error_of_the_server_is_the_agents() {
    let sandbox = sandbox();
    let gateway = Gateway::start(&settings(&sandbox));
    sandbox.set_faults(Route::Rpc("tools/call"), [Fault::RpcError { code: -32602, message: "no such blueprint".to_owned() }]);
    assert_eq!(error(&blueprints(&gateway)), json!({"code": -32602, "message": "no such blueprint"}));
    let failed = gateway.post(&call(1, "list_entities", &json!({})));
    assert_eq!(failed.answer_to(1)["result"]["isError"], true);
    let answers = wait_for("the record", || Some(gateway.events("answer")).filter(|answers| answers.len() == 2));
    assert!(answers.iter().all(|answer| answer["outcome"] == "error"), "{answers:?}");
    // One that an agent would answer with OAuth does not get through, nor what asks for it.
    let upstream = Upstream::start(|_, stream| {
        respond(stream, "403 Forbidden", "WWW-Authenticate: Bearer\r\nContent-Type: application/json\r\n", "{\"ok\":false}");
    });
    let gateway = Gateway::start(&upstream.settings());
    let reply = gateway.post(&call(1, "a", &json!({})));
    assert_eq!((reply.status, reply.header("www-authenticate"), reply.text().as_str()), (403, None, "{\"ok\":false}"));
    assert_eq!(reply.header("content-type").as_deref(), Some("application/json"));
}

/// Such as one that has no streams, or that gives no answer where it need not.
#[test]
fn what_the_server_says_without_an_answer_is_the_agents() {
    let upstream = Upstream::start(|asked, stream| match asked.method() {
        "GET" => respond(stream, "405 Method Not Allowed", "Content-Type: text/plain\r\n", "no streams here"),
        _ if asked.json()["id"].is_null() => respond(stream, "200 OK", "", ""),
        _ => respond(stream, "202 Accepted", "", ""),
    });
    let gateway = Gateway::start(&upstream.settings());
    let refused = gateway.raw(format!("GET /mcp HTTP/1.1\r\n{}\r\n", gateway.headers()).as_bytes());
    assert_eq!((refused.status, refused.text().as_ref()), (405, "no streams here"));
    assert_eq!(refused.header("content-type").as_deref(), Some("text/plain; charset=utf-8"), "no page that a browser would show");
    assert_eq!(gateway.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).status, 200);
    assert_eq!(gateway.post(&call(1, "a", &json!({}))).status, 202);
    let answers = wait_for("the record", || Some(gateway.events("answer")).filter(|answers| answers.len() == 3));
    let outcomes: Vec<_> = answers.iter().map(|answer| answer["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["error", "ok", "ok"]);
}

#[test]
fn a_gateway_that_cannot_start_says_why() {
    let sandbox = sandbox();
    let with = |change: fn(&mut Value)| {
        let mut given = settings(&sandbox);
        change(&mut given);
        given.to_string()
    };
    for (line, code) in [
        (with(|given| given["client_secret"] = json!("wrong-secret-0123456789")), "credentials_rejected"),
        (with(|given| given["token_endpoint"]["url"] = json!("http://127.0.0.1:1/v1/auth/access_token")), "unreachable"),
        (with(|given| given["key"] = json!("short")), "internal"),
        (with(|given| given["listen"] = json!("192.0.2.1:1")), "internal"),
        (with(|given| given["headers"] = json!([["a b", "c"]])), "internal"),
        (with(|given| given["more"] = json!(CLIENT_SECRET)), "internal"),
        ("{".to_owned(), "internal"),
        (String::new(), "internal"),
    ] {
        let mut gateway = Gateway::spawn(&line);
        assert_eq!(gateway.wait(), Some(1), "{code}");
        let lines = gateway.lines();
        assert_eq!((lines.len(), lines[0]["event"].as_str(), lines[0]["code"].as_str()), (1, Some("failed"), Some(code)), "{lines:?}");
        assert!(lines[0]["message"].is_string());
        for secret in [CLIENT_SECRET, "wrong-secret-0123456789", KEY] {
            assert!(!gateway.text().contains(secret));
        }
    }
}

#[test]
fn a_lifetime_that_is_over_ends_it() {
    let sandbox = sandbox();
    let mut given = settings(&sandbox);
    given["lifetime"] = json!(1);
    let mut gateway = Gateway::start(&given);
    assert_eq!(gateway.wait(), Some(0));
    assert_eq!(gateway.events("end")[0]["reason"], "lifetime");
}

#[test]
fn calls_in_flight_are_finished_and_streams_are_not_waited_for() {
    let upstream = Upstream::start(|asked, stream| {
        if asked.method() == "GET" || asked.json()["method"] == "subscriptions/listen" {
            begin_events(stream);
            event(stream, ": here\n\n");
            return common::upstream::wait_for_end(stream);
        }
        let answer = json!({"jsonrpc": "2.0", "id": asked.json()["id"], "result": {"content": []}});
        if answer["id"] == 2 {
            begin_events(stream);
            event(stream, ": soon\n\n");
        }
        // The answer comes after the signal.
        std::thread::sleep(Duration::from_secs(1));
        if answer["id"] == 2 {
            event(stream, &format!("data: {answer}\n\n"));
            return end_events(stream);
        }
        common::upstream::json_answer(stream, &answer);
    });
    let mut gateway = Gateway::start(&upstream.settings());
    let mut listening = gateway.connect();
    write!(listening, "GET /mcp HTTP/1.1\r\n{}\r\n", gateway.headers()).unwrap();
    let post = |headers: &str, message: &Value| {
        let mut calling = gateway.connect();
        calling.write_all(&gateway.post_bytes(headers, message.to_string().as_bytes())).unwrap();
        BufReader::new(calling)
    };
    let mut calling = [1, 2].map(|id| post("", &call(id, "a", &json!({}))));
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    let headers = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\n";
    let mut subscribed = post(headers, &request(3, "subscriptions/listen", &json!({"notifications": {}, "_meta": meta})));
    wait_for("all requests", || (upstream.asked().len() == 4).then_some(()));
    gateway.signal("-TERM");
    for (id, calling) in (1..).zip(&mut calling) {
        assert!(Reply::read(calling).answer_to(id)["result"].is_object(), "{id}");
    }
    assert!(Reply::read(&mut BufReader::new(listening)).whole && Reply::read(&mut subscribed).whole);
    assert_eq!(gateway.wait(), Some(0));
    assert!(TcpStream::connect(gateway.address()).is_err());
    let lines = gateway.lines();
    assert_eq!(lines.last().unwrap()["event"], "end");
    assert_eq!(gateway.events("call").len(), gateway.events("answer").len(), "{lines:?}");
}

#[test]
fn a_call_that_hangs_does_not_keep_it() {
    let sandbox = sandbox();
    let mut gateway = Gateway::start(&settings(&sandbox));
    sandbox.set_fault_forever(Route::Rpc("tools/call"), Fault::Hang);
    let mut calling = gateway.connect();
    calling.write_all(&gateway.post_bytes("", call(1, "list_blueprints", &json!({})).to_string().as_bytes())).unwrap();
    wait_for("the request", || (!sandbox.requests_to(Route::Mcp).is_empty()).then_some(()));
    assert_eq!(gateway.stop(), Some(0));
    assert_eq!(gateway.events("answer")[0]["outcome"], "left", "{}", gateway.text());
    assert_eq!(gateway.events("end").len(), 1);
}

/// Nobody reads what it writes any more, as with a full disk: it lets nothing through.
#[test]
fn nothing_goes_on_without_a_record() {
    let sandbox = sandbox();
    let mut child = program();
    writeln!(child.stdin.take().unwrap(), "{}", settings(&sandbox)).unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let port = serde_json::from_str::<Value>(&line).unwrap()["port"].as_u64().unwrap();
    drop(out);
    let body = call(1, "list_blueprints", &json!({})).to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    write!(
        stream,
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let reply = Reply::read(&mut BufReader::new(stream));
    assert!(reply.status == 503 && reply.text().contains("record"), "{reply:?}");
    assert!(sandbox.requests_to(Route::Mcp).is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The program waits for its settings, and whoever waits for it can end it.
#[test]
fn a_signal_ends_it_before_its_settings() {
    let mut child = program();
    // `wait` would close it, and the program would end because of that.
    let _input = child.stdin.take();
    wait_for("the handlers", || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?.trim().to_owned();
        (u64::from_str_radix(&caught, 16).ok()? & (1 << 14) != 0).then_some(())
    });
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// The same while it waits for its first token.
#[test]
fn a_signal_ends_it_before_its_first_token() {
    let sandbox = sandbox();
    sandbox.set_fault_forever(Route::AccessToken, Fault::Hang);
    let mut gateway = Gateway::spawn(&settings(&sandbox).to_string());
    wait_for("the exchange", || (!sandbox.requests().is_empty()).then_some(()));
    assert_eq!(gateway.stop(), Some(0));
    assert!(gateway.lines().is_empty());
}
