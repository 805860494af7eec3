//! Promise: the step judges an MCP server as agents do. It is green where agents have their tools, red where the chosen agent is
//! certain to have none, and warns where that is not known. What agents take was seen with the real SDKs: `tests/agents/shapes`.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use common::{Outcome, Step};
use miniz_oxide::deflate::compress_to_vec_zlib;
use port_sandbox::{Fault, Route, Sandbox};
use serde_json::{Value, json};

/// A request, as the server saw it.
#[derive(Debug, Clone)]
struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Value,
}

impl Request {
    fn rpc(&self) -> &str {
        self.body["method"].as_str().unwrap_or("-")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A response.
struct Response {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// How many bytes of the body are missing when the connection is closed.
    missing: usize,
}

impl Response {
    fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type", kind.to_owned())], body: body.into(), missing: 0 }
    }

    fn json(body: &Value) -> Self {
        Self::new(200, "application/json", body.to_string())
    }

    fn events(text: impl Into<Vec<u8>>) -> Self {
        Self::new(200, "text/event-stream", text)
    }

    /// A JSON-RPC error.
    fn error(status: u16, request: &Request, code: i64, message: &str) -> Self {
        let body = json!({"jsonrpc": "2.0", "id": request.body["id"], "error": {"code": code, "message": message}});
        Self::new(status, "application/json", body.to_string())
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// None: the connection is closed.
    fn nothing() -> Self {
        Self::new(0, "", "")
    }

    /// Without its end.
    fn cut_off(self) -> Self {
        Self { missing: 1, ..self }
    }
}

/// An MCP server that answers as `answer` says, and a sandbox that issues the token.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    port: Sandbox,
}

impl Server {
    /// One of the revisions that begin with `initialize`, which most servers speak. What comes before that is not shown to `answer`.
    fn start(answer: impl Fn(&Request, usize) -> Response + Send + Sync + 'static) -> Self {
        Self::of_any_revision(move |request, count| match request.rpc() {
            "server/discover" => Response::new(404, "text/plain", ""),
            _ => answer(request, count),
        })
    }

    /// `answer` decides what is known.
    fn of_any_revision(answer: impl Fn(&Request, usize) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || serve(&connection, &seen, answer.as_ref()));
            }
        });
        Self { url, requests, port: Sandbox::default() }
    }

    fn step(&self) -> Step {
        Step::against(&self.port).input("mcp_url", &self.url)
    }

    /// What arrived. The end of the session is not awaited by the step, so it may still be on its way.
    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().iter().filter(|request| request.method != "DELETE").cloned().collect()
    }

    fn rpcs(&self) -> Vec<String> {
        self.requests().iter().map(|request| request.rpc().to_owned()).collect()
    }
}

fn serve(connection: &TcpStream, seen: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request, usize) -> Response) {
    let mut reader = BufReader::new(connection);
    while let Some(request) = read(&mut reader) {
        let count = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.iter().filter(|earlier| earlier.rpc() == request.rpc() && earlier.method == request.method).count()
        };
        let Response { status, headers, body, missing } = answer(&request, count);
        if status == 0 {
            return;
        }
        let headers = headers.iter().fold(String::new(), |text, (name, value)| text + &format!("{name}: {value}\r\n"));
        let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len() + missing);
        let mut writer = connection;
        if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(&body)).is_err() || missing > 0 {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let (first, rest) = lines.split_first()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers: Vec<_> =
        rest.iter().filter_map(|line| line.split_once(": ")).map(|(a, b)| (a.to_ascii_lowercase(), b.to_owned())).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
}

fn tool(name: &str) -> Value {
    json!({"name": name, "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}})
}

fn result(request: &Request) -> Value {
    match request.rpc() {
        "initialize" => {
            json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}})
        }
        "server/discover" => {
            json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}})
        }
        _ => json!({"tools": [tool("list_a"), tool("list_b")]}),
    }
}

fn envelope(request: &Request) -> Value {
    json!({"jsonrpc": "2.0", "id": request.body["id"], "result": result(request)})
}

/// A server without any mistake.
fn good(request: &Request) -> Response {
    match (request.method.as_str(), request.body.get("id")) {
        ("POST", Some(_)) => Response::json(&envelope(request)),
        ("POST", None) => Response::new(202, "application/json", ""),
        _ => Response::new(405, "text/plain", ""),
    }
}

fn event(data: &Value) -> String {
    format!("event: message\ndata: {data}\n\n")
}

fn tools(outcome: &Outcome) -> Vec<String> {
    serde_json::from_str(&outcome.output("tools")).unwrap()
}

fn warnings(outcome: &Outcome) -> Vec<String> {
    outcome.log.warnings().map(|warning| warning.title.clone()).collect()
}

/// Asserts that the step is as green as the agent.
fn works(shape: &str, server: &Server) {
    let outcome = server.step().run().succeeded();
    assert_eq!(tools(&outcome), ["list_a", "list_b"], "{shape}: {}", outcome.stdout);
    assert_eq!(warnings(&outcome), [""; 0], "{shape}");
    assert_eq!(outcome.output("allowed_tools"), "mcp__port-prod__list_a,mcp__port-prod__list_b", "{shape}");
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let deflated = miniz_oxide::deflate::compress_to_vec(body, 6);
    let crc = body.iter().fold(!0_u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1))));
    let length = u32::try_from(body.len()).unwrap();
    [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255][..], &deflated, &(!crc).to_le_bytes(), &length.to_le_bytes()].concat()
}

#[test]
fn a_body_that_agents_read_is_read() {
    type Shape = fn(Vec<u8>) -> Response;
    let shapes: &[(&str, Shape)] = &[
        ("a byte order mark", |body| Response::new(200, "application/json", ["\u{feff}".as_bytes(), &body].concat())),
        ("white space around it", |body| Response::new(200, "application/json", [b" \r\n\t", &body[..], b"\n\n"].concat())),
        ("an array with the answer", |body| Response::new(200, "application/json", [b"[", &body[..], b"]"].concat())),
        ("an array with a notification and the answer", |body| {
            Response::new(200, "application/json", [b"[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"},", &body[..], b"]"].concat())
        }),
        ("status 201", |body| Response::new(201, "application/json", body)),
        ("status 206", |body| Response::new(206, "application/json", body)),
        ("a charset", |body| Response::new(200, "Application/JSON; charset=utf-8", body)),
        ("gzip that was not asked for", |body| Response::new(200, "application/json", gzip(&body)).header("content-encoding", "gzip")),
        ("deflate that was not asked for", |body| {
            Response::new(200, "application/json", compress_to_vec_zlib(&body, 6)).header("content-encoding", "deflate")
        }),
        ("the encoding `identity`", |body| Response::new(200, "application/json", body).header("content-encoding", "identity")),
        ("an event stream", |body| Response::events([b"data: ", &body[..], b"\n\n"].concat())),
        ("an event stream in gzip", |body| {
            Response::events(gzip(&[b"data: ", &body[..], b"\n\n"].concat())).header("content-encoding", "gzip")
        }),
    ];
    for (name, shape) in shapes {
        let shape = *shape;
        let server = Server::start(move |request, _| match request.body.get("id") {
            Some(_) => shape(envelope(request).to_string().into_bytes()),
            None => good(request),
        });
        works(name, &server);
        assert!(server.requests().iter().all(|request| request.header("accept-encoding") == Some("identity")), "nothing is asked for");
    }
}

#[test]
fn a_byte_that_is_not_utf8_is_replaced_as_agents_do() {
    let server = Server::start(|request, _| match request.rpc() {
        "tools/list" => {
            let mut body = envelope(request);
            body["result"]["tools"][0]["description"] = json!("XX");
            let bytes = body.to_string().into_bytes();
            let at = bytes.windows(2).position(|window| window == b"XX").unwrap();
            let mut bytes = bytes;
            bytes[at] = 0xff;
            Response::new(200, "application/json", bytes)
        }
        _ => good(request),
    });
    works("a byte that is not UTF-8", &server);
}

#[test]
fn an_event_stream_is_read_by_the_rules_of_whatwg() {
    type Shape = fn(&Value) -> String;
    let shapes: &[(&str, Shape)] = &[
        ("comments", |answer| format!(": a\n\n:\n{}", event(answer))),
        ("an unknown field", |answer| format!("priority: 1\n{}", event(answer))),
        ("a line without a colon", |answer| format!("unknown\n{}", event(answer))),
        ("a bare id", |answer| format!("id\n{}", event(answer))),
        ("a retry that is no number", |answer| format!("retry: 1s\n{}", event(answer))),
        ("a repeated event", |answer| format!("event: ping\n{}", event(answer))),
        ("an empty event", |answer| format!("event:\ndata: {answer}\n\n")),
        ("no event", |answer| format!("data:{answer}\n\n")),
        ("CRLF", |answer| event(answer).replace('\n', "\r\n")),
        ("CR", |answer| format!("{}: the last CR ends its line when something follows", event(answer).replace('\n', "\r"))),
        ("a byte order mark", |answer| format!("\u{feff}{}", event(answer))),
        ("several lines of data", |answer| format!("data: {}\n\n", answer.to_string().replacen(',', ",\ndata: ", 3))),
        ("an event without data", |answer| format!("event: message\n\n{}", event(answer))),
        ("a ping that is no JSON", |answer| format!("event: ping\ndata: now\n\n{}", event(answer))),
        ("a heartbeat that is JSON", |answer| format!("data: {{\"type\":\"heartbeat\"}}\n\n{}", event(answer))),
        ("a heartbeat that is no object", |answer| format!("data: null\n\ndata: {{}}\n\n{}", event(answer))),
        ("a ping with a CR as its last byte", |answer| format!("{}event: ping\rdata: now\r\r", event(answer))),
        ("a notification", |answer| format!("{}{}", event(&json!({"jsonrpc": "2.0", "method": "notifications/x"})), event(answer))),
        ("something behind the answer", |answer| format!("{}data: [DONE]\n\n", event(answer))),
    ];
    for (name, shape) in shapes {
        let shape = *shape;
        let server = Server::start(move |request, _| match request.body.get("id") {
            Some(_) => Response::events(shape(&envelope(request))),
            None => good(request),
        });
        works(name, &server);
    }
}

#[test]
fn an_answer_that_no_agent_reads_in_a_stream_is_not_read() {
    type Shape = fn(&Value) -> String;
    let shapes: &[(&str, Shape)] = &[
        ("no blank line at the end", |answer| event(answer).trim_end().to_owned()),
        ("another event", |answer| format!("event: response\ndata: {answer}\n\n")),
        ("an array", |answer| format!("data: [{answer}]\n\n")),
        ("a CR as the last byte", |answer| event(answer).replace('\n', "\r")),
    ];
    for (name, shape) in shapes {
        let shape = *shape;
        let server = Server::start(move |request, _| match request.rpc() {
            "tools/list" => Response::events(shape(&envelope(request))),
            _ => good(request),
        });
        let outcome = server.step().input("timeout", "1s").run().succeeded();
        assert_eq!(warnings(&outcome), ["The MCP connection is not verified"], "{name}: {}", outcome.stdout);
    }
}

/// Only Python's SDK goes on after these.
#[test]
fn what_one_sdk_takes_fails_the_step_for_others_alone() {
    type Shape = fn(&Request) -> Response;
    let shapes: &[(&str, Shape)] = &[
        ("`Content-Type` only begins with `application/json`", |request| match request.body.get("id") {
            Some(_) => Response::new(200, "application/json-rpc", envelope(request).to_string()),
            None => good(request),
        }),
        ("`notifications/initialized` is answered with an error", |request| match request.rpc() {
            "notifications/initialized" => Response::new(400, "text/plain", ""),
            _ => good(request),
        }),
    ];
    for (says, shape) in shapes {
        let outcome = Server::start(|request, _| shape(request)).step().run().failed("mcp_error");
        assert!(outcome.error_text().contains(says), "{says}: {}", outcome.error_text());
        let outcome = Server::start(|request, _| shape(request)).step().input("client", "vscode").run().succeeded();
        assert_eq!(tools(&outcome), ["list_a", "list_b"], "{says}");
        assert_eq!(warnings(&outcome).len(), 1, "{says}");
    }
}

/// Claude Code closes the connection; the SDKs skip the event.
#[test]
fn an_event_without_json_fails_the_step_for_claude_code_alone() {
    let server = || {
        Server::start(|request, _| match request.rpc() {
            "tools/list" => Response::events(format!("data: tick\n\n{}", event(&envelope(request)))),
            _ => good(request),
        })
    };
    let outcome = server().step().run().failed("mcp_error");
    assert!(outcome.error_text().contains("`an event` is of the type `message` and holds no JSON"), "{}", outcome.error_text());
    let outcome = server().step().input("client", "vscode").run().succeeded();
    assert_eq!(tools(&outcome), ["list_a", "list_b"]);
}

#[test]
fn a_list_of_several_megabytes_is_read() {
    let server = Server::start(|request, _| match request.rpc() {
        "tools/list" => {
            let mut body = envelope(request);
            body["result"]["tools"][0]["description"] = json!("x".repeat(5 << 20));
            Response::json(&body)
        }
        _ => good(request),
    });
    works("5 MiB", &server);
}

/// Each entry breaks MCP's schema: the official SDKs throw the whole list away.
#[test]
fn a_list_that_the_agent_throws_away_fails_the_step_and_is_a_warning_for_others() {
    for (field, value, says) in [
        ("inputSchema", json!({"anyOf": [{"type": "object"}]}), "`inputSchema.type` is not \"object\""),
        ("inputSchema", json!({}), "`inputSchema.type` is not \"object\""),
        ("inputSchema", json!(null), "`inputSchema` is no object"),
        ("inputSchema", json!({"type": "object", "required": null}), "`inputSchema.required` is no list of names"),
        ("inputSchema", json!({"type": "object", "properties": null}), "`inputSchema.properties` is no object"),
        ("description", json!(null), "`description` is no text"),
        ("title", json!(null), "`title` is no text"),
        ("annotations", json!(null), "`annotations` is no object"),
        ("annotations", json!({"readOnlyHint": null}), "`annotations.readOnlyHint` is neither true nor false"),
        ("outputSchema", json!(null), "`outputSchema` is no object"),
        ("_meta", json!(null), "`_meta` is no object"),
        ("icons", json!(null), "`icons` is no list"),
        ("execution", json!(null), "`execution` is not as MCP has it"),
    ] {
        let server = Server::start(move |request, _| match request.rpc() {
            "tools/list" => {
                let mut body = envelope(request);
                body["result"]["tools"][1][field] = value.clone();
                Response::json(&body)
            }
            _ => good(request),
        });
        let text = server.step().run().failed("mcp_error").error_text();
        assert!(text.contains(&format!("in the tool `list_b`, {says}")), "{field}: no {says:?} in {text}");
        let outcome = server.step().input("client", "generic").run().succeeded();
        assert_eq!(tools(&outcome), ["list_a", "list_b"], "{field}");
        assert_eq!(warnings(&outcome).first().map(String::as_str), Some("Some agents would have no tools"), "{field}");
    }
}

#[test]
fn other_answers_are_held_against_the_schema_too() {
    type Shape = fn(&Request, &mut Value);
    let shapes: &[(&str, Shape)] = &[
        ("`nextCursor` is no text", |request, body| set(request, "tools/list", &mut body["result"], "nextCursor", json!(null))),
        ("`serverInfo.version` is no text", |request, body| {
            set(request, "initialize", &mut body["result"]["serverInfo"], "version", json!(null));
        }),
        ("`capabilities.tools` is no object", |request, body| {
            set(request, "initialize", &mut body["result"]["capabilities"], "tools", json!(null));
        }),
        ("`capabilities.tools` is missing", |request, body| set(request, "initialize", &mut body["result"], "capabilities", json!({}))),
        ("`instructions` is no text", |request, body| set(request, "initialize", &mut body["result"], "instructions", json!(null))),
        ("`an answer` has members that JSON-RPC doesn't know", |request, body| set(request, "tools/list", body, "unknown", json!(1))),
    ];
    for (says, shape) in shapes {
        let shape = *shape;
        let server = Server::start(move |request, _| match request.body.get("id") {
            Some(_) => {
                let mut body = envelope(request);
                shape(request, &mut body);
                Response::json(&body)
            }
            None => good(request),
        });
        let text = server.step().run().failed("mcp_error").error_text();
        assert!(text.contains(says), "no {says:?} in {text}");
        let outcome = server.step().input("client", "codex").run().succeeded();
        assert_eq!(warnings(&outcome), ["Some agents would have no tools"], "{says}");
    }
}

fn set(request: &Request, method: &str, object: &mut Value, field: &str, value: Value) {
    if request.rpc() == method {
        object[field] = value;
    }
}

#[test]
fn what_the_schema_leaves_open_is_fine() {
    let server = Server::start(|request, _| match request.rpc() {
        "tools/list" => {
            let mut body = envelope(request);
            let schema = json!({"type": "object", "anyOf": [], "properties": {"a": {}}, "required": ["b"], "$schema": "x", "additionalProperties": null});
            body["result"]["tools"][1]["inputSchema"] = schema;
            body["result"]["tools"][1]["unknown"] = json!(null);
            body["result"]["unknown"] = json!(null);
            Response::json(&body)
        }
        _ => good(request),
    });
    works("extra fields", &server);
}

#[test]
fn of_two_tools_with_one_name_the_stricter_annotation_counts() {
    for order in [[true, false], [false, true]] {
        let server = Server::start(move |request, _| match request.rpc() {
            "tools/list" => {
                let mut body = envelope(request);
                let twice = order
                    .map(|hint| json!({"name": "merge_page", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": hint}}));
                body["result"]["tools"] = json!(twice);
                Response::json(&body)
            }
            _ => good(request),
        });
        let outcome = server.step().run().succeeded();
        assert_eq!((tools(&outcome), outcome.output("allowed_tools")), (vec!["merge_page".to_owned()], String::new()));
    }
}

#[test]
fn a_server_that_knows_no_initialize_is_asked_in_the_newest_way() {
    for (status, code) in [(200, -32601), (400, -32601), (404, -32601), (200, -32602), (400, -32022)] {
        let server = Server::of_any_revision(move |request, _| match request.rpc() {
            "initialize" => Response::error(status, request, code, "Method not found"),
            _ => good(request),
        });
        works(&format!("{code} with {status}"), &server);
        assert_eq!(server.rpcs(), ["server/discover", "tools/list"]);
        // Other agents begin with `initialize`.
        server.step().input("client", "codex").run().succeeded();
        assert_eq!(server.rpcs()[2..], ["initialize", "server/discover", "tools/list"], "{code} with {status}");
        let list = server.requests().pop().unwrap();
        assert_eq!((list.header("mcp-protocol-version"), list.header("mcp-method")), (Some("2026-07-28"), Some("tools/list")));
        assert_eq!(list.body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    }
}

#[test]
fn a_server_that_refuses_both_ways_is_judged_by_the_answer_that_no_client_can_use() {
    for (first, second) in [(200, 400), (200, 404), (200, 405), (400, 404)] {
        let server = Server::of_any_revision(move |request, _| match request.rpc() {
            "initialize" => Response::error(first, request, -32601, "no"),
            _ => Response::new(second, "text/html", "<html>"),
        });
        let outcome = server.step().run().failed("mcp_error");
        assert!(outcome.error_text().contains(&format!("answered {second}")), "{}", outcome.error_text());
    }
    let server = Server::of_any_revision(|request, _| match request.rpc() {
        "initialize" => Response::new(404, "text/html", "<html>"),
        _ => Response::new(405, "text/html", "<html>"),
    });
    let outcome = server.step().run().failed("mcp_error");
    assert!(outcome.error_text().contains("answered 404"), "{}", outcome.error_text());
    let server = Server::of_any_revision(|request, _| Response::error(200, request, -32601, &format!("no {}", request.rpc())));
    let outcome = server.step().run().succeeded();
    let warning = outcome.log.warnings().map(|warning| warning.text.as_str()).collect::<String>();
    assert!(warning.contains("the JSON-RPC error -32601") && warning.contains("no initialize"), "{warning}");
}

#[test]
fn what_says_nothing_about_the_revision_is_not_asked_for_in_another() {
    type Answer = fn(&Request) -> Response;
    let answers: [Answer; 3] = [
        |_| Response::new(403, "text/plain", "no"),
        |request| Response::error(400, request, -32603, "no"),
        |request| Response::error(200, request, -32603, "no"),
    ];
    for answer in answers {
        let server = Server::of_any_revision(move |request, _| answer(request));
        let outcome = server.step().input("client", "codex").run();
        assert_eq!(server.rpcs(), ["initialize"], "{}", outcome.stdout);
    }
}

/// A connection that was opened ahead may be closed by the time that it is used.
#[test]
fn a_connection_that_is_closed_without_an_answer_says_nothing_of_the_revision() {
    let server = Server::of_any_revision(|request, count| match request.rpc() {
        "server/discover" if count == 1 => Response::nothing(),
        _ => good(request),
    });
    works("a closed connection", &server);
    assert_eq!(server.rpcs(), ["server/discover", "server/discover", "tools/list"]);
}

#[test]
fn a_server_that_no_request_reaches_is_not_asked_in_two_ways() {
    let sandbox = Sandbox::default();
    let url = sandbox.tls_mcp_url();
    let outcome = Step::against(&sandbox).input("mcp_url", &url).env("RUNNER_DEBUG", "1").run();
    let host = url.trim_start_matches("https://").split('/').next().unwrap();
    assert_eq!(outcome.log.named("debug").filter(|debug| debug.text.contains(host)).count(), 1, "{}", outcome.stdout);
}

#[test]
fn what_is_of_another_type_is_not_read() {
    let server = Server::start(|request, _| match request.rpc() {
        "tools/list" => Response::new(200, "text/plain", vec![b' '; 9 * 1024 * 1024]),
        _ => good(request),
    });
    let text = server.step().run().failed("mcp_error").error_text();
    assert!(text.contains("answered 200 with a body of type `text/plain`"), "{text}");
}

#[test]
fn a_server_of_the_older_transport_is_named() {
    let server = Server::of_any_revision(|request, _| match request.method.as_str() {
        "GET" => Response::events("event: endpoint\ndata: /messages\n\n"),
        _ => Response::new(405, "text/plain", "Method Not Allowed"),
    });
    for client in ["claude-code", "codex"] {
        let outcome = server.step().input("client", client).run().succeeded();
        let warning = outcome.log.warnings().map(|warning| warning.text.as_str()).collect::<String>();
        assert!(warning.contains("speaks MCP's older transport, HTTP with SSE"), "{client}: {warning}");
    }
}

#[test]
fn a_body_that_its_encoding_does_not_fit_is_not_asked_for_again() {
    for (kind, body) in [("deflate", miniz_oxide::deflate::compress_to_vec(b"{}", 6)), ("gzip", b"{}".to_vec())] {
        let answer = body.clone();
        let server = Server::start(move |_, _| Response::new(200, "application/json", answer.clone()).header("content-encoding", kind));
        let outcome = server.step().run().succeeded();
        let warning = outcome.log.warnings().map(|warning| warning.text.as_str()).collect::<String>();
        assert!(warning.contains("can't decode"), "{kind}: {warning}");
        assert_eq!(server.rpcs(), ["server/discover", "initialize"], "{kind}");
    }
}

#[test]
fn a_session_that_the_server_ended_is_replaced() {
    let server = Server::start(|request, count| match request.rpc() {
        "initialize" => good(request).header("mcp-session-id", &format!("session-{count}")),
        "tools/list" if request.header("mcp-session-id") == Some("session-1") => Response::new(404, "text/plain", "no such session"),
        _ => good(request),
    });
    works("404 on a session", &server);
    let once = ["server/discover", "initialize", "notifications/initialized", "tools/list"];
    assert_eq!(server.rpcs(), [once, once].concat());
    let last = server.requests().pop().unwrap();
    assert_eq!(last.header("mcp-session-id"), Some("session-2"));
}

#[test]
fn a_404_without_a_session_is_the_wrong_address() {
    let server = Server::start(|request, _| match request.rpc() {
        "tools/list" => Response::new(404, "text/plain", "nothing here"),
        _ => good(request),
    });
    server.step().run().failed("mcp_error");
    assert_eq!(server.rpcs().iter().filter(|rpc| *rpc == "initialize").count(), 1);
}

#[test]
fn a_request_of_the_server_is_answered_before_its_answer() {
    let server = Server::start(|request, _| match request.rpc() {
        "tools/list" => {
            let ping = event(&json!({"jsonrpc": "2.0", "id": "p", "method": "ping"}));
            let roots = event(&json!({"jsonrpc": "2.0", "id": 9, "method": "roots/list"}));
            Response::events(format!("{ping}{roots}{}", event(&envelope(request))))
        }
        _ if request.body.get("method").is_none() && request.method == "POST" => Response::new(202, "application/json", ""),
        _ => good(request),
    });
    works("a ping", &server);
    let answers: Vec<_> =
        server.requests().into_iter().filter(|request| request.body.get("method").is_none()).map(|request| request.body).collect();
    assert_eq!(answers[0], json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!(9), &json!(-32601)));
}

#[test]
fn a_stream_that_was_closed_is_resumed_after_its_last_event() {
    let list = Arc::new(Mutex::new(Value::Null));
    let server = Server::start(move |request, count| match (request.method.as_str(), request.rpc()) {
        ("POST", "tools/list") => {
            *list.lock().unwrap() = envelope(request);
            Response::events("id: 41\nretry: 10\ndata:\n\n")
        }
        ("GET", _) if count == 1 => Response::events("id: 42\nretry: 10\ndata: {}\n\n"),
        ("GET", _) => Response::events(event(&list.lock().unwrap())),
        _ => good(request),
    });
    works("a closed stream", &server);
    let resumed: Vec<_> = server.requests().into_iter().filter(|request| request.method == "GET").collect();
    let ids: Vec<_> = resumed.iter().map(|request| request.header("last-event-id").unwrap()).collect();
    assert_eq!(ids, ["41", "42"]);
    assert!(resumed.iter().all(|request| request.header("authorization").is_some_and(|value| value.starts_with("Bearer "))));
}

#[test]
fn a_stream_that_broke_off_is_resumed_only_after_an_event_with_an_id() {
    let list = Arc::new(Mutex::new(Value::Null));
    let server = Server::start(move |request, _| match (request.method.as_str(), request.rpc()) {
        ("POST", "tools/list") => {
            *list.lock().unwrap() = envelope(request);
            Response::events("id: 41\nretry: 10\ndata:\n\n").cut_off()
        }
        ("GET", _) => Response::events(event(&list.lock().unwrap())),
        _ => good(request),
    });
    works("a stream with an id", &server);
    assert_eq!(server.requests().iter().filter(|request| request.method == "GET").count(), 1);

    let server = Server::start(|request, count| match request.rpc() {
        "tools/list" if count == 1 => Response::events("data:\n\n").cut_off(),
        _ => good(request),
    });
    works("a stream without an id", &server);
    assert!(server.requests().iter().all(|request| request.method == "POST"));

    let server = Server::start(|request, _| match request.rpc() {
        "tools/list" => Response::events("data:\n\n").cut_off(),
        _ => good(request),
    });
    let outcome = server.step().input("timeout", "2s").run().succeeded();
    let warning = outcome.log.warnings().map(|warning| warning.text.as_str()).collect::<String>();
    assert!(warning.contains("end of file before message length reached"), "{warning}");
}

#[test]
fn a_redirect_that_keeps_the_origin_is_followed() {
    for status in [307, 308] {
        let server = Server::start(move |request, _| match request.path.as_str() {
            "/v1" => Response::new(status, "text/plain", "").header("location", "/v1/"),
            _ => good(request),
        });
        works(&format!("{status} to the path with a slash"), &server);
        assert!(server.requests().iter().all(|request| request.header("authorization").is_some()));
    }
    let loops = Server::start(|_, _| Response::new(307, "text/plain", "").header("location", "/v1"));
    let text = loops.step().run().failed("mcp_error").error_text();
    assert!(text.contains("redirects again and again"), "{text}");
}

#[test]
fn no_other_redirect_is_followed() {
    let other = Server::start(|request, _| good(request));
    for (status, location) in [(301, "/v1/"), (302, "/v1/"), (303, "/v1/"), (307, other.url.as_str()), (308, other.url.as_str())] {
        let target = location.to_owned();
        let server = Server::start(move |_, _| Response::new(status, "text/plain", "").header("location", &target));
        let text = server.step().run().failed("mcp_error").error_text();
        assert!(text.contains(&format!("`{location}`")), "{text}");
    }
    assert!(other.requests().is_empty(), "the token went to another address");
}

#[test]
fn what_the_server_says_about_the_token_comes_before_any_guess() {
    for (status, header, says) in [
        (401, r#"Bearer error="invalid_token", error_description="The token expired""#, "It says `invalid_token`, `The token expired`."),
        (401, r#"Basic realm="x", Bearer realm="mcp", error=invalid_token"#, "It says `invalid_token`."),
        (
            403,
            r#"Bearer error="insufficient_scope", scope="mcp:tools", error_description="More rights needed""#,
            "no right to use the MCP server. It asks for the scope `mcp:tools`.",
        ),
    ] {
        let server = Server::start(move |_, _| Response::new(status, "application/json", "{}").header("www-authenticate", header));
        let text = server.step().run().failed("mcp_refused").error_text();
        assert!(text.contains(says), "no {says:?} in {text}");
    }
    let silent = Server::start(|_, _| Response::new(401, "application/json", "{}").header("www-authenticate", "Bearer"));
    let text = silent.step().run().failed("mcp_refused").error_text();
    assert!(!text.contains("It says"), "{text}");
}

#[test]
fn what_the_server_says_about_the_token_is_cleaned() {
    let server = Server::start(|request, _| {
        let token = request.header("authorization").unwrap().trim_start_matches("Bearer ").to_owned();
        let value = format!("Bearer error=\"invalid_token\", error_description=\"{token} ::error::forged\"");
        Response::new(401, "application/json", "{}").header("www-authenticate", &value)
    });
    let outcome = server.step().run().failed("mcp_refused");
    assert!(outcome.error_text().contains("`*** : :error: :forged`"), "{}", outcome.error_text());
}

#[test]
fn a_token_that_comes_with_another_success_is_a_token() {
    let sandbox = Sandbox::default();
    for status in [200, 201, 203] {
        let answer = json!({"accessToken": "opaque-token-0123456789", "expiresIn": 10800}).to_string();
        sandbox.set_faults(Route::AccessToken, [Fault::answer(status, answer)]);
        assert_eq!(Step::exchange_only(&sandbox).run().succeeded().output("access_token"), "opaque-token-0123456789");
    }
}
