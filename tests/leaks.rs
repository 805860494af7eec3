//! Promise: no secret is ever seen, in any encoding, on any stream, however the run ends; and no command is forged.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;

use common::leaks::{assert_no_leak, found};
use common::runner::Log;
use common::{all_at_once, scenarios};
use data_encoding::{BASE32, BASE64, BASE64URL_NOPAD, HEXLOWER};
use port_sandbox::{Fault, Route};

/// The only commands that a run may give, in any number.
const OWN_COMMANDS: &[&str] = &["add-mask", "error", "warning"];

#[test]
fn no_scenario_leaks_a_secret_or_lets_a_command_be_forged() {
    let waiting: Vec<_> = scenarios::all().into_iter().map(|scenario| Mutex::new(Some(scenario))).collect();
    let all = all_at_once(waiting.len(), |number| waiting.get(number).unwrap().lock().unwrap().take().unwrap().run());
    for ended in all {
        eprintln!("scenario {}", ended.name);
        let outcome = &ended.outcome;
        assert_no_leak(outcome, &ended.client_secret, false);
        for token in &ended.tokens {
            assert_no_leak(outcome, token, ended.code.is_none());
        }
        for secret in ["proxy-pass-word-1", "hunter2hunter2", "token-in-a-refusal-0123456789"] {
            assert_no_leak(outcome, secret, false);
        }
        for command in outcome.log.commands() {
            assert!(OWN_COMMANDS.contains(&command.name.as_str()), "a forged command {command:?}");
        }
        let masked_by_the_server = outcome.log.masks().iter().any(|mask| mask == "a" || mask == "x");
        assert!(!masked_by_the_server, "a forged mask");
        assert_eq!(Log::read(&outcome.stderr).commands().count(), 0);
        let outside_code: String = outcome.summary.split('`').step_by(2).collect();
        assert!(!outside_code.contains("<img"), "the summary holds HTML from outside");
    }
}

#[test]
fn masks_come_before_everything_and_cover_what_the_runner_does_not_derive() {
    let sandbox = port_sandbox::Sandbox::default();
    let outcome = common::Step::exchange_only(&sandbox).run().succeeded();
    let secret = port_sandbox::CLIENT_SECRET;
    let token = sandbox.issued_tokens().remove(0);

    assert_eq!(outcome.stdout.lines().next(), Some(format!("::add-mask::{secret}").as_str()));
    let masks = outcome.log.masks();
    let parts: Vec<_> = token.split('.').collect();
    for form in [
        secret.to_owned(),
        HEXLOWER.encode(secret.as_bytes()),
        token.clone(),
        HEXLOWER.encode(token.as_bytes()),
        parts.get(1).unwrap().to_string(),
        parts.get(2).unwrap().to_string(),
    ] {
        assert!(masks.contains(&form), "{form} is not masked");
    }
    assert!(!masks.contains(&parts.first().unwrap().to_string()), "a JWT's header is the same for all and must not be masked");
    assert!(masks.iter().all(|mask| mask.len() >= 4), "{masks:?}");
    assert!(!masks.iter().any(|mask| port_sandbox::CLIENT_ID.contains(mask.as_str())), "the client id is not masked");
    // base64 needs no mask of its own where it equals base64url, which the runner derives.
    assert_eq!(BASE64.encode(b"abc"), BASE64URL_NOPAD.encode(b"abc"));
}

/// The old form of a command counts anywhere in a line, but not in one that is a command of the new form already.
#[test]
fn a_secret_that_looks_like_a_command_is_masked_and_nothing_else() {
    let sandbox = port_sandbox::Sandbox::default();
    for secret in ["ab##[error]cd-and-more-of-it", "::error::a::b-and-more-of-it", "##[add-mask]cd%0Aef-and-more"] {
        let outcome = common::Step::exchange_only(&sandbox).input("client_secret", secret).run();
        assert_eq!(outcome.log.masks().first().map(String::as_str), Some(secret));
        let others: Vec<_> = outcome.log.commands().filter(|command| command.name != "add-mask").map(|command| &command.title).collect();
        assert_eq!(others.len(), 1, "{}", outcome.stdout);
        assert!(others.first().unwrap().ends_with("(credentials_rejected)"), "{}", outcome.stdout);
    }
}

#[test]
fn the_config_is_hidden_when_a_later_step_prints_it() {
    let sandbox = port_sandbox::Sandbox::default();
    for transport in ["http", "mcp-remote"] {
        let outcome = common::Step::exchange_only(&sandbox).input("transport", transport).run().succeeded();
        for output in ["mcp_config", "headers"] {
            let printed = outcome.log.mask(&outcome.output(output));
            assert_eq!(found(&printed, &outcome.output("access_token")), None, "{printed}");
            assert!(printed.contains("Bearer ***"), "{printed}");
        }
        assert_eq!(found(&outcome.output("port_headers"), &outcome.output("access_token")), None);
    }
}

#[test]
fn no_writing_of_the_secret_survives_a_refusal() {
    let secret = "s3cr3t/VALUE+0123456789-abcdefg=";
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let each = |text: &str, write: fn(u8) -> String| text.bytes().map(write).collect::<String>();
    let unicode = each(secret, |byte| format!("\\u{byte:04x}"));
    let basic = BASE64.encode(format!("id:{secret}").as_bytes());
    let writings = [
        unicode.clone(),
        json(&unicode),
        json(&json(&unicode)),
        each(secret, |byte| if byte.is_ascii_alphabetic() { format!("\\u{byte:04X}") } else { char::from(byte).to_string() }),
        each(secret, |byte| if byte.is_ascii_digit() { format!("%{byte:02x}") } else { char::from(byte).to_string() }),
        each(secret, |byte| if byte % 2 == 0 { format!("%25{byte:02x}") } else { format!("&#x{byte:x};") }),
        json(&basic),
        each(&basic, |byte| format!("%{byte:02X}")),
        BASE64.encode(json(secret).as_bytes()),
        BASE64.encode(basic.as_bytes()),
        HEXLOWER.encode(basic.as_bytes()),
        each(secret, |byte| format!("{byte:02x} ")),
    ];
    let sandbox = port_sandbox::Sandbox::default();
    for writing in writings {
        for fault in [
            Fault::answer(422, serde_json::json!({ "message": writing }).to_string()),
            Fault::answer(422, writing.clone()).header("content-type", "text/plain"),
            Fault::status(401).header("x-trace-id", writing.clone()),
        ] {
            sandbox.set_fault_forever(Route::AccessToken, fault.clone());
            let outcome = common::Step::exchange_only(&sandbox).input("client_secret", secret).run();
            assert_no_leak(&outcome, secret, false);
            assert!(outcome.stdout.contains("***"), "{writing} was shown by {fault:?} as {}", outcome.stdout);
        }
    }
}

#[test]
fn a_token_that_comes_with_a_refusal_is_not_shown() {
    let token = "t0k3n-in-a-refusal-0123456789";
    let sandbox = port_sandbox::Sandbox::default();
    for (status, member) in [(401, "accessToken"), (422, "access_token"), (307, "accessToken"), (200, "access_token")] {
        let body = serde_json::json!({ "ok": false, member: token, "message": format!("no {token}") });
        let fault = Fault::answer(status, body.to_string()).header("x-trace-id", token).header("location", format!("/{token}"));
        sandbox.set_fault_forever(Route::AccessToken, fault);
        let outcome = common::Step::exchange_only(&sandbox).run();
        assert_eq!(outcome.exit_code, Some(1));
        assert_no_leak(&outcome, token, false);
    }
}

#[test]
fn a_tool_that_is_called_like_a_secret_is_not_handed_on() {
    let options = port_sandbox::Options { extra_tools: vec![port_sandbox::CLIENT_SECRET.to_owned()], ..Default::default() };
    let sandbox = port_sandbox::Sandbox::start(options);
    let outcome = common::Step::against(&sandbox).run().succeeded();
    assert_no_leak(&outcome, port_sandbox::CLIENT_SECRET, false);
    assert!(outcome.log.warnings().any(|warning| warning.title == "Tools with unusable names"), "{}", outcome.stdout);
}

/// A proxy that tunnels. Returns its port.
fn proxy() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().flatten().for_each(|client| drop(thread::spawn(move || tunnel(client)))));
    port
}

fn tunnel(mut client: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    let mut server = TcpStream::connect(head.split(' ').nth(1).unwrap())?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || io::copy(&mut from_server, &mut to_client).and_then(|_| to_client.shutdown(Shutdown::Write)));
    io::copy(&mut client, &mut server)?;
    server.shutdown(Shutdown::Write)
}

/// People choose such passwords. Nothing that isn't text from outside may change because of one.
#[test]
fn a_proxy_password_that_is_a_common_word_changes_neither_tools_nor_our_own_words() {
    let sandbox = port_sandbox::Sandbox::default();
    let port = proxy();
    let with = |password: &str| {
        let step = common::Step::against_tls(&sandbox).env("HTTPS_PROXY", format!("http://me:{password}@127.0.0.1:{port}"));
        step.run().succeeded()
    };
    let other = with("s3cr3t-0123456789");
    let passwords = ["t", "user", "proxy", "port", "list", "tools", "list_blueprints", "read-only", "Agent"];
    all_at_once(passwords.len(), |number| {
        let password = passwords.get(number).unwrap();
        let outcome = with(password);
        for output in ["tools", "allowed_tools", "mcp_url", "server_name"] {
            assert_eq!(outcome.output(output), other.output(output), "{password}");
        }
        for text in [outcome.log.shown(), outcome.summary.clone()] {
            assert!(!text.contains("***"), "{password}: {text}");
        }
        assert!(!outcome.log.masks().iter().any(|mask| mask == password), "{password} would black out half of the log");

        // What the proxy's failure is called comes from a library, and is quoted.
        let dead = common::Step::against_tls(&sandbox).env("HTTPS_PROXY", format!("http://me:{password}@127.0.0.1:1"));
        let text = dead.run().failed("proxy").error_text();
        let ours: String = text.split('`').step_by(2).collect();
        assert!(!ours.contains("***"), "{password}: {text}");
    });
}

#[test]
fn a_proxy_password_in_text_from_outside_is_not_shown() {
    let sandbox = port_sandbox::Sandbox::default();
    let port = proxy();
    for password in ["pass", "hunter2", "hunter2hunter2"] {
        for echo in [format!("no {password}!"), format!("Basic {}", BASE64.encode(format!("me:{password}").as_bytes()))] {
            sandbox.set_fault_forever(Route::AccessToken, Fault::answer(422, serde_json::json!({ "message": echo }).to_string()));
            let step = common::Step::against_tls(&sandbox).env("HTTPS_PROXY", format!("http://me:{password}@127.0.0.1:{port}"));
            let outcome = step.run().failed("request_rejected");
            assert_no_leak(&outcome, password, false);
            assert!(outcome.error_text().contains("***"), "{}", outcome.error_text());
        }
    }
}

#[test]
fn the_client_secret_in_an_input_that_is_shown_is_refused() {
    let secret = port_sandbox::CLIENT_SECRET;
    for (input, value) in [
        ("client_id", secret.to_owned()),
        ("region", secret.to_owned()),
        ("mcp_url", format!("https://mcp.port.io/{secret}/v1")),
        ("mcp_url", format!("https://mcp.port.io/{}", secret.replacen('s', "%73", 1))),
        ("auth_base_url", format!("https://api.port.io/{secret}")),
        ("server_name", secret.to_ascii_uppercase()),
        ("token_env", format!("X_{secret}")),
        ("allowed_tools", format!("list_*,{secret}")),
        ("allowed_actions", format!("deploy,{}", BASE64URL_NOPAD.encode(secret.as_bytes()))),
        ("config_file", format!("{secret}.json")),
    ] {
        let sandbox = port_sandbox::Sandbox::default();
        let outcome = common::Step::against(&sandbox).input(input, value).run().failed("input_invalid");
        let text = outcome.error_text();
        assert!(text.starts_with(&format!("`{input}` holds the client secret")), "{text}");
        assert_no_leak(&outcome, secret, false);
        assert!(sandbox.requests().is_empty());
    }
}

#[test]
fn a_config_may_hold_the_client_secret_and_a_short_one_may_be_a_part_of_a_name() {
    let sandbox = port_sandbox::Sandbox::default();
    let secret = port_sandbox::CLIENT_SECRET;
    let base = serde_json::json!({ "mcpServers": { "other": { "command": "x", "env": { "SECRET": secret } } } });
    common::Step::exchange_only(&sandbox).input("base_config", base.to_string()).run().succeeded();
    let outcome = common::Step::exchange_only(&sandbox).input("client_secret", "port").input("server_name", "port-prod").run();
    outcome.failed("credentials_rejected");
}

#[test]
fn a_long_secret_in_a_long_echo_holds_nothing_up() {
    let secret = "s3cr3t-Value_".repeat(300);
    let sandbox = port_sandbox::Sandbox::default();
    sandbox.set_fault_forever(Route::AccessToken, Fault::answer(422, serde_json::json!({ "message": format!("no {secret}") }).to_string()));
    let started = std::time::Instant::now();
    let outcome = common::Step::exchange_only(&sandbox).input("client_secret", &secret).run().failed("request_rejected");
    assert_no_leak(&outcome, &secret, false);
    // Far from what it takes, and from what it took when each form was compared with each place in the text.
    assert!(started.elapsed() < std::time::Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn the_search_finds_what_it_should() {
    let secret = "s3cr3t-VALUE-0123456789-abcdefg";
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let each = |write: fn(u8) -> String| secret.bytes().map(write).collect::<String>();
    let unicode = each(|byte| format!("\\u{byte:04x}"));
    let basic = BASE64.encode(format!("id:{secret}").as_bytes());
    for text in [
        secret.to_owned(),
        basic.clone(),
        HEXLOWER.encode(secret.as_bytes()),
        secret.to_uppercase(),
        secret.chars().rev().collect(),
        "VALUE-0123456789".to_owned(),
        json(&json(&unicode)),
        secret.replace('-', "%2d").replace('V', "\\u0056"),
        format!("word{}", BASE64.encode(json(&basic).as_bytes())),
        HEXLOWER.encode(basic.as_bytes()),
        BASE32.encode(secret.as_bytes()),
        each(|byte| format!("{byte:02X} ")),
    ] {
        assert!(found(&text, secret).is_some(), "{text}");
    }
    assert_eq!(found("nothing to see, but for VALUE-01234 and HEXLOWER 0123456789abcdef0123456789", secret), None);
}
