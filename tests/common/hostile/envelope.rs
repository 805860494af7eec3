//! How a hostile MCP server wraps its results: in JSON, and in streams of events.

use serde_json::{Value, json};

use super::dice::Dice;
use super::mcp::{message, of_type, plain};
use super::wire::{Answer, Breach, Verdict};
use super::words::{graphic, hostile, written};

/// What becomes a byte that is no UTF-8.
pub const NO_UTF8: &str = "@byte@";

/// The result as a message, and the message as JSON or as a stream of events. The second value is the message alone.
pub fn enveloped(dice: &Dice, id: &Value, result: &Value, verdict: Verdict, secrets: &[&str], hostility: u32) -> (Answer, Value) {
    let good = message(id, json!({ "result": result }));
    if !dice.percent(hostility * 2) {
        return (typed(dice, &good, verdict), good);
    }
    let answer = match dice.number(0..10) {
        0 => refused(dice, id, result, secrets),
        1 => no_message(dice, id, result, secrets),
        2 => breaking(dice, &good, verdict, secrets),
        3 => of_another_type(dice, &good),
        4..6 => as_json(dice, &good, verdict),
        _ => as_events(dice, &good, verdict, secrets),
    };
    (answer, good)
}

/// A message in one of MCP's two types.
pub fn typed(dice: &Dice, message: &Value, verdict: Verdict) -> Answer {
    if dice.percent(50) { json_of(text_of(message), verdict) } else { stream_of(message, verdict) }
}

/// The message alone in a stream.
pub fn stream_of(message: &Value, verdict: Verdict) -> Answer {
    events_of(format!("event: message\ndata: {}\n\n", text_of(message)), verdict)
}

fn json_of(text: String, verdict: Verdict) -> Answer {
    Answer { headers: of_type("application/json"), ..plain(200, bytes_of(text), verdict) }
}

fn events_of(text: String, mut verdict: Verdict) -> Answer {
    if verdict.breach.is_none() && holds_no_json(&text) {
        verdict.breach = Some(Breach::Event);
    }
    Answer { headers: of_type("text/event-stream"), streamed: true, ..plain(200, bytes_of(text), verdict) }
}

/// JSON, with what can't be said in a [`Value`].
fn text_of(message: &Value) -> String {
    message.to_string().replace("@half@", "\\ud83d").replace("\"@huge@\"", "1e999")
}

/// With a byte that is no UTF-8 where one is wanted.
fn bytes_of(text: String) -> Vec<u8> {
    let Some((before, after)) = text.split_once(NO_UTF8) else {
        return text.into_bytes();
    };
    [before.as_bytes(), b"\xff", after.as_bytes()].concat()
}

/// A JSON-RPC error, or an answer to something else.
fn refused(dice: &Dice, id: &Value, result: &Value, secrets: &[&str]) -> Answer {
    let words = hostile(dice, secrets);
    let refusal = match dice.number(0..4) {
        0 => message(id, json!({ "error": { "code": dice.any(&[-32000, -32600, -32603, 0, 401]), "message": words, "data": null } })),
        1 => {
            message(id, json!({ "error": { "code": dice.any(&[json!("x"), json!(null), json!(1e300)]), "message": words, "data": words } }))
        }
        2 => message(id, json!({ "result": result, "error": { "code": 1, "message": words } })),
        _ => message(
            &dice.any(&[json!(99_999), json!("forged"), json!(null), json!(-1), json!(1.5), json!(words)]),
            json!({ "result": result }),
        ),
    };
    typed(dice, &refusal, Verdict::unclear())
}

/// What is no JSON-RPC message, and what can't be read at all.
fn no_message(dice: &Dice, id: &Value, result: &Value, secrets: &[&str]) -> Answer {
    let words = hostile(dice, secrets);
    let whole = message(id, json!({ "result": result })).to_string();
    let text = match dice.number(0..12) {
        0 => json!({ "jsonrpc": "1.0", "id": id, "result": result }).to_string(),
        1 => json!({ "id": id, "result": result }).to_string(),
        2 => json!({ "jsonrpc": 2.0, "id": id, "result": result }).to_string(),
        3 => json!({ "jsonrpc": "2.0", "id": id }).to_string(),
        4 => dice.pick(&["null", "[]", "{}", "", "{", "\u{feff}"]).to_owned(),
        5 => format!("<html>{words}"),
        6 => words,
        7 => "[".repeat(10_000),
        8 => format!("{whole}{}", dice.pick(&["x", "\0", "{}", ",", "]"])),
        9 => format!(")]}}'\n{whole}"),
        10 => whole[..whole.floor_char_boundary(dice.number(1..whole.len()))].to_owned(),
        _ => format!("data: {whole}\n\n"),
    };
    if dice.percent(50) {
        return json_of(text, Verdict::bad(&["mcp_error"]));
    }
    // In a stream, it is skipped.
    events_of(in_lines(&text), Verdict::unclear())
}

/// With members that JSON-RPC doesn't know: the official SDKs are strict about those.
fn breaking(dice: &Dice, good: &Value, verdict: Verdict, secrets: &[&str]) -> Answer {
    let mut message = good.clone();
    let (name, value) = dice.any(&[
        ("unknown".to_owned(), json!(hostile(dice, secrets))),
        (hostile(dice, secrets), json!(null)),
        ("error".to_owned(), json!(null)),
    ]);
    message[name] = value;
    let breach = if verdict.good { Some(Breach::Newer) } else { verdict.breach };
    typed(dice, &message, Verdict { breach, ..verdict })
}

fn of_another_type(dice: &Dice, good: &Value) -> Answer {
    let of_python = Verdict { breach: Some(Breach::Newer), ..Verdict::bad(&["mcp_error"]).or_unclear().or_good() };
    let (kind, verdict) = dice.any(&[
        ("text/html", Verdict::bad(&["mcp_error"])),
        ("text/plain", Verdict::bad(&["mcp_error"])),
        ("", Verdict::bad(&["mcp_error"])),
        ("text/json", Verdict::bad(&["mcp_error"])),
        ("application/octet-stream", Verdict::bad(&["mcp_error"])),
        ("application/vnd.api+json", Verdict::bad(&["mcp_error"])),
        ("::error::forged", Verdict::bad(&["mcp_error"])),
        ("application/json-rpc", of_python.clone()),
        ("application/json-seq", of_python.clone()),
        ("application/json, application/json", of_python),
        // JSON is no stream.
        ("text/event-stream", Verdict::unclear()),
    ]);
    Answer { headers: of_type(kind), ..plain(200, text_of(good).into_bytes(), verdict) }
}

/// JSON that agents read, though no server writes it so.
fn as_json(dice: &Dice, good: &Value, verdict: Verdict) -> Answer {
    let text = text_of(good);
    let notification = json!({ "jsonrpc": "2.0", "method": "notifications/x", "params": { "a": text } });
    let id = good["id"].clone();
    let mut named = good.clone();
    named["id"] = json!(id.to_string());
    let text = match dice.number(0..10) {
        0 => format!("\u{feff}{text}"),
        1 => format!(" \r\n\t{text}\n\n"),
        2 => format!("[{text}]"),
        3 => format!("[{notification},{text}]"),
        4 => format!("[null,{{}},{text},1]"),
        5 => text_of(&named),
        6 => text.replace(&format!("\"id\":{id}"), &format!("\"id\":{id}.0")),
        7 => format!("{{\"id\":\"first\",\"jsonrpc\":\"1.0\",{}", &text[1..]),
        8 => serde_json::to_string_pretty(good).unwrap().replace("@half@", "x"),
        _ => text,
    };
    // Neither an official SDK nor the specification says what becomes of an array with more than messages in it.
    let verdict = if text.starts_with("[null") { verdict.or(&["mcp_error"]).or_unclear() } else { verdict };
    let mut answer = json_of(text, verdict.clone());
    if dice.percent(30) {
        let kind = dice.pick(&["application/json; charset=utf-8", "Application/JSON;charset=utf-16", "application/json;charset=UTF8;;"]);
        answer.headers = of_type(kind);
    }
    if dice.percent(20) {
        answer.status = dice.any(&[201, 203, 206]);
    } else if dice.percent(10) {
        // No agent looks into these.
        answer.status = 202;
        answer.verdict = Verdict::bad(&["mcp_error"]).or_unclear();
    }
    answer
}

/// A stream with more in it than the answer.
fn as_events(dice: &Dice, good: &Value, verdict: Verdict, secrets: &[&str]) -> Answer {
    let end = dice.pick(&["\n", "\n", "\r\n", "\r"]);
    let pieces = (0..dice.number(0..6)).map(|_| skipped(dice, secrets)).collect::<String>();
    let start = if dice.percent(10) { "\u{feff}" } else { "" };
    let (text, verdict) = match dice.number(0..10) {
        0 => (no_answer(dice, good, secrets), Verdict::unclear()),
        1 => {
            // To be had with the id of the last event.
            let id = graphic(&written(dice, secrets));
            let id = if id.is_empty() { "41" } else { &id };
            let retry = dice.pick(&["retry: 5\n", "retry: 1s\nretry: 1\n"]);
            let data = dice.pick(&["", " {}", " {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}"]);
            (format!("{pieces}id: {id}\n{retry}data:{data}\n\n: the end\n"), Verdict::good())
        }
        _ => {
            let event = event_with(dice, &text_of(good), good);
            // A CR alone may be the first half of a line's end, so something has to follow.
            let rest = match dice.number(0..5) {
                0 => format!("data: {}\n\n", hostile(dice, secrets)),
                1 => "data: [DONE]\n\n".to_owned(),
                2 => "data: {}\n\n".to_owned(),
                _ => ": the end\n".to_owned(),
            };
            (format!("{pieces}{event}{rest}"), verdict)
        }
    };
    let mut answer = events_of(format!("{start}{}", text.replace("\r\n", "\n").replace('\n', end)), verdict);
    if dice.percent(10) {
        answer.status = 201;
        answer.headers = of_type("Text/Event-Stream; charset=utf-8");
    }
    answer
}

/// An event, or a part of one, that agents pass over.
fn skipped(dice: &Dice, secrets: &[&str]) -> String {
    let line = hostile(dice, secrets).replace(['\r', '\n'], " ");
    let data = |value: Value| format!("data: {value}\n\n");
    match dice.number(0..24) {
        0 => format!(": {line}\n"),
        1 => format!(": {line}\n\n"),
        2 => format!("event: forged\ndata: {line}\n\n"),
        3 => format!("event: ping\ndata: {}\n\n", json!({ "type": "ping", "at": line })),
        4 => data(json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info", "data": line } })),
        5 => data(json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" })),
        6 => data(json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": line, "progress": 1 } })),
        7 => data(json!({ "jsonrpc": "2.0", "id": 7, "method": "ping" })),
        8 => data(json!({ "jsonrpc": "2.0", "id": line, "method": "ping" })),
        9 => data(json!({ "jsonrpc": "2.0", "id": 0, "method": "roots/list" })),
        10 => data(json!({ "jsonrpc": "2.0", "id": "x", "method": line, "params": { "a": line } })),
        11 => data(json!({ "jsonrpc": "2.0", "id": "elsewhere", "result": {} })),
        12 => data(json!({ "jsonrpc": "2.0", "id": 77, "error": { "code": -32000, "message": line } })),
        13 => "retry: 1s\n".to_owned(),
        14 => format!("retry: 1\nid: {line}\ndata:\n\n"),
        15 => "id\n".to_owned(),
        16 => "priority: 1\nunknown\n".to_owned(),
        17 => "event: forged\n\n".to_owned(),
        18 => "data: {\"type\":\"heartbeat\"}\n\n".to_owned(),
        19 => "data: null\n\ndata: {}\n\ndata: 1\n\n".to_owned(),
        20 => format!("data: {line}\n\n"),
        21 => data(json!([{ "jsonrpc": "2.0", "id": 0, "result": {} }])),
        22 => data(json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32000, "message": line } })),
        _ => "\n\n".to_owned(),
    }
}

/// The answer as an event that agents read.
fn event_with(dice: &Dice, text: &str, good: &Value) -> String {
    match dice.number(0..7) {
        0 => format!("data:{text}\n\n"),
        1 => format!("event:\ndata: {text}\n\n"),
        2 => format!("event: ping\nevent: message\nretry: soon\ndata: {text}\n\n"),
        3 => format!("id: 1\nevent: message\nid\ndata: {text}\nunknown: {text}\n\n"),
        4 => {
            let lines = serde_json::to_string_pretty(good).unwrap().replace("@half@", "x");
            format!(": in lines\n{}", in_lines(&lines))
        }
        _ => format!("event: message\ndata: {text}\n\n"),
    }
}

/// Whether there is a line of data that is no JSON.
fn holds_no_json(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let data = text.split(['\r', '\n']).filter_map(|line| line.strip_prefix("data:"));
    // An event without data is no event. Of one space more, the first is no part of the data.
    let data = data.map(|data| data.strip_prefix(' ').unwrap_or(data)).filter(|data| !data.is_empty());
    data.map(serde_json::from_str::<Value>).any(|read| read.is_err())
}

/// An event with several lines of data.
fn in_lines(text: &str) -> String {
    text.lines().fold(String::new(), |event, line| event + &format!("data: {line}\n")) + "\n"
}

/// Something that looks like an answer, and that no agent takes for one; or nothing.
fn no_answer(dice: &Dice, good: &Value, secrets: &[&str]) -> String {
    let text = text_of(good);
    match dice.number(0..7) {
        0 => format!("data: {text}\n"),
        1 => format!("event: {}\ndata: {text}\n\n", dice.pick(&["response", "Message", "message "])),
        2 => format!("data: [{text}]\n\n"),
        3 => format!("data: {}\n\n", &text[..text.floor_char_boundary(text.len() / 2)]),
        4 => format!(": {text}\n\n"),
        5 => format!("data: {}\n\n", json!({ "jsonrpc": "2.0", "method": "notifications/x", "params": hostile(dice, secrets) })),
        _ => String::new(),
    }
}
