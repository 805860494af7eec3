//! Promise: outside of a workflow, texts are plain and fit there; inside of one, the runner reads them. Standard output belongs to the
//! command, or to what is printed.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;
use std::process::Command;

use common::exec::Exec;
use insta::{Settings, assert_snapshot};
use port_sandbox::{CLIENT_SECRET, Fault, Options, Route, Sandbox};
use serde_json::Value;

/// Words that mean nothing to somebody who sits at a terminal.
const WORKFLOW_WORDS: &[&str] =
    &["runner", " step", " workflow", "container", "repository's secrets", "secrets.", " job", "GITHUB_", "the workspace", "::"];

fn settings(sandbox: &Sandbox) -> Settings {
    let mut settings = Settings::clone_current();
    let address = sandbox.auth_base_url();
    let port = address.rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    settings.add_filter(&format!("127.0.0.1:{port}"), "127.0.0.1:PORT");
    settings.add_filter(r"trace id `[0-9a-f]{32}`", "trace id `TRACE`");
    settings.add_filter(r"gateway http://127\.0\.0\.1:\d+", "gateway http://127.0.0.1:GATEWAY");
    settings.add_filter(r"port-mcp-auth \d+\.\d+\.\d+", "port-mcp-auth VERSION");
    settings
}

fn program(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_port-mcp-auth")).args(arguments).env_clear().output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn help_is_printed() {
    let mut shown = String::new();
    for arguments in [&["--help"][..], &["exec", "--help"], &["token", "--help"], &["config", "-h"]] {
        let (code, stdout, stderr) = program(arguments);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(stdout.lines().all(|line| line.chars().count() <= 110), "{stdout}");
        shown += &format!("$ port-mcp-auth {}\n{stdout}\n", arguments.join(" "));
    }
    assert_snapshot!(shown);
    assert_eq!(program(&["help"]).1, program(&["-h"]).1);
}

#[test]
fn the_version_names_the_commit_and_the_build() {
    let (code, stdout, stderr) = program(&["--version"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(lines[0], concat!("port-mcp-auth ", env!("CARGO_PKG_VERSION")));
    assert!(lines[1].starts_with("commit: ") && lines[2].starts_with("build: ") && lines.len() == 3, "{stdout}");
}

#[test]
fn usage_errors_exit_with_2_and_quote_no_value() {
    let mut shown = String::new();
    for arguments in [
        &["exce"][..],
        &["run", "claude"],
        &["--hlep"],
        &["exec"],
        &["exec", "claude"],
        &["exec", "--region", "us", "hunter2", "--", "claude"],
        &["exec", "--alowed-tools", "hunter2", "--", "claude"],
        &["exec", "--client-secret", "hunter2", "--", "claude"],
        &["exec", "--summary", "false", "--", "claude"],
        &["exec", "--min-validity", "1h", "--", "claude"],
        &["exec", "--region", "--", "claude"],
        &["exec", "--quiet=hunter2", "--", "claude"],
        &["exec", "-v", "--", "claude"],
        &["token", "--", "claude"],
        &["token", "--allowed-tools", "a"],
        &["config", "claude"],
    ] {
        let (code, stdout, stderr) = program(arguments);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}");
        shown += &format!("$ port-mcp-auth {}\n{stderr}\n", arguments.join(" ").replace("hunter2", "…"));
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
    assert_snapshot!(shown);
}

/// What goes wrong most often.
#[test]
fn errors_fit_outside_of_workflows() {
    let sandbox = Sandbox::default();
    let fault = |fault: Fault| {
        let sandbox = Sandbox::default();
        sandbox.set_fault_forever(Route::AccessToken, fault);
        sandbox
    };
    let refused = |status, body: &str| fault(Fault::answer(status, body.to_owned()));
    let cases: Vec<(&str, Exec, Option<Sandbox>)> = vec![
        ("nothing is given", Exec::new(&sandbox, "agent").without("PORT_CLIENT_ID").without("PORT_CLIENT_SECRET"), None),
        (
            "several values are wrong",
            Exec::new(&sandbox, "agent").flag("--region", "xx").flag("--read-only", "maybe").flag("--timeout", "soon"),
            None,
        ),
        ("the agent is unknown", Exec::new(&sandbox, "agent").flag("--client", "clod"), None),
        ("the secret is wrong", Exec::new(&sandbox, "agent").env("PORT_CLIENT_SECRET", "wrong-secret-of-somebody"), None),
        ("a tool is misspelt", Exec::new(&sandbox, "agent").flag("--allowed-tools", "list_blueprint"), None),
        ("another organization", Exec::new(&sandbox, "agent").flag("--organization", "org_other"), None),
        ("a bundle that is not there", Exec::new(&sandbox, "agent").flag("--ca-bundle", "nothing.pem"), None),
        ("a base that is not there", Exec::new(&sandbox, "gemini").flag("--base-config", "nothing.json"), None),
        ("the file is broken", Exec::new(&sandbox, "gemini").file("work/.gemini/settings.json", "{"), None),
        (
            "the name is taken",
            Exec::new(&sandbox, "gemini")
                .file("work/.gemini/settings.json", r#"{"mcpServers":{"port-prod":{"httpUrl":"https://a.example"}}}"#),
            None,
        ),
    ];
    let given = |secret: &str| Exec::new(&sandbox, "agent").env("PORT_CLIENT_SECRET", secret);
    let mistakes = [
        ("the shell replaced nothing", given("$PORT_SECRET")),
        ("an expression of GitHub's", given("${{ secrets.PORT_CLIENT_SECRET }}")),
        ("an expression without its braces", given("secrets.PORT_CLIENT_SECRET")),
        ("a reference to another store", given("op://vault/port/secret")),
        ("quotes", given("\"a-secret-in-quotes\"")),
        ("all of the credentials", given(r#"{"clientId":"a","clientSecret":"b"}"#)),
        ("a provider that can't reach the gateway", Exec::new(&sandbox, "agent").flag("--client", "openai-api")),
        ("a name of no variable", Exec::new(&sandbox, "claude").flag("--token-env", "not a name")),
    ];
    let mistakes = mistakes.map(|(name, exec)| (name, exec, None));
    let forbidden = refused(403, r#"{"ok":false,"error":"IP not whitelisted. Found x-forwarded-for header: 192.0.2.1, orgId: org_x"}"#);
    let missing = refused(404, r#"{"ok":false,"error":"not_found"}"#);
    let more = [("the address is not allowed", forbidden), ("the address is another one", missing)];
    let more = more.map(|(name, sandbox)| (name, Exec::new(&sandbox, "agent"), Some(sandbox)));
    let mut shown = String::new();
    for (name, exec, own) in cases.into_iter().chain(mistakes).chain(more) {
        let ran = exec.run();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{name}: {}", ran.stderr);
        let stderr = ran.stderr.replace(own.as_ref().unwrap_or(&sandbox).auth_base_url().trim_end_matches("/v1"), "http://127.0.0.1:PORT");
        assert!(stderr.starts_with("port-mcp-auth: error: ") || stderr.contains("\nport-mcp-auth: error: "), "{name}: {stderr}");
        for word in WORKFLOW_WORDS {
            assert!(!stderr.contains(word), "{name}: {word:?} is in\n{stderr}");
        }
        shown += &format!("# {name}\n{stderr}\n");
    }
    settings(&sandbox).bind(|| assert_snapshot!(shown));
}

#[test]
fn a_run_tells_what_was_called() {
    let sandbox = Sandbox::default();
    let ran = Exec::new(&sandbox, "agent").flag("--allowed-tools", "list_*").flag("--client", "claude-code").command(&["true"]).run();
    for word in WORKFLOW_WORDS {
        assert!(!ran.stderr.contains(word), "{word:?} is in\n{}", ran.stderr);
    }
    settings(&sandbox).bind(|| assert_snapshot!(ran.stderr));
}

#[test]
fn a_runner_reads_annotations_and_is_told_of_the_key_alone() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "agent").env("GITHUB_ACTIONS", "true");
    let running = exec.start();
    let key = running.variable("PORT_MCP_KEY");
    let ran = running.end(0);
    let token = sandbox.issued_tokens().pop().unwrap();
    assert!(ran.stderr.contains(&format!("::add-mask::{key}\n")), "{}", ran.stderr);
    assert!(!ran.stderr.contains(CLIENT_SECRET) && !ran.stderr.contains(&token), "{}", ran.stderr);
    assert!(!ran.stderr.contains("port-mcp-auth: "), "{}", ran.stderr);
    let ran = Exec::new(&sandbox, "agent").env("GITHUB_ACTIONS", "true").env("PORT_REGION", "xx").run();
    assert!(ran.stderr.starts_with("::error title=An input is not valid (input_invalid)::`region` `xx` is not one of"), "{}", ran.stderr);
}

#[test]
fn token_prints_a_token_and_nothing_else() {
    let sandbox = Sandbox::default();
    let ran = Exec::printing(&sandbox, "token").run();
    let token = sandbox.issued_tokens().pop().unwrap();
    assert_eq!((ran.code, ran.stdout, ran.stderr.as_str()), (Some(0), format!("{token}\n"), ""));
    let ran = Exec::printing(&sandbox, "token").env("GITHUB_ACTIONS", "true").run();
    assert_eq!(ran.stdout, format!("{token}\n"));
    assert!(ran.stderr.starts_with(&format!("::add-mask::{token}\n")) && !ran.stderr.contains(CLIENT_SECRET), "{}", ran.stderr);
    let ran = Exec::printing(&sandbox, "token").env("PORT_CLIENT_SECRET", "wrong-secret-of-somebody").run();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.starts_with("port-mcp-auth: error: Port rejected the credentials (credentials_rejected)\n"), "{}", ran.stderr);
}

#[test]
fn config_prints_a_config_and_nothing_else() {
    let sandbox = Sandbox::default();
    let ran = Exec::printing(&sandbox, "config").run();
    let token = sandbox.issued_tokens().pop().unwrap();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let config: Value = serde_json::from_str(&ran.stdout).unwrap();
    let server = &config["mcpServers"]["port-prod"];
    assert_eq!(server["url"], sandbox.mcp_url());
    assert_eq!(server["headers"]["Authorization"], format!("Bearer {token}"));
    let ran = Exec::printing(&sandbox, "config").flag("--client", "codex").flag("--token-env", "PORT_TOKEN").run();
    assert!(ran.stdout.starts_with("[mcp_servers.port-prod]\n") && !ran.stdout.contains(&token), "{}", ran.stdout);
    for (path, named) in [("work/base.json", "base.json"), ("base.json", "../base.json")] {
        let exec = Exec::printing(&sandbox, "config").flag("--base-config", named);
        fs::write(exec.path(path), r#"{"theme": "x"}"#).unwrap();
        let config: Value = serde_json::from_str(&exec.run().stdout).unwrap();
        assert_eq!(config["theme"], "x");
        assert!(config["mcpServers"]["port-prod"].is_object());
    }
}

/// In a job of GitHub Actions, what the runner tells of the event decides why a secret is probably missing.
#[test]
fn a_missing_secret_says_why() {
    let sandbox = Sandbox::default();
    let fork = r#"{"pull_request":{"head":{"repo":{"full_name":"me/fork"}},"base":{"repo":{"full_name":"org/repo"}}}}"#;
    for (in_job, actor, says) in [
        ("true", "someone", "a pull request from a fork"),
        ("true", "dependabot[bot]", "Dependabot started this run"),
        ("false", "dependabot[bot]", "PORT_CLIENT_SECRET"),
    ] {
        let exec = Exec::new(&sandbox, "agent").without("PORT_CLIENT_SECRET").file("event.json", fork);
        let event = exec.path("event.json");
        let exec = exec.env("GITHUB_ACTIONS", in_job).env("GITHUB_EVENT_NAME", "pull_request").env("GITHUB_EVENT_PATH", event);
        let ran = exec.env("GITHUB_ACTOR", actor).run();
        assert!(ran.stderr.contains(says), "{says}: {}", ran.stderr);
        assert_eq!(in_job == "true", ran.stderr.contains("this run") || ran.stderr.contains("This run"), "{}", ran.stderr);
    }
}

#[test]
fn output_that_nobody_takes_is_an_error() {
    let sandbox = Sandbox::default();
    let exec = Exec::printing(&sandbox, "token");
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = exec.prepared().stdout(full).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.starts_with("port-mcp-auth: error: Standard output can't be written (runner)\n"), "{stderr}");
}

/// How often it tries in that time differs, so this is in no snapshot.
#[test]
fn an_address_where_nobody_listens_is_told_in_plain_words() {
    let sandbox = Sandbox::default();
    let ran = Exec::new(&sandbox, "agent").flag("--auth-base-url", "http://127.0.0.1:1/v1").flag("--timeout", "1s").run();
    assert!(ran.stderr.contains("port-mcp-auth: error: Port can't be reached (unreachable)\n"), "{}", ran.stderr);
    for word in WORKFLOW_WORDS {
        assert!(!ran.stderr.contains(word), "{word:?} is in\n{}", ran.stderr);
    }
}

/// A terminal gets colours, unless it asks for none.
#[test]
fn colours_are_for_terminals() {
    let sandbox = Sandbox::default();
    for (name, value, has_colours) in [("TERM", "xterm", true), ("TERM", "dumb", false), ("NO_COLOR", "1", false)] {
        let exec = Exec::new(&sandbox, "agent").env("TERM", "xterm").env(name, value).env("PORT_REGION", "xx");
        let inner = exec.prepared();
        let words: Vec<_> =
            std::iter::once(inner.get_program()).chain(inner.get_args()).map(|word| word.to_string_lossy().into_owned()).collect();
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", &format!("exec {}", words.join(" ")), "/dev/null"]).env_clear();
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(exec.path("work"));
        let screen = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert_eq!(screen.contains("\x1b[1;31merror:\x1b[0m"), has_colours, "{name}={value}: {screen}");
    }
}

#[test]
fn quiet_keeps_warnings_and_errors() {
    // A server that shows tools that write in spite of `read_only` is worth a warning.
    let sandbox = Sandbox::start(Options { ignore_read_only: true, ..Options::default() });
    let mut exec = Exec::new(&sandbox, "agent").command(&["true"]);
    exec.switch = Some("--quiet");
    let ran = exec.run();
    assert!(ran.stderr.contains("port-mcp-auth: warning: ") && !ran.stderr.contains("tools offered"), "{}", ran.stderr);
    let ran = exec.env("PORT_REGION", "xx").run();
    assert!(ran.stderr.starts_with("port-mcp-auth: error: "), "{}", ran.stderr);
}
