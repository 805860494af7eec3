//! Promise: slow or missing DNS is told as such, and is waited for as long as the step may take.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod common;

use std::net::UdpSocket;
use std::process::Command;
use std::thread;

use common::{Outcome, Step};
use port_sandbox::{Options, Sandbox};

/// The name that the servers here know.
const NAME: &str = "api.sandbox.test";

/// What a name server does.
#[derive(Clone, Copy)]
enum Server {
    /// Knows [`NAME`], and says of all others that they don't exist.
    Good,
    /// Never answers.
    Dead,
    /// Answers that it failed.
    Failing,
    /// Gives an address at which nothing listens, and from the second time on the right one.
    Moving,
}

/// Starts a name server on this address of loopback. `None` if this user may not listen on port 53.
fn start(address: &str, server: Server) -> Option<()> {
    let socket = UdpSocket::bind((address, 53)).ok()?;
    thread::spawn(move || {
        let mut query = [0; 512];
        let mut addresses = 0;
        while let Ok((length, client)) = socket.recv_from(&mut query) {
            let last = if matches!(server, Server::Moving) && addresses == 0 { 99 } else { 1 };
            if let Some((answer, has_address)) = query.get(..length).and_then(|query| answer(query, server, last)) {
                addresses += u32::from(has_address);
                drop(socket.send_to(&answer, client));
            }
        }
    });
    Some(())
}

/// RFC 1035 section 4: the query's head and question, and the address `127.0.0.last` if one is asked for. Also whether it is.
fn answer(query: &[u8], server: Server, last: u8) -> Option<(Vec<u8>, bool)> {
    let labels: Vec<_> =
        NAME.split('.').flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat()).chain([0]).collect();
    let name_end = 12 + query.get(12..)?.iter().position(|byte| *byte == 0)? + 1;
    let (asked, kind) = (query.get(12..name_end)?, query.get(name_end..name_end + 2)?);
    let known = asked == labels;
    let code = match server {
        Server::Dead => return None,
        Server::Failing => 2,
        Server::Good | Server::Moving if known => 0,
        Server::Good | Server::Moving => 3,
    };
    let has_address = code == 0 && kind == [0, 1];
    let head = [query.get(..2)?, &[0x81, 0x80 | code, 0, 1, 0, u8::from(has_address), 0, 0, 0, 0], query.get(12..name_end + 4)?].concat();
    let address = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, last];
    Some((if has_address { [head.as_slice(), &address].concat() } else { head }, has_address))
}

/// Runs a step with this `/etc/resolv.conf`, in a mount namespace of its own. `None` if the system forbids that.
fn run(step: &Step, resolv_conf: &str) -> Option<Outcome> {
    let file = step.path("resolv.conf");
    std::fs::write(&file, resolv_conf).unwrap();
    let script = r#"mount --bind "$1" /etc/resolv.conf && exec "$0""#;
    let works = Command::new("unshare").args(["-m", "sh", "-c", script, "true"]).arg(&file).status().is_ok_and(|status| status.success());
    if !works {
        return None;
    }
    let mut command = Command::new("/usr/bin/unshare");
    command.args(["-m", "/bin/sh", "-c", script, env!("CARGO_BIN_EXE_port-mcp-auth")]).arg(&file);
    step.prepare(&mut command);
    let output = command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().unwrap();
    Some(step.outcome(output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap()))
}

fn sandbox() -> (Sandbox, Step) {
    let sandbox = Sandbox::start(Options { names: vec![NAME.to_owned()], ..Options::default() });
    let url = sandbox.tls_auth_base_url().replace("127.0.0.1", NAME);
    let step = Step::against_tls(&sandbox).input("verify", "false").input("auth_base_url", url);
    (sandbox, step)
}

/// Says that a test can't be run here: port 53 and a mount namespace take root.
fn skipped() {
    eprintln!("skipped: this needs root");
}

/// The look-up takes 12 seconds: in each of two search domains, and without one, the first server is asked first.
#[test]
fn a_dead_first_name_server_only_takes_time() {
    let (_sandbox, step) = sandbox();
    let servers = start("127.0.0.151", Server::Dead).and_then(|()| start("127.0.0.152", Server::Good));
    let conf = "nameserver 127.0.0.151\nnameserver 127.0.0.152\nsearch a.test b.test\noptions timeout:4 ndots:5\n";
    let Some(outcome) = servers.and_then(|()| run(&step, conf)) else {
        return skipped();
    };
    let outcome = outcome.succeeded();
    assert!(!outcome.stdout.contains("attempt 2"), "{}", outcome.stdout);
}

#[test]
fn a_look_up_without_an_end_is_told_as_such() {
    let (sandbox, step) = sandbox();
    let step = step.input("timeout", "2s");
    let Some(outcome) = start("127.0.0.153", Server::Dead).and_then(|()| run(&step, "nameserver 127.0.0.153\n")) else {
        return skipped();
    };
    let text = outcome.failed("timeout").error_text();
    assert!(text.contains("DNS was asked for the address of `api.sandbox.test") && text.contains("Nothing was sent"), "{text}");
    assert!(!text.contains("took the request"), "{text}");
    assert!(sandbox.requests().is_empty());
}

#[test]
fn what_dns_says_is_told() {
    let servers = start("127.0.0.154", Server::Failing).and_then(|()| start("127.0.0.155", Server::Good));
    let (_sandbox, step) = sandbox();
    let conf = "nameserver 127.0.0.154\noptions attempts:1\n";
    let Some(failing) = servers.and_then(|()| run(&step.input("timeout", "1s"), conf)) else {
        return skipped();
    };
    let text = failing.failed("unreachable").error_text();
    assert!(text.contains("`DNS look-up of api.sandbox.test: ") && text.contains("The name servers of this container's network"), "{text}");

    let other_name = |step: Step| step.input("auth_base_url", "https://apl.sandbox.test/v1").input("timeout", "1s");
    let conf = "nameserver 127.0.0.155\n";
    let (_sandbox, step) = sandbox();
    let text = run(&other_name(step), conf).unwrap().failed("unreachable").error_text();
    assert!(text.contains("DNS has no address for this name"), "{text}");

    let (_sandbox, step) = sandbox();
    let step = other_name(step).env("HTTPS_PROXY", "http://proxy.sandbox.test:3128");
    let text = run(&step, conf).unwrap().failed("proxy").error_text();
    assert!(text.contains("`DNS look-up of proxy.sandbox.test: Name or service not known`"), "{text}");
}

/// A name is looked up once for each attempt, and anew for the next one.
#[test]
fn a_host_that_moved_is_found_with_the_next_attempt() {
    let (_sandbox, step) = sandbox();
    let Some(outcome) = start("127.0.0.156", Server::Moving).and_then(|()| run(&step, "nameserver 127.0.0.156\n")) else {
        return skipped();
    };
    let outcome = outcome.succeeded();
    assert!(outcome.stdout.contains("attempt 2 of 5") && !outcome.stdout.contains("attempt 3"), "{}", outcome.stdout);
}
