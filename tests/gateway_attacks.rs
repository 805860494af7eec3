//! Promise: no request goes around the gateway. Each of these is refused, each is on record, and nothing of it reaches the server.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::io::{BufReader, Write};
use std::net::Shutdown;

use common::gateway::{Gateway, KEY, Reply, call, request, settings, wait_for};
use port_mcp_auth::testing::net::{Http, Network};
use port_sandbox::{Options, Route, Sandbox};
use rmcp::ServiceExt;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};

/// A way around: its name, what is sent, and the reason that the record must give.
struct Attack {
    name: String,
    bytes: Vec<u8>,
    reason: &'static str,
}

/// A prompt of the sandbox.
const PROMPT: &str = "incident_triage";

/// The server would do everything that it is asked for: only the gateway limits.
fn sandbox() -> Sandbox {
    Sandbox::start(Options { ignore_read_only: true, extra_tools: vec!["run_report".to_owned()], ..Options::default() })
}

fn limits(sandbox: &Sandbox) -> Value {
    let mut settings = settings(sandbox);
    settings["headers"] = json!([]);
    settings["rules"] = json!({
        "tools": [
            {"name": "list_blueprints", "kind": "read"},
            {"name": "list_entities", "kind": "read"},
            {"name": "run_action", "kind": "execute"},
            {"name": "trigger_run", "kind": "execute"},
            {"name": "upsert_entity", "kind": "write"},
        ],
        "actions": ["restart_service"],
        "read_only": true,
    });
    settings
}

/// Everything is sent, and each attack is held to its promise. Returns how many there were, and which got further than they may.
fn run(gateway: &Gateway, sandbox: &Sandbox, attacks: Vec<Attack>) -> (usize, Vec<String>) {
    let count = attacks.len();
    let mut further = Vec::new();
    for Attack { name, bytes, reason } in attacks {
        let (before, asked) = (gateway.events("refused").len(), sandbox.requests_to(Route::Mcp).len());
        let reply = gateway.raw(&bytes);
        // One of them is two requests.
        let line = wait_for(&format!("{name}: {reason} on record, after {reply:?}"), || {
            let refused = gateway.events("refused");
            refused.get(before..)?.iter().find(|line| line["reason"] == reason).cloned()
        });
        assert!(line["id"].is_u64() && line["decision"] == "refused" && line["message"].is_string(), "{name}: {line}");
        if sandbox.requests_to(Route::Mcp).len() != asked || is_success(&reply) {
            further.push(format!("{name}: {} {}", reply.status, reply.text()));
        }
    }
    (count, further)
}

/// Whether an agent would take this for the result of a call.
fn is_success(reply: &Reply) -> bool {
    reply.status == 200 && reply.messages().iter().any(|message| message.get("result").is_some_and(|result| result["isError"] != true))
}

fn attack(name: impl Into<String>, bytes: impl Into<Vec<u8>>, reason: &'static str) -> Attack {
    Attack { name: name.into(), bytes: bytes.into(), reason }
}

/// A good call, to be sent in a bad way.
fn good() -> String {
    call(1, "list_blueprints", &json!({})).to_string()
}

fn head(lines: &str, body: &str) -> String {
    format!("POST /mcp HTTP/1.1\r\n{lines}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn at_the_door(gateway: &Gateway) -> Vec<Attack> {
    let host = format!("Host: 127.0.0.1:{}\r\n", gateway.port);
    let key = format!("Authorization: Bearer {KEY}\r\n");
    let port = gateway.port;
    let with = |name: &str, lines: String, reason| attack(name, head(&lines, &good()), reason);
    let line = |name: &str, line: String, reason| {
        let body = good();
        attack(name, format!("{line}\r\n{host}{key}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()), reason)
    };
    vec![
        with("no key", host.clone(), "key"),
        with("a wrong key", format!("{host}Authorization: Bearer {}\r\n", "x".repeat(KEY.len())), "key"),
        with("a part of the key", format!("{host}Authorization: Bearer {}\r\n", KEY.get(..20).unwrap()), "key"),
        with("the key and more", format!("{host}Authorization: Bearer {KEY}x\r\n"), "key"),
        with("the key in capitals", format!("{host}Authorization: Bearer {}\r\n", KEY.to_uppercase()), "key"),
        with("an empty key", format!("{host}Authorization: Bearer \r\n"), "key"),
        with("two blanks before the key", format!("{host}Authorization: Bearer  {KEY}\r\n"), "key"),
        with("the key as a password", format!("{host}Authorization: Basic {KEY}\r\n"), "key"),
        with("the key without a scheme", format!("{host}Authorization: {KEY}\r\n"), "key"),
        with("the key in another header", format!("{host}X-Api-Key: {KEY}\r\nX-Authorization: Bearer {KEY}\r\n"), "key"),
        with("the key in a cookie", format!("{host}Cookie: key={KEY}; Authorization=Bearer {KEY}\r\n"), "key"),
        with("a wrong key and the key", format!("{host}Authorization: Bearer wrong\r\n{key}"), "key"),
        with("the key and a wrong key", format!("{host}{key}Authorization: Bearer wrong\r\n"), "key"),
        with("the key for a proxy", format!("{host}Proxy-Authorization: Bearer {KEY}\r\n"), "key"),
        line("the key in the query", format!("POST /mcp?key={KEY}&access_token={KEY} HTTP/1.1"), "path"),
        with("no host", key.clone(), "host"),
        with("another host", format!("Host: evil.example\r\n{key}"), "host"),
        with("a host that begins like ours", format!("Host: 127.0.0.1.evil.example:{port}\r\n{key}"), "host"),
        with("a host with a user", format!("Host: 127.0.0.1:{port}@evil.example\r\n{key}"), "host"),
        with("another port", format!("Host: 127.0.0.1:1\r\n{key}"), "host"),
        with("no port", format!("Host: 127.0.0.1\r\n{key}"), "host"),
        with("two hosts", format!("{host}Host: evil.example\r\n{key}"), "host"),
        with("a web page", format!("{host}{key}Origin: https://evil.example\r\n"), "origin"),
        with("a web page without a name", format!("{host}{key}Origin: null\r\n"), "origin"),
        with("a web page on another port", format!("{host}{key}Origin: http://127.0.0.1:1\r\n"), "origin"),
        with("a web page over https", format!("{host}{key}Origin: https://127.0.0.1:{port}\r\n"), "origin"),
        with("two origins", format!("{host}{key}Origin: http://127.0.0.1:{port}\r\nOrigin: https://evil.example\r\n"), "origin"),
        line("a whole URL in the first line", "POST http://evil.example/mcp HTTP/1.1".to_owned(), "host"),
        line("our URL in the first line", format!("POST http://127.0.0.1:{port}/mcp HTTP/1.1"), "host"),
        line("a tunnel", "CONNECT evil.example:443 HTTP/1.1".to_owned(), "host"),
        line("another path", "POST /v1 HTTP/1.1".to_owned(), "path"),
        line("the token's path", "POST /mcp/token HTTP/1.1".to_owned(), "path"),
        line("a path with a slash at its end", "POST /mcp/ HTTP/1.1".to_owned(), "path"),
        line("a path in capitals", "POST /MCP HTTP/1.1".to_owned(), "path"),
        line("an encoded path", "POST /%6dcp HTTP/1.1".to_owned(), "path"),
        line("a path with two slashes", "POST //mcp HTTP/1.1".to_owned(), "path"),
        line("a path with dots", "POST /audit/../mcp HTTP/1.1".to_owned(), "path"),
        line("a message to the record", "POST /audit HTTP/1.1".to_owned(), "http_method"),
        line("PUT", "PUT /mcp HTTP/1.1".to_owned(), "http_method"),
        line("PATCH", "PATCH /mcp HTTP/1.1".to_owned(), "http_method"),
        line("OPTIONS", "OPTIONS /mcp HTTP/1.1".to_owned(), "http_method"),
        line("TRACE", "TRACE /mcp HTTP/1.1".to_owned(), "http_method"),
        line("a method of its own", "POSTX /mcp HTTP/1.1".to_owned(), "http_method"),
        line("a method in small letters", "post /mcp HTTP/1.1".to_owned(), "http_method"),
    ]
}

fn on_the_wire(gateway: &Gateway) -> Vec<Attack> {
    let headers = gateway.headers();
    let forbidden = call(1, "delete_entity", &json!({"blueprint": "service", "identifier": "cart"})).to_string();
    let smuggled = format!("POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{forbidden}", forbidden.len());
    let post = |lines: &str, body: &str| format!("POST /mcp HTTP/1.1\r\n{headers}{lines}\r\n{body}");
    let bare = |text: &str| text.replace("Content-Type: application/json\r\n", "");
    let typed = |kind: &str| format!("POST /mcp HTTP/1.1\r\n{}{kind}Content-Length: {}\r\n\r\n{}", bare(&headers), good().len(), good());
    let utf16: Vec<u8> = good().encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        attack("two lengths", post("Content-Length: 2\r\nContent-Length: 80\r\n", &forbidden), "not_http"),
        attack("a length with a sign", post("Content-Length: +2\r\n", "{}"), "not_http"),
        attack("a length that overflows", post("Content-Length: 99999999999999999999999\r\n", "{}"), "not_http"),
        attack("an unknown transfer encoding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), "not_http"),
        attack("chunked before another encoding", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), "not_http"),
        attack(
            "a request after a length and chunks",
            post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", &format!("0\r\n\r\n{smuggled}")),
            "json",
        ),
        attack("a request behind a short body", post("Content-Length: 2\r\n", &format!("[]{smuggled}")), "host"),
        attack(
            "a chunk of a wrong length",
            post("Transfer-Encoding: chunked\r\n", &format!("zz\r\n{forbidden}\r\n0\r\n\r\n")),
            "broken_off",
        ),
        attack("a forbidden call in small chunks", post("Transfer-Encoding: chunked\r\n", &chunked(&forbidden)), "writes"),
        attack("a blank before a colon", post("Authorization : Bearer x\r\nContent-Length: 2\r\n", "{}"), "not_http"),
        attack("a folded header", post("X-A: b\r\n c: d\r\nContent-Length: 2\r\n", "{}"), "not_http"),
        attack("a zero byte in a header", post("X-A: a\0b\r\nContent-Length: 2\r\n", "{}"), "not_http"),
        attack("a huge header", post(&format!("X-A: {}\r\nContent-Length: 2\r\n", "a".repeat(200_000)), "{}"), "not_http"),
        attack("a hundred headers", post(&format!("{}Content-Length: 2\r\n", "X-A: b\r\n".repeat(100)), "{}"), "not_http"),
        attack("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "not_http"),
        attack("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), "not_http"),
        attack("HTTP/0.9", "GET /mcp\r\n\r\n", "not_http"),
        attack("text", typed("Content-Type: text/plain\r\n"), "media_type"),
        attack("a form", typed("Content-Type: application/x-www-form-urlencoded\r\n"), "media_type"),
        attack("no type", typed(""), "media_type"),
        attack("two types", typed("Content-Type: application/json\r\nContent-Type: text/plain\r\n"), "header"),
        attack("UTF-16 by its type", typed("Content-Type: application/json; charset=utf-16\r\n"), "media_type"),
        attack("UTF-16 by its bytes", gateway.post_bytes("", &utf16), "json"),
        attack("UTF-7 by its type", typed("Content-Type: application/json; charset=utf-7\r\n"), "media_type"),
        attack("a compressed body", gateway.post_bytes("Content-Encoding: gzip\r\n", b"\x1f\x8b\x08\0"), "media_type"),
        attack("a body that is said to be as it is", gateway.post_bytes("Content-Encoding: identity\r\n", good().as_bytes()), "media_type"),
        attack("a huge body", gateway.post_bytes("", &vec![b' '; 4 * 1024 * 1024 + 1]), "too_large"),
        attack(
            "a huge body in chunks",
            post("Transfer-Encoding: chunked\r\n", &format!("{}0\r\n\r\n", format!("10000\r\n{}\r\n", " ".repeat(65536)).repeat(65))),
            "too_large",
        ),
        attack("a body that never comes", post("Content-Length: 100\r\n", "{"), "too_slow"),
    ]
}

fn chunked(text: &str) -> String {
    let chunk = |c: char| format!("{:x}\r\n{c}\r\n", c.len_utf8());
    text.chars().map(chunk).chain(["0\r\n\r\n".to_owned()]).collect()
}

fn in_json(gateway: &Gateway) -> Vec<Attack> {
    let forbidden = call(2, "delete_entity", &json!({"blueprint": "service", "identifier": "cart"})).to_string();
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"list_blueprints","arguments":{{"a":{}{}}}}}}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    let wide: Vec<_> = (0..20_000).map(|number| format!("\"{number}\":1")).collect();
    let wide = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"list_blueprints","arguments":{{{}}}}}}}"#,
        wide.join(",")
    );
    let texts: Vec<(&str, String, &'static str)> = [
        ("a name twice", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_blueprints","name":"delete_entity"}}"#, "json"),
        ("a name twice, the other way", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_entity","name":"list_blueprints"}}"#, "json"),
        ("a name twice, once escaped", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_blueprints","n\u0061me":"delete_entity"}}"#, "json"),
        ("two methods", r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"delete_entity"}}"#, "json"),
        ("two parameters", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_blueprints"},"params":{"name":"delete_entity"}}"#, "json"),
        ("two ids", r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, "json"),
        ("a member twice, deep inside", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_blueprints","arguments":{"a":[{"b":1,"b":2}]}}}"#, "json"),
        ("a message as an array", r#"["2.0",1,"tools/call",{"name":"delete_entity","arguments":{}}]"#, "batch"),
        ("parameters as an array", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["delete_entity",{}]}"#, "not_a_message"),
        ("arguments as an array", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_blueprints","arguments":["x"]}}"#, "params"),
        ("arguments as a text", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_blueprints","arguments":"{}"}}"#, "params"),
        ("arguments that are null", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_blueprints","arguments":null}}"#, "params"),
        ("a name as an array", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["list_blueprints"]}}"#, "params"),
        ("a name as an object", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":{"toString":"delete_entity"}}}"#, "params"),
        ("a name as a number", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":1}}"#, "params"),
        ("no name", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, "params"),
        ("no parameters", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, "params"),
        ("parameters in a text", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"{\"name\":\"delete_entity\"}"}"#, "not_a_message"),
        ("a second method in capitals", r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call","params":{"name":"delete_entity"}}"#, "not_a_message"),
        ("a second name in capitals", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_blueprints","Name":"delete_entity"}}"#, "params"),
        ("a second name with a blank", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_blueprints","name ":"delete_entity"}}"#, "params"),
        ("second arguments with a long s", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"run_action\",\"arguments\":{\"actionIdentifier\":\"restart_service\"},\"argument\u{17f}\":{\"actionIdentifier\":\"scaffold\"}}}", "params"),
        ("an unknown member", r#"{"jsonrpc":"2.0","id":1,"method":"ping","tool":"delete_entity"}"#, "not_a_message"),
        ("prototype members", r#"{"jsonrpc":"2.0","id":1,"method":"ping","__proto__":{"method":"tools/call"}}"#, "not_a_message"),
        ("a byte order mark", "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", "json"),
        ("a second message behind the first", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"delete_entity\"}}", "json"),
        ("a comment", r#"{"jsonrpc":"2.0","id":1,/*"method":"ping",*/"method":"tools/call","params":{"name":"delete_entity"}}"#, "json"),
        ("a comma too many", r#"{"jsonrpc":"2.0","id":1,"method":"ping",}"#, "json"),
        ("no number", r#"{"jsonrpc":"2.0","id":NaN,"method":"ping"}"#, "json"),
        ("half of a surrogate pair", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_blueprints\ud800"}}"#, "json"),
        ("a control character", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\u{1}\"}", "json"),
        ("nothing", "", "json"),
        ("null", "null", "json"),
        ("a number", "7", "json"),
        ("a text", "\"tools/call\"", "json"),
        ("no version", r#"{"id":1,"method":"ping"}"#, "not_a_message"),
        ("an old version", r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, "not_a_message"),
        ("a version that is a number", r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, "not_a_message"),
        ("an id that is null", r#"{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"delete_entity"}}"#, "not_a_message"),
        ("an id that is an object", r#"{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}"#, "not_a_message"),
        ("a request that is a response too", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_entity"},"result":{}}"#, "not_a_message"),
        ("a response with parameters", r#"{"jsonrpc":"2.0","id":1,"result":{},"params":{"name":"delete_entity"}}"#, "not_a_message"),
        ("a response that is an error too", r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#, "not_a_message"),
        ("no message at all", "{}", "not_a_message"),
        ("an empty batch", "[]", "batch"),
    ]
    .into_iter()
    .map(|(name, text, reason)| (name, text.to_owned(), reason))
    .chain([
        ("a batch with a forbidden call", format!("[{},{forbidden}]", good()), "batch"),
        ("a batch of one", format!("[{forbidden}]"), "batch"),
        ("a batch in a batch", format!("[[{forbidden}]]"), "batch"),
        ("deep JSON", deep, "json"),
        ("wide JSON", wide, "json"),
    ])
    .collect();
    let invalid = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"list_blueprints\xff\"}}";
    let invalid = attack("a byte that is not UTF-8", gateway.post_bytes("", invalid), "json");
    texts.into_iter().map(|(name, text, reason)| attack(name, gateway.post_bytes("", text.as_bytes()), reason)).chain([invalid]).collect()
}

fn with_tools(gateway: &Gateway) -> Vec<Attack> {
    let named = |name: &str, reason| {
        attack(format!("the tool {name:?}"), gateway.post_bytes("", call(1, name, &json!({})).to_string().as_bytes()), reason)
    };
    let running = |arguments: Value| {
        let reason = match arguments["actionIdentifier"].as_str() {
            Some(_) if arguments.as_object().unwrap().len() == 1 => "action",
            _ => "unclear_action",
        };
        attack(
            format!("run_action with {arguments}"),
            gateway.post_bytes("", call(1, "run_action", &arguments).to_string().as_bytes()),
            reason,
        )
    };
    let mut attacks: Vec<_> = [
        "list_scorecards",
        "List_Blueprints",
        "LIST_BLUEPRINTS",
        "list_blueprints ",
        " list_blueprints",
        "list_blueprints\n",
        "list_blueprints\0",
        "list_blueprints\u{200b}",
        "list\u{2010}blueprints",
        "list-blueprints",
        "l\u{456}st_blueprints",
        "\u{ff4c}ist_blueprints",
        "list_blueprint\u{17f}",
        "list_blueprints,delete_entity",
        "list_blueprints/../delete_entity",
        "mcp__port-prod__list_blueprints",
        "list_*",
        "*",
        "",
        "__proto__",
        "constructor",
    ]
    .into_iter()
    .map(|name| named(name, "tool"))
    .collect();
    attacks.extend(["delete_entity", "upsert_blueprint", "trigger_auto_discovery", "upsert_entity"].map(|name| named(name, "writes")));
    attacks.push(named(&"a".repeat(5000), "tool"));
    attacks.push(named("run_report", "tool"));
    attacks.push(named("run_restart_service", "tool"));
    attacks.extend(
        [
            json!({}),
            json!({"actionIdentifier": "scaffold_service"}),
            json!({"actionIdentifier": "Restart_Service"}),
            json!({"actionIdentifier": "restart_service "}),
            json!({"actionIdentifier": "restart_service\u{0}"}),
            json!({"actionIdentifier": "restart_service,scaffold_service"}),
            json!({"actionIdentifier": "restart\u{200b}_service"}),
            json!({"actionIdentifier": "re\u{17f}tart_service"}),
            json!({"actionIdentifier": "*"}),
            json!({"actionIdentifier": ""}),
            json!({"actionIdentifier": ["restart_service", "scaffold_service"]}),
            json!({"actionIdentifier": {"$eq": "scaffold_service"}}),
            json!({"actionIdentifier": null}),
            json!({"actionIdentifier": true}),
            json!({"actionIdentifier": "restart_service", "ActionIdentifier": "scaffold_service"}),
            json!({"actionIdentifier": "restart_service", "action_identifier": "scaffold_service"}),
            json!({"actionIdentifier": "restart_service", "identifier": "scaffold_service"}),
            json!({"actionIdentifier": "restart_service", "actionId": "scaffold_service"}),
            json!({"actionIdentifier": "restart_service", "actionIdentifier ": "scaffold_service"}),
            json!({"actionIdentifier": "restart_service", "action\u{200b}Identifier": "scaffold_service"}),
            json!({"action_identifier": "restart_service"}),
            json!({"properties": {"actionIdentifier": "restart_service"}}),
        ]
        .map(running),
    );
    let unlisted = call(1, "trigger_run", &json!({"identifier": "restart_service", "slug": "scaffold_service"}));
    attacks.push(attack("a tool that was never listed", gateway.post_bytes("", unlisted.to_string().as_bytes()), "unclear_action"));
    attacks
}

fn with_methods(gateway: &Gateway) -> Vec<Attack> {
    let params = json!({"name": "delete_entity", "uri": "port://entities", "taskId": "1", "arguments": {}});
    let mut attacks: Vec<_> = [
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "resources/subscribe",
        "completion/complete",
        "tasks/list",
        "tasks/get",
        "tasks/result",
        "tasks/cancel",
        "sampling/createMessage",
        "elicitation/create",
        "roots/list",
        "Tools/Call",
        "tools/call ",
        "tools/call\0",
        "tools//call",
        "tools/call/",
        "/tools/call",
        "tools\\call",
        "tools.call",
        "tools/c\u{430}ll",
        "rpc.discover",
        "",
        "notifications/initialized",
    ]
    .into_iter()
    .map(|method| {
        attack(format!("the method {method:?}"), gateway.post_bytes("", request(1, method, &params).to_string().as_bytes()), "method")
    })
    .collect();
    // The server has this one.
    let prompt = request(1, "prompts/get", &json!({"name": PROMPT, "arguments": {"service": "checkout"}}));
    attacks.push(attack("a prompt that exists", gateway.post_bytes("", prompt.to_string().as_bytes()), "method"));
    attacks.extend(
        ["tools/call", "tools/list", "initialize", "notifications/message", "notifications/tools/call", "notifications/cancelled "].map(
            |method| {
                let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
                attack(format!("{method:?} that wants no answer"), gateway.post_bytes("", message.to_string().as_bytes()), "method")
            },
        ),
    );
    attacks
}

fn with_headers(gateway: &Gateway) -> Vec<Attack> {
    const NEW: &str = "MCP-Protocol-Version: 2026-07-28\r\n";
    const OLD: &str = "MCP-Protocol-Version: 2025-11-25\r\n";
    let forbidden = call(1, "delete_entity", &json!({})).to_string();
    let region = call(1, "list_blueprints", &json!({"region": "eu", "count": 7})).to_string();
    let meta =
        |version: &str| request(1, "tools/list", &json!({"_meta": {"io.modelcontextprotocol/protocolVersion": version}})).to_string();
    let method = |method: &str| request(1, method, &json!({})).to_string();
    let post = |name: &str, extra: String, body: &str, reason| attack(name, gateway.post_bytes(&extra, body.as_bytes()), reason);
    vec![
        post(
            "another method in the header",
            format!("{NEW}Mcp-Method: tools/list\r\nMcp-Name: list_blueprints\r\n"),
            &good(),
            "header_mismatch",
        ),
        post("the header's method and a forbidden body", format!("{NEW}Mcp-Method: ping\r\n"), &forbidden, "writes"),
        post(
            "an allowed name over a forbidden body",
            format!("{NEW}Mcp-Method: tools/call\r\nMcp-Name: list_blueprints\r\n"),
            &forbidden,
            "writes",
        ),
        post(
            "a forbidden name over an allowed body",
            format!("{NEW}Mcp-Method: tools/call\r\nMcp-Name: delete_entity\r\n"),
            &good(),
            "header_mismatch",
        ),
        post("a forbidden name, encoded", format!("{NEW}Mcp-Name: =?base64?ZGVsZXRlX2VudGl0eQ==?=\r\n"), &good(), "header_mismatch"),
        post("a name that can't be decoded", format!("{NEW}Mcp-Name: =?base64?%%%?=\r\n"), &good(), "header_mismatch"),
        post("a name where there is none", format!("{NEW}Mcp-Name: delete_entity\r\n"), &method("tools/list"), "header_mismatch"),
        post("two names", format!("{NEW}Mcp-Name: list_blueprints\r\nMcp-Name: delete_entity\r\n"), &good(), "header"),
        post("two methods", format!("{NEW}Mcp-Method: tools/call\r\nMcp-Method: ping\r\n"), &good(), "header"),
        post("another method in the old era", format!("{OLD}Mcp-Method: prompts/list\r\n"), &good(), "header_mismatch"),
        post("a parameter that says something else", format!("{NEW}Mcp-Param-Region: us\r\n"), &region, "header_mismatch"),
        post("a parameter twice", format!("{NEW}Mcp-Param-Region: eu\r\nMcp-Param-Region: us\r\n"), &region, "header_mismatch"),
        post("a parameter without a call", format!("{NEW}Mcp-Param-Region: eu\r\n"), &method("ping"), "header_mismatch"),
        post("a parameter in bytes that are no text", format!("{NEW}Mcp-Param-Region: =?base64?/w==?=\r\n"), &region, "header_mismatch"),
        post("initialize in the era without it", NEW.to_owned(), &method("initialize"), "era"),
        post("discover in the era without it", OLD.to_owned(), &method("server/discover"), "era"),
        post("listen in the era without it", OLD.to_owned(), &method("subscriptions/listen"), "era"),
        post("discover in a session", "Mcp-Session-Id: abc\r\n".to_owned(), &method("server/discover"), "era"),
        post("a revision in the body alone", String::new(), &meta("2026-07-28"), "header_mismatch"),
        post("two revisions", OLD.to_owned(), &meta("2026-07-28"), "header_mismatch"),
        post("a revision twice", format!("{OLD}{NEW}"), &good(), "header"),
        post("a revision that is none", "MCP-Protocol-Version: latest\r\n".to_owned(), &good(), "header"),
        post("two sessions", "Mcp-Session-Id: a\r\nMcp-Session-Id: b\r\n".to_owned(), &good(), "header"),
        post("an empty session", "Mcp-Session-Id: \r\n".to_owned(), &good(), "header"),
        post("a session outside of ASCII", "Mcp-Session-Id: \u{e9}\r\n".to_owned(), &good(), "header"),
        post("a huge session", format!("Mcp-Session-Id: {}\r\n", "a".repeat(5000)), &good(), "header"),
        attack(
            "two places to resume",
            format!("GET /mcp HTTP/1.1\r\n{}Last-Event-ID: 1\r\nLast-Event-ID: 2\r\n\r\n", gateway.headers()),
            "header",
        ),
    ]
}

#[test]
fn every_way_around_is_refused_and_on_record_and_does_not_reach_the_server() {
    let sandbox = sandbox();
    let mut gateway = Gateway::start(&limits(&sandbox));
    let (mut count, mut further) = (0, Vec::new());
    for attacks in [at_the_door, on_the_wire, in_json, with_tools, with_methods, with_headers] {
        let ran = run(&gateway, &sandbox, attacks(&gateway));
        count += ran.0;
        further.extend(ran.1);
    }
    assert!(further.is_empty(), "{}", further.join("\n"));
    assert!(count >= 200, "{count}");
    assert_eq!(sandbox.requests_to(Route::Mcp).len(), 0);

    // None of it did any harm: the same agent can go on.
    let session = gateway.initialize();
    let reply = gateway.post_with(&session, good().as_bytes());
    assert!(is_success(&reply), "{reply:?}");
    let action = call(3, "run_action", &json!({"actionIdentifier": "restart_service", "properties": {"identifier": "x"}}));
    assert_eq!(gateway.post_with(&session, action.to_string().as_bytes()).status, 200);
    assert_eq!(sandbox.requests_to(Route::Rpc("tools/call")).len(), 2);
    let record = wait_for("the action on record", || Some(gateway.text()).filter(|text| text.contains("\"action\":\"restart_service\"")));
    assert!(!record.contains("scaffold_service"), "{record}");
    assert_eq!(gateway.stop(), Some(0));
    assert!(!gateway.text().contains(KEY));
}

/// The codes are those that JSON-RPC has for what is wrong, so a client's own words for them fit.
#[test]
fn a_refusal_has_the_code_of_json_rpc() {
    let sandbox = sandbox();
    let gateway = Gateway::start(&limits(&sandbox));
    for (body, status, code) in [
        ("{", 400, -32700),
        ("[]", 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"prompts/list"}"#, 200, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, 200, -32602),
    ] {
        let reply = gateway.post_with("", body.as_bytes());
        assert_eq!((reply.status, &reply.messages()[0]["error"]["code"]), (status, &json!(code)), "{body}");
        assert_eq!(reply.header("allow"), None, "{body}");
    }
    let reply = gateway.raw(format!("PUT /mcp HTTP/1.1\r\n{}\r\n", gateway.headers()).as_bytes());
    assert_eq!((reply.status, reply.header("allow").as_deref()), (405, Some("GET, POST, DELETE")));
}

/// The server has prompts, and gives them to whoever holds its token.
#[test]
fn the_servers_prompts_stay_behind_the_gateway() {
    let sandbox = sandbox();
    let gateway = Gateway::start(&limits(&sandbox));
    let session = gateway.initialize();
    let (capabilities, prompts) = prompts_of(&sandbox.mcp_url(), &sandbox.issued_tokens()[0]);
    assert_eq!((capabilities, prompts), (vec!["prompts", "tools"], Some(vec![PROMPT.to_owned()])));
    let (capabilities, prompts) = prompts_of(&gateway.url(), KEY);
    assert_eq!((capabilities, prompts), (vec!["tools"], None));
    let asked = sandbox.requests_to(Route::Rpc("prompts/list")).len();
    for (method, params) in [("prompts/list", json!({})), ("prompts/get", json!({"name": PROMPT, "arguments": {"service": "checkout"}}))] {
        let refused = gateway.post_with(&session, request(5, method, &params).to_string().as_bytes()).answer_to(5);
        assert_eq!(refused["error"]["code"], -32601, "{method}");
    }
    assert_eq!(sandbox.requests_to(Route::Rpc("prompts/list")).len(), asked);
    assert_eq!(sandbox.requests_to(Route::Rpc("prompts/get")).len(), 0);
}

/// The server's capabilities, and its prompts if it gives them to the official client.
fn prompts_of(url: &str, token: &str) -> (Vec<&'static str>, Option<Vec<String>>) {
    let http = Http::new(&Network::default(), |_| {}).unwrap();
    let config = StreamableHttpClientTransportConfig::with_uri(url.to_owned()).auth_header(token);
    let ask = async {
        let client = ().serve(StreamableHttpClientTransport::with_client(http.client().clone(), config)).await.unwrap();
        let capabilities = serde_json::to_value(&client.peer_info().unwrap().capabilities).unwrap();
        let known = ["prompts", "resources", "tools"].into_iter().filter(|name| capabilities.get(name).is_some()).collect();
        let prompts = client.list_all_prompts().await.ok();
        client.cancel().await.unwrap();
        (known, prompts.map(|prompts| prompts.into_iter().map(|prompt| prompt.name).collect()))
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(ask)
}

/// Port's header does not limit the tool that takes the place of `run_action`; the gateway does.
#[test]
fn workflows_run_only_if_they_are_named() {
    let sandbox = sandbox();
    let gateway = Gateway::start(&limits(&sandbox));
    let session = gateway.initialize();
    let trigger = |id: u64, arguments: Value| {
        let message = call(id, "trigger_run", &arguments).to_string();
        gateway.post_with(&session, message.as_bytes()).answer_to(id)["result"]["isError"].clone()
    };
    let named = json!({"type": "ACTION", "identifier": "restart_service"});
    assert_eq!(trigger(1, named.clone()), true, "what names the action is not known before the list");
    gateway.post_with(&session, request(2, "tools/list", &json!({})).to_string().as_bytes()).answer_to(2);
    assert_eq!(trigger(3, named), false);
    for (kind, identifier) in [("WORKFLOW", "scaffold_service"), ("ACTION", "create_incident"), ("ACTION", "")] {
        assert_eq!(trigger(4, json!({"type": kind, "identifier": identifier, "nodeIdentifier": "restart_service"})), true, "{identifier}");
    }
    assert_eq!(sandbox.requests_to(Route::Rpc("tools/call")).len(), 1);
}

/// What can't be sent as bytes and then read: an agent that leaves in the middle.
#[test]
fn a_message_that_breaks_off_does_not_reach_the_server() {
    let sandbox = sandbox();
    let gateway = Gateway::start(&limits(&sandbox));
    let mut stream = gateway.connect();
    let bytes = gateway.post_bytes("", good().as_bytes());
    stream.write_all(&bytes[..bytes.len() - 1]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let reply = Reply::read(&mut BufReader::new(stream));
    assert!(!is_success(&reply), "{reply:?}");
    assert!(is_success(&gateway.post_with(&gateway.initialize(), good().as_bytes())));
    assert_eq!(sandbox.requests_to(Route::Rpc("tools/call")).len(), 1);
}

/// The refusals that an agent reads say which input sets the limit, in the form that its client shows to the model.
#[test]
fn an_agent_is_told_which_limit_it_met() {
    let sandbox = sandbox();
    let gateway = Gateway::start(&limits(&sandbox));
    for (tool, arguments, input) in [
        ("list_scorecards", json!({}), "allowed_tools"),
        ("delete_entity", json!({}), "read_only"),
        ("run_action", json!({"actionIdentifier": "scaffold_service"}), "allowed_actions"),
    ] {
        let answer = gateway.post(&call(7, tool, &arguments)).answer_to(7);
        assert_eq!(answer["result"]["isError"], true);
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(&format!("`{input}`")), "{text}");
        wait_for("the record", || {
            let line = gateway.events("refused").pop()?;
            (line["tool"] == tool && line["input"] == input).then_some(())
        });
    }
    let refused = gateway.post(&request(8, "prompts/list", &json!({}))).answer_to(8);
    assert_eq!(refused["error"]["code"], -32601);
    let none = limits(&sandbox);
    let mut none = none;
    none["rules"]["actions"] = json!([]);
    let gateway = Gateway::start(&none);
    let answer = gateway.post(&call(9, "run_action", &json!({"actionIdentifier": "restart_service"}))).answer_to(9);
    assert_eq!(answer["result"]["isError"], true);
}
