//! Promise: what is allowed goes through the gateway as if it were not there, in both eras of the protocol.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use common::gateway::{Gateway, KEY, Reply, call, request, settings, wait_for};
use common::upstream::{TOKEN, Upstream, begin_events, end_events, event, json_answer, respond, wait_for_end};
use port_sandbox::{CLIENT_SECRET, Fault, McpMode, Options, Route, Sandbox, SecretForm};
use serde_json::{Value, json};

fn tools(answer: &Value) -> Vec<String> {
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

#[test]
fn the_newer_era_goes_through_with_its_headers() {
    let upstream = Upstream::start(|asked, stream| match asked.json()["method"].as_str() {
        Some("server/discover") => json_answer(
            stream,
            &json!({"jsonrpc": "2.0", "id": 1, "result": {"resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {"listChanged": true}, "prompts": {}, "resources": {}, "completions": {}, "tasks": {}, "extensions": {"x": {}}}}}),
        ),
        Some("tools/list") => json_answer(
            stream,
            &json!({"jsonrpc": "2.0", "id": 2, "result": {"resultType": "complete", "tools": [
                {"name": "a", "inputSchema": {"properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}}, {"name": "hidden"}]}}),
        ),
        Some("subscriptions/listen") => {
            begin_events(stream);
            event(stream, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n");
            end_events(stream);
        }
        _ => json_answer(stream, &json!({"jsonrpc": "2.0", "id": 3, "result": {"content": []}})),
    });
    let gateway = Gateway::start(&upstream.settings());
    let new = "MCP-Protocol-Version: 2026-07-28\r\n";
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}});
    let send = |extra: &str, message: &Value| gateway.post_with(&format!("{new}{extra}"), message.to_string().as_bytes());

    let discovered = send("Mcp-Method: server/discover\r\n", &request(1, "server/discover", &json!({"_meta": meta})));
    assert_eq!(discovered.answer_to(1)["result"]["capabilities"], json!({"tools": {"listChanged": true}}));
    assert_eq!(tools(&send("Mcp-Method: tools/list\r\n", &request(2, "tools/list", &json!({"_meta": meta}))).answer_to(2)), ["a"]);
    let called =
        send("Mcp-Method: tools/call\r\nMcp-Name: a\r\nMcp-Param-Region: =?base64?w7w=?=\r\n", &call(3, "a", &json!({"region": "ü"})));
    assert!(called.answer_to(3)["result"]["content"].is_array());
    let refused = send("Mcp-Param-Other: eu\r\n", &call(4, "a", &json!({"region": "eu"})));
    assert_eq!(refused.messages()[0]["error"]["code"], -32020, "the schema has no such header");
    let refused = send("", &call(5, "hidden", &json!({})));
    assert_eq!(refused.answer_to(5)["result"]["resultType"], "complete");
    let wanted = json!({"notifications": {"toolsListChanged": true, "promptsListChanged": true, "resourceSubscriptions": ["port://x"]}, "_meta": meta});
    let listened = send("Mcp-Method: subscriptions/listen\r\n", &request(6, "subscriptions/listen", &wanted));
    assert_eq!(listened.messages()[0]["method"], "notifications/tools/list_changed");

    let asked = upstream.asked();
    assert_eq!(asked.len(), 4);
    assert_eq!(asked[3].json()["params"], json!({"notifications": {"toolsListChanged": true}, "_meta": meta}));
    for one in &asked {
        assert_eq!(one.header("mcp-method"), one.json()["method"].as_str());
        assert_eq!(one.header("mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!(one.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    }
    assert_eq!((asked[2].header("mcp-name"), asked[2].header("mcp-param-region")), (Some("a"), Some("=?base64?w7w=?=")));
}

#[test]
fn lists_in_event_streams_lose_what_is_not_allowed() {
    let list =
        json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "hidden"}, {"name": "b"}, {"name": 7}, {}], "nextCursor": "2"}})
            .to_string();
    let upstream = Upstream::start(move |asked, stream| {
        begin_events(stream);
        event(stream, ": ping\n\nevent: message\nid: 1\nretry: 5\n");
        // In pieces, and over several lines.
        let (one, other) = list.split_at(40);
        event(stream, &format!("data: {one}"));
        event(stream, &format!("{other}\n"));
        event(stream, "\nid: 2\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n");
        assert!(asked.method() == "POST" || asked.header("last-event-id") == Some("7"));
        end_events(stream);
    });
    let gateway = Gateway::start(&upstream.settings());
    let posted = gateway.post(&request(1, "tools/list", &json!({"cursor": "1"})));
    let resumed =
        gateway.raw(format!("GET /mcp HTTP/1.1\r\n{}Mcp-Session-Id: s\r\nLast-Event-ID: 7\r\n\r\n", gateway.headers()).as_bytes());
    for reply in [posted, resumed] {
        assert_eq!(tools(&reply.answer_to(1)), ["b"], "{}", reply.text());
        assert_eq!(reply.answer_to(1)["result"]["nextCursor"], "2");
        assert!(reply.text().starts_with(": ping\n\nevent: message\nid: 1\nretry: 5\ndata: "), "{}", reply.text());
        assert!(reply.text().ends_with("id: 2\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n"));
        assert!(!reply.text().contains("hidden"));
    }
    assert_eq!(upstream.asked()[1].header("mcp-session-id"), Some("s"));
}

/// Half of a surrogate pair, an emoji that was cut in two: JavaScript reads it, so the list is not lost, and nothing in it passes uncut.
#[test]
fn a_list_is_cut_however_agents_read_it() {
    let list = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"hidden\",\"description\":\"\\ud83d\"},{\"name\":\"a\"}]}}";
    let upstream = Upstream::start(move |asked, stream| {
        if asked.method() == "POST" {
            return respond(stream, "200 OK", "Content-Type: application/json\r\n", list);
        }
        begin_events(stream);
        // Without an end, which some agents don't need.
        event(stream, &format!("data: {list}"));
        end_events(stream);
    });
    let gateway = Gateway::start(&upstream.settings());
    assert_eq!(tools(&gateway.post(&request(1, "tools/list", &json!({}))).answer_to(1)), ["a"]);
    let resumed = gateway.raw(format!("GET /mcp HTTP/1.1\r\n{}Last-Event-ID: 7\r\n\r\n", gateway.headers()).as_bytes());
    assert_eq!(tools(&resumed.answer_to(1)), ["a"], "{}", resumed.text());
}

/// Several messages in an array, which one revision of the protocol had.
#[test]
fn lists_in_an_array_are_cut_too() {
    let list = |id: u64| json!({"jsonrpc": "2.0", "id": id, "result": {"tools": [{"name": "hidden"}, {"name": "a"}]}});
    let lists = json!([list(1), list(2)]).to_string();
    let upstream = Upstream::start(move |asked, stream| {
        if asked.method() == "POST" {
            return respond(stream, "200 OK", "Content-Type: application/json\r\n", &lists);
        }
        begin_events(stream);
        event(stream, &format!("data: {lists}\n\n"));
        end_events(stream);
    });
    let gateway = Gateway::start(&upstream.settings());
    let posted = gateway.post(&request(1, "tools/list", &json!({})));
    let resumed = gateway.raw(format!("GET /mcp HTTP/1.1\r\n{}Last-Event-ID: 7\r\n\r\n", gateway.headers()).as_bytes());
    for reply in [posted, resumed] {
        assert_eq!((reply.text().matches("\"a\"").count(), reply.text().contains("hidden")), (2, false), "{}", reply.text());
    }
}

#[test]
fn a_session_is_ended_and_an_unknown_one_is_told() {
    let sandbox = Sandbox::default();
    let gateway = Gateway::start(&settings(&sandbox));
    let session = gateway.initialize();
    let delete = |session: &str| gateway.raw(format!("DELETE /mcp HTTP/1.1\r\n{}{session}\r\n", gateway.headers()).as_bytes());
    assert!((200..300).contains(&delete(&session).status));
    let over = gateway.post_with(&session, call(1, "list_blueprints", &json!({})).to_string().as_bytes());
    assert_eq!(over.status, 404, "an agent opens a new session on this: {over:?}");
    let others = gateway.post_with("Mcp-Session-Id: of-somebody-else\r\n", call(1, "list_blueprints", &json!({})).to_string().as_bytes());
    assert_eq!(others.status, 404, "{others:?}");
}

/// Every request in a message of the server's and every answer to it, such as that of an elicitation.
#[test]
fn the_server_can_ask_the_agent() {
    let (answered, wait) = mpsc::channel();
    let (answered, wait) = (std::sync::Mutex::new(answered), std::sync::Mutex::new(wait));
    let upstream = Upstream::start(move |asked, stream| {
        if asked.json().get("result").is_some() {
            answered.lock().unwrap().send(asked.json()).unwrap();
            return respond(stream, "202 Accepted", "", "");
        }
        begin_events(stream);
        event(stream, "data: {\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"elicitation/create\",\"params\":{\"message\":\"?\"}}\n\n");
        let answer = wait.lock().unwrap().recv().unwrap();
        event(stream, &format!("data: {}\n\n", json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [], "said": answer["result"]}})));
        end_events(stream);
    });
    let gateway = Gateway::start(&upstream.settings());
    let mut stream = gateway.connect();
    stream.write_all(&gateway.post_bytes("", call(1, "a", &json!({})).to_string().as_bytes())).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while !line.starts_with("data:") {
        line.clear();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0);
    }
    assert!(line.contains("elicitation/create"));
    let reply = gateway.post(&json!({"jsonrpc": "2.0", "id": "q", "result": {"action": "accept"}}));
    assert_eq!((reply.status, reply.body.len()), (202, 0));
    while !line.contains("\"said\":{\"action\":\"accept\"}") {
        line.clear();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0);
    }
}

#[test]
fn a_large_answer_comes_through_whole() {
    let sandbox = Sandbox::default();
    let text = "x".repeat(10 * 1024 * 1024);
    let body = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": text}]}}).to_string();
    sandbox.set_fault_forever(
        Route::Rpc("tools/call"),
        Fault::Body { content_type: "application/json".to_owned(), body: body.clone().into() },
    );
    let gateway = Gateway::start(&settings(&sandbox));
    let replies = common::all_at_once(10, |_| gateway.post(&call(1, "list_blueprints", &json!({}))));
    for reply in replies {
        assert!(reply.whole && reply.body == body.as_bytes());
        assert_eq!(reply.header("content-length"), Some(body.len().to_string()));
    }
    let answers = wait_for("the record", || Some(gateway.events("answer")).filter(|answers| answers.len() == 10));
    assert!(answers.iter().all(|answer| answer["bytes"] == body.len() && answer["outcome"] == "ok"), "{answers:?}");
}

#[test]
fn a_list_of_several_megabytes_is_cut_to_what_is_allowed() {
    let upstream = Upstream::start(|asked, stream| {
        let tools = ["a", "c"].map(|name| json!({"name": name, "description": name.repeat(3_000_000)}));
        let body = json!({"jsonrpc": "2.0", "id": asked.json()["id"], "result": {"tools": tools}});
        if asked.json()["id"] == 1 {
            return json_answer(stream, &body);
        }
        begin_events(stream);
        event(stream, &format!("data: {body}\n\n"));
        end_events(stream);
    });
    let gateway = Gateway::start(&upstream.settings());
    for id in [1, 2] {
        let answer = gateway.post(&request(id, "tools/list", &json!({}))).answer_to(id);
        let names: Vec<_> = answer["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["a"], "{id}");
    }
}

#[test]
fn the_text_of_an_error_goes_on_if_it_is_not_too_long() {
    let sandbox = Sandbox::default();
    let gateway = Gateway::start(&settings(&sandbox));
    for (length, expected) in [(64 * 1024, 64 * 1024), (64 * 1024 + 1, 0)] {
        sandbox.set_faults(Route::Rpc("tools/call"), [Fault::answer(404, "x".repeat(length))]);
        let reply = gateway.post(&call(1, "list_blueprints", &json!({})));
        assert_eq!((reply.status, reply.body.len()), (404, expected));
    }
}

#[test]
fn a_message_of_the_largest_size_goes_on() {
    let sandbox = Sandbox::start(Options { mcp_mode: McpMode::Stateless, ..Options::default() });
    let gateway = Gateway::start(&settings(&sandbox));
    let message = call(1, "list_blueprints", &json!({})).to_string();
    let padded = format!("{message}{}", " ".repeat(4 * 1024 * 1024 - message.len()));
    assert!(gateway.post_with("", padded.as_bytes()).answer_to(1)["result"].is_object());
}

/// Four large messages are held at the same time. Another one waits, and small ones don't.
#[test]
fn large_messages_wait_for_each_other() {
    let sandbox = Sandbox::start(Options { mcp_mode: McpMode::Stateless, ..Options::default() });
    let gateway = Gateway::start(&settings(&sandbox));
    let large = format!("{}{}", call(1, "list_entities", &json!({})), " ".repeat(100_000));
    let large = gateway.post_bytes("", large.as_bytes());
    let send = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(gateway.address()).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    };
    // As large as a small one can be.
    let small = call(1, "list_blueprints", &json!({})).to_string();
    let small = small.clone() + &" ".repeat(64 * 1024 - small.len());
    let small = || assert!(gateway.post_with("", small.as_bytes()).answer_to(1)["result"].is_object());
    let is_called = || gateway.events("call").iter().any(|line| line["tool"] == "list_entities");
    let mut held: Vec<_> = (0..4).map(|_| send(&large[..large.len() - 1])).collect();
    // By then, all that was sent before is read.
    (0..5).for_each(|_| small());
    let _waiting = send(&large);
    (0..5).for_each(|_| small());
    assert!(!is_called(), "{}", gateway.text());
    drop(held.pop());
    wait_for("the call", || is_called().then_some(()));
}

/// The server sees that its connection ends, so that it can stop what nobody waits for.
#[test]
fn an_agent_that_leaves_is_known_at_the_server() {
    static GONE: AtomicUsize = AtomicUsize::new(0);
    let upstream = Upstream::start(|asked, stream| {
        if asked.method() == "GET" || asked.json()["params"]["name"] == "b" {
            begin_events(stream);
            event(stream, ": here\n\n");
        }
        wait_for_end(stream);
        GONE.fetch_add(1, Ordering::SeqCst);
    });
    let gateway = Gateway::start(&upstream.settings());
    let get = format!("GET /mcp HTTP/1.1\r\n{}\r\n", gateway.headers()).into_bytes();
    let post = |tool| gateway.post_bytes("", call(1, tool, &json!({})).to_string().as_bytes());
    for (number, bytes) in [post("a"), post("b"), get].into_iter().enumerate() {
        let mut stream = gateway.connect();
        stream.write_all(&bytes).unwrap();
        wait_for("the request", || (upstream.asked().len() == number + 1).then_some(()));
        if number > 0 {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while !line.starts_with(": here") {
                line.clear();
                assert_ne!(reader.read_line(&mut line).unwrap(), 0);
            }
        }
        drop(stream);
        wait_for("the server's end", || (GONE.load(Ordering::SeqCst) == number + 1).then_some(()));
    }
    let answers = wait_for("the record", || Some(gateway.events("answer")).filter(|answers| answers.len() == 3));
    assert!(answers.iter().all(|answer| answer["outcome"] == "left"), "{answers:?}");
}

#[test]
fn no_secret_comes_back() {
    let sandbox = Sandbox::default();
    let gateway = Gateway::start(&settings(&sandbox));
    let token = sandbox.issued_tokens()[0].clone();
    let said = |body: String| {
        sandbox.set_faults(Route::Rpc("tools/call"), [Fault::Body { content_type: "application/json".to_owned(), body: body.into() }]);
        gateway.post(&call(1, "list_blueprints", &json!({}))).text()
    };
    let payload = token.split('.').nth(1).unwrap();
    for form in [
        token.clone(),
        payload.to_owned(),
        CLIENT_SECRET.to_owned(),
        data_encoding::BASE64.encode(token.as_bytes()),
        data_encoding::HEXLOWER.encode(token.as_bytes()),
    ] {
        let text = said(json!({"jsonrpc": "2.0", "id": 1, "result": {"said": form}}).to_string());
        assert!(!text.contains(form.get(8..form.len() - 8).unwrap()) && text.contains("****"), "{text}");
    }
    sandbox.set_faults(Route::Rpc("tools/call"), [Fault::EchoSecret { status: 400, forms: vec![SecretForm::Raw] }]);
    let reply = gateway.post(&call(1, "list_blueprints", &json!({})));
    assert!(reply.status == 400 && !reply.text().contains(&token) && !reply.head.contains(&token), "{reply:?}");
    assert!(!gateway.text().contains(&token));
}

#[test]
fn the_record_can_be_had_with_the_key() {
    let sandbox = Sandbox::default();
    let mut gateway = Gateway::start(&settings(&sandbox));
    let session = gateway.initialize();
    gateway.post_with(&session, call(1, "list_entities", &json!({"blueprint": "s3cret-argument"})).to_string().as_bytes());
    gateway.post_with(&session, call(2, "delete_entity", &json!({})).to_string().as_bytes());
    wait_for("the record", || (gateway.events("answer").len() == 3).then_some(()));
    let audit = gateway.raw(format!("GET /audit HTTP/1.1\r\n{}\r\n", gateway.headers()).as_bytes());
    assert_eq!((audit.status, audit.text().trim_end()), (200, gateway.text().as_str()));
    assert!(!audit.text().contains("s3cret-argument"));
    let calls = gateway.events("call");
    let called = calls.iter().find(|line| line["tool"] == "list_entities").unwrap();
    assert_eq!((called["decision"].as_str(), called["kind"].as_str()), (Some("allowed"), Some("read")));
    assert!(called["method"] == "tools/call" && called["time"].is_string(), "{called}");
    let size = call(1, "list_entities", &json!({"blueprint": "s3cret-argument"})).to_string().len();
    assert_eq!(called["bytes"], size, "{called}");
    let answers = gateway.events("answer");
    let answer = answers.iter().find(|line| line["id"] == called["id"]).unwrap();
    assert!(answer["status"] == 200 && answer["ms"].is_number() && answer["bytes"].is_number() && answer["time"].is_string(), "{answer}");
    let refused = &gateway.events("refused")[0];
    assert_eq!(
        (refused["tool"].as_str(), refused["reason"].as_str(), refused["input"].as_str()),
        (Some("delete_entity"), Some("writes"), Some("read_only"))
    );
    assert!(refused["method"] == "tools/call" && refused["decision"] == "refused" && refused["message"].is_string(), "{refused}");
    assert!(refused["id"].is_u64() && refused["id"] != called["id"], "{refused}");
    assert_eq!(refused["bytes"], call(2, "delete_entity", &json!({})).to_string().len(), "{refused}");
    assert_eq!(gateway.stop(), Some(0));
    let end = &gateway.events("end")[0];
    assert_eq!((end["calls"].as_u64(), end["refused"].as_u64()), (Some(1), Some(1)), "the messages of the protocol are no calls of tools");
}

/// One with a port is known with that port alone, and one without with the port that the gateway listens on.
#[test]
fn a_host_may_have_a_port_of_its_own() {
    let sandbox = Sandbox::start(Options { mcp_mode: McpMode::Stateless, ..Options::default() });
    let mut given = settings(&sandbox);
    given["hosts"] = json!(["Gateway.example:8080", "[::1]"]);
    let gateway = Gateway::start(&given);
    let (port, body) = (gateway.port, call(1, "list_blueprints", &json!({})).to_string());
    for (host, status) in [
        ("gateway.example:8080".to_owned(), 200),
        (format!("[::1]:{port}"), 200),
        (format!("gateway.example:{port}"), 403),
        ("[::1]".to_owned(), 403),
    ] {
        let headers = gateway.headers().replace(&format!("127.0.0.1:{port}"), &host);
        let bytes = format!("POST /mcp HTTP/1.1\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
        assert_eq!(gateway.raw(bytes.as_bytes()).status, status, "{host}");
    }
}

/// A connection is used for many requests, also right after each other.
#[test]
fn a_connection_stays_open() {
    let sandbox = Sandbox::start(Options { mcp_mode: McpMode::Stateless, ..Options::default() });
    let gateway = Gateway::start(&settings(&sandbox));
    let mut stream = gateway.connect();
    let bytes = gateway.post_bytes("", call(1, "list_blueprints", &json!({})).to_string().as_bytes());
    stream.write_all(&[bytes.clone(), bytes.clone(), bytes].concat()).unwrap();
    let mut reader = BufReader::new(stream);
    for _ in 0..3 {
        assert!(Reply::read(&mut reader).answer_to(1)["result"].is_object());
    }
    let connections: std::collections::BTreeSet<_> = sandbox.requests_to(Route::Mcp).iter().map(|request| request.connection).collect();
    assert_eq!(connections.len(), 1, "the server's connection is used again too");
}

/// The server's answer waits in the server for as long as the agent doesn't read.
#[test]
fn an_agent_that_does_not_read_holds_the_server_back() {
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let upstream = Upstream::start(move |_, stream| {
        begin_events(stream);
        let piece = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
        while !stopped.load(Ordering::SeqCst) && stream.write_all(piece.as_bytes()).is_ok() {
            WRITTEN.fetch_add(0x8000, Ordering::SeqCst);
        }
    });
    let gateway = Gateway::start(&upstream.settings());
    let mut stream = gateway.connect();
    stream.write_all(&gateway.post_bytes("", call(1, "a", &json!({})).to_string().as_bytes())).unwrap();
    // The buffers of the system fill up, and then nothing moves.
    let mut last = (usize::MAX, 0);
    wait_for("the end of the flow", || {
        let now = WRITTEN.load(Ordering::SeqCst);
        last = if now == last.0 { (now, last.1 + 1) } else { (now, 0) };
        (now > 0 && last.1 > 300).then_some(())
    });
    let memory = std::fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let resident = memory.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap().trim_end_matches("kB").trim();
    assert!(resident.parse::<usize>().unwrap() < 64 * 1024, "{resident}");
    stop.store(true, Ordering::SeqCst);
}

#[test]
fn a_redirect_that_keeps_the_origin_is_followed_as_agents_do() {
    let elsewhere = Upstream::start(|_, stream| respond(stream, "200 OK", "Content-Type: application/json\r\n", "{}"));
    let other = elsewhere.settings()["mcp_url"].as_str().unwrap().to_owned();
    let upstream = Upstream::start(move |asked, stream| {
        let to = |stream: &mut _, status, target: &str| respond(stream, status, &format!("Location: {target}\r\n"), "");
        match (asked.head.split(' ').nth(1).unwrap(), asked.json()["params"]["name"].as_str()) {
            ("/v1", Some("a")) => to(stream, "308 Permanent Redirect", "/v1/"),
            ("/v1/", Some("a")) => to(stream, "307 Temporary Redirect", "moved"),
            ("/v1/moved", Some("a")) => json_answer(stream, &json!({"jsonrpc": "2.0", "id": 1, "result": {"content": []}})),
            ("/v1", Some("b")) => to(stream, "307 Temporary Redirect", &other),
            (_, tool) => to(stream, "307 Temporary Redirect", if tool == Some("c") { "/v1" } else { "http://[" }),
        }
    });
    let mut settings = upstream.settings();
    settings["rules"]["tools"] = json!(["a", "b", "c", "d"].map(|name| json!({"name": name, "kind": "read"})));
    let gateway = Gateway::start(&settings);
    let answer = |tool: &str| gateway.post(&call(1, tool, &json!({}))).answer_to(1);
    assert!(answer("a")["result"].is_object());
    let asked = upstream.asked();
    assert_eq!(asked.len(), 3);
    let (bearer, first) = (format!("Bearer {TOKEN}"), &asked[0].body);
    assert!(asked.iter().all(|asked| asked.header("authorization") == Some(&bearer) && asked.body == *first));
    for (tool, says) in [("b", "redirects to another address (status 307)"), ("c", "redirects again and again"), ("d", "status 307")] {
        let message = answer(tool)["error"]["message"].to_string();
        assert!(message.contains(says), "{tool}: {message}");
    }
    assert_eq!(upstream.asked().len(), 3 + 1 + 5 + 1);
    assert!(elsewhere.asked().is_empty(), "the token is sent nowhere else");
}
