//! Every way in which a step can end, provoked for real. Tests that promise something of every run go through all of them.

use std::time::Duration;

use port_sandbox::{Accepts, Certificate, Fault, McpMode, Options, Refusal, Route, Sandbox, SecretForm, Stated, Wait};
use serde_json::json;

use super::{Outcome, Step};

/// One way to end.
pub struct Scenario {
    pub name: &'static str,
    /// The error code; `None` for a success.
    pub code: Option<&'static str>,
    sandbox: Sandbox,
    step: Step,
}

/// What a scenario left, with every secret that was in play.
pub struct Ended {
    pub name: &'static str,
    pub code: Option<&'static str>,
    pub outcome: Outcome,
    pub client_secret: String,
    pub tokens: Vec<String>,
    pub requests: usize,
}

impl Scenario {
    fn new(name: &'static str, code: Option<&'static str>, options: Options, prepare: impl FnOnce(&Sandbox, Step) -> Step) -> Self {
        let sandbox = Sandbox::start(options);
        let step = prepare(&sandbox, Step::exchange_only(&sandbox));
        Self { name, code, sandbox, step }
    }

    /// One with TLS to both servers, and with the preflight.
    pub fn over_tls(name: &'static str, code: Option<&'static str>, prepare: impl FnOnce(&Sandbox, Step) -> Step) -> Self {
        let sandbox = Sandbox::default();
        let step = prepare(&sandbox, Step::against_tls(&sandbox));
        Self { name, code, sandbox, step }
    }

    /// One in which the token endpoint misbehaves for good.
    fn fault(name: &'static str, code: &'static str, fault: Fault) -> Self {
        Self::new(name, Some(code), Options::default(), |sandbox, step| {
            sandbox.set_fault_forever(Route::AccessToken, fault.clone());
            sandbox.set_fault_forever(Route::OAuthToken, fault);
            step
        })
    }

    /// The same for the OAuth endpoint.
    fn oauth(mut self, name: &'static str) -> Self {
        self.step = self.step.input("token_endpoint", "mcp");
        self.name = name;
        self
    }

    pub fn run(self) -> Ended {
        self.run_by(Step::run)
    }

    /// Runs it in another way.
    pub fn run_by(self, run: impl FnOnce(&Step) -> Outcome) -> Ended {
        let outcome = run(&self.step);
        Ended {
            name: self.name,
            code: self.code,
            outcome,
            client_secret: port_sandbox::CLIENT_SECRET.to_owned(),
            tokens: self.sandbox.issued_tokens(),
            requests: self.sandbox.requests().len(),
        }
    }
}

/// What a hostile server may say: commands in every form, line ends of every kind, and things that aren't seen.
pub const HOSTILE: &str = "a\r\n::set-output name=access_token::forged\n::add-mask::a\r::stop-commands::x\n##[error]forged\u{2028}::error::x\u{85}::warning::y %0A::debug::z \u{202e}\u{1b}[31m</code><img src=x>|**b**`c`";

/// An address where nobody listens: port 1 is reserved, and below those that the system hands out to other tests.
pub fn dead_address() -> String {
    "http://127.0.0.1:1/v1".to_owned()
}

/// All of them. Each has a sandbox of its own, so they can run at the same time.
pub fn all() -> Vec<Scenario> {
    let default = Options::default;
    // 2001
    let in_the_past = || Options { expires_in: Stated::Absent, jwt_exp: Stated::As(json!(1_000_000_000)), ..default() };
    let echo = |status| Fault::EchoSecret { status, forms: SecretForm::ALL.to_vec() };
    let ok = |body: serde_json::Value| Fault::json(&body);
    vec![
        Scenario::new("success", None, default(), |_, step| step),
        Scenario::new("success_oauth", None, default(), |_, step| step.input("token_endpoint", "mcp")),
        Scenario::new("success_mcp_remote", None, default(), |_, step| step.input("transport", "mcp-remote")),
        Scenario::new("success_after_retry", None, default(), |sandbox, step| {
            sandbox.set_faults(Route::AccessToken, [Fault::Hostile { status: 503, text: HOSTILE.to_owned() }, Fault::Reset]);
            step
        }),
        Scenario::new("success_after_an_echo", None, default(), |sandbox, step| {
            sandbox.set_faults(Route::AccessToken, [Fault::EchoSecret { status: 500, forms: SecretForm::ALL.to_vec() }]);
            step
        }),
        Scenario::new("success_with_a_short_token", None, Options { leftover: Some(Duration::from_mins(5)), ..default() }, |_, step| step),
        Scenario::new("input_missing", Some("input_missing"), default(), |_, step| step.input("client_id", "")),
        Scenario::new("input_missing_and_invalid", Some("input_missing"), default(), |_, step| {
            step.input("client_id", " ").input("region", "mars").input("timeout", "soon")
        }),
        Scenario::new("input_invalid", Some("input_invalid"), default(), |_, step| {
            step.input("region", "mars").input("server_name", "a__b").input("auth_base_url", "http://user:hunter2hunter2@port.io")
        }),
        Scenario::new("input_invalid_holds_the_secret", Some("input_invalid"), default(), |_, step| {
            let piece: String = port_sandbox::CLIENT_SECRET.chars().skip(2).take(16).collect();
            step.input("region", port_sandbox::CLIENT_SECRET).input("server_name", format!("{piece} {HOSTILE}"))
        }),
        Scenario::new("gateway_without_an_engine", Some("gateway"), default(), |_, step| {
            let socket = "unix:///run/no-engine/docker.sock";
            step.input("gateway", "true").without("GITHUB_ACTIONS").env("DOCKER_HOST", socket)
        }),
        Scenario::new("credentials_rejected", Some("credentials_rejected"), default(), |_, step| step.input("client_id", "someone-else")),
        Scenario::new("credentials_of_another_organization", Some("credentials_rejected"), default(), |_, step| {
            step.input("organization", "org_other")
        }),
        Scenario::new("credentials_rejected_oauth", Some("credentials_rejected"), default(), |_, step| {
            step.input("client_id", "someone-else").input("token_endpoint", "mcp")
        }),
        Scenario::fault(
            "credentials_rejected_with_400",
            "credentials_rejected",
            Fault::answer(400, json!({"error": "invalid_client"}).to_string()),
        )
        .oauth("credentials_rejected_with_400"),
        Scenario::fault("credentials_rejected_with_an_echo", "credentials_rejected", echo(401)),
        Scenario::new("forbidden", Some("forbidden"), Options { refusal: Some(Refusal::IpNotAllowed), ..default() }, |_, step| step),
        Scenario::new("not_found", Some("not_found"), Options { refusal: Some(Refusal::WrongRegion), ..default() }, |_, step| step),
        Scenario::new("not_found_no_route", Some("not_found"), default(), |sandbox, step| {
            step.input("auth_base_url", sandbox.auth_base_url().replace("/v1", "/v2"))
        }),
        Scenario::fault("request_rejected", "request_rejected", Fault::Hostile { status: 422, text: HOSTILE.to_owned() }),
        Scenario::fault("request_rejected_with_an_echo", "request_rejected", echo(413)),
        Scenario::fault("rate_limited", "rate_limited", Fault::RetryAfter { status: 429, wait: Wait::Seconds(300) }),
        Scenario::fault(
            "rate_limited_by_date",
            "rate_limited",
            Fault::RetryAfter { status: 503, wait: Wait::Date(Duration::from_mins(5)) },
        ),
        Scenario::fault("rate_limited_without_a_word", "rate_limited", Fault::status(429)),
        Scenario::fault(
            "port_unavailable",
            "port_unavailable",
            Fault::answer(502, "<html>Bad Gateway</html>").header("content-type", "text/html"),
        ),
        Scenario::fault("port_unavailable_with_an_echo", "port_unavailable", echo(500)),
        Scenario::new("unreachable", Some("unreachable"), default(), |_, step| step.input("auth_base_url", dead_address())),
        Scenario::new("unreachable_name", Some("unreachable"), default(), |_, step| {
            step.input("auth_base_url", "https://no-such-host.invalid")
        }),
        Scenario::fault("unreachable_by_reset", "unreachable", Fault::Reset),
        Scenario::fault("unreachable_by_reset_in_the_body", "unreachable", Fault::ResetMidBody),
        Scenario::fault("unreachable_by_an_early_end", "unreachable", Fault::Truncated),
        Scenario::new("proxy", Some("proxy"), default(), |sandbox, step| {
            let proxy = dead_address().replace("http://", "http://me:proxy-pass-word-1@").replace("/v1", "");
            step.input("auth_base_url", sandbox.tls_auth_base_url()).env("HTTPS_PROXY", proxy)
        }),
        Scenario::new("proxy_address", Some("proxy"), default(), |sandbox, step| {
            step.input("auth_base_url", sandbox.tls_auth_base_url()).env("HTTPS_PROXY", "socks6://me:proxy-pass-word-1@127.0.0.1:1080")
        }),
        Scenario::new("tls", Some("tls"), default(), |sandbox, step| step.input("auth_base_url", sandbox.tls_auth_base_url())),
        Scenario::new("tls_expired", Some("tls"), Options { certificate: Certificate::Expired, ..default() }, |sandbox, step| {
            step.input("auth_base_url", sandbox.tls_auth_base_url()).input("ca_bundle", sandbox.ca_pem())
        }),
        Scenario::fault(
            "redirected",
            "redirected",
            Fault::Redirect {
                status: 307,
                location: format!("https://evil.example/{HOSTILE}").replace(['\r', '\n', '\u{85}', '\u{2028}', '\u{202e}', '\u{1b}'], ""),
            },
        ),
        Scenario::fault(
            "bad_response_html",
            "bad_response",
            Fault::Body { content_type: "text/html".to_owned(), body: b"<html>Sign in</html>".to_vec() },
        ),
        Scenario::fault(
            "bad_response_null",
            "bad_response",
            ok(json!({"ok": true, "accessToken": null, "expiresIn": 10800, "tokenType": "Bearer"})),
        ),
        Scenario::fault("bad_response_the_word_null", "bad_response", ok(json!({"ok": true, "accessToken": "null", "expiresIn": 10800}))),
        Scenario::fault(
            "bad_response_not_ok",
            "bad_response",
            ok(json!({"ok": false, "message": HOSTILE, "accessToken": "token-in-a-refusal-0123456789"})),
        ),
        Scenario::fault(
            "bad_response_forged_token",
            "bad_response",
            ok(json!({"accessToken": format!("abc{HOSTILE}"), "expiresIn": 10800})),
        ),
        Scenario::fault(
            "bad_response_other_type",
            "bad_response",
            ok(json!({"accessToken": "opaque-token-0123456789", "expiresIn": 10800, "tokenType": "mac"})),
        ),
        Scenario::fault("bad_response_no_end", "bad_response", ok(json!({"accessToken": "opaque-token-0123456789"}))),
        Scenario::fault("bad_response_empty", "bad_response", Fault::status(204)),
        Scenario::fault("bad_response_echo", "bad_response", echo(200)),
        Scenario::fault("bad_response_huge", "bad_response", Fault::Huge(2 << 20)),
        Scenario::fault("bad_response_endless", "bad_response", Fault::Endless),
        Scenario::new(
            "token_expiring",
            Some("token_expiring"),
            Options { leftover: Some(Duration::from_mins(5)), ..default() },
            |_, step| step.input("min_validity", "30m"),
        ),
        Scenario::new("token_expiring_always", Some("token_expiring"), default(), |_, step| {
            step.input("min_validity", "4h").input("max_wait", "1h")
        }),
        Scenario::new("token_expiring_in_the_past", Some("token_expiring"), in_the_past(), |_, step| step.input("max_wait", "0")),
        Scenario::new("token_expiring_in_the_past_for_long", Some("token_expiring"), in_the_past(), |_, step| step.input("max_wait", "2s")),
        Scenario::fault("token_expiring_already", "token_expiring", ok(json!({"accessToken": "opaque-token-0123456789", "expiresIn": 0}))),
        Scenario::new("tls_other_name", Some("tls"), Options { certificate: Certificate::WrongName, ..default() }, |sandbox, step| {
            step.input("auth_base_url", sandbox.tls_auth_base_url()).input("ca_bundle", sandbox.ca_pem())
        }),
        Scenario::new("tls_not_spoken", Some("tls"), default(), |sandbox, step| {
            step.input("auth_base_url", sandbox.auth_base_url().replace("http:", "https:"))
        }),
        Scenario::new("timeout_after_a_setback", Some("timeout"), default(), |sandbox, step| {
            sandbox.set_faults(Route::AccessToken, [Fault::status(503), Fault::Hang]);
            step.input("timeout", "3s")
        }),
        Scenario::new("timeout", Some("timeout"), default(), |sandbox, step| {
            sandbox.set_fault_forever(Route::AccessToken, Fault::Hang);
            step.input("timeout", "1s")
        }),
        Scenario::new("timeout_in_the_body", Some("timeout"), default(), |sandbox, step| {
            sandbox.set_fault_forever(Route::AccessToken, Fault::HangMidBody);
            step.input("timeout", "1s")
        }),
    ]
    .into_iter()
    .chain(with_preflight())
    .collect()
}

/// Those that open the MCP connection.
fn with_preflight() -> Vec<Scenario> {
    let default = Options::default;
    let verified = |name, code, options, prepare: fn(&Sandbox, Step) -> Step| {
        Scenario::new(name, code, options, |sandbox, step| prepare(sandbox, step.input("verify", "true")))
    };
    let answers = |name, code, fault: Fault| {
        Scenario::new(name, Some(code), default(), |sandbox, step| {
            sandbox.set_fault_forever(Route::Mcp, fault);
            step.input("verify", "true")
        })
    };
    let unseen = |name, fault: Fault| {
        Scenario::new(name, None, default(), |sandbox, step| {
            sandbox.set_fault_forever(Route::Mcp, fault);
            step.input("verify", "true")
        })
    };
    let echo = |status| Fault::EchoSecret { status, forms: SecretForm::ALL.to_vec() };
    let broken_list = |name, code, client: &str| {
        Scenario::new(name, code, Options { mcp_mode: McpMode::Stateless, ..default() }, |sandbox, step| {
            let tools = json!([{ "name": "list_entities", "inputSchema": { "type": "object" } }, { "name": HOSTILE, "inputSchema": {} }]);
            let list = json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": tools } });
            sandbox.set_fault_forever(Route::Rpc("tools/list"), Fault::json(&list));
            step.input("verify", "true").input("client", client)
        })
    };
    let hostile = vec![HOSTILE.to_owned(), "::error::x".to_owned(), "a b".to_owned()];
    vec![
        verified("success_with_tools", None, default(), |_, step| step),
        verified("success_with_chosen_tools", None, default(), |_, step| {
            step.input("allowed_tools", "mcp__port-prod__list_blueprints, get_*, run_action")
        }),
        verified("success_with_hostile_tools", None, Options { extra_tools: hostile, ..default() }, |_, step| step),
        verified("success_without_tools", None, default(), |sandbox, step| {
            sandbox
                .set_fault_forever(Route::Rpc("tools/list"), Fault::json(&json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": [] } })));
            step
        }),
        verified("success_despite_write_tools", None, Options { ignore_read_only: true, ..default() }, |_, step| step),
        verified("success_unverified_dead_server", None, default(), |_, step| {
            step.input("mcp_url", dead_address()).input("allowed_tools", "list_blueprints")
        }),
        verified("success_unverified_tls", None, default(), |sandbox, step| step.input("mcp_url", sandbox.tls_mcp_url())),
        verified("success_unverified_hang", None, default(), |sandbox, step| {
            sandbox.set_fault_forever(Route::Mcp, Fault::Hang);
            step.input("timeout", "1s")
        }),
        unseen("success_unverified_hostile", Fault::RetryAfter { status: 503, wait: Wait::Seconds(300) }),
        unseen("success_unverified_echo", echo(500)),
        unseen("success_unverified_rpc_error", Fault::RpcError { code: -32000, message: HOSTILE.to_owned() }),
        broken_list("success_with_a_broken_list", None, "generic"),
        broken_list("mcp_error_broken_list", Some("mcp_error"), "claude-code"),
        answers(
            "mcp_refused_with_a_challenge",
            "mcp_refused",
            Fault::status(403)
                .header("www-authenticate", "Bearer error=\"insufficient_scope\", scope=\"mcp\", error_description=\"::error::no\""),
        ),
        verified("mcp_refused", Some("mcp_refused"), Options { mcp_accepts: Accepts::OAuth, ..default() }, |_, step| step),
        verified("mcp_refused_oauth", Some("mcp_refused"), Options { mcp_accepts: Accepts::Api, ..default() }, |_, step| {
            step.input("token_endpoint", "mcp")
        }),
        answers("mcp_refused_with_403", "mcp_refused", Fault::Hostile { status: 403, text: HOSTILE.to_owned() }),
        answers("mcp_refused_with_an_echo", "mcp_refused", echo(401)),
        answers("mcp_error_not_found", "mcp_error", Fault::status(404)),
        answers("mcp_error_hostile", "mcp_error", Fault::Hostile { status: 418, text: HOSTILE.to_owned() }),
        answers("mcp_error_echo", "mcp_error", echo(400)),
        answers("mcp_error_echo_in_a_success", "mcp_error", echo(200)),
        answers(
            "mcp_error_html",
            "mcp_error",
            Fault::Body { content_type: "text/html".to_owned(), body: b"<html>Sign in</html>".to_vec() },
        ),
        Scenario::new("config_conflict", Some("config_conflict"), default(), |_, step| {
            step.input("base_config", r#"{ "mcpServers": { "port-prod": { "type": "http", "url": "https://mcp.us.port.io/v1" } } }"#)
        }),
        Scenario::new("file_write_link", Some("file_write"), default(), |_, step| {
            std::os::unix::fs::symlink("elsewhere", step.path("workspace/link")).unwrap();
            step.input("config_file", "link/.mcp.json")
        }),
        Scenario::new("file_write_no_temp", Some("file_write"), default(), |_, step| step.input("config_file", "temp:mcp.json")),
        Scenario::new("success_config_file_in_a_checkout", None, default(), |_, step| {
            std::fs::create_dir(step.path("workspace/.git")).unwrap();
            let state = step.path("state");
            std::fs::write(&state, "").unwrap();
            step.input("config_file", ".mcp.json").env("GITHUB_STATE", state)
        }),
        Scenario::new("success_config_file_without_state", None, default(), |_, step| step.input("config_file", ".mcp.json")),
        verified("tool_unknown", Some("tool_unknown"), default(), |_, step| {
            step.input("allowed_tools", "mcp__port-prod__list_blueprints,mcp__port-prod__get_entities,lst_*")
        }),
        verified("tool_unknown_hidden", Some("tool_unknown"), default(), |_, step| step.input("allowed_tools", "upsert_entity,run_*")),
        verified("tool_unknown_unlisted", Some("tool_unknown"), default(), |_, step| {
            step.input("mcp_url", dead_address()).input("allowed_tools", "list_*")
        }),
    ]
}
