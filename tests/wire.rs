//! Promise: the exact bytes of both requests, with no secret but in the body.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use common::Step;

/// Takes one request as it comes, and answers with a token of both endpoints' kinds.
fn capture(prepare: impl FnOnce(Step, &str) -> Step) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            let read = client.read(&mut chunk).unwrap();
            bytes.extend(chunk.iter().take(read));
            let text = String::from_utf8(bytes.clone()).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
            if body.len() >= length {
                break;
            }
        }
        let body =
            r#"{"accessToken":"opaque-token-0123456789","expiresIn":10800,"access_token":"opaque-token-0123456789","expires_in":10800}"#;
        write!(client, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        String::from_utf8(bytes).unwrap()
    });
    let step = Step::bare().input("client_id", "id+of/me@example.com").input("client_secret", "s3cr3t\"&=+/%~").input("verify", "false");
    prepare(step, &origin).run().succeeded();
    let version = env!("CARGO_PKG_VERSION");
    server.join().unwrap().replace(&origin.replace("http://", ""), "HOST").replace(version, "VERSION")
}

#[test]
fn the_request_to_the_api() {
    let request = capture(|step, origin| step.input("auth_base_url", origin));
    assert_eq!(
        request.replace("\r\n", "\n"),
        "POST /v1/auth/access_token HTTP/1.1\n\
         accept: application/json\n\
         content-type: application/json\n\
         user-agent: port-mcp-auth/VERSION\n\
         accept-encoding: identity\n\
         host: HOST\n\
         content-length: 67\n\
         \n\
         {\"clientId\":\"id+of/me@example.com\",\"clientSecret\":\"s3cr3t\\\"&=+/%~\"}"
    );
}

#[test]
fn the_request_to_the_oauth_endpoint() {
    let request = capture(|step, origin| step.input("token_endpoint", "mcp").input("mcp_url", format!("{origin}/v1/")));
    assert_eq!(
        request.replace("\r\n", "\n"),
        "POST /v1/token HTTP/1.1\n\
         accept: application/json\n\
         content-type: application/x-www-form-urlencoded\n\
         user-agent: port-mcp-auth/VERSION\n\
         accept-encoding: identity\n\
         host: HOST\n\
         content-length: 108\n\
         \n\
         grant_type=client_credentials&client_id=id%2Bof%2Fme%40example.com&client_secret=s3cr3t%22%26%3D%2B%2F%25%7E"
    );
}
