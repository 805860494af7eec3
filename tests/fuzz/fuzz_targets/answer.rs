//! The token endpoint's answer: whatever it is, it is a token that can be sent, or an error whose texts hold no secret.
#![no_main]

use arbitrary::Arbitrary;
use http::{HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use port_mcp_auth::testing::net::HttpResponse;
use port_mcp_auth::testing::port::{Endpoint, Error, ExchangeError, TokenEndpoint, read_token_response};
use port_mcp_auth::testing::redact::{QUOTE_LIMIT, Redactor, Secret};
use port_mcp_auth::testing::report::Failure;
use zeroize::Zeroizing;

const SECRET: &str = "s3cr3t-Value-0123456789";

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    is_oauth: bool,
    status: u16,
    content_type: &'a [u8],
    retry_after: &'a [u8],
    trace_id: &'a [u8],
    body: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    // Most of what is of interest lies behind a 200.
    let status = if input.status < 100 { 200 } else { input.status % 500 + 100 };
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in [("content-type", input.content_type), ("retry-after", input.retry_after), ("x-trace-id", input.trace_id)] {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            response.headers_mut().insert(name, value);
        }
    }
    let (head, ()) = response.into_parts();
    let response = HttpResponse { head, body: Zeroizing::new(input.body.to_vec()) };
    let kind = if input.is_oauth { TokenEndpoint::Mcp } else { TokenEndpoint::Api };
    let mut redactor = Redactor::default();
    redactor.learn(&Secret::new(SECRET));
    let now = Timestamp::from_second(1_795_000_000).unwrap();
    match read_token_response(kind, &response, &redactor, now) {
        Ok(token) => {
            let text = token.secret().reveal();
            assert!((200..300).contains(&status) && status != 204, "a token with the status {status}");
            assert!(text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)));
            assert!(String::from_utf8_lossy(input.body).contains(text) || input.body.contains(&b'\\'), "a token that was not sent");
            assert!(token.expires_at() >= Timestamp::from_second(now.as_second()).unwrap());
        }
        Err(failed) => {
            let endpoint = Endpoint { kind, url: "https://api.port.io/v1/auth/access_token".parse().unwrap(), region: None };
            let error = ExchangeError { endpoint, attempts: 1, problem: failed.error };
            let what = Failure::from(Error::from(error)).explain(&redactor).what;
            assert!(!what.contains(SECRET) && !what.contains("::error") && !what.contains("##["));
            assert!(what.chars().count() < 3 * QUOTE_LIMIT + 600, "{what}");
            assert!(!what.contains(['\r', '\n']));
        }
    }
});
