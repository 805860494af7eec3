//! What a hostile token endpoint answers.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::dice::Dice;
use super::wire::{Answer, Verdict};
use super::words::{hostile, written};

/// Which of Port's two endpoints is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Api,
    Mcp,
}

impl Kind {
    /// The members: token, end, type.
    fn names(self) -> [&'static str; 3] {
        match self {
            Self::Api => ["accessToken", "expiresIn", "tokenType"],
            Self::Mcp => ["access_token", "expires_in", "token_type"],
        }
    }
}

/// An answer of the token endpoint, and every token that it names in the member for tokens.
pub struct Issued {
    pub answer: Answer,
    pub tokens: Vec<String>,
}

/// The largest answer that the step reads, in bytes.
const LARGEST: usize = 1024 * 1024;

pub const TOKEN_CHARACTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=";

/// An answer as Port gives it.
pub fn proper(dice: &Dice, kind: Kind) -> Issued {
    let [token_name, end_name, type_name] = kind.names();
    let token = if dice.percent(70) {
        jwt(dice, &json!({ "exp": in_seconds(10_800), "iat": in_seconds(0), "orgId": "org" }))
    } else {
        opaque(dice)
    };
    let body = json!({ "ok": true, token_name: token, end_name: 10_800, type_name: "Bearer" });
    Issued { answer: answer(200, &body, Verdict::good()), tokens: vec![token] }
}

/// Any other answer. `needed` is the validity that the step asks for, in seconds.
pub fn odd(dice: &Dice, kind: Kind, needed: i64, secret: &str, elsewhere: &str) -> Issued {
    let seen = proper(dice, kind);
    match dice.number(0..100) {
        0..4 => usable(dice, kind),
        4..20 => odd_token(dice, kind, needed, secret),
        20..30 => odd_body(dice, kind, secret),
        30..34 => redirect(dice, elsewhere, secret),
        34..40 => Issued { answer: wait(dice), tokens: Vec::new() },
        40..90 => refusal(dice, kind, secret),
        _ => seen,
    }
}

/// An answer that is not as Port gives it, and that every client can use.
fn usable(dice: &Dice, kind: Kind) -> Issued {
    let mut issued = proper(dice, kind);
    let body = String::from_utf8(std::mem::take(&mut issued.answer.body)).unwrap();
    issued.answer.status = dice.any(&[200, 200, 201, 202, 203, 206, 226]);
    issued.answer.body = match dice.number(0..5) {
        0 if dice.unfixed(100) => match dice.number(0..3) {
            0 => format!("\u{feff}{body}"),
            1 => format!("{{\"unknown\":1e999,{}", &body[1..]),
            _ => format!("{{\"message\":\"\\ud83d\",{}", &body[1..]),
        },
        1 => format!(" \r\n\t{body}\n\n"),
        2 => serde_json::to_string_pretty(&serde_json::from_str::<Value>(&body).unwrap()).unwrap(),
        _ => body,
    }
    .into_bytes();
    if dice.percent(40) {
        let kind = dice.pick(&["Application/JSON; charset=utf-8", "text/plain", "application/vnd.api+json", "::error::forged", ""]);
        issued.answer.headers = vec![("content-type".to_owned(), kind.to_owned())];
    }
    issued
}

/// A body whose members are all but wrong.
fn odd_token(dice: &Dice, kind: Kind, needed: i64, secret: &str) -> Issued {
    let [token_name, end_name, type_name] = kind.names();
    let far = needed + 1_000;
    // An end, how far it is away, and whether it counts.
    let ends = [
        (json!(far), Some(far)),
        (json!(far.to_string()), Some(far)),
        (json!(format!(" {far}.9 ")), Some(far)),
        (json!(1e300), Some(i64::MAX)),
        (json!(0), Some(0)),
        (json!(-5), Some(0)),
        (json!(needed), Some(needed)),
        (json!(needed - 1), Some((needed - 1).max(0))),
        (json!("NaN"), None),
        (json!("inf"), None),
        (json!("soon"), None),
        (json!(null), None),
        (json!([far]), None),
        (json!({ "s": far }), None),
        (json!(true), None),
    ];
    let (end, answer_left) = if dice.percent(60) { (json!(far), Some(far)) } else { dice.any(&ends) };
    let (token, token_left) = match dice.number(0..10) {
        0..2 => (opaque(dice), None),
        2..5 => (jwt(dice, &json!({ "exp": in_seconds(far) })), Some(far - 30)),
        5 => (jwt(dice, &json!({ "exp": in_seconds(-10), "iat": in_seconds(-10_800) })), Some(0)),
        6 => (jwt(dice, &json!({ "exp": 1e308, "iat": -1e308 })), Some(i64::MAX)),
        7 => (jwt(dice, &dice_claims(dice)), None),
        8 => {
            let part = dice.text(TOKEN_CHARACTERS, 0..30);
            (format!("{}.{part}.", opaque(dice)), None)
        }
        _ => (format!("..{}", opaque(dice)), None),
    };
    let (token_type, type_fits) = dice.any(&[
        (json!("Bearer"), true),
        (json!("Bearer"), true),
        (json!("bearer"), true),
        (json!("BEARER"), true),
        (json!("mac"), false),
        (json!(""), false),
        (json!(1), false),
        (json!(null), false),
        (json!(hostile(dice, &[secret])), false),
    ]);
    let (ok, ok_fits) =
        dice.any(&[(json!(true), true), (json!(true), true), (json!(null), true), (json!("false"), true), (json!(false), false)]);
    // At times what stands for the token is none.
    let bare = token.clone();
    let (token, token_fits) = match dice.number(0..10) {
        0 => (
            dice.any(&[
                json!("null"),
                json!(""),
                json!("undefined"),
                json!(null),
                json!(12),
                json!({}),
                json!([token]),
                json!("*"),
                json!("a\nb"),
            ]),
            false,
        ),
        1 => (json!(format!("{token}\n{}", hostile(dice, &[secret, &token]))), false),
        2 => (json!(format!("{token} ")), false),
        _ => (json!(token), true),
    };
    let mut body = json!({ "ok": ok, token_name: token, end_name: end, type_name: token_type });
    if dice.percent(10) {
        body[type_name].take();
        body.as_object_mut().unwrap().remove(type_name);
    }
    let type_fits = type_fits || body.get(type_name).is_none();
    let is_named = token.as_str().is_some_and(|text| text.contains(&bare));
    let secrets: &[&str] = &[secret, if is_named { &bare } else { secret }];
    body["message"] = json!(hostile(dice, secrets));
    let left = match (answer_left, token_left) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let is_token = ok_fits && type_fits && token_fits;
    let verdict = match left {
        Some(left) if is_token && left >= needed && left > 0 => Verdict::good(),
        Some(_) if is_token => Verdict::bad(&["token_expiring"]),
        _ => Verdict::bad(&["bad_response"]),
    };
    let tokens = if is_named { vec![bare.clone()] } else { Vec::new() };
    // An end that the dice chose is not known here.
    let doubtful = token_left.is_none() && bare.matches('.').count() == 2;
    let verdict = if doubtful { verdict.or(&["token_expiring", "bad_response"]) } else { verdict };
    let verdict = if doubtful && is_token { verdict.or_good() } else { verdict };
    Issued { answer: answer(200, &body, verdict), tokens }
}

/// Claims that no issuer writes.
fn dice_claims(dice: &Dice) -> Value {
    let times =
        [json!(null), json!("tomorrow"), json!(-1), json!(1e19), json!([]), json!(in_seconds(500)), json!({}), json!(true), json!(1.5)];
    json!({ "exp": dice.any(&times), "iat": dice.any(&times), "nbf": dice.any(&times), "sub": hostile(dice, &["nobody-knows-this"]) })
}

/// A success without a token.
fn odd_body(dice: &Dice, kind: Kind, secret: &str) -> Issued {
    let seen = proper(dice, kind);
    let token = seen.tokens[0].clone();
    let whole = String::from_utf8(seen.answer.body).unwrap();
    let other = match kind {
        Kind::Api => Kind::Mcp,
        Kind::Mcp => Kind::Api,
    };
    let [token_name, ..] = kind.names();
    let text = match dice.number(0..12) {
        0 => whole[..whole.len() - dice.number(1..whole.len())].to_owned(),
        1 => format!("{whole}{whole}"),
        2 => format!("[{whole}]"),
        3 => format!("\u{feff}\u{feff}{whole}"),
        4 => "[".repeat(dice.any(&[100, 10_000])),
        5 => format!("{{\"{token_name}\":{}", "{\"a\":".repeat(10_000)),
        6 => format!("<html>{}</html>", hostile(dice, &[secret])),
        7 => String::from_utf8(proper(dice, other).answer.body).unwrap(),
        8 => hostile(dice, &[secret]),
        9 => json!({ "data": { token_name: token } }).to_string(),
        10 => String::new(),
        _ => json!(token).to_string(),
    };
    let mut answer = answer(200, &json!(null), Verdict::bad(&["bad_response"]));
    answer.body = text.into_bytes();
    if dice.percent(50) {
        answer.headers = vec![(
            "content-type".to_owned(),
            dice.pick(&["text/html", "text/plain", "application/octet-stream", "::error::forged", ""]).to_owned(),
        )];
    }
    Issued { answer, tokens: Vec::new() }
}

fn redirect(dice: &Dice, elsewhere: &str, secret: &str) -> Issued {
    let status = dice.any(&[300, 301, 302, 303, 304, 307, 308, 399]);
    let mut answer = answer(status, &json!({}), Verdict::bad(&["redirected"]));
    let words = written(dice, &[secret]);
    let to = dice.any(&[
        elsewhere.to_owned(),
        "/v1/stolen".to_owned(),
        String::new(),
        words,
        "https://\u{202e}evil.example/::error::forged".to_owned(),
    ]);
    answer.headers.push(("location".to_owned(), to));
    if status == 304 {
        // By definition without a body.
        answer.body.clear();
    }
    Issued { answer, tokens: Vec::new() }
}

/// Asks to come back later.
pub fn wait(dice: &Dice) -> Answer {
    let status = dice.any(&[408, 429, 429, 500, 503]);
    let (name, value) = dice.any(&[
        ("retry-after", "3600".to_owned()),
        ("retry-after", "0".to_owned()),
        ("retry-after", "99999999999999999999".to_owned()),
        ("retry-after", "-1".to_owned()),
        ("retry-after", "::error::forged".to_owned()),
        ("retry-after", "Sun, 22 Nov 2099 10:00:08 GMT".to_owned()),
        ("retry-after", "Sun, 22 Nov 1999 10:00:08 GMT".to_owned()),
        ("retry-after", "0.01".to_owned()),
        ("x-ratelimit-reset", "0".to_owned()),
        ("x-ratelimit-reset", "1e9".to_owned()),
        ("x-ratelimit-reset", in_seconds(300).to_string()),
        ("x-ratelimit-reset", format!("{}000", in_seconds(300))),
    ]);
    let mut answer = answer(status, &json!({ "ok": false, "error": "too_many" }), Verdict::bad(of_status(status)).or(&["rate_limited"]));
    answer.headers.push((name.to_owned(), value));
    answer
}

fn refusal(dice: &Dice, kind: Kind, secret: &str) -> Issued {
    let token = opaque(dice);
    let status = dice.any(&[
        401, 401, 401, 403, 403, 404, 404, 408, 429, 429, 500, 502, 503, 504, 599, 400, 402, 405, 407, 409, 410, 413, 415, 418, 422, 431,
        451, 499, 201, 202, 204, 206, 226,
    ]);
    let [token_name, ..] = kind.names();
    let words = hostile(dice, &[secret, &token]);
    let (body, tokens) = match dice.number(0..9) {
        0 => (json!({ "ok": false, "error": "invalid_credentials", "message": written(dice, &[secret]) }), vec![]),
        1 => (json!({ "ok": false, "error": words, token_name: token }), vec![token]),
        2 => (json!({ "error": "invalid_client", "error_description": hostile(dice, &[secret]) }), vec![]),
        3 => (json!({ "error": { "message": hostile(dice, &[secret]) } }), vec![]),
        4 => (json!([words]), vec![]),
        5 => (json!(hostile(dice, &[secret])), vec![]),
        _ => (json!({ "ok": false, "error": hostile(dice, &[secret]), "message": written(dice, &[secret]) }), vec![]),
    };
    let mut verdict = Verdict::bad(of_status(status));
    if kind == Kind::Mcp && (400..500).contains(&status) && body["error"] == "invalid_client" {
        // A body that is cut off can't say so, and then the status counts.
        verdict = Verdict::bad(&["credentials_rejected"]).or(of_status(status));
    }
    let mut answer = answer(status, &body, verdict);
    if dice.percent(30) {
        answer.body = hostile(dice, &[secret]).into_bytes();
        answer.verdict = Verdict::bad(of_status(status));
        answer.headers = vec![(
            "content-type".to_owned(),
            dice.pick(&["text/plain", "text/plain; charset=utf-8", "text/html", "application/json"]).to_owned(),
        )];
    }
    if dice.percent(30) {
        answer.headers.push(("x-trace-id".to_owned(), hostile(dice, &[secret])));
    }
    if status == 204 {
        answer.body.clear();
    }
    Issued { answer, tokens: tokens.into_iter().collect() }
}

/// The codes that a status may come to.
pub fn of_status(status: u16) -> &'static [&'static str] {
    match status {
        401 => &["credentials_rejected"],
        403 => &["forbidden"],
        404 => &["not_found"],
        407 => &["proxy"],
        429 => &["rate_limited"],
        400..500 => &["request_rejected"],
        500.. => &["port_unavailable"],
        300..400 => &["redirected"],
        _ => &["bad_response"],
    }
}

fn answer(status: u16, body: &Value, verdict: Verdict) -> Answer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Answer { status, headers, body: body.to_string().into_bytes(), verdict, streamed: false, limit: LARGEST }
}

fn opaque(dice: &Dice) -> String {
    dice.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 20..120)
}

fn jwt(dice: &Dice, claims: &Value) -> String {
    let mut claims = claims.clone();
    claims["jti"] = json!(dice.text("abcdef0123456789", 16..17));
    let signature = dice.text(TOKEN_CHARACTERS, 32..33);
    let parts = [json!({ "alg": "HS256", "typ": "JWT" }).to_string(), claims.to_string(), signature];
    parts.map(|part| BASE64URL_NOPAD.encode(part.as_bytes())).join(".")
}

fn in_seconds(seconds: i64) -> i64 {
    jiff::Timestamp::now().as_second() + seconds
}
