//! Promise: a wrong input ends the step before anything is sent, with a text that names it and how to mend it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use common::{Outcome, Step};
use port_mcp_auth::testing::inputs::Given;
use port_sandbox::Sandbox;

/// Runs one step with one input changed, and asserts that nothing was sent.
fn refused(input: &str, value: impl Into<OsString>) -> Outcome {
    let sandbox = Sandbox::default();
    let outcome = Step::against(&sandbox).input(input, value).run();
    assert!(sandbox.requests().is_empty(), "{input}: something was sent");
    let outcome = outcome.failed("input_invalid");
    assert!(outcome.error_text().starts_with(&format!("`{input}` ")), "{}", outcome.error_text());
    outcome
}

#[test]
fn every_wrong_kind_of_url_is_refused() {
    for value in [
        "api.port.io",
        "ftp://api.port.io",
        "http://api.port.io",
        "https://",
        "https://user@api.port.io",
        "https://user:pass-word-1234@api.port.io",
        "https://api.port.io/?region=eu",
        "https://api.port.io/#v1",
        "https://api.port.io/v1 v2",
        "https://api.port.io/${HOME}",
        "https://api.port.io\\@evil.example",
        "https://api.port.io/\tv1",
        "http://127.0.0.1.evil.example",
        "https://b\u{fc}cher.example",
    ] {
        for input in ["auth_base_url", "mcp_url"] {
            let outcome = refused(input, value);
            assert!(!outcome.stdout.contains("pass-word-1234"));
        }
    }
}

#[test]
fn a_value_that_is_not_utf8_is_refused() {
    for input in Given::names() {
        let text = refused(input, OsString::from_vec(b"abc\xff\xfe".to_vec())).error_text();
        assert!(text.contains("not UTF-8"), "{text}");
    }
}

#[test]
fn control_characters_are_refused() {
    for input in Given::names().iter().filter(|input| !["summary"].contains(input)) {
        refused(input, "ab\u{1}cd");
    }
    refused("client_secret", "first-line-of-it\nsecond-line-of-it");
}

#[test]
fn a_secret_over_two_lines_is_masked_line_by_line_all_the_same() {
    let outcome = refused("client_secret", "first-line-of-it\nsecond-line-of-it\nabc");
    let masks = outcome.log.masks();
    assert!(masks.contains(&"first-line-of-it".to_owned()) && masks.contains(&"second-line-of-it".to_owned()), "{masks:?}");
    assert!(!masks.contains(&"abc".to_owned()), "a line under 4 characters would black out half of the log");
}

#[test]
fn an_oversized_value_is_refused() {
    // The kernel takes no variable of 128 KiB or more, its name included.
    let huge = "x".repeat(128 * 1024 - 64);
    for input in [
        "client_id",
        "client_secret",
        "region",
        "auth_base_url",
        "mcp_url",
        "token_endpoint",
        "server_name",
        "transport",
        "read_only",
        "allowed_actions",
        "min_validity",
        "max_wait",
        "timeout",
        "summary",
    ] {
        let outcome = refused(input, huge.clone());
        assert!(outcome.error_text().len() < 1500, "{input}: the text repeats the value");
    }
}

#[test]
fn the_longest_value_is_taken_and_no_longer_one() {
    let sandbox = Sandbox::default();
    let url = |length: usize| format!("{:x<length$}", format!("{}/", sandbox.mcp_url()));
    for (input, longest, longer) in [
        ("token_env", "T".repeat(128), "T".repeat(129)),
        ("server_name", "s".repeat(64), "s".repeat(65)),
        ("allowed_actions", "a".repeat(8000), "a".repeat(8001)),
        ("mcp_url", url(2048), url(2049)),
    ] {
        Step::exchange_only(&sandbox).input(input, longest).run().succeeded();
        refused(input, longer);
    }
    for (input, shortest) in [("client_id", 1), ("client_secret", 4)] {
        for fitting in [shortest, 4096] {
            Step::exchange_only(&sandbox).input(input, "c".repeat(fitting)).run().failed("credentials_rejected");
        }
        refused(input, "c".repeat(4097));
    }
    let text = refused("client_secret", "c".repeat(3)).error_text();
    assert!(text.contains("too short to be masked"), "{text}");
}

#[test]
fn a_credential_that_was_not_filled_in_says_so() {
    for (value, says) in [
        ("$PORT_CLIENT_SECRET", "is the name of a variable"),
        ("${PORT_CLIENT_SECRET}", "is the name of a variable"),
        ("${PORT_CLIENT_SECRET:-}", "is the name of a variable"),
        ("$(cat secret)", "is the name of a variable"),
        ("%PORT_CLIENT_SECRET%", "is the name of a variable"),
        ("$env:PORT_CLIENT_SECRET", "is the name of a variable"),
        ("{{ port_client_secret }}", "is the name of a variable"),
        ("${{ secrets.PORT_CLIENT_SECRET }}", "holds `${{`"),
        ("secrets.PORT_CLIENT_SECRET", "is an expression without"),
        ("op://vault/port/secret", "is a reference to a secret in another store"),
        ("arn:aws:secretsmanager:eu-west-1:1:secret:port", "is a reference to a secret in another store"),
        ("\"abcdefgh0123\"", "has quotes around it"),
        ("'abcdefgh0123'", "has quotes around it"),
        ("`abcdefgh0123`", "has quotes around it"),
        ("*", "is made of asterisks"),
        ("***", "is made of asterisks"),
        ("****************", "is made of asterisks"),
        ("\u{2022}\u{2022}\u{2022}", "is made of asterisks or dots"),
        ("<your-secret>", "is a placeholder"),
        ("null", "is a placeholder"),
        ("undefined", "is a placeholder"),
        ("PORT_CLIENT_SECRET", "is a placeholder"),
        ("Bearer abcdefgh0123", "is the value of a header"),
        ("{\"clientId\":\"abc\",\"clientSecret\":\"def\"}", "is JSON"),
        ("{\n  \"clientSecret\": \"def\"\n}", "is JSON"),
        ("PORT_CLIENT_SECRET=abcdefgh0123", "has the form `NAME=value`"),
    ] {
        for input in ["client_id", "client_secret"] {
            let outcome = refused(input, value);
            let text = outcome.error_text();
            assert!(text.starts_with(&format!("`{input}` {says}")), "{value}: {text}");
            assert!(!text.contains("abcdefgh0123") && !outcome.summary.contains("abcdefgh0123"), "{text}");
        }
    }
}

#[test]
fn a_secret_in_quotes_is_masked_without_them_too_and_a_placeholder_is_not() {
    let masks = refused("client_secret", "\"abcdefgh0123\"").log.masks();
    assert!(masks.contains(&"abcdefgh0123".to_owned()), "{masks:?}");
    let masks = refused("client_secret", "null").log.masks();
    assert!(masks.is_empty(), "{masks:?}");
}

#[test]
fn every_other_value_that_was_not_filled_in_says_so() {
    for (input, value, says) in [
        ("region", "\"eu\"", "has quotes around it"),
        ("region", "$PORT_REGION", "is the name of a variable"),
        ("read_only", "'true'", "has quotes around it"),
        ("timeout", "\"60s\"", "has quotes around it"),
        ("auth_base_url", "https://${{ vars.PORT_HOST }}/v1", "holds `${{`"),
        ("mcp_url", "\"https://mcp.port.io/v1\"", "has quotes around it"),
        ("mcp_url", "$PORT_MCP_URL", "is the name of a variable"),
        ("server_name", "${{ inputs.name }}", "holds `${{`"),
        ("client", "'codex'", "has quotes around it"),
        ("allowed_tools", "\"list_*\"", "has quotes around it"),
        ("allowed_actions", "${ACTIONS}", "is the name of a variable"),
        ("config_file", "\".mcp.json\"", "has quotes around it"),
        ("config_file", "${{ github.workspace }}/.mcp.json", "holds `${{`"),
        ("token_env", "$PORT_TOKEN", "is not the name of an environment variable"),
    ] {
        let text = refused(input, value).error_text();
        assert!(text.starts_with(&format!("`{input}` {says}")), "{text}");
    }
}

#[test]
fn every_other_wrong_value_is_refused() {
    for (input, value) in [
        ("client_secret", "abc"),
        ("client_secret", "********"),
        ("client_secret", "with a space"),
        ("client_id", "sch\u{f6}n-schoen"),
        ("region", "mars"),
        ("token_endpoint", "oauth"),
        ("server_name", "a__b"),
        ("server_name", "a b"),
        ("server_name", "a'b"),
        ("transport", "stdio"),
        ("read_only", "yes"),
        ("allowed_actions", "none,other"),
        ("allowed_actions", "a b"),
        ("min_validity", "soon"),
        ("min_validity", "-5m"),
        ("max_wait", "1000h"),
        ("timeout", "0"),
        ("summary", "maybe"),
        ("ca_bundle", "no-such-file.pem"),
        ("ca_bundle", "../outside.pem"),
        ("ca_bundle", "/etc/passwd"),
        ("ca_bundle", "."),
        ("ca_bundle", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
        ("ca_bundle", "-----BEGIN CERTIFICATE-----\n"),
    ] {
        refused(input, value);
    }
}

#[test]
fn any_case_of_a_choice_will_do() {
    let sandbox = Sandbox::default();
    Step::exchange_only(&sandbox)
        .input("region", "US")
        .input("token_endpoint", "API")
        .input("transport", "HTTP")
        .input("read_only", "True")
        .run()
        .succeeded();
}

#[test]
fn the_region_counts_as_long_as_one_address_is_its_own() {
    let sandbox = Sandbox::default();
    let region = |step: Step| {
        let summary = step.input("region", "us").run().succeeded().summary;
        let row = summary.lines().find(|line| line.starts_with("| Region |")).unwrap();
        row.trim_start_matches("| Region | ").trim_end_matches(" |").to_owned()
    };
    assert_eq!(region(Step::exchange_only(&sandbox)), "own addresses");
    assert_eq!(region(Step::exchange_only(&sandbox).without("INPUT_MCP_URL")), "`us`");
    assert_eq!(region(Step::exchange_only(&sandbox).without("INPUT_AUTH_BASE_URL").input("token_endpoint", "mcp")), "`us`");
}

#[test]
fn all_problems_are_reported_in_one_run() {
    let sandbox = Sandbox::default();
    let outcome =
        Step::against(&sandbox).input("region", "mars").input("timeout", "soon").input("server_name", "a__b").run().failed("input_invalid");
    for input in ["`region`", "`timeout`", "`server_name`"] {
        assert!(outcome.error_text().contains(input), "{}", outcome.error_text());
    }
}

#[test]
fn a_bare_origin_is_enough() {
    let sandbox = Sandbox::default();
    for base in
        [sandbox.auth_base_url().replace("/v1", ""), sandbox.auth_base_url().replace("/v1", "/"), format!("{}/", sandbox.auth_base_url())]
    {
        Step::exchange_only(&sandbox).input("auth_base_url", base).run().succeeded();
    }
}

#[test]
fn a_link_out_of_the_workspace_is_not_followed() {
    let sandbox = Sandbox::default();
    let step = Step::against_tls(&sandbox).input("ca_bundle", "ca.pem");
    std::fs::write(step.path("outside.pem"), sandbox.ca_pem()).unwrap();
    std::os::unix::fs::symlink(step.path("outside.pem"), step.path("workspace/ca.pem")).unwrap();
    let text = step.run().failed("input_invalid").error_text();
    assert!(text.contains("outside of the workspace"), "{text}");
}

/// What the runner tells of the event decides why a secret is probably missing.
#[test]
fn a_missing_secret_says_why() {
    let event = |step: &Step, text: &str| std::fs::write(step.path("event.json"), text).unwrap();
    let fork = r#"{"pull_request":{"head":{"repo":{"full_name":"me/fork"}},"base":{"repo":{"full_name":"org/repo"}}}}"#;
    let gone = r#"{"pull_request":{"head":{"repo":null},"base":{"repo":{"full_name":"org/repo"}}}}"#;
    let own = r#"{"pull_request":{"head":{"repo":{"full_name":"org/repo"}},"base":{"repo":{"full_name":"org/repo"}}}}"#;
    // GitHub's own limit.
    let long = |size: usize| format!("{}{fork}", " ".repeat(size - fork.len()));
    let (largest, larger) = (long(25 * 1024 * 1024), long(25 * 1024 * 1024 + 1));
    for (name, actor, content, says) in [
        ("pull_request", "someone", fork, "from a fork"),
        ("pull_request", "someone", &largest, "from a fork"),
        ("pull_request", "someone", &larger, "name is misspelt"),
        ("pull_request", "someone", gone, "from a fork"),
        ("pull_request", "someone", own, "name is misspelt"),
        ("pull_request_target", "someone", fork, "name is misspelt"),
        ("pull_request", "dependabot[bot]", own, "Dependabot"),
        ("push", "someone", "{}", "name is misspelt"),
        ("pull_request", "someone", "not json", "name is misspelt"),
        ("pull_request", "someone", r#"{"pull_request":7}"#, "name is misspelt"),
    ] {
        let step = Step::bare().input("client_id", "").input("client_secret", "");
        event(&step, content);
        let path = step.path("event.json");
        let step = step.env("GITHUB_EVENT_NAME", name).env("GITHUB_ACTOR", actor).env("GITHUB_EVENT_PATH", path);
        let text = step.run().failed("input_missing").error_text();
        assert!(text.contains(says), "{name} by {actor} with {}: {text}", content.trim_start());
        assert!(text.contains("`client_id` is empty. `client_secret` is empty."), "{text}");
    }
}

#[test]
fn without_any_variable_the_step_says_what_is_missing() {
    let step = Step::bare();
    let output = step.command().env_clear().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(log.starts_with("::error title=The runner's files can't be used (runner)::GITHUB_OUTPUT is not set"), "{log}");
}
