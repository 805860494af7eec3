//! Promise: each agent gets a config that is right for it, and that gives nothing away.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Outcome, Step, leaks};
use port_mcp_auth::testing::clients::{self, Client, Connection, REGISTRY, TokenValue, Transport};
use port_mcp_auth::testing::config::{Format, write};
use port_mcp_auth::testing::mcp::{Selection, ServerUrl, Tool, ToolName, Wanted};
use port_mcp_auth::testing::port::ToolKind;
use port_mcp_auth::testing::redact::Secret;
use port_sandbox::{Fault, Options, Route, Sandbox};
use proptest::prelude::*;
use serde_json::{Value, json};

const VARIABLE: &str = "PORT_TOKEN";

/// Reads a config with its format's own parser.
fn parsed(format: Format, text: &str) -> Value {
    match format {
        Format::Json => serde_json::from_str(text).unwrap(),
        Format::Toml => serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap(),
        // YAML 1.2, as Goose and Continue read it: `y` is text.
        Format::Yaml => serde_saphyr::from_str_with_options(text, serde_saphyr::options! { strict_booleans: true }).unwrap(),
    }
}

/// Every text in a config, keys included.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.iter().flat_map(|(key, value)| [vec![key.as_str()], texts(value)].concat()).collect(),
        _ => Vec::new(),
    }
}

/// What a bridge would be started with.
fn arguments_in(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(fields) => {
            let of = |(key, value)| if matches!(key, "args" | "command") { texts(value) } else { arguments_in(value) };
            fields.iter().map(|(key, value)| (key.as_str(), value)).flat_map(of).collect()
        }
        Value::Array(values) => values.iter().flat_map(arguments_in).collect(),
        _ => Vec::new(),
    }
}

fn step(sandbox: &Sandbox, client: &dyn Client, transport: Transport) -> Step {
    Step::against(sandbox).input("client", client.id()).input("transport", transport.to_string())
}

fn config_of(client: &dyn Client, outcome: &Outcome) -> Value {
    parsed(client.format(), &outcome.output("mcp_config"))
}

/// Each agent's ways to be connected: the transport, and whether the config names a variable.
fn ways(client: &dyn Client) -> Vec<(Transport, bool)> {
    let with_variable =
        |transport: &Transport| [false, true].into_iter().take(if client.token_env_transports().contains(transport) { 2 } else { 1 });
    client.transports().iter().flat_map(|transport| with_variable(transport).map(|variable| (*transport, variable))).collect()
}

#[test]
fn each_agent_gets_its_own_config_and_no_more_of_the_token_than_it_needs() {
    for client in REGISTRY {
        let mut shown = String::new();
        for (transport, variable) in ways(*client) {
            let sandbox = Sandbox::default();
            let mut step = step(&sandbox, *client, transport).input("allowed_tools", "list_blueprints, list_entities");
            if client.sends_headers() {
                step = step.input("allowed_actions", "none");
            }
            if variable {
                step = step.input("token_env", VARIABLE);
            }
            let outcome = step.run().succeeded();
            check(*client, variable, &outcome);
            shown += &format!("## {transport}{}\n", if variable { ", token_env" } else { "" });
            for name in ["mcp_config", "client_args", "allowed_tools"] {
                shown += &format!("{name}:\n{}\n", outcome.output(name));
            }
            shown = shown.replace(&outcome.output("access_token"), "[TOKEN]").replace(&sandbox.mcp_url(), "[MCP_URL]");
        }
        insta::assert_snapshot!(client.id(), shown);
    }
}

fn check(client: &dyn Client, variable: bool, outcome: &Outcome) {
    let what = client.id();
    let token = outcome.output("access_token");
    let text = outcome.output("mcp_config");
    let arguments = outcome.output("client_args");
    let config = parsed(client.format(), &text);
    if client.format() == Format::Json {
        assert!(!text.contains(['\'', '\n']), "{what}: {text}");
    }
    for handed_on in [&text, &arguments] {
        let seen = if variable { handed_on.clone() } else { outcome.log.mask(handed_on) };
        assert_eq!(leaks::found(&seen, &token), None, "{what}: {seen}");
    }
    let stands_for_it = if variable { VARIABLE } else { &token };
    assert!(texts(&config).iter().any(|text| text.contains(stands_for_it)), "{what}: {config}");
    assert!(!arguments_in(&config).iter().any(|argument| argument.contains(&token)), "{what}: {config}");
    assert_eq!(client.sends_headers(), texts(&config).iter().any(|text| text.contains("x-read-only-mode")), "{what}: {config}");
    assert!(shlex::split(&arguments).is_some(), "{what}: {arguments}");
}

/// Tokens that RFC 6750 allows, and that formats or shells would like to write in another way.
const TOKENS: &[&str] = &[
    "0123456789012345",
    "0x00000000000000",
    "null~null~null~n",
    "----------------",
    "=~+/._-=~+/._-=~",
    "~opaque/Token+of-mixed._Characters0123456789==",
];

/// A config of the user's in which the server is not.
fn existing(format: Format) -> &'static str {
    match format {
        Format::Json => "{\n  \"theirs\": {\"a\": [1, 2]}\n}\n",
        Format::Toml => "[theirs]\na = [1, 2]\n",
        Format::Yaml => "theirs: {a: [1, 2]}\n",
    }
}

#[test]
fn a_token_of_any_form_is_hidden_wherever_it_is_written() {
    let all: Vec<_> = REGISTRY.iter().flat_map(|client| ways(*client).into_iter().map(|way| (*client, way))).collect();
    common::all_at_once(all.len(), |number| {
        let (client, (transport, variable)) = all[number];
        let sandbox = Sandbox::default();
        for (token, adds) in TOKENS.iter().flat_map(|token| [(token, false), (token, true)]) {
            let answer = json!({ "ok": true, "accessToken": token, "expiresIn": 10800, "tokenType": "Bearer" }).to_string();
            let answer = Fault::Body { content_type: "application/json".to_owned(), body: answer.into_bytes() };
            sandbox.set_faults(Route::AccessToken, [answer]);
            let mut step = step(&sandbox, client, transport).input("verify", "false").input("read_only", "false");
            step = step.input("allowed_tools", "list_blueprints").input("config_file", "agent.config");
            if variable {
                step = step.input("token_env", VARIABLE);
            }
            // OpenAI's config is one entry of a list, which has no room for anything else.
            if adds && client.id() != "openai-api" {
                step = step.input("base_config", existing(client.format()));
            }
            let outcome = step.run().succeeded();
            assert_eq!(outcome.output("access_token"), *token);
            let what = format!("{} over {transport}", client.id());
            let file = std::fs::read_to_string(step.path("workspace/agent.config")).unwrap();
            for text in [outcome.output("mcp_config"), file] {
                assert_eq!(hidden(&outcome, &what, &text, token), !variable, "{what}: {text}");
            }
            hidden(&outcome, &what, &outcome.output("client_args"), token);
        }
    });
}

/// Asserts that the runner hides the token in a text, as it stands and as later steps print it. Whether there was anything to
/// hide.
fn hidden(outcome: &Outcome, what: &str, text: &str, token: &str) -> bool {
    let as_json = serde_json::to_string(text).unwrap();
    let for_a_shell = format!("'{}'", text.replace('\'', r"'\''"));
    let words = shlex::split(text).unwrap_or_default().join("\n");
    for printed in [text, &as_json, &for_a_shell, &words] {
        let seen = outcome.log.mask(printed);
        assert_eq!(leaks::found(&seen, token), None, "{what}: {seen}");
    }
    outcome.log.mask(text) != text
}

#[test]
fn the_flags_are_words_that_the_agent_reads() {
    let sandbox = Sandbox::default();
    for (client, (transport, variable)) in REGISTRY.iter().flat_map(|client| ways(*client).into_iter().map(move |way| (*client, way))) {
        let mut step = step(&sandbox, client, transport).input("allowed_tools", "list_blueprints");
        if variable {
            step = step.input("token_env", VARIABLE);
        }
        let outcome = step.run().succeeded();
        let config = config_of(client, &outcome);
        let words = shlex::split(&outcome.output("client_args")).unwrap();
        let mut settings = 0;
        for pair in words.chunks(2) {
            let [flag, value] = pair else { panic!("{}: {words:?}", client.id()) };
            match flag.as_str() {
                "--mcp-config" | "--additional-mcp-config" => assert_eq!(serde_json::from_str::<Value>(value).unwrap(), config),
                "-c" => {
                    let (path, value) = value.split_once('=').unwrap();
                    let read: toml::Table = format!("value = {value}").parse().unwrap();
                    let place = format!("/{}", path.replace('.', "/"));
                    assert_eq!(Some(&serde_json::to_value(&read["value"]).unwrap()), config.pointer(&place), "{path}");
                    settings += 1;
                }
                "--exclude" | "--remove-tool" => assert_ne!(*value, client.tool_name("port-prod", "list_blueprints")),
                "--allow" | "--allow-tool" | "--allowedTools" => assert_eq!(*value, client.tool_name("port-prod", "list_blueprints")),
                other => panic!("{}: {other}", client.id()),
            }
        }
        if client.id() == "codex" {
            let server = config["mcp_servers"]["port-prod"].as_object().unwrap();
            assert_eq!(settings, server.len() + usize::from(variable), "the flags have all that the file has");
        }
    }
}

/// An output of one step may be the input of another one.
#[test]
fn every_agents_spelling_of_tools_is_taken_back() {
    let sandbox = Sandbox::default();
    common::all_at_once(REGISTRY.len(), |number| {
        let client = REGISTRY[number];
        for server_name in ["port-prod", "Port_EU", "list", "p"] {
            let step = |tools: &str| {
                step(&sandbox, client, Transport::Http).input("server_name", server_name).input("allowed_tools", tools).run().succeeded()
            };
            let given = step("list_*, get_page").output("allowed_tools");
            assert_eq!(step(&given).output("allowed_tools"), given);
            let unchecked = Step::against(&sandbox).input("client", client.id()).input("server_name", server_name);
            let unchecked = unchecked.input("verify", "false").input("read_only", "false").input("allowed_tools", &given);
            assert_eq!(unchecked.run().succeeded().output("allowed_tools"), given);
        }
    });
}

#[test]
fn a_tool_is_known_in_the_spelling_of_any_agent() {
    let sandbox = Sandbox::default();
    for client in REGISTRY {
        // These begin as the name of another tool could, so only the agent itself reads them.
        let ambiguous = ["opencode", "kilo", "mistral-vibe", "auggie"].contains(&client.id());
        let spelled = client.tool_name("port-prod", "list_blueprints");
        let step = Step::against(&sandbox).input("allowed_tools", &spelled).run();
        if ambiguous {
            step.failed("tool_unknown");
        } else {
            assert_eq!(step.succeeded().output("allowed_tools"), "mcp__port-prod__list_blueprints", "{}", client.id());
        }
    }
}

#[test]
fn a_glob_is_never_made_wider() {
    let sandbox = Sandbox::default();
    let step = |server_name: &str, tools: &str| {
        let step = Step::against(&sandbox).input("client", "opencode").input("server_name", server_name);
        step.input("allowed_tools", tools).run().succeeded().output("allowed_tools")
    };
    assert_eq!(step("list", "list_b*"), "list_list_blueprints");
    assert_eq!(step("list", "list_list_b*"), "list_list_blueprints");
    assert_eq!(step("port-prod", "port-prod_list_b*"), "port-prod_list_blueprints");
}

#[test]
fn what_continue_can_not_allow_it_excludes() {
    let sandbox = Sandbox::default();
    let outcome = Step::against(&sandbox).input("client", "continue").input("allowed_tools", "list_blueprints").run().succeeded();
    let offered: Vec<String> = serde_json::from_str(&outcome.output("tools")).unwrap();
    let words = shlex::split(&outcome.output("client_args")).unwrap();
    let excluded: Vec<_> = words.into_iter().filter(|word| word != "--exclude").collect();
    let others: Vec<_> = offered.into_iter().filter(|tool| tool != "list_blueprints").collect();
    assert_eq!(excluded, others);
}

#[test]
fn without_a_list_of_tools_nothing_is_restricted_and_nothing_granted() {
    let sandbox = Sandbox::default();
    for client in REGISTRY.iter().filter(|client| client.sends_headers()) {
        let outcome = step(&sandbox, *client, Transport::Http).input("verify", "false").run().succeeded();
        assert_eq!(outcome.output("allowed_tools"), "");
        let config = config_of(*client, &outcome);
        let texts = texts(&config);
        for field in ["enabled_tools", "includeTools", "enabledTools", "tools", "available_tools", "permission", "allowed_tools", "agent"] {
            assert!(!texts.contains(&field), "{}: {config}", client.id());
        }
        for grant in ["default_tools_approval_mode", "require_approval"] {
            assert!(!texts.contains(&grant), "{}: {config}", client.id());
        }
    }
}

#[test]
fn an_agent_that_sends_no_headers_may_use_only_what_is_listed() {
    let sandbox = Sandbox::default();
    let step = || Step::against(&sandbox).input("client", "anthropic-api");
    let toolset = |step: Step| step.run().succeeded().config()["tools"][0].clone();

    let listed = toolset(step());
    assert_eq!(listed["default_config"], json!({"enabled": false}));
    let enabled = listed["configs"].as_object().unwrap();
    assert!(enabled.contains_key("list_blueprints") && !enabled.contains_key("upsert_entity"), "{listed}");

    let all = toolset(step().input("read_only", "false").input("verify", "false"));
    assert_eq!(all.get("default_config"), None);

    // A server that can't be asked is no reason to let everything through.
    let unasked = toolset(step().input("mcp_url", "http://127.0.0.1:9/v1"));
    assert_eq!(unasked["default_config"], json!({"enabled": false}));
    assert_eq!(unasked["configs"], json!({}));

    let asked_so_far = sandbox.requests_to(Route::AccessToken).len();
    let text = step().input("verify", "false").run().failed("input_invalid").error_text();
    assert!(text.contains("`verify: true`") && text.contains("sends no headers"), "{text}");
    let text = step().input("allowed_actions", "a").run().failed("input_invalid").error_text();
    assert!(text.contains("`allowed_actions`") && text.contains("header"), "{text}");
    assert_eq!(sandbox.requests_to(Route::AccessToken).len(), asked_so_far);
}

#[test]
fn what_an_agent_can_not_do_is_an_input_error() {
    let sandbox = Sandbox::default();
    for client in REGISTRY {
        for transport in [Transport::Http, Transport::McpRemote] {
            let step = step(&sandbox, *client, transport);
            if !client.transports().contains(&transport) {
                let text = step.run().failed("input_invalid").error_text();
                assert!(text.contains(&format!("doesn't fit `client: {}`", client.id())), "{text}");
                assert!(client.transports().iter().all(|spoken| text.contains(&format!("`transport: {spoken}`"))), "{text}");
            } else if !client.token_env_transports().contains(&transport) {
                let text = step.input("token_env", VARIABLE).run().failed("input_invalid").error_text();
                assert!(text.contains(&format!("can't be used with `client: {}`", client.id())), "{text}");
            }
        }
    }
}

#[test]
fn a_server_name_that_an_agent_would_ignore_is_an_input_error() {
    let sandbox = Sandbox::default();
    let refuse = |client: &dyn Client, name: &str| {
        let step = step(&sandbox, client, Transport::Http).input("server_name", name);
        step.run().failed("input_invalid").error_text()
    };
    for client in REGISTRY {
        for name in client.naming().reserved {
            let text = refuse(*client, name);
            assert!(text.contains(&format!("`server_name` `{name}` is a name that `client: {}` keeps for itself", client.id())), "{text}");
        }
    }
    let with_names_of_their_own = REGISTRY.iter().filter(|client| !client.naming().reserved.is_empty()).map(|client| client.id());
    assert_eq!(with_names_of_their_own.collect::<Vec<_>>(), ["claude-code", "codex", "goose", "qwen-code"]);
    let grok = clients::find("grok").unwrap();
    for name in ["1port", "port_", "-port", "-", "_", "7"] {
        assert!(refuse(grok, name).contains("must begin with a letter or `_`, and must not end with `_`"));
    }
    let other = Step::against(&sandbox).input("client", "codex").input("server_name", "workspace").run().succeeded();
    assert_eq!(other.output("server_name"), "workspace");
}

#[test]
fn tools_are_spelled_as_the_agent_spells_them() {
    let spelled = |client: &str| clients::find(client).unwrap().tool_name("port-prod", "get.a-b");
    for (client, spelling) in [
        ("claude-code", "mcp__port-prod__get_a-b"),
        ("codex", "mcp__port_prod__get_a_b"),
        ("copilot-cli", "port-prod(get.a-b)"),
        ("opencode", "port-prod_get_a-b"),
        ("kilo", "port-prod_get_a-b"),
        ("kimi-code", "mcp__port-prod__get_a-b"),
        ("amp", "mcp__port_prod__get_a_b"),
        ("gemini-cli", "mcp_port-prod_get.a-b"),
    ] {
        assert_eq!(spelled(client), spelling);
    }
    let amp = |server_name: &str| clients::find("amp").unwrap().tool_name(server_name, "a");
    assert_eq!([amp("_port-"), amp("-")], ["mcp__port__a", "mcp__server__a"]);
}

#[test]
fn tools_that_an_agent_renames_or_drops_are_named() {
    const TITLE: &str = "The agent renames or drops tools";
    let longest_names = |client: &dyn Client, server_name: &str| {
        let longest = client.naming().longest?;
        let rest = longest - client.model_name(server_name, "").len();
        Some(["a".repeat(rest), "b".repeat(rest + 1)])
    };
    for client in REGISTRY {
        let longest = match client.id() {
            "anthropic-api" | "openai-api" | "generic" | "vscode" | "zed" => None,
            "codex" => Some(128),
            "cursor" => Some(60),
            "gemini-cli" => Some(63),
            _ => Some(64),
        };
        let takes_dots = !["cline", "continue", "goose", "grok", "qwen-code"].contains(&client.id());
        assert_eq!((client.naming().longest, client.naming().takes_dots), (longest, takes_dots), "{}", client.id());
        let mut extra_tools = vec!["get.a.b".to_owned()];
        let lengths = longest_names(*client, "port-prod");
        extra_tools.extend(lengths.iter().flatten().cloned());
        let allowed = extra_tools.join(",");
        let sandbox = Sandbox::start(Options { extra_tools, ..Options::default() });
        let outcome = step(&sandbox, *client, Transport::Http).input("allowed_tools", allowed).run().succeeded();
        let warnings: Vec<_> = outcome.log.warnings().filter(|warning| warning.title == TITLE).map(|warning| &warning.text).collect();
        let expected = usize::from(lengths.is_some()) + usize::from(!client.naming().takes_dots);
        assert_eq!(warnings.len(), expected, "{}: {warnings:?}", client.id());
        if let Some([fits, too_long]) = lengths {
            assert!(
                warnings[0].contains(&too_long) && !warnings[0].contains(&fits) && warnings[0].contains("`server_name`"),
                "{warnings:?}"
            );
        }
    }
}

#[test]
fn an_unknown_agent_is_told_which_there_are() {
    let sandbox = Sandbox::default();
    let text = Step::against(&sandbox).input("client", "claude").run().failed("input_invalid").error_text();
    assert!(REGISTRY.iter().all(|client| text.contains(client.id())), "{text}");
    let outcome = Step::against(&sandbox).input("client", "Codex").run().succeeded();
    assert_eq!(outcome.output("mcp_config").lines().next(), Some("[mcp_servers.port-prod]"));
}

#[test]
fn a_variable_has_a_name_that_nobody_else_uses() {
    let sandbox = Sandbox::default();
    for name in ["1A", "A-B", "A B", "ä", "${A}", "GITHUB_TOKEN", "RUNNER_X", "INPUT_X", "PORT_MCP_AUTHORIZATION", "PORT_MCP_UNSET"] {
        let text = Step::against(&sandbox).input("token_env", name).run().failed("input_invalid").error_text();
        assert!(text.contains("token_env"), "{text}");
    }
}

#[test]
fn the_documentation_has_a_section_for_each_agent() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/agents.md")).unwrap();
    let headings = text.lines().filter_map(|line| line.strip_prefix("## "));
    let sections: Vec<_> = headings.filter_map(|heading| heading.strip_suffix('`')?.rsplit_once('`').map(|(_, id)| id)).collect();
    let known: Vec<_> = REGISTRY.iter().map(|client| client.id()).collect();
    assert_eq!(sections, known);
}

#[test]
fn an_agent_is_found_by_its_name() {
    for (number, client) in REGISTRY.iter().enumerate() {
        assert_eq!(REGISTRY.iter().position(|other| other.id() == client.id()), Some(number), "{}", client.id());
        assert_eq!(clients::find(&client.id().to_uppercase()).map(Client::id), Some(client.id()));
    }
    assert!(clients::find("").is_none());
}

/// Text that means something to a format, to a shell, or to the runner.
const HOSTILE: &str = concat!(
    r#"\PC{1,20}|[ -~]{1,30}|[\t -~]{1,10}|[-?:,\[\]{}#&*!|>'"%@` ]{1,6}|[\\"'\n\r\t$]{1,8}|"#,
    r"a: b|a #b|~|<<|\.\.\.|---|null|yes|0o17|1_000|\.inf|2001-01-01|'''|\$\{\{ x \}\}|::add-mask::x"
);

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the tools are called, and whatever an agent makes of their names. Unless two of them look alike to the agent.
    #[test]
    fn a_spelled_name_stands_for_the_tool_that_was_spelled(
        server_name in "[A-Za-z0-9-]{1,12}(_[A-Za-z0-9-]{1,5})?",
        names in proptest::collection::hash_set("[a-z]{1,4}([_.-][A-Za-z0-9]{1,4}){0,3}|[A-Za-z0-9_.-]{1,20}", 1..5),
    ) {
        let names: Vec<_> = names.iter().filter_map(|name| ToolName::parse(name)).collect();
        let offered: Vec<_> = names.iter().map(|name| Tool { name: name.clone(), kind: ToolKind::Read }).collect();
        for client in REGISTRY {
            let spelled: Vec<_> = names.iter().map(|name| client.tool_name(&server_name, name.as_str())).collect();
            for (name, spelling) in names.iter().zip(&spelled) {
                let is_ambiguous = spelled.iter().filter(|other| *other == spelling).count() > 1
                    || names.iter().any(|other| other != name && [other.as_str(), &client.tool_name(&server_name, other.as_str())].contains(&spelling.as_str()));
                if is_ambiguous || spelling.len() > 128 {
                    continue;
                }
                let bare = clients::bare(spelling, &server_name, *client).unwrap_or(spelling);
                let selection = Selection(ToolName::parse(bare).map(Wanted::Name).into_iter().collect());
                let understood = clients::understood(&selection, Some(&offered), &server_name, *client);
                prop_assert_eq!(understood.0, [Wanted::Name(name.clone())], "{}: {}", client.id(), spelling);
            }
        }
    }

    #[test]
    fn hostile_values_arrive_as_they_are(
        server_name in "[A-Za-z0-9-]{1,20}|_?[A-Za-z0-9]{1,5}_[A-Za-z0-9-]{0,5}|true|null|1|-|_|yes|1e9|0x1|--|---",
        path in "[-._~:/@!&'()*+,;=A-Za-z0-9]{0,40}|%[0-9A-F]{2}",
        token in "[-._~+/=A-Za-z0-9]{16,80}|[=~]{16}|[0-9]{16}|null0000000000000|0x00000000000000",
        actions in "[a-z0-9@_.+:/=-]{1,12}(,[A-Za-z0-9@_.+:/=-]{1,12}){0,3}|yes|null|1|",
        tool in "[A-Za-z0-9_.-]{1,20}|true|null|1|-|yes|1e9|---",
        proxied: bool,
    ) {
        let url = ServerUrl::parse(&format!("https://port.example/{path}")).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let secret = Secret::new(&token);
        let tools = [tool, "no".to_owned()];
        for client in REGISTRY {
            for (transport, variable) in ways(*client) {
                let what = client.id();
                let connection = Connection {
                    server_name: &server_name,
                    url: &url,
                    token: if variable { TokenValue::Variable(VARIABLE) } else { TokenValue::Literal(&secret) },
                    headers: vec![("x-read-only-mode", "1".to_owned()), ("x-allowed-actions-to-run", actions.clone())],
                    transport,
                    tools: &tools,
                    offered: &tools,
                    proxied,
                };
                let config = client.config(&connection);
                let text = write(client.format(), &config);
                let read = parsed(client.format(), &text);
                prop_assert_eq!(&read, &config, "{}", what);
                let all = texts(&read);
                prop_assert!(all.contains(&url.as_str()) && all.contains(&server_name.as_str()), "{}: {}", what, *text);
                // The runner hides the token as it stands, so it must stand there as it is.
                prop_assert_eq!(text.contains(&token), !variable, "{}: {}", what, *text);
                prop_assert!(!arguments_in(&read).iter().any(|argument| argument.contains(&token)), "{}: {}", what, *text);
                let arguments = client.cli_flags(&connection, &text);
                prop_assert!(!arguments.contains('\n'), "{}: {}", what, *arguments);
                let Some(words) = shlex::split(&arguments) else {
                    return Err(TestCaseError::fail(format!("{what}: {}", *arguments)));
                };
                prop_assert_eq!(words.iter().any(|word| word.contains(&token)), arguments.contains(&token), "{}: {}", what, *arguments);
            }
        }
    }
    /// The inputs let none of this in. The formats have to stand it all the same.
    #[test]
    fn every_format_writes_any_text_so_that_its_parser_reads_it_back(
        name in HOSTILE,
        value in HOSTILE,
        token in HOSTILE,
        tools in proptest::collection::vec(HOSTILE, 0..3),
    ) {
        let url = ServerUrl::parse("https://port.example/v1").map_err(|error| TestCaseError::fail(error.to_string()))?;
        let secret = Secret::new(&token);
        for client in REGISTRY {
            for transport in client.transports() {
                let connection = Connection {
                    server_name: &name,
                    url: &url,
                    token: TokenValue::Literal(&secret),
                    headers: vec![("x-allowed-actions-to-run", value.clone())],
                    transport: *transport,
                    tools: &tools,
                    offered: &tools,
                    proxied: false,
                };
                let config = client.config(&connection);
                let text = write(client.format(), &config);
                prop_assert_eq!(&parsed(client.format(), &text), &config, "{}: {}", client.id(), *text);
            }
        }
    }
}
