//! Promise: the step starts the gateway with the engine's API, hardened, and leaves nothing behind if it fails.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::io::{BufRead, BufReader};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

use common::engine::{Engine, IMAGE, OWN_ID, Program, Script};
use common::{Outcome, Step, all_at_once};
use port_mcp_auth::testing::docker::{Engine as Client, Evidence, Own, Route as Way};
use port_mcp_auth::testing::runner::Console;
use port_sandbox::{CLIENT_ID, CLIENT_SECRET, Fault, Route, Sandbox};
use serde_json::{Value, json};

/// A step with a gateway, outside of a runner: `DOCKER_HOST` counts only there.
fn step(sandbox: &Sandbox, script: Script) -> (Step, Engine) {
    let step = Step::exchange_only(sandbox).input("gateway", "true").without("GITHUB_ACTIONS");
    let engine = Engine::start(script, &step.path("output"));
    (step.env("DOCKER_HOST", engine.host()), engine)
}

fn run(script: Script) -> (Outcome, Engine) {
    let sandbox = Sandbox::default();
    let (step, engine) = step(&sandbox, script);
    (step.run(), engine)
}

/// The engine's words for a network mode and the networks that come with it.
fn own(mode: &str, networks: &[(&str, &str)]) -> Value {
    let networks: serde_json::Map<_, _> =
        networks.iter().map(|(name, address)| ((*name).to_owned(), json!({ "IPAddress": address }))).collect();
    json!({ "HostConfig": { "NetworkMode": mode, "Dns": [], "ExtraHosts": null }, "NetworkSettings": { "Networks": networks } })
}

fn says(lines: &[&str], ends: bool) -> Program {
    Program::Says { lines: lines.iter().map(ToString::to_string).collect(), ends }
}

#[test]
fn the_container_is_hardened_and_gets_nothing_of_the_job() {
    let (outcome, engine) = run(Script::default());
    let outcome = outcome.succeeded();
    let create = engine.request("POST containers/create");
    assert_eq!(
        create.body,
        json!({
            "Image": IMAGE,
            "Entrypoint": ["/port-mcp-auth"],
            "Cmd": ["gateway"],
            "User": "61100:61100",
            "WorkingDir": "/",
            "Env": [],
            "Labels": { "9cf3d2": "" },
            "AttachStdin": true,
            "AttachStdout": true,
            "AttachStderr": true,
            "OpenStdin": true,
            "StdinOnce": true,
            "Tty": false,
            "StopSignal": "SIGTERM",
            "ExposedPorts": {},
            "HostConfig": {
                "NetworkMode": "default",
                "ReadonlyRootfs": true,
                "Privileged": false,
                "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges"],
                "Memory": 67_108_864,
                "MemorySwap": 67_108_864,
                "PidsLimit": 32,
                "PublishAllPorts": false,
                "PortBindings": {},
                "AutoRemove": false,
                "RestartPolicy": { "Name": "no" },
                "LogConfig": { "Type": "json-file", "Config": {} },
                "UsernsMode": "",
                "Dns": ["10.0.0.2"],
                "DnsSearch": [],
                "DnsOptions": [],
                "ExtraHosts": ["a.example:10.0.0.3"],
            },
        })
    );
    assert_eq!(create.version, "1.41");
    let name = create.query.strip_prefix("name=").unwrap();
    assert_eq!(name.strip_prefix("port-mcp-auth-gateway-").unwrap().len(), 24);
    let container = format!("containers/{name}");
    assert_eq!(
        engine.asked().iter().skip_while(|what| *what != "POST containers/create").cloned().collect::<Vec<_>>(),
        [
            "POST containers/create".to_owned(),
            format!("POST {container}/start"),
            format!("POST {container}/attach"),
            format!("GET {container}/json"),
        ]
    );
    assert_eq!(engine.containers(), [name]);
    assert!(outcome.stdout.contains(&format!("Gateway: http://127.0.0.1:4711/mcp in the container {name}, until the job ends")));
    assert!(outcome.stdout.contains("Gateway's address: the container's own in the network `bridge`"));
    assert!(outcome.summary.contains("| Gateway | `http://127.0.0.1:4711/mcp` |"), "{}", outcome.summary);
}

#[test]
fn the_settings_go_over_standard_input_alone() {
    let sandbox = Sandbox::default();
    let (step, engine) = step(&sandbox, Script::default());
    let step = step.input("allowed_tools", "list_blueprints,run_action,something_new").input("allowed_actions", "restart,scale_up");
    let outcome = step.input("gateway_lifetime", "90m").env("HTTPS_PROXY", "http://user:pr0xy-pass@proxy.example:3128").run().succeeded();
    let [told] = engine.told().try_into().unwrap();
    let token = sandbox.issued_tokens().pop().unwrap();
    let key = outcome.output("access_token");
    assert_eq!(
        told,
        json!({
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "token_endpoint": { "kind": "api", "url": format!("{}/auth/access_token", sandbox.auth_base_url()) },
            "token": { "token": token, "seconds_left": told["token"]["seconds_left"] },
            "mcp_url": sandbox.mcp_url(),
            "headers": [["x-read-only-mode", "1"], ["x-allowed-actions-to-run", "restart,scale_up"]],
            "rules": {
                "tools": [
                    { "name": "list_blueprints", "kind": "read" },
                    { "name": "run_action", "kind": "execute" },
                    { "name": "something_new", "kind": "write" },
                ],
                "actions": ["restart", "scale_up"],
                "read_only": true,
            },
            "key": key,
            "listen": "127.0.0.1:0",
            "hosts": ["127.0.0.1"],
            "lifetime": 5400,
            "extra_roots": [],
            "proxies": {
                "https": { "variable": "HTTPS_PROXY", "url": "http://user:pr0xy-pass@proxy.example:3128" },
                "http": null,
                "exceptions": "",
            },
        })
    );
    assert!(key.len() == 43 && key != token);
    let asked = format!("{:?}", engine.asked().iter().map(|what| engine.request(what)).collect::<Vec<_>>());
    for secret in [CLIENT_SECRET, &token, &key, "pr0xy-pass"] {
        assert!(!asked.contains(secret), "{asked}");
    }
}

#[test]
fn the_agent_gets_the_gateway_and_never_the_token() {
    let sandbox = Sandbox::default();
    let (step, _engine) = step(&sandbox, Script::default());
    let step = step.input("config_file", "mcp.json").input("gateway_lifetime", "1h");
    let outcome = step.run().succeeded();
    let (url, key) = ("http://127.0.0.1:4711/mcp", outcome.output("access_token"));
    assert_eq!(outcome.output("mcp_url"), url);
    assert_eq!(outcome.output("expires_in"), "3600");
    let server = json!({ "type": "http", "url": url, "headers": { "Authorization": format!("Bearer {key}") } });
    assert_eq!(outcome.config()["mcpServers"]["port-prod"], server);
    let file = std::fs::read_to_string(step.path("workspace/mcp.json")).unwrap();
    for token in sandbox.issued_tokens() {
        assert!(!outcome.output_file.contains(&token) && !file.contains(&token));
        common::leaks::assert_no_leak(&outcome, &token, false);
    }
    common::leaks::assert_no_leak(&outcome, &key, true);
    assert!(outcome.stdout.contains(&format!("::add-mask::{key}\n")));
}

fn real() -> Script {
    Script { program: Program::Real, ..Script::default() }
}

#[test]
fn the_preflight_runs_through_the_gateway_with_its_key() {
    let sandbox = Sandbox::default();
    let (step, _engine) = step(&sandbox, real());
    let outcome = step.input("verify", "true").input("allowed_tools", "list_*").run().succeeded();
    assert!(outcome.output("tools").contains("\"describe_user_details\""), "what the server offers");
    assert!(!outcome.output("allowed_tools").contains("describe_user_details"));
    let requests = sandbox.requests_to(Route::Mcp);
    let lists: Vec<_> = requests.iter().filter(|request| request.rpc_method.as_deref() == Some("tools/list")).collect();
    assert_eq!(lists.len(), 2, "once directly, and once through the gateway");
    let token = format!("Bearer {}", sandbox.issued_tokens().pop().unwrap());
    assert!(requests.iter().all(|request| request.header("authorization") == Some(token.as_str())));
    assert_eq!(sandbox.issued_tokens().len(), 1, "the gateway has the step's token");
}

#[test]
fn a_proxy_that_agents_would_ask_for_the_gateway_is_a_warning() {
    let network_settings = || json!({ "Networks": { "bridge": { "IPAddress": "127.0.0.2" } } });
    for (exceptions, warns) in [("127.0.0.1", true), ("127.0.0.1,127.0.0.2", false)] {
        let sandbox = Sandbox::default();
        let (step, _engine) = step(&sandbox, Script { network_settings: network_settings(), ..Script::default() });
        let outcome = step.env("http_proxy", "http://proxy.example:3128").env("no_proxy", exceptions).run().succeeded();
        let title = "::warning title=Agents may look for the gateway behind the proxy::";
        assert_eq!(outcome.stdout.contains(title), warns, "{}", outcome.stdout);
    }
}

#[test]
fn a_tool_that_is_not_offered_is_reported_as_without_a_gateway() {
    let sandbox = Sandbox::default();
    let (step, engine) = step(&sandbox, real());
    let text = step.input("verify", "true").input("allowed_tools", "get_entities").run().failed("tool_unknown").error_text();
    assert!(text.contains("list_entities"), "{text}");
    assert!(engine.containers().is_empty());
}

/// The tools are asked for twice: directly, and through the gateway.
#[test]
fn that_the_server_cannot_be_judged_is_said_once() {
    let refusal = || Fault::RpcError { code: -32603, message: "not now".to_owned() };
    for faults in [vec![Fault::None, refusal()], vec![refusal(), refusal()], vec![refusal(), Fault::None]] {
        let sandbox = Sandbox::default();
        sandbox.set_faults(Route::Rpc("tools/list"), faults.clone());
        let (step, _engine) = step(&sandbox, real());
        let outcome = step.input("verify", "true").run().succeeded();
        let titles: Vec<_> = outcome.log.warnings().map(|warning| warning.title.clone()).collect();
        assert_eq!(titles, ["The MCP connection is not verified"], "{faults:?}: {}", outcome.stdout);
    }
}

#[test]
fn a_gateway_out_of_reach_is_an_error() {
    let sandbox = Sandbox::default();
    // Nobody listens at the port that it names.
    let (step, engine) = step(&sandbox, Script { program: says(&[r#"{"event":"ready","port":1}"#], false), ..Script::default() });
    let text = step.input("verify", "true").input("timeout", "5s").run().failed("gateway").error_text();
    assert!(text.contains("The gateway at `http://127.0.0.1:1/mcp` doesn't work"), "{text}");
    assert!(engine.containers().is_empty());
}

#[test]
fn the_address_depends_on_the_network_of_the_step() {
    let rootless = || json!({ "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"] });
    let at = |name: &str, address: &str| json!({ "Networks": { name: { "IPAddress": address } }, "Ports": {} });
    let published = json!({
        "Networks": { "bridge": { "IPAddress": "172.17.0.3" } },
        "Ports": { "8080/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "32768" }] },
    });
    let job = json!({ "Id": "0b", "Image": IMAGE, "Mounts": [{ "Destination": "/__w" }] });
    let service = json!({ "Id": "0c", "Image": IMAGE, "Mounts": [{ "Destination": "/data" }] });
    for (script, listen, hosts, url, says) in [
        (
            Script { own: own("host", &[("host", "")]), ..Script::default() },
            "127.0.0.1:0",
            json!(["127.0.0.1"]),
            "http://127.0.0.1:4711/mcp",
            "a loopback port of the host",
        ),
        (
            Script { own: own("container:0123456789abcdef", &[]), ..Script::default() },
            "127.0.0.1:0",
            json!(["127.0.0.1"]),
            "http://127.0.0.1:4711/mcp",
            "a loopback port in the network of the container `0123456789a…`",
        ),
        (
            Script {
                own: own("github_network_1", &[("github_network_1", "172.18.0.4")]),
                network_settings: at("github_network_1", "172.18.0.5"),
                ..Script::default()
            },
            "172.18.0.5:0",
            json!(["172.18.0.5"]),
            "http://172.18.0.5:4711/mcp",
            "in the network `github_network_1`",
        ),
        (
            Script {
                own: own("v6", &[("v6", "")]),
                network_settings: json!({ "Networks": { "v6": { "IPAddress": "", "GlobalIPv6Address": "fd00::5" } } }),
                ..Script::default()
            },
            "[fd00::5]:0",
            json!(["[fd00::5]"]),
            "http://[fd00::5]:4711/mcp",
            "in the network `v6`",
        ),
        (
            Script { info: rootless(), network_settings: published.clone(), others: vec![service], ..Script::default() },
            "0.0.0.0:8080",
            json!(["172.17.0.3", "127.0.0.1:32768"]),
            "http://127.0.0.1:32768/mcp",
            "the engine is rootless",
        ),
        (
            Script {
                info: rootless(),
                own: own("github_network_1", &[("github_network_1", "172.18.0.4")]),
                network_settings: at("github_network_1", "172.18.0.5"),
                others: vec![job],
                ..Script::default()
            },
            "172.18.0.5:0",
            json!(["172.18.0.5"]),
            "http://172.18.0.5:4711/mcp",
            "in the network `github_network_1`",
        ),
    ] {
        let (outcome, engine) = run(script);
        let outcome = outcome.succeeded();
        let told = &engine.told()[0];
        assert_eq!((told["listen"].as_str().unwrap(), &told["hosts"]), (listen, &hosts), "{url}");
        assert_eq!(outcome.output("mcp_url"), url);
        assert!(outcome.stdout.contains(says), "{says}: {}", outcome.stdout);
        let body = engine.request("POST containers/create").body;
        let bindings = &body["HostConfig"]["PortBindings"];
        let is_published = url.contains("32768");
        assert_eq!(bindings.as_object().unwrap().len(), usize::from(is_published));
        if is_published {
            assert_eq!(bindings["8080/tcp"], json!([{ "HostIp": "127.0.0.1", "HostPort": "" }]));
        }
        let shares = told["listen"] == "127.0.0.1:0" && body["HostConfig"]["NetworkMode"] != "host";
        assert_eq!(body["HostConfig"].get("Dns").is_none(), shares, "another container's network has its own name servers");
    }
}

/// A rootless engine can give containers no address that others reach.
#[test]
fn a_gateway_that_this_step_cannot_reach_is_not_checked() {
    let sandbox = Sandbox::default();
    let published = json!({
        "Networks": { "bridge": { "IPAddress": "" } },
        "Ports": { "8080/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "32768" }] },
    });
    let info = json!({ "SecurityOptions": ["name=rootless"] });
    let (step, _engine) = step(&sandbox, Script { info, network_settings: published, ..Script::default() });
    let outcome = step.input("verify", "true").run().succeeded();
    assert_eq!(outcome.output("mcp_url"), "http://127.0.0.1:32768/mcp");
    assert!(outcome.stdout.contains("The gateway is not checked"), "{}", outcome.stdout);
}

#[test]
fn a_run_with_debug_messages_says_how_long_the_start_took() {
    let sandbox = Sandbox::default();
    let (step, _engine) = step(&sandbox, Script::default());
    let outcome = step.env("RUNNER_DEBUG", "1").run().succeeded();
    assert!(outcome.log.named("debug").any(|debug| debug.text.contains(", was started within ")), "{}", outcome.stdout);
}

#[test]
fn a_container_in_two_networks_gets_a_sibling_in_both() {
    let script = Script {
        own: own("one", &[("one", "172.18.0.2"), ("two", "172.19.0.2")]),
        network_settings: json!({ "Networks": { "two": { "IPAddress": "172.19.0.3" }, "one": { "IPAddress": "172.18.0.3" } } }),
        ..Script::default()
    };
    let (outcome, engine) = run(script);
    assert_eq!(outcome.succeeded().output("mcp_url"), "http://172.18.0.3:4711/mcp");
    let connect = engine.request("POST networks/two/connect");
    assert_eq!(connect.body, json!({ "Container": engine.containers()[0] }));
    assert!(!engine.asked().iter().any(|what| what.starts_with("POST networks/one/")));
}

#[test]
fn the_version_is_one_that_the_engine_speaks() {
    for (oldest, newest, spoken) in [("1.24", "1.47", "1.41"), ("1.44", "1.52", "1.44"), ("1.12", "1.40", "1.40")] {
        let version = json!({ "ApiVersion": newest, "MinAPIVersion": oldest });
        let (outcome, engine) = run(Script { version, ..Script::default() });
        outcome.succeeded();
        assert_eq!(engine.request("GET version").version, "");
        assert_eq!(engine.request("POST containers/create").version, spoken);
    }
}

#[test]
fn the_own_container_is_the_one_with_this_steps_environment() {
    // `act`: the jobs' containers have no such variable, and the steps of two jobs have the same value.
    let other = |id: &str, variable: &str, mode: &str| json!({ "Id": id, "Image": "sha256:bad", "Config": { "Env": [variable] }, "HostConfig": { "NetworkMode": mode } });
    let sandbox = Sandbox::default();
    let mut many = other("0a", "GITHUB_OUTPUT=/elsewhere", "bridge");
    many["Names"] = json!(vec!["/the-name-of-one-of-many-containers"; 60_000]);
    let (step, engine) = step(&sandbox, Script { others: vec![many], ..Script::default() });
    step.run().succeeded();
    assert!(engine.asked().contains(&format!("GET containers/{OWN_ID}/json")));

    for is_doubled in [true, false] {
        let step = Step::exchange_only(&sandbox).input("gateway", "true").without("GITHUB_ACTIONS");
        let variable = format!("GITHUB_OUTPUT={}", step.path("output").display());
        let others = if is_doubled { vec![other("0a", &variable, "container:0c")] } else { Vec::new() };
        let engine = Engine::start(Script { others, ..Script::default() }, &step.path(if is_doubled { "output" } else { "another" }));
        let outcome = step.env("DOCKER_HOST", engine.host()).run().failed("gateway");
        assert!(outcome.error_text().contains("None of the container engine's containers is the one"), "{}", outcome.error_text());
        assert!(engine.containers().is_empty());
    }
}

#[test]
fn an_engine_that_hangs_up_is_told_with_the_systems_words() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("engine.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    // It reads the request, since what an early end looks like depends on how far that was sent.
    let read = |stream: UnixStream| BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
    std::thread::spawn(move || listener.incoming().flatten().for_each(read));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connected = runtime.block_on(Client::connect(&socket, &Console::new(std::io::sink(), false)));
    let error = connected.err().unwrap().to_string();
    assert!(
        error.starts_with("the engine gave no answer to the question for its version: `") && error.contains("connection closed"),
        "{error}"
    );
}

/// How a second container would be reached, and what the engine was asked for, if the system's files name these containers.
fn found(script: Script, mounted: &[&str], host_name: &str) -> (Result<Way, String>, Vec<String>) {
    let engine = Engine::start(script, Path::new("/runner/output"));
    let mounts: Vec<_> = mounted.iter().map(|id| format!("1 2 8:1 /containers/{id}/hosts /etc/hosts rw\n")).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let way = runtime.block_on(async {
        let client = Client::connect(&engine.socket(), &Console::new(std::io::sink(), false)).await.unwrap();
        let own = Own::find(&client, &Evidence::of(&mounts.concat(), host_name, "/runner/output")).await?;
        Way::decide(&client, &own).await
    });
    (way.map_err(|error| error.to_string()), engine.asked())
}

#[test]
fn what_the_systems_files_name_is_asked_for_first_and_counts_only_with_this_steps_environment() {
    let other = |id: &str, variable: &str, mode: &str| json!({ "Id": id, "Image": "sha256:bad", "Config": { "Env": [variable] }, "HostConfig": { "NetworkMode": mode } });
    let (job, second, gone) = ("0a".repeat(32), "0b".repeat(32), "0c".repeat(32));
    let own = || Ok(Way::Address("bridge".to_owned()));
    let list = "GET containers/json".to_owned();

    for (mounted, host_name) in [(&[OWN_ID][..], ""), (&[], OWN_ID), (&[gone.as_str(), OWN_ID], "")] {
        let (way, asked) = found(Script::default(), mounted, host_name);
        assert!(way == own() && !asked.contains(&list), "{way:?} {asked:?}");
    }
    // The mounts of a job's container, in whose network this step is.
    let others = || vec![other(&job, "GITHUB_OUTPUT=/elsewhere", "host")];
    let (way, asked) = found(Script { others: others(), ..Script::default() }, &[&job], "no-container");
    assert!(way == own() && asked.contains(&list), "{way:?} {asked:?}");
    // Steps of two jobs: this one is in the network of the container that the mounts name.
    let steps = || [others(), vec![other(&second, "GITHUB_OUTPUT=/runner/output", &format!("container:{job}"))]].concat();
    assert_eq!(found(Script { others: steps(), ..Script::default() }, &[&job], "").0, Ok(Way::Container(job.clone())));
    assert!(found(Script { others: steps(), ..Script::default() }, &[], "").0.unwrap_err().contains("runs no container"));

    // One that has ended in the meantime is passed over; any other error is told.
    let refusing = |start, status, others| Script { refuses: Some((start, status, "no")), others, ..Script::default() };
    assert_eq!(found(refusing("GET containers/0a", 404, others()), &[], "").0, own());
    assert!(found(refusing("GET containers/0a", 500, others()), &[], "").0.unwrap_err().contains("answered 500"));
    assert!(found(refusing("GET containers/0a", 500, others()), &[&job, OWN_ID], "").0.unwrap_err().contains("answered 500"));
}

#[test]
fn whatever_fails_nothing_stays() {
    let ready = r#"{"event":"ready","port":4711}"#;
    let refusing = |start, status, message| Script { refuses: Some((start, status, message)), ..Script::default() };
    let saying = |lines: &[&str], ends| Script { program: says(lines, ends), ..Script::default() };
    let cases = [
        (refusing("GET version", 500, "no"), "500 to the question for its version: `no`"),
        (refusing("GET info", 403, "filtered"), "403 to the question how it runs: `filtered`"),
        (refusing("GET info", 403, "filtered"), "A filter before the engine's socket"),
        (refusing("GET info", 409, "no"), "The engine can't start a container of this step's image"),
        (refusing("GET containers/json", 403, "filtered"), "403 to the list of containers"),
        (refusing("POST containers/create", 403, "authorization denied"), "403 to making the gateway's container: `authorization denied`"),
        (refusing("POST containers/port-mcp-auth-gateway", 500, "OCI runtime"), "500 to starting the gateway's container: `OCI runtime`"),
        (Script { version: json!({ "ApiVersion": "new" }), ..Script::default() }, "it names no version of the API"),
        (Script { version: json!([]), ..Script::default() }, "no usable answer to the question for its version"),
        (Script { own: own("none", &[]), ..Script::default() }, "has no network"),
        (Script { network_settings: json!({ "Networks": {} }), ..Script::default() }, "it names no address"),
        (saying(&[], true), "ended before it was ready."),
        (saying(&["exec format error"], true), "ended before it was ready: `exec format error`"),
        (
            saying(&[r#"{"event":"failed","code":"listen","message":"Address in use ::add-mask::x"}"#], true),
            "gave up before it was ready: `Address in use",
        ),
        (saying(&["not JSON", r#"{"event":"ready","port":70000}"#], true), "ended before it was ready"),
    ];
    for (script, says) in cases {
        let (outcome, engine) = run(script);
        let outcome = outcome.failed("gateway");
        assert!(outcome.error_text().contains(says), "no {says:?} in {}", outcome.error_text());
        assert!(engine.containers().is_empty(), "{says}");
    }
    // A failure of Port's while the container is there.
    let sandbox = Sandbox::default();
    let (step, engine) = step(&sandbox, saying(&[ready], false));
    step.input("client_id", "someone-else").run().failed("credentials_rejected");
    assert!(engine.containers().is_empty());
    // And one of the runner's, when the gateway is ready.
    let (step, engine) = self::step(&sandbox, Script::default());
    std::fs::create_dir(step.path("workspace/mcp.json")).unwrap();
    step.input("config_file", "mcp.json").run().failed("file_write");
    assert!(engine.containers().is_empty());
}

#[test]
fn a_gateway_that_is_not_ready_in_time_is_given_up() {
    for script in
        [Script { hangs: Some("POST containers/create"), ..Script::default() }, Script { program: says(&[], false), ..Script::default() }]
    {
        let sandbox = Sandbox::default();
        let (step, engine) = step(&sandbox, script);
        let outcome = step.input("timeout", "1s").run().failed("gateway");
        assert!(outcome.error_text().contains("not ready before the step's time was up"), "{}", outcome.error_text());
        assert!(engine.containers().is_empty());
    }
}

#[test]
fn a_cancelled_step_leaves_no_container_whatever_it_waits_for() {
    let hanging = |start| Script { hangs: Some(start), ..Script::default() };
    let silent = Script { program: says(&[], false), ..Script::default() };
    let cases = [
        (hanging("GET info"), "GET info"),
        (hanging("POST containers/create"), "POST containers/create"),
        (Script { refuses: Some(("DELETE ", 500, "no")), ..hanging("POST containers/create") }, "POST containers/create"),
        (hanging("POST containers/port-mcp-auth-gateway"), "POST containers/port-mcp-auth-gateway"),
        (silent, "GET containers/port-mcp-auth-gateway"),
    ];
    let cases: Vec<_> = cases.into_iter().map(|case| std::sync::Mutex::new(Some(case))).collect();
    all_at_once(cases.len(), |number| {
        let (script, waits_for) = cases[number].lock().unwrap().take().unwrap();
        let is_refused = script.refuses.is_some();
        let sandbox = Sandbox::default();
        let (step, engine) = step(&sandbox, script);
        let child = step.start();
        engine.wait_for(waits_for);
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        let outcome = step.finish(child);
        assert_eq!(outcome.exit_code, Some(143), "{}", outcome.stdout);
        assert!(engine.containers().is_empty(), "{waits_for}");
        assert!(outcome.output_file.is_empty());
        // The engine may still be about to make it. One that refuses is asked once.
        let removals = engine.asked().iter().filter(|what| what.starts_with("DELETE ")).count();
        assert!(waits_for != "POST containers/create" || (removals > 1) != is_refused, "{:?}", engine.asked());
    });
}

/// Any earlier step could set it, and would get the credentials.
#[test]
fn a_job_can_not_send_the_step_to_another_engine() {
    let (step, engine) = step(&Sandbox::default(), Script::default());
    step.env("GITHUB_ACTIONS", "true").run().failed("gateway");
    assert!(engine.asked().is_empty());
}

#[test]
fn without_an_engine_nothing_is_asked_for() {
    let sandbox = Sandbox::default();
    let step = Step::exchange_only(&sandbox).input("gateway", "true").without("GITHUB_ACTIONS");
    let outcome = step.env("DOCKER_HOST", "unix:///does/not/exist.sock").run().failed("gateway");
    assert!(outcome.error_text().contains("`/does/not/exist.sock` can't be used: No such file or directory"), "{}", outcome.error_text());
}

#[test]
fn an_agent_that_does_not_run_in_the_job_gets_none() {
    for client in ["anthropic-api", "openai-api"] {
        let step = Step::exchange_only(&Sandbox::default()).input("gateway", "true").input("client", client);
        let text = step.input("read_only", "false").run().failed("input_invalid").error_text();
        assert!(text.contains(&format!("`gateway` can't be used with `client: {client}`")), "{text}");
    }
    let text = Step::exchange_only(&Sandbox::default())
        .input("gateway", "yes")
        .input("gateway_lifetime", "0")
        .run()
        .failed("input_invalid")
        .error_text();
    assert!(text.contains("`gateway` `yes` is neither true nor false") && text.contains("`gateway_lifetime` is zero"), "{text}");
}
