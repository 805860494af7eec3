//! The token and the claims in it: no token panics, and its end is a time that can be written.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use port_mcp_auth::testing::port::{Token, seconds_from_json};
use port_mcp_auth::testing::redact::Secret;

#[derive(Arbitrary, Debug)]
enum Text<'a> {
    Any(&'a str),
    Jwt { header: &'a str, payload: &'a str, signature: &'a str },
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    token: Text<'a>,
    expires_in: &'a str,
    now: u32,
}

fuzz_target!(|input: Input<'_>| {
    let text = match input.token {
        Text::Any(text) => text.to_owned(),
        Text::Jwt { header, payload, signature } => {
            [header, payload, signature].map(|part| BASE64URL_NOPAD.encode(part.as_bytes())).join(".")
        }
    };
    let now = Timestamp::from_second(i64::from(input.now)).unwrap();
    let expires_in = serde_json::from_str(input.expires_in).ok().as_ref().and_then(seconds_from_json);
    let Ok(token) = Token::new(Secret::new(&text), expires_in, now) else {
        return;
    };
    let left = token.left_on_arrival();
    assert_eq!(left.subsec_nanos(), 0);
    assert!(expires_in.is_none_or(|said| left <= said));
    assert!(token.expires_at() >= now && token.expires_at().as_second() - now.as_second() <= i64::try_from(left.as_secs()).unwrap());
    assert!(token.lifetime().is_none_or(|lifetime| lifetime >= Duration::ZERO));
    assert!(token.expires_at().to_string().ends_with('Z'));
    for part in token.jwt_parts() {
        assert!(text.contains(part));
    }
});
