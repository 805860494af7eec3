//! Tokens: both endpoints, one active token per credential, errors as documented.

use std::{net::Ipv6Addr, time::Duration};

use crate::common::{answer, block_on, builder, client, credentials, exchange, oauth, token};
use data_encoding::BASE64URL_NOPAD;
use port_sandbox::{CLIENT_ID, CLIENT_SECRET, Certificate, Options, RateLimit, Refusal, Route, Sandbox, Stated, TokenKind};
use serde_json::{Value, json};

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap()
}

fn form(secret: &str) -> String {
    format!("grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={secret}")
}

#[test]
fn a_credential_has_one_active_token_until_it_expires() {
    let sandbox = Sandbox::start(Options { leftover: Some(Duration::from_mins(5)), ..Options::default() });
    block_on(async {
        let first = answer(&sandbox).await;
        assert_eq!(first["ok"], true);
        assert_eq!(first["tokenType"], "Bearer");
        assert_eq!(first["expiresIn"], 300);
        sandbox.advance(Duration::from_secs(100));
        let again = answer(&sandbox).await;
        assert_eq!(again["accessToken"], first["accessToken"]);
        assert!((199..=200).contains(&again["expiresIn"].as_u64().unwrap()));
        sandbox.advance(Duration::from_secs(200));
        let fresh = answer(&sandbox).await;
        assert_ne!(fresh["accessToken"], first["accessToken"]);
        assert_eq!(fresh["expiresIn"], 10_800);
        assert_eq!(sandbox.issued_tokens(), [&first, &fresh].map(|a| a["accessToken"].as_str().unwrap()));
    });
}

#[test]
fn a_jwt_and_the_answer_agree_unless_told_otherwise() {
    block_on(async {
        let answered = answer(&Sandbox::default()).await;
        let claims_of = |answer: &Value| claims(answer["accessToken"].as_str().unwrap());
        let honest = claims_of(&answered);
        assert_eq!(honest["exp"].as_u64().unwrap() - honest["iat"].as_u64().unwrap(), 10_800);

        let odd = Sandbox::start(Options { expires_in: Stated::As(json!("10800")), jwt_exp: Stated::Absent, ..Options::default() });
        let answered = answer(&odd).await;
        assert_eq!(answered["expiresIn"], "10800");
        assert!(claims_of(&answered).get("exp").is_none());

        let silent = Sandbox::start(Options { expires_in: Stated::Absent, token_kind: TokenKind::Opaque, ..Options::default() });
        let answered = answer(&silent).await;
        assert!(answered.get("expiresIn").is_none());
        assert!(!answered["accessToken"].as_str().unwrap().contains('.'));
    });
}

#[test]
fn the_auth_api_refuses_as_port_does() {
    let refuses = async |options: Options, body: Value| {
        let sandbox = Sandbox::start(options);
        let client = client(&sandbox);
        let response = exchange(&client, &sandbox.auth_base_url(), &body).await;
        let response = response.unwrap();
        assert!(response.headers().contains_key("x-trace-id"));
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["ok"], false);
        assert!(body["error"].is_string() && body["message"].is_string());
        assert!(sandbox.issued_tokens().is_empty());
        assert_eq!(sandbox.requests()[0].status, Some(status));
        (status, body)
    };
    let refused_for = |refusal| Options { refusal: Some(refusal), ..Options::default() };
    block_on(async {
        let wrong = json!({"clientId": CLIENT_ID, "clientSecret": "wrong"});
        assert_eq!(refuses(Options::default(), wrong).await.0, 401);
        let unknown = json!({"clientId": "unknown", "clientSecret": CLIENT_SECRET});
        assert_eq!(refuses(Options::default(), unknown).await.0, 401);
        let half = json!({"clientId": CLIENT_ID});
        assert_eq!(refuses(Options::default(), half).await.0, 422);
        let large = json!({"clientId": "x".repeat(1024 * 1024)});
        assert_eq!(refuses(Options::default(), large).await.0, 413);
        let blocked = refuses(refused_for(Refusal::IpNotAllowed), credentials()).await;
        assert_eq!(blocked.0, 403);
        let (status, body) = refuses(refused_for(Refusal::WrongRegion), credentials()).await;
        assert_eq!((status, &body["message"]), (404, &json!("user not found")));
    });
}

#[test]
fn the_oauth_endpoint_follows_rfc_6749() {
    let sandbox = Sandbox::default();
    let error = async |form: &str| {
        let response = oauth(&sandbox, form).await;
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        (status, body["error"].as_str().unwrap().to_owned())
    };
    block_on(async {
        let response = oauth(&sandbox, &form(CLIENT_SECRET)).await;
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["expires_in"], 10_800);
        assert_eq!(sandbox.issued_tokens(), [body["access_token"].as_str().unwrap()]);

        let refused = |status, code: &str| (status, code.to_owned());
        assert_eq!(error(&form("wrong")).await, refused(401, "invalid_client"));
        let password = "grant_type=password&client_id=a&client_secret=b";
        assert_eq!(error(password).await, refused(400, "unsupported_grant_type"));
        let half = "grant_type=client_credentials&client_id=a";
        assert_eq!(error(half).await, refused(400, "invalid_request"));
        let twice = format!("{}&client_secret=b", form(CLIENT_SECRET));
        assert_eq!(error(&twice).await, refused(400, "invalid_request"));
        assert_eq!(error("").await, refused(400, "invalid_request"));
    });
    assert_eq!(sandbox.requests_to(Route::OAuthToken).len(), 6);
}

#[test]
fn the_rate_limit_says_when_to_come_back() {
    let sandbox = Sandbox::start(Options { rate_limit: Some("1+1/5m".parse().unwrap()), ..Options::default() });
    let ask = async || {
        let client = client(&sandbox);
        let response = exchange(&client, &sandbox.auth_base_url(), &credentials()).await;
        response.unwrap()
    };
    block_on(async {
        let first = ask().await;
        assert_eq!(first.headers()["x-ratelimit-limit"], "1");
        assert_eq!(first.headers()["x-ratelimit-period"], "300");
        assert_eq!(first.headers()["x-ratelimit-remaining"], "0");
        assert!(ask().await.status().is_success());
        let refused = ask().await;
        assert_eq!(refused.status(), 429);
        let wait = &refused.headers()["retry-after"];
        assert_eq!(wait, &refused.headers()["x-ratelimit-reset"]);
        let wait = wait.to_str().unwrap().parse().unwrap();
        assert!((1..=300).contains(&wait));
        sandbox.advance(Duration::from_secs(wait));
        assert!(ask().await.status().is_success());
    });
}

#[test]
fn a_limit_is_read_as_the_documents_write_it() {
    assert_eq!("100+10/5m".parse(), Ok(RateLimit::PORT));
    assert_eq!("50/15m".parse(), Ok(RateLimit::PORT_OAUTH));
    for wrong in ["", "100", "100/", "/5m", "100+/5m", "100/-5m", "-1/5m"] {
        assert!(wrong.parse::<RateLimit>().is_err(), "{wrong}");
    }
}

#[test]
fn both_sides_serve_on_every_kind_of_address() {
    for bind in [Ipv6Addr::LOCALHOST.into(), "0.0.0.0".parse().unwrap()] {
        let sandbox = Sandbox::start(Options { bind, ..Options::default() });
        block_on(async {
            let client = client(&sandbox);
            for base in [sandbox.auth_base_url(), sandbox.tls_auth_base_url()] {
                let response = exchange(&client, &base, &credentials()).await.unwrap();
                assert_eq!(response.status(), 200);
            }
        });
        let tls: Vec<_> = sandbox.requests().iter().map(|r| r.tls).collect();
        assert_eq!(tls, [false, true]);
    }
}

#[test]
fn the_certificate_holds_further_names() {
    let sandbox = Sandbox::start(Options { names: vec!["port.example".to_owned()], ..Options::default() });
    let address = ([127, 0, 0, 1], sandbox.tls_port()).into();
    for (name, is_right) in [("port.example", true), ("other.example", false)] {
        let client = builder(&sandbox).resolve(name, address).build().unwrap();
        let base = format!("https://{name}:{}/v1", sandbox.tls_port());
        assert_eq!(block_on(exchange(&client, &base, &credentials())).is_ok(), is_right);
    }
}

#[test]
fn a_wrong_certificate_is_refused() {
    for certificate in [Certificate::Expired, Certificate::WrongName] {
        let sandbox = Sandbox::start(Options { certificate, ..Options::default() });
        let error = block_on(async {
            let base = sandbox.tls_auth_base_url();
            exchange(&client(&sandbox), &base, &credentials()).await
        });
        assert!(error.unwrap_err().is_connect());
        assert!(sandbox.requests().is_empty());
    }
}

#[test]
fn requests_are_recorded_and_logged() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("requests.jsonl");
    let sandbox = Sandbox::start(Options { log: Some(log.clone()), ..Options::default() });
    block_on(token(&sandbox));
    let request = sandbox.requests().remove(0);
    assert_eq!(request.route, Route::AccessToken);
    assert_eq!(request.method, "POST");
    assert_eq!(request.path, "/v1/auth/access_token");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.json(), credentials());
    let line: Value = serde_json::from_str(&std::fs::read_to_string(log).unwrap()).unwrap();
    assert_eq!(line["status"], 200);
    assert_eq!(line["path"], "/v1/auth/access_token");
    sandbox.clear_requests();
    assert!(sandbox.requests().is_empty());
}

#[test]
fn nothing_listens_after_the_drop() {
    let sandbox = Sandbox::default();
    let (client, base) = (client(&sandbox), sandbox.auth_base_url());
    drop(sandbox);
    let error = block_on(exchange(&client, &base, &credentials()));
    assert!(error.unwrap_err().is_connect());
}
