//! What an agent sends to the gateway, what comes back through it, and what the container engine sends of it.
#![no_main]

use arbitrary::Arbitrary;
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use port_mcp_auth::testing::docker::Frames;
use port_mcp_auth::testing::gateway::{AgentHeaders, AgentMessage, AllowedTool, EventCutter, Judge, Rules};
use port_mcp_auth::testing::net::EventReader;
use port_mcp_auth::testing::port::ToolKind;
use serde_json::Value;

const METHODS: [&str; 12] = [
    "initialize",
    "server/discover",
    "subscriptions/listen",
    "tools/call",
    "tools/list",
    "ping",
    "logging/setLevel",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
    "",
];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// What the server lists before the agent calls.
    list: &'a str,
    /// What the agent sends.
    message: &'a [u8],
    /// A stream of events, in two pieces.
    stream: (&'a [u8], &'a [u8]),
}

fn judge() -> Judge {
    let tool = |(name, kind): (&str, ToolKind)| AllowedTool { name: name.to_owned(), kind };
    let tools = [("list_a", ToolKind::Read), ("run_action", ToolKind::Execute), ("trigger_run", ToolKind::Execute)];
    Judge::new(Rules { tools: Some(tools.map(tool).into()), actions: Some(vec!["x".to_owned()]), read_only: true })
}

/// What a parser that ignores case reads, of several members the last one.
fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.as_object()?.iter().rev().find(|(key, _)| key.to_lowercase() == name).map(|(_, value)| value)
}

/// What goes on is allowed, however it is read.
fn check_sent(sent: &Value) {
    let method = member(sent, "method").map_or("", |method| method.as_str().expect("a method is a text"));
    assert!(METHODS.contains(&method), "{sent}");
    if method != "tools/call" {
        return;
    }
    let params = member(sent, "params").expect("parameters");
    let tool = member(params, "name").and_then(Value::as_str).expect("a tool");
    assert!(["list_a", "run_action", "trigger_run"].contains(&tool), "{sent}");
    if tool == "list_a" {
        return;
    }
    let arguments = member(params, "arguments").and_then(Value::as_object).expect("arguments that name what is run");
    let plain = |name: &String| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let named: Vec<_> = arguments.iter().filter(|(name, _)| plain(name).ends_with("identifier")).collect();
    assert!(named.len() <= 1 && arguments.values().any(|value| value == "x"), "{sent}");
}

fn names(data: &str) -> Vec<String> {
    let message: Value = serde_json::from_str(data).unwrap_or_default();
    let tools = message["result"]["tools"].as_array().cloned().unwrap_or_default();
    tools.iter().filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
}

fuzz_target!(|input: Input<'_>| {
    let judge = judge();
    if let Ok(mut list) = serde_json::from_str(input.list) {
        judge.cut(&mut list);
    }
    let headers = HeaderMap::new();
    let agent = AgentHeaders::read(&headers).expect("no headers are fine");
    if let Ok(passed) = AgentMessage::read(input.message).and_then(|message| judge.decide(message, &agent, &headers)) {
        check_sent(&serde_json::from_str(passed.message.to_json().as_str()).expect("what goes on is JSON"));
    }

    let (first, second) = input.stream;
    let mut cutter = EventCutter::default();
    let mut unchanged = cutter.cut(first, |_| None).expect("an event of this size");
    unchanged.extend(cutter.cut(second, |_| None).expect("an event of this size"));
    unchanged.extend(cutter.rest(|_| None));
    assert_eq!(unchanged, [first, second].concat());

    let change = |data: &str| {
        let mut message: Value = serde_json::from_str(data).ok()?;
        judge.cut(&mut message).then(|| message.to_string())
    };
    let mut cutter = EventCutter::default();
    let mut out = cutter.cut(first, change).expect("an event of this size");
    out.extend(cutter.cut(second, change).expect("an event of this size"));
    out.extend(cutter.rest(change));
    for event in EventReader::default().read(&out) {
        assert!(names(&event.data).iter().all(|name| ["list_a", "run_action", "trigger_run"].contains(&name.as_str())), "{event:?}");
    }

    let (mut frames, mut bytes) = (Frames::default(), 0);
    for piece in [first, second] {
        frames.push(piece);
    }
    while let Some(line) = frames.next_line() {
        bytes += line.len();
    }
    assert!(bytes <= 3 * (first.len() + second.len()), "a byte that is no UTF-8 becomes three");
});
