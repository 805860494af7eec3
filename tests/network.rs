//! Promise: the step gets through the networks that CI has: proxies, own roots, IPv6, servers that close early.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use common::scenarios::dead_address;
use common::{Step, leaks};
use port_sandbox::{Certificate, Fault, Options, Route, Sandbox};

/// A proxy that tunnels, or does what a test says instead.
struct Proxy {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Answers with this text, or passes everything on.
    fn start(answer: Option<&'static str>) -> Self {
        Self::start_with(move |_| answer)
    }

    /// Answers the first request with this text, and passes the others on.
    fn recovers_after(answer: &'static str) -> Self {
        Self::start_with(move |count| (count == 0).then_some(answer))
    }

    fn start_with(answer: impl Fn(usize) -> Option<&'static str> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        thread::spawn(move || {
            for (count, client) in listener.incoming().flatten().enumerate() {
                let (seen, answer) = (Arc::clone(&seen), answer(count));
                thread::spawn(move || serve(client, answer, &seen));
            }
        });
        Self { port, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(client: TcpStream, answer: Option<&str>, heads: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
    heads.lock().unwrap().push(head.clone());
    let mut client = client;
    if let Some(answer) = answer {
        client.write_all(answer.as_bytes()).unwrap();
        return;
    }
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let authority = target.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let mut server = TcpStream::connect(authority).unwrap();
    if method == "CONNECT" {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    } else {
        server.write_all(head.as_bytes()).unwrap();
        server.write_all(reader.buffer()).unwrap();
    }
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
    drop(std::io::copy(&mut server, &mut client));
}

#[test]
fn a_proxy_with_credentials_is_used_in_every_spelling() {
    let sandbox = Sandbox::default();
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = Proxy::start(None);
        let address = format!("http://me:p%40ss-word-1234@127.0.0.1:{}", proxy.port);
        let outcome = Step::against_tls(&sandbox).input("verify", "false").env(variable, address).run().succeeded();
        let heads = proxy.heads();
        assert_eq!(heads.len(), 1, "{variable}");
        // me:p@ss-word-1234
        assert!(
            heads.first().unwrap().contains("authorization: Basic bWU6cEBzcy13b3JkLTEyMzQ=")
                || heads.first().unwrap().contains("Authorization: Basic bWU6cEBzcy13b3JkLTEyMzQ="),
            "{heads:?}"
        );
        leaks::assert_no_leak(&outcome, "p%40ss-word-1234", false);
        leaks::assert_no_leak(&outcome, "p@ss-word-1234", false);
    }
}

#[test]
fn a_proxy_without_a_scheme_is_http() {
    let sandbox = Sandbox::default();
    let proxy = Proxy::start(None);
    Step::against_tls(&sandbox).input("verify", "false").env("HTTPS_PROXY", format!("127.0.0.1:{}", proxy.port)).run().succeeded();
    assert_eq!(proxy.heads().len(), 1);
}

#[test]
fn plain_http_goes_through_its_own_proxy() {
    let sandbox = Sandbox::default();
    for variable in ["HTTP_PROXY", "http_proxy"] {
        let proxy = Proxy::start(None);
        Step::exchange_only(&sandbox).env(variable, format!("http://127.0.0.1:{}", proxy.port)).run().succeeded();
        assert_eq!(proxy.heads().len(), 1, "{variable}");
    }
}

#[test]
fn lower_case_counts_first() {
    let sandbox = Sandbox::default();
    let proxy = Proxy::start(None);
    let alive = format!("http://127.0.0.1:{}", proxy.port);
    Step::against_tls(&sandbox).input("verify", "false").env("https_proxy", alive).env("HTTPS_PROXY", dead_address()).run().succeeded();
}

/// The dead proxy proves that the proxy is used, and the success that it is not.
#[test]
fn no_proxy_is_honoured_in_every_form() {
    let sandbox = Sandbox::default();
    let localhost = |url: String| url.replace("127.0.0.1", "localhost");
    let authority = sandbox.tls_auth_base_url().replace("https://", "").replace("/v1", "");
    for (variable, value, exempt) in [
        ("NO_PROXY", "127.0.0.1", true),
        ("no_proxy", "example.com, 127.0.0.0/8", true),
        ("NO_PROXY", "*", true),
        ("NO_PROXY", "example.com 127.0.0.1", true),
        ("NO_PROXY", &authority, true),
        ("NO_PROXY", "127.0.0.1:1", false),
        ("NO_PROXY", "example.com", false),
    ] {
        let step = Step::against_tls(&sandbox)
            .input("verify", "false")
            .input("timeout", "5s")
            .env("HTTPS_PROXY", dead_address())
            .env(variable, value);
        let outcome = step.run();
        if exempt {
            outcome.succeeded();
        } else {
            outcome.failed("proxy");
        }
    }
    for value in ["localhost", ".localhost", "*.localhost", "*"] {
        let step = Step::against_tls(&sandbox).input("verify", "false").input("auth_base_url", localhost(sandbox.tls_auth_base_url()));
        step.env("HTTPS_PROXY", dead_address()).env("NO_PROXY", value).run().succeeded();
    }
}

#[test]
fn a_proxy_that_wants_other_credentials_is_not_asked_again() {
    let sandbox = Sandbox::default();
    let proxy = Proxy::start(Some("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"));
    let outcome = Step::against_tls(&sandbox).env("HTTPS_PROXY", format!("http://127.0.0.1:{}", proxy.port)).run().failed("proxy");
    assert!(outcome.error_text().contains("authorization required"), "{}", outcome.error_text());
    assert_eq!(proxy.heads().len(), 1);
}

#[test]
fn a_proxy_that_refuses_the_host_has_its_own_code() {
    let sandbox = Sandbox::default();
    for (answer, says) in [
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "CONNECT got 502 Bad Gateway"),
        ("", "unexpected end of file"),
        ("no http at all\r\n\r\n", "the answer to CONNECT is not HTTP"),
    ] {
        let proxy = Proxy::start(Some(answer));
        let step = Step::against_tls(&sandbox).input("timeout", "3s").env("HTTPS_PROXY", format!("http://127.0.0.1:{}", proxy.port));
        let outcome = step.run().failed("proxy");
        assert!(outcome.error_text().contains(says), "{says}: {}", outcome.error_text());
        assert!(outcome.stdout.contains("attempt 2 of 5"), "{}", outcome.stdout);
    }
}

#[test]
fn a_proxy_that_forbids_the_host_says_so_and_is_not_tried_again() {
    let sandbox = Sandbox::default();
    let proxy = Proxy::start(Some("HTTP/1.1 403 Forbidden by policy\r\nContent-Length: 0\r\n\r\n"));
    let address = format!("http://me:p%40ss-word-1234@127.0.0.1:{}", proxy.port);
    let outcome = Step::against_tls(&sandbox).input("verify", "false").env("HTTPS_PROXY", address).run().failed("proxy");
    assert!(outcome.error_text().contains("CONNECT got 403 Forbidden by policy"), "{}", outcome.error_text());
    assert!(!outcome.stdout.contains("attempt 2"), "{}", outcome.stdout);
    // One for the connection, and one that asks for the status.
    let heads = proxy.heads();
    assert_eq!(heads.len(), 2);
    assert!(heads.iter().all(|head| head.to_ascii_lowercase().contains("proxy-authorization: basic ")), "{heads:?}");
    leaks::assert_no_leak(&outcome, "p@ss-word-1234", false);
}

#[test]
fn a_proxy_that_recovers_is_used() {
    let sandbox = Sandbox::default();
    let proxy = Proxy::recovers_after("HTTP/1.1 403 Forbidden\r\n\r\n");
    let step = Step::against_tls(&sandbox).input("verify", "false").env("HTTPS_PROXY", format!("http://127.0.0.1:{}", proxy.port));
    let outcome = step.run().succeeded();
    assert!(outcome.stdout.contains("attempt 2 of 5"), "{}", outcome.stdout);
}

#[test]
fn a_proxy_variable_that_does_not_count_may_hold_anything() {
    let sandbox = Sandbox::default();
    let proxy = Proxy::start(None);
    let alive = format!("http://127.0.0.1:{}", proxy.port);
    for bad in ["ftp://proxy:21", "http://pass#word@proxy:1", "${PROXY}"] {
        let step = || Step::against_tls(&sandbox).input("verify", "false");
        step().env("HTTP_PROXY", bad).run().succeeded();
        step().env("all_proxy", bad).env("https_proxy", &alive).run().succeeded();
        step().env("HTTPS_PROXY", bad).env("NO_PROXY", "127.0.0.1").run().succeeded();
        Step::exchange_only(&sandbox).env("HTTPS_PROXY", bad).run().succeeded();
        let text = step().env("HTTPS_PROXY", bad).run().failed("proxy").error_text();
        assert!(text.contains("`HTTPS_PROXY`") && text.contains("Nothing was sent"), "{text}");
        Step::against(&sandbox).input("mcp_url", sandbox.tls_mcp_url()).env("HTTPS_PROXY", bad).run().failed("proxy");
    }
}

/// A SOCKS 5 proxy (RFC 1928) that lets everyone in. Returns its port.
fn socks() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || serve_socks(client));
        }
    });
    port
}

fn serve_socks(mut client: TcpStream) {
    let read = |client: &mut TcpStream, length: usize| {
        let mut bytes = vec![0; length];
        client.read_exact(&mut bytes).map(|()| bytes)
    };
    let methods = usize::from(*read(&mut client, 2).unwrap().last().unwrap());
    read(&mut client, methods).unwrap();
    client.write_all(&[5, 0]).unwrap();
    let head = read(&mut client, 4).unwrap();
    let host = if head.last() == Some(&1) {
        read(&mut client, 4).unwrap();
        "127.0.0.1".to_owned()
    } else {
        let length = usize::from(*read(&mut client, 1).unwrap().first().unwrap());
        String::from_utf8(read(&mut client, length).unwrap()).unwrap()
    };
    let port = u16::from_be_bytes(read(&mut client, 2).unwrap().try_into().unwrap());
    let mut server = TcpStream::connect((host, port)).unwrap();
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
    drop(std::io::copy(&mut server, &mut client));
}

#[test]
fn a_socks_proxy_is_used() {
    let sandbox = Sandbox::default();
    let address = format!("127.0.0.1:{}", socks());
    for scheme in ["socks5", "socks5h"] {
        for url in [sandbox.tls_auth_base_url(), sandbox.tls_auth_base_url().replace("127.0.0.1", "localhost")] {
            let step = Step::against_tls(&sandbox).input("verify", "false").input("auth_base_url", url);
            step.env("ALL_PROXY", format!("{scheme}://{address}")).run().succeeded();
        }
    }
    Step::against_tls(&sandbox)
        .input("verify", "false")
        .input("timeout", "1s")
        .env("all_proxy", "socks5://127.0.0.1:1")
        .run()
        .failed("proxy");
}

#[test]
fn a_proxy_that_repeats_its_password_is_not_quoted_with_it() {
    let sandbox = Sandbox::default();
    let proxy = Proxy::start(Some(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 48\r\n\r\nNot for me:p%40ss-word-1234, nor p@ss-word-1234.",
    ));
    let address = format!("http://me:p%40ss-word-1234@127.0.0.1:{}", proxy.port);
    let outcome = Step::exchange_only(&sandbox).env("HTTP_PROXY", address).run().failed("forbidden");
    assert!(outcome.error_text().contains("Not for me"), "{}", outcome.error_text());
    leaks::assert_no_leak(&outcome, "p%40ss-word-1234", false);
    leaks::assert_no_leak(&outcome, "p@ss-word-1234", false);
}

#[test]
fn a_certificate_that_is_not_trusted_is_no_fault_of_the_proxy() {
    let sandbox = Sandbox::default();
    let proxy = Proxy::start(None);
    let step = Step::against_tls(&sandbox).without("INPUT_CA_BUNDLE").env("HTTPS_PROXY", format!("http://127.0.0.1:{}", proxy.port));
    step.run().failed("tls");
    assert_eq!(proxy.heads().len(), 1);
}

#[test]
fn the_variable_that_names_the_proxy_is_told() {
    let sandbox = Sandbox::default();
    let refusing = Proxy::start(Some("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"));
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let step = Step::against_tls(&sandbox).env(variable, format!("http://127.0.0.1:{}", refusing.port));
        let text = step.run().failed("proxy").error_text();
        assert!(text.contains(&format!("`{variable}`")), "no {variable} in {text}");
    }
}

#[test]
fn the_bridge_is_told_to_use_the_proxy() {
    let sandbox = Sandbox::default();
    let proxy = Proxy::start(None);
    let step = Step::against_tls(&sandbox).input("verify", "false").input("transport", "mcp-remote");
    let outcome = step.env("HTTPS_PROXY", format!("http://127.0.0.1:{}", proxy.port)).run().succeeded();
    assert!(outcome.output("mcp_config").contains("--enable-proxy"));
}

#[test]
fn own_roots_are_taken_as_text_and_as_a_file() {
    let sandbox = Sandbox::default();
    Step::against_tls(&sandbox).input("verify", "false").run().succeeded();

    let step = Step::against_tls(&sandbox).input("verify", "false").input("ca_bundle", "certs/root.pem");
    std::fs::create_dir(step.path("workspace/certs")).unwrap();
    std::fs::write(step.path("workspace/certs/root.pem"), format!("# our root\n{}", sandbox.ca_pem())).unwrap();
    step.run().succeeded();

    let absolute = step.path("workspace/certs/root.pem");
    step.input("ca_bundle", absolute).run().succeeded();
}

#[test]
fn a_certificate_for_another_host_is_refused() {
    let sandbox = Sandbox::start(Options { certificate: Certificate::WrongName, ..Options::default() });
    Step::against_tls(&sandbox).run().failed("tls");
    assert!(sandbox.requests().is_empty());
}

#[test]
fn ipv6_is_spoken() {
    let sandbox = Sandbox::start(Options { bind: Ipv6Addr::LOCALHOST.into(), ..Options::default() });
    assert!(sandbox.auth_base_url().contains("[::1]"));
    Step::exchange_only(&sandbox).run().succeeded();
    Step::against_tls(&sandbox).input("verify", "false").run().succeeded();
}

#[test]
fn a_server_that_closes_early_is_understood() {
    let sandbox = Sandbox::default();
    sandbox.set_faults(Route::AccessToken, [Fault::ConnectionClose]);
    Step::exchange_only(&sandbox).run().succeeded();
    sandbox.set_faults(Route::AccessToken, [Fault::CloseEarly(401)]);
    Step::exchange_only(&sandbox).run().failed("credentials_rejected");
}

#[test]
fn what_is_not_http_is_a_bad_response() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut request = [0; 16];
            drop(client.read(&mut request));
            drop(client.write_all(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"));
        }
    });
    let sandbox = Sandbox::default();
    Step::against(&sandbox).input("auth_base_url", format!("http://{address}/v1")).run().failed("bad_response");
}

#[test]
fn no_redirect_is_followed() {
    let elsewhere = Sandbox::default();
    let sandbox = Sandbox::default();
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/auth/access_token", elsewhere.auth_base_url());
        sandbox.set_faults(Route::AccessToken, [Fault::Redirect { status, location }]);
        Step::exchange_only(&sandbox).run().failed("redirected");
    }
    assert!(elsewhere.requests().is_empty());
    assert_eq!(sandbox.requests().len(), 5, "and none is tried again");
}

#[test]
fn a_connection_that_does_not_come_about_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let sandbox = Sandbox::default();
    // The system accepts the connection, and nobody speaks TLS on it.
    let step = Step::exchange_only(&sandbox).input("auth_base_url", format!("https://{address}/v1")).input("timeout", "1s");
    let text = step.run().failed("timeout").error_text();
    assert!(text.contains(&format!("a connection to `{address}` was opened")) && text.contains("Nothing was sent"), "{text}");
    assert!(!text.contains("took the request"), "{text}");
}

/// In a network namespace of its own, where not even the loopback interface is up.
#[test]
fn a_network_without_a_way_to_the_host_is_told_as_such() {
    if !Command::new("unshare").args(["--net", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: this needs root");
        return;
    }
    let step = Step::exchange_only(&Sandbox::default()).input("timeout", "1s");
    let mut command = Command::new("/usr/bin/unshare");
    command.args(["--net", env!("CARGO_BIN_EXE_port-mcp-auth")]);
    let stdout = step.run_through(command).stdout;
    assert!(stdout.contains("(unreachable)") && stdout.contains("has no way to this address"), "{stdout}");
}

#[test]
fn an_ipv6_address_keeps_its_colons() {
    let sandbox = Sandbox::default();
    for (url, code) in [("https://[::1]:1/v1", "unreachable"), ("https://[2001:db8::1]:1/v1", "proxy")] {
        let step = Step::exchange_only(&sandbox).input("auth_base_url", url).input("timeout", "1s");
        let step = if code == "proxy" { step.env("HTTPS_PROXY", dead_address()) } else { step };
        let outcome = step.run().failed(code);
        let host = url.trim_start_matches("https://").trim_end_matches("/v1");
        assert!(outcome.error_text().contains(host), "{}", outcome.error_text());
        assert!(outcome.summary.contains(host), "{}", outcome.summary);
    }
}

#[test]
fn a_refusal_that_is_not_ports_points_to_the_network_first() {
    let sandbox = Sandbox::default();
    let page = |status| Fault::answer(status, "<html>Blocked</html>").header("content-type", "text/html");
    sandbox.set_fault_forever(Route::AccessToken, page(403));
    let text = Step::exchange_only(&sandbox).run().failed("forbidden").error_text();
    assert!(text.contains("Why: The answer doesn't look like one of Port's API: most likely a proxy"), "{text}");
    let refusing = Proxy::start(Some(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 23\r\n\r\n{\"message\":\"Forbidden\"}",
    ));
    let text =
        Step::exchange_only(&sandbox).env("http_proxy", format!("127.0.0.1:{}", refusing.port)).run().failed("forbidden").error_text();
    assert!(text.contains("most likely a proxy") && text.contains("Forbidden"), "{text}");
    let signs_of_port =
        [Fault::answer(403, r#"{"ok":false}"#), Fault::answer(403, r#"{"message":"Forbidden"}"#).header("x-trace-id", "4f1c")];
    for answer in signs_of_port {
        sandbox.set_fault_forever(Route::AccessToken, answer.header("content-type", "application/json"));
        let text = Step::exchange_only(&sandbox).run().failed("forbidden").error_text();
        assert!(!text.contains("doesn't look like one of Port's API"), "{text}");
    }
    sandbox.set_fault_forever(Route::AccessToken, page(511));
    let before = sandbox.requests().len();
    let text = Step::exchange_only(&sandbox).run().failed("proxy").error_text();
    assert!(text.contains("captive portal") && !text.contains("Port's side"), "{text}");
    assert_eq!(sandbox.requests().len(), before + 1);

    sandbox.set_fault_forever(Route::AccessToken, page(407));
    let text = Step::exchange_only(&sandbox).run().failed("proxy").error_text();
    assert!(text.contains("Only proxies answer 407") && text.contains("No proxy variable applies"), "{text}");
    let proxy = Proxy::start(Some("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"));
    let text = Step::exchange_only(&sandbox).env("http_proxy", format!("127.0.0.1:{}", proxy.port)).run().failed("proxy").error_text();
    assert!(text.contains("in the variable `http_proxy`"), "{text}");
    assert_eq!(proxy.heads().len(), 1);
}
