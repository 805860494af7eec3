//! What a hostile MCP server answers.

use serde_json::{Value, json};

use super::dice::Dice;
use super::token::wait;
use super::wire::{Answer, Verdict};
use super::words::{hostile, written};

/// An answer of the MCP server, and the names of the tools that it lists.
pub struct Said {
    pub answer: Answer,
    pub tools: Vec<String>,
}

/// What is wrong with a message that can be read.
const ODD: &[&str] = &["mcp_error"];

/// The secrets that the server knows: the token that it was shown, and the client secret if it issued the token.
pub fn answer(dice: &Dice, method: &str, id: &Value, secrets: &[&str], hostility: u32) -> Said {
    let is_request = !id.is_null();
    if !is_request {
        let status = if dice.percent(100 - hostility) { 202 } else { dice.any(&[200, 204, 400, 401, 404, 500]) };
        // Whatever is answered to a notification may be taken for a failure, or be passed over.
        let verdict = if status == 202 { Verdict::good() } else { Verdict::good().or(&["mcp_error", "mcp_refused"]) };
        return Said { answer: plain(status, Vec::new(), verdict), tools: Vec::new() };
    }
    if dice.percent(hostility / 2) {
        return Said { answer: refusal(dice, secrets), tools: Vec::new() };
    }
    let is_odd = dice.percent(hostility);
    let (result, verdict, tools) = match method {
        "initialize" if is_odd => odd_initialize(dice, secrets),
        "initialize" => (initialize(), Verdict::good(), Vec::new()),
        "tools/list" if is_odd => odd_tools(dice, secrets),
        "tools/list" => {
            let tools: Vec<_> = ["list_blueprints", "list_entities", "get_sidebar"].map(str::to_owned).to_vec();
            (json!({ "tools": tools.iter().map(|name| tool(name)).collect::<Vec<_>>() }), Verdict::good(), tools)
        }
        _ => {
            let message = message(id, json!({ "error": { "code": -32601, "message": "no such method" } }));
            return Said { answer: typed(dice, &message, Verdict::bad(ODD)), tools: Vec::new() };
        }
    };
    let mut said = Said { answer: enveloped(dice, id, &result, verdict, secrets, hostility), tools };
    if dice.percent(20) {
        let session = if dice.percent(hostility) {
            dice.any(&[hostile(dice, secrets), "s".repeat(20_000), String::new(), "ä".to_owned()])
        } else {
            "session-1".to_owned()
        };
        said.answer.headers.push(("mcp-session-id".to_owned(), session));
        // A session's name that can't be sent back ends the conversation.
        said.answer.verdict = said.answer.verdict.or(ODD);
    }
    said
}

fn initialize() -> Value {
    json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "port", "version": "1" } })
}

fn odd_initialize(dice: &Dice, secrets: &[&str]) -> (Value, Verdict, Vec<String>) {
    let mut result = initialize();
    let verdict = match dice.number(0..8) {
        0 => {
            result["protocolVersion"] =
                json!(dice.any(&["2024-11-05".to_owned(), "1999-01-01".to_owned(), String::new(), hostile(dice, secrets)]));
            Verdict::good().or(ODD)
        }
        1 => {
            result["serverInfo"] = json!({ "name": hostile(dice, secrets), "version": hostile(dice, secrets), "title": 5 });
            Verdict::good().or(ODD)
        }
        2 => {
            result["instructions"] = json!(hostile(dice, secrets));
            Verdict::good()
        }
        3 => {
            result["capabilities"] =
                dice.any(&[json!({}), json!([]), json!(null), json!({ "tools": null, "forged": hostile(dice, secrets) })]);
            Verdict::good().or(ODD)
        }
        4 => {
            result.as_object_mut().unwrap().remove("protocolVersion");
            Verdict::good().or(ODD)
        }
        5 => {
            result = dice.any(&[json!({}), json!([]), json!(null), json!("ok"), json!({ "tools": [] })]);
            Verdict::good().or(ODD)
        }
        6 => {
            result["_meta"] = json!({ "a": hostile(dice, secrets), "deep": deep(dice.any(&[10, 100, 300])) });
            Verdict::good().or(ODD)
        }
        _ => {
            result["protocolVersion"] = json!(5);
            Verdict::good().or(ODD)
        }
    };
    (result, verdict, Vec::new())
}

fn odd_tools(dice: &Dice, secrets: &[&str]) -> (Value, Verdict, Vec<String>) {
    let count = dice.any(&[0, 1, 3, 10, 60, 250, 12_000]);
    let mut tools: Vec<_> = (0..count).map(|_| tool("")).collect();
    for (number, tool) in tools.iter_mut().enumerate() {
        // The longest lists are made of plain names, for time's sake.
        let name = match if number < 100 { dice.number(0..20) } else { 19 } {
            0 => hostile(dice, secrets),
            1 => written(dice, secrets),
            2 => dice.pick(secrets).to_owned(),
            3 => dice
                .pick(&[
                    "",
                    " ",
                    "a b",
                    "::error::forged",
                    "ä",
                    "x\n",
                    "$(id)",
                    "'; id; '",
                    "__proto__",
                    "constructor",
                    "toString",
                    "..",
                    "-rf",
                    "--help",
                    "*",
                    "null",
                    "true",
                    "1",
                ])
                .to_owned(),
            4 => "n".repeat(dice.any(&[127, 128, 129, 5_000])),
            5 => dice.pick(&["delete_entity", "run_action", "upsert_blueprint", "list_entities", "list_entities"]).to_owned(),
            _ => format!("{}_{number}", dice.pick(&["list", "get", "run", "upsert", "delete", "x"])),
        };
        tool["name"] = json!(name);
        if dice.percent(10) {
            tool["annotations"] =
                dice.any(&[json!({ "readOnlyHint": true }), json!({ "readOnlyHint": false }), json!({ "readOnlyHint": null })]);
        }
        if dice.percent(5) {
            tool["description"] = json!(hostile(dice, secrets));
        }
    }
    let names: Vec<String> = tools.iter().map(|tool| tool["name"].as_str().unwrap_or_default().to_owned()).collect();
    let mut result = json!({ "tools": tools });
    let mut verdict = Verdict::good().or(&["tool_unknown"]);
    match dice.number(0..8) {
        0 => {
            result["nextCursor"] = json!(dice.any(&["next".to_owned(), String::new(), hostile(dice, secrets)]));
            verdict = verdict.or(ODD);
        }
        1 if count > 0 && count < 1_000 => {
            // One tool that is none spoils the list, or is left out.
            let odd = [
                json!(null),
                json!("tool"),
                json!({}),
                json!({ "name": 5 }),
                json!({ "name": "list_x" }),
                json!({ "name": "list_x", "inputSchema": hostile(dice, secrets) }),
            ];
            result["tools"][0] = dice.any(&odd);
            return (result, Verdict::good().or(ODD).or(&["tool_unknown"]), names.get(1..).unwrap_or_default().to_vec());
        }
        2 => {
            result = dice.any(&[json!({}), json!({ "tools": null }), json!({ "tools": {} }), json!([]), json!(null)]);
            return (result, Verdict::good().or(ODD).or(&["tool_unknown"]), Vec::new());
        }
        _ => {}
    }
    if count > 1_000 {
        verdict = verdict.or(ODD);
    }
    (result, verdict, names)
}

fn tool(name: &str) -> Value {
    json!({ "name": name, "inputSchema": { "type": "object" } })
}

fn deep(levels: usize) -> Value {
    (0..levels).fold(json!(1), |value, _| json!([value]))
}

/// The result as a message, and the message as JSON or as a stream of events.
fn enveloped(dice: &Dice, id: &Value, result: &Value, verdict: Verdict, secrets: &[&str], hostility: u32) -> Answer {
    let good = message(id, json!({ "result": result }));
    if !dice.percent(hostility) {
        return typed(dice, &good, verdict);
    }
    let doubtful = verdict.clone().or(ODD);
    let words = hostile(dice, secrets);
    match dice.number(0..14) {
        0 => typed(
            dice,
            &message(id, json!({ "error": { "code": dice.any(&[-32000, -32600, -32022, 0, 401]), "message": words } })),
            Verdict::bad(ODD),
        ),
        1 => typed(
            dice,
            &message(
                id,
                json!({ "error": { "code": dice.any(&[json!("x"), json!(null), json!(1e300)]), "message": words, "data": words } }),
            ),
            Verdict::bad(ODD),
        ),
        2 => typed(
            dice,
            &message(&dice.any(&[json!(99_999), json!("forged"), json!(null), json!(-1), json!(1.5)]), json!({ "result": result })),
            Verdict::bad(ODD).or(&["unreachable"]),
        ),
        3 => typed(dice, &message(&json!(id.to_string()), json!({ "result": result })), doubtful),
        4 => typed(dice, &json!([good]), Verdict::bad(ODD)),
        5 => typed(dice, &json!({ "jsonrpc": "1.0", "id": id, "result": result }), doubtful),
        6 => typed(dice, &json!({ "id": id, "result": result }), doubtful),
        7 => typed(dice, &json!({ "jsonrpc": "2.0", "id": id, "result": result, "error": { "code": 1, "message": words } }), doubtful),
        8 => typed(dice, &json!({ "jsonrpc": "2.0", "id": id }), Verdict::bad(ODD)),
        9 => {
            let text = dice.any(&[
                String::new(),
                words.clone(),
                "{".to_owned(),
                "[".repeat(10_000),
                format!("{good}{good}"),
                format!("\u{feff}{good}"),
            ]);
            Answer { headers: of_type("application/json"), ..plain(200, text.into_bytes(), doubtful) }
        }
        10 => {
            let kind = dice.pick(&[
                "text/html",
                "text/plain",
                "",
                "application/json-seq",
                "::error::forged",
                "Application/JSON; charset=utf-16",
                "application/jsonx",
            ]);
            Answer { headers: of_type(kind), ..plain(200, good.to_string().into_bytes(), doubtful) }
        }
        _ => events(dice, &good, &words, doubtful),
    }
}

/// A message in one of MCP's two types.
fn typed(dice: &Dice, message: &Value, verdict: Verdict) -> Answer {
    if dice.percent(50) {
        Answer { headers: of_type("application/json"), ..plain(200, message.to_string().into_bytes(), verdict) }
    } else {
        let text = format!("event: message\ndata: {message}\n\n");
        Answer { headers: of_type("text/event-stream"), streamed: true, ..plain(200, text.into_bytes(), verdict) }
    }
}

/// A stream with more in it than the answer.
fn events(dice: &Dice, good: &Value, words: &str, verdict: Verdict) -> Answer {
    let mut text = String::new();
    let end = dice.pick(&["\n", "\r\n", "\r"]);
    for _ in 0..dice.number(0..6) {
        let line = words.replace(['\r', '\n'], " ");
        let event = match dice.number(0..8) {
            0 => format!(": {line}"),
            1 => format!("event: forged{end}data: {line}"),
            2 => format!(
                "data: {}",
                json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info", "data": line } })
            ),
            3 => format!("data: {}", json!({ "jsonrpc": "2.0", "id": 7, "method": "ping" })),
            4 => format!("data: {}", json!({ "jsonrpc": "2.0", "id": "elsewhere", "result": {} })),
            5 => format!("retry: 1{end}id: {line}{end}data:"),
            6 => line,
            _ => format!("data: {line}"),
        };
        text += &format!("{event}{end}{end}");
    }
    if dice.percent(80) {
        text += &format!("data: {good}{end}{end}");
    }
    if dice.percent(30) {
        text += &format!("data: {words}{end}{end}");
    }
    Answer { headers: of_type("text/event-stream"), streamed: true, ..plain(200, text.into_bytes(), verdict.or(ODD)) }
}

fn refusal(dice: &Dice, secrets: &[&str]) -> Answer {
    let status = dice.any(&[401, 401, 403, 403, 400, 404, 404, 405, 406, 410, 429, 500, 502, 503, 202, 204, 301, 307, 308]);
    if status == 429 || status == 503 {
        let answer = wait(dice);
        return Answer { verdict: Verdict::bad(&["tool_unknown"]), ..answer };
    }
    let codes: &[&str] = match status {
        401 | 403 => &["mcp_refused"],
        500.. => &["tool_unknown"],
        _ => &["mcp_error"],
    };
    let words = hostile(dice, secrets);
    let body = match dice.number(0..4) {
        0 => json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32000, "message": words } }).to_string(),
        1 => json!({ "error": words, "error_description": written(dice, secrets) }).to_string(),
        2 => words,
        _ => String::new(),
    };
    let mut answer = plain(status, body.into_bytes(), Verdict::bad(codes));
    answer.headers = of_type(dice.pick(&["application/json", "text/plain", "text/html"]));
    if dice.percent(30) {
        answer.headers.push(("www-authenticate".to_owned(), written(dice, secrets)));
        answer.headers.push(("x-trace-id".to_owned(), written(dice, secrets)));
    }
    if status >= 300 {
        answer.headers.push(("location".to_owned(), dice.pick(&["/v1/stolen", "::error::forged", ""]).to_owned()));
    }
    if status == 204 {
        answer.body.clear();
    }
    answer
}

fn message(id: &Value, rest: Value) -> Value {
    let mut message = rest;
    message["jsonrpc"] = json!("2.0");
    message["id"] = id.clone();
    message
}

fn plain(status: u16, body: Vec<u8>, verdict: Verdict) -> Answer {
    Answer { status, headers: Vec::new(), body, verdict, streamed: false }
}

fn of_type(kind: &str) -> Vec<(String, String)> {
    vec![("content-type".to_owned(), kind.to_owned())]
}
