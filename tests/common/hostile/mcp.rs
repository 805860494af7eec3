//! What a hostile MCP server answers.

use serde_json::{Value, json};

use super::dice::Dice;
use super::envelope::{enveloped, stream_of, typed};
use super::results::{discover, initialize, odd_discover, odd_initialize, odd_tools, tools};
use super::token::wait;
use super::wire::{Answer, Breach, Verdict};
use super::words::{graphic, hostile, written};

/// What is asked, and what there is to know about who asks.
pub struct Asked<'a> {
    /// The method of the message; empty in an answer to the server, and in a request to resume a stream.
    pub method: &'a str,
    pub id: &'a Value,
    /// Whether the request names a session.
    pub in_session: bool,
    /// Whether the request names the revision with `server/discover`.
    pub in_newest: bool,
    /// How many redirects came just before.
    pub hops: usize,
    /// What a client would get that resumes the last stream.
    pub pending: Option<&'a Said>,
    /// The secrets that the server knows: the token that it was shown, and the client secret if it issued the token.
    pub secrets: &'a [&'a str],
    /// How often the server is hostile, in percent.
    pub hostility: u32,
    pub server: &'a Traits,
}

/// What stays the same through all of a run.
#[derive(Debug, Clone)]
pub struct Traits {
    /// The revisions with `server/discover` only, and how `initialize` is refused then.
    pub newest: Option<Refused>,
    /// Both ways to begin.
    pub both: bool,
    /// Whether every request leads back to where it came from.
    pub loops: bool,
    /// The server's own address, and the same server under another name, which is another origin.
    pub here: String,
    pub elsewhere: String,
}

/// A status and a JSON-RPC error; no JSON-RPC if the code is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    status: u16,
    code: i64,
}

/// A tool in a list, as far as it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub read_only_hint: Option<bool>,
}

/// An answer of the MCP server.
#[derive(Debug, Clone)]
pub struct Said {
    pub answer: Answer,
    /// The tools that it lists.
    pub tools: Vec<Listed>,
    /// The message, and what may come of it, for who resumes the stream in which it should have come.
    pub message: Option<(Value, Verdict)>,
    /// Whether it sends the client to another path.
    pub moves: bool,
}

/// The largest answer that the step reads, in bytes.
const LARGEST: usize = 8 * 1024 * 1024;

impl Traits {
    pub fn of(dice: &Dice, hostility: u32, here: &str, elsewhere: &str) -> Self {
        let refusals = [
            Refused { status: 200, code: -32601 },
            Refused { status: 400, code: -32601 },
            Refused { status: 404, code: -32601 },
            Refused { status: 405, code: -32601 },
            Refused { status: 200, code: -32022 },
            Refused { status: 400, code: -32022 },
        ];
        let newest = dice.percent(hostility / 2).then(|| dice.any(&refusals));
        let odder = [Refused { status: 400, code: 0 }, Refused { status: 404, code: 0 }, Refused { status: 200, code: -32602 }];
        let newest = if dice.percent(hostility / 5) { Some(dice.any(&odder)) } else { newest };
        let both = newest.is_none() && dice.percent(hostility);
        Self { newest, both, loops: dice.percent(hostility / 8), here: here.to_owned(), elsewhere: elsewhere.to_owned() }
    }
}

impl Said {
    pub fn only(answer: Answer) -> Self {
        Self { answer, tools: Vec::new(), message: None, moves: false }
    }
}

pub fn answer(dice: &Dice, asked: &Asked<'_>) -> Said {
    let Asked { method, id, secrets, hostility, server, .. } = asked;
    if server.loops || dice.percent(hostility / 4) {
        return redirect(dice, asked);
    }
    match *method {
        "" => return to_no_request(dice, asked),
        "notifications/initialized" => return Said::only(to_notification(dice, *hostility)),
        _ => {}
    }
    if dice.percent(hostility / 3) {
        return Said::only(refusal(dice, asked));
    }
    let newest = asked.in_newest;
    let discovers = server.newest.is_some() || server.both;
    let is_odd = dice.percent(*hostility);
    let (result, verdict, tools) = match (*method, server.newest) {
        ("initialize", Some(refused)) => return Said::only(refused.answer(dice, id, secrets)),
        ("initialize", None) if is_odd => odd_initialize(dice, secrets),
        ("initialize", None) => (initialize(), Verdict::good(), Vec::new()),
        ("server/discover", _) if discovers && is_odd => odd_discover(dice, secrets),
        ("server/discover", _) if discovers => (discover(), Verdict::good(), Vec::new()),
        ("tools/list", _) if is_odd => odd_tools(dice, secrets, newest),
        ("tools/list", _) => {
            let (result, listed) = tools(newest);
            (result, Verdict::good(), listed)
        }
        _ => {
            let message = message(id, json!({ "error": { "code": -32601, "message": "no such method" } }));
            return Said::only(typed(dice, &message, Verdict::unclear()));
        }
    };
    let (mut answer, message) = enveloped(dice, id, &result, verdict.clone(), secrets, *hostility);
    if *method == "initialize" && dice.percent(30) {
        open_session(dice, &mut answer, secrets, *hostility);
    } else if *method != "initialize" && dice.percent(hostility / 3) {
        answer.headers.push(("mcp-session-id".to_owned(), "another".to_owned()));
    }
    Said { answer, tools, message: Some((message, verdict)), moves: false }
}

fn open_session(dice: &Dice, answer: &mut Answer, secrets: &[&str], hostility: u32) {
    let session = if dice.percent(hostility) {
        dice.any(&[hostile(dice, secrets), "s".repeat(20_000), String::new(), "ä".to_owned(), "a b".to_owned()])
    } else {
        "session-1".to_owned()
    };
    // Others read no headers of that size.
    if session.len() > 8_000 {
        answer.verdict = answer.verdict.clone().or_unclear();
    }
    answer.headers.push(("mcp-session-id".to_owned(), session));
}

impl Refused {
    fn answer(self, dice: &Dice, id: &Value, secrets: &[&str]) -> Answer {
        let words = hostile(dice, secrets);
        if self.code == 0 {
            return Answer { headers: of_type("text/plain"), ..plain(self.status, words.into_bytes(), Verdict::good()) };
        }
        let error = message(id, json!({ "error": { "code": self.code, "message": words } }));
        if self.status == 200 {
            return typed(dice, &error, Verdict::good());
        }
        Answer { headers: of_type("application/json"), ..plain(self.status, error.to_string().into_bytes(), Verdict::good()) }
    }
}

/// Nothing in the answer to a notification counts but the status.
fn to_notification(dice: &Dice, hostility: u32) -> Answer {
    let status = if dice.percent(100 - hostility) { 202 } else { dice.any(&[200, 200, 204, 204, 201, 400, 401, 404, 500]) };
    let verdict = match status {
        400..500 => Verdict::breach(Breach::Newer),
        500.. => Verdict::unclear(),
        _ => Verdict::good(),
    };
    let bodies = [
        "{}",
        "",
        "null",
        "<html>::error::forged",
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32601,\"message\":\"::error::forged\"}}",
    ];
    let body = if status == 200 || status == 201 { dice.pick(&bodies).as_bytes() } else { b"" };
    Answer {
        headers: of_type(dice.pick(&["application/json", "text/event-stream", "text/html"])),
        streamed: true,
        ..plain(status, body.to_vec(), verdict)
    }
}

/// To an answer of the client's, and to the wish to resume a stream.
fn to_no_request(dice: &Dice, asked: &Asked<'_>) -> Said {
    let Some(pending) = asked.pending else {
        // Whatever the server thinks of the answer to its ping, it goes on with its own.
        let status = if dice.percent(asked.hostility) { dice.any(&[400, 404, 500]) } else { dice.any(&[202, 202, 202, 200, 204]) };
        return Said::only(Answer { streamed: true, ..plain(status, Vec::new(), Verdict::good()) });
    };
    let Some((message, verdict)) = pending.message.as_ref().filter(|_| !dice.percent(asked.hostility / 3)) else {
        return Said::only(plain(405, Vec::new(), Verdict::bad(&["mcp_error"]).or_unclear()));
    };
    Said { answer: stream_of(message, verdict.clone()), ..pending.clone() }
}

/// A redirect. Those that keep the origin, the method and the body are followed.
fn redirect(dice: &Dice, asked: &Asked<'_>) -> Said {
    let Traits { loops, here, elsewhere, .. } = asked.server;
    if !loops && dice.percent(35) {
        let (status, location) = (dice.any(&[301, 302, 303, 307, 308]), format!("{elsewhere}/stolen"));
        let scheme_free = elsewhere.trim_start_matches("http:").to_owned();
        let location = match status {
            301..=303 if dice.percent(50) => "/mcp/stolen".to_owned(),
            _ => dice.any(&[
                location.clone(),
                location.replace("http:", "https:"),
                format!("{scheme_free}/stolen"),
                format!("/\\{}/stolen", scheme_free.trim_start_matches('/')),
                format!("http:{}/stolen", scheme_free.replace('/', "\\")),
                location.replace("//", "//port-mcp@"),
                "https://\u{202e}evil.example/stolen".to_owned(),
                "data:application/json,stolen".to_owned(),
            ]),
        };
        let mut answer = plain(status, hostile(dice, asked.secrets).into_bytes(), Verdict::bad(&["mcp_error"]));
        answer.headers.push(("location".to_owned(), location));
        return Said::only(answer);
    }
    let to = if *loops {
        "/mcp".to_owned()
    } else {
        dice.any(&[
            "/mcp/".to_owned(),
            "mcp/a".to_owned(),
            "/mcp?a=b".to_owned(),
            "?x=::error::forged".to_owned(),
            format!("{here}/mcp/"),
            format!("{}/mcp/", here.trim_start_matches("http:")),
            format!("{}/mcp/", here.replace("//", "//someone:else@")),
            "./../mcp/#a".to_owned(),
            format!("/mcp/{}", graphic(&written(dice, asked.secrets))),
        ])
    };
    // Who follows four in a row follows enough, unless they come to an end.
    let verdict = match asked.hops {
        0..4 => Verdict::good(),
        _ if *loops => Verdict::bad(&["mcp_error"]),
        _ => Verdict::good().or(&["mcp_error"]),
    };
    let mut answer = plain(dice.any(&[307, 308]), hostile(dice, asked.secrets).into_bytes(), verdict);
    answer.headers.push(("location".to_owned(), to));
    Said { moves: true, ..Said::only(answer) }
}

fn refusal(dice: &Dice, asked: &Asked<'_>) -> Answer {
    let secrets = asked.secrets;
    let status = dice.any(&[401, 401, 403, 403, 400, 404, 404, 404, 405, 406, 408, 410, 429, 500, 502, 503, 202, 204, 304]);
    if status == 429 || status == 503 || status == 408 {
        return Answer { verdict: Verdict::unclear(), limit: LARGEST, ..wait(dice) };
    }
    let words = hostile(dice, secrets);
    let what = dice.number(0..4);
    let body = match what {
        0 => json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32000, "message": words } }).to_string(),
        1 => json!({ "error": words, "error_description": written(dice, secrets) }).to_string(),
        2 => words,
        _ => String::new(),
    };
    let verdict = match status {
        401 | 403 => Verdict::bad(&["mcp_refused"]),
        500.. => Verdict::unclear(),
        202 => Verdict::bad(&["mcp_error"]).or_unclear(),
        // The session is over, and so is the next one.
        404 if asked.in_session => Verdict::unclear(),
        400..500 if what == 0 => Verdict::unclear(),
        _ => Verdict::bad(&["mcp_error"]),
    };
    let mut answer = plain(status, body.into_bytes(), verdict);
    answer.headers = of_type(dice.pick(&["application/json", "text/plain", "text/html"]));
    if dice.percent(50) {
        answer.headers.push(("www-authenticate".to_owned(), challenge(dice, secrets)));
        answer.headers.push(("x-trace-id".to_owned(), written(dice, secrets)));
    }
    if status == 204 || status == 304 {
        answer.body.clear();
    }
    answer
}

/// What a server says about a token that it refuses, with the token in it.
fn challenge(dice: &Dice, secrets: &[&str]) -> String {
    let quoted = |text: String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let error = dice.any(&["invalid_token".to_owned(), "insufficient_scope".to_owned(), hostile(dice, secrets), written(dice, secrets)]);
    let (description, scope) = (quoted(hostile(dice, secrets)), quoted(written(dice, secrets)));
    match dice.number(0..6) {
        0 => written(dice, secrets),
        1 => hostile(dice, secrets),
        2 => format!("Basic realm=\"x\", Bearer error={error}, error_description={description}"),
        3 => format!("Bearer error={}, error_description={}", quoted(error), written(dice, secrets)),
        _ => format!("Bearer realm=\"mcp\", error={}, error_description={description}, scope={scope}", quoted(error)),
    }
}

pub fn message(id: &Value, rest: Value) -> Value {
    let mut message = rest;
    message["jsonrpc"] = json!("2.0");
    message["id"] = id.clone();
    message
}

pub fn plain(status: u16, body: Vec<u8>, verdict: Verdict) -> Answer {
    Answer { status, headers: Vec::new(), body, verdict, streamed: false, limit: LARGEST }
}

pub fn of_type(kind: &str) -> Vec<(String, String)> {
    vec![("content-type".to_owned(), kind.to_owned())]
}
