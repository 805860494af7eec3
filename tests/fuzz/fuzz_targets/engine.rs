//! What the container engine answers: whatever that is, the gateway's container is made like this step's own and no other, and with
//! no more rights; and nothing that the engine says is more than a quotation in the log.
#![no_main]

#[path = "../http.rs"]
mod http;
#[path = "../output.rs"]
mod output;

use std::cell::RefCell;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use arbitrary::Arbitrary;
use http::read_request;
use libfuzzer_sys::fuzz_target;
use output::Output;
use port_mcp_auth::testing::docker::{ContainerEnd, Engine, Error, Evidence, Own, Route, Sibling, read_log, remove, stop};
use port_mcp_auth::testing::redact::Secret;
use port_mcp_auth::testing::report::{Failure, report_failure};
use port_mcp_auth::testing::runner::{Console, Environment};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;

const SECRET: &str = "s3cr3t-Value-0123456789";
const OUTPUT: &str = "/runner/set_output_5ae1f00d";
const NAME: &str = "port-mcp-auth-gateway-5ae1f00d";
const IDS: [&str; 3] = [
    "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
    "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2",
    "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3",
];

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

/// An answer of the engine.
#[derive(Arbitrary, Debug)]
enum Said<'a> {
    /// What a proper engine says.
    Properly,
    /// Any status and body.
    Body { status: u8, body: &'a str },
    /// An error in its own form.
    Refusal { status: u8, message: &'a str, with_secret: bool },
    /// Any bytes at all.
    Bytes(&'a [u8]),
}

/// A container, as the engine describes it.
#[derive(Arbitrary, Debug)]
struct Container<'a> {
    variable: Variable<'a>,
    image: &'a str,
    mode: Mode<'a>,
    networks: Vec<(&'a str, &'a str)>,
    more: Option<Said<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Variable<'a> {
    /// This step's own.
    Own,
    /// One that is like it.
    Like(&'a str, &'a str),
    None,
}

#[derive(Arbitrary, Debug)]
enum Mode<'a> {
    Host,
    Of(u8),
    Default,
    Any(&'a str),
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    version: Said<'a>,
    /// Which containers the system's files name, among other text.
    mounts: Vec<(u8, &'a str)>,
    host_name: &'a str,
    containers: [Container<'a>; 3],
    /// Which of them run.
    list: (u8, Said<'a>),
    info: Said<'a>,
    is_rootless: bool,
    create: Said<'a>,
    start: Said<'a>,
    attach: Said<'a>,
    /// What the gateway's container writes.
    written: &'a [u8],
    second: Said<'a>,
    end: Said<'a>,
}

impl Container<'_> {
    fn is_own(&self) -> bool {
        matches!(self.variable, Variable::Own | Variable::Like("", ""))
    }

    fn mode(&self) -> String {
        match self.mode {
            Mode::Host => "host".to_owned(),
            Mode::Of(at) => format!("container:{}", IDS[usize::from(at) % IDS.len()]),
            Mode::Default => "default".to_owned(),
            Mode::Any(mode) => mode.to_owned(),
        }
    }

    fn describe(&self, id: &str) -> Value {
        let variable = match self.variable {
            Variable::Own => vec![format!("GITHUB_OUTPUT={OUTPUT}")],
            Variable::Like(before, after) => vec![format!("{before}GITHUB_OUTPUT={OUTPUT}{after}")],
            Variable::None => Vec::new(),
        };
        let networks: serde_json::Map<_, _> =
            self.networks.iter().map(|(name, address)| ((*name).to_owned(), json!({ "IPAddress": address }))).collect();
        json!({
            "Id": id, "Image": self.image, "Config": { "Env": variable, "Labels": { "job": "1" } },
            "HostConfig": { "NetworkMode": self.mode(), "UsernsMode": "", "Dns": ["10.0.0.2"], "Privileged": true, "Binds": ["/:/host"] },
            "NetworkSettings": { "Networks": networks },
        })
    }
}

fn framed(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

impl Said<'_> {
    fn bytes(&self, proper: &Value) -> Vec<u8> {
        match self {
            Self::Properly => framed(200, &proper.to_string()),
            Self::Body { status, body } => framed([200, 200, 204, 304, 404][usize::from(status % 5)], body),
            Self::Refusal { status, message, with_secret } => {
                let secret = if *with_secret { SECRET } else { "" };
                framed([400, 403, 404, 409, 500][usize::from(status % 5)], &json!({ "message": format!("{message}{secret}") }).to_string())
            }
            Self::Bytes(bytes) => bytes.to_vec(),
        }
    }

    fn is_proper(&self) -> bool {
        matches!(self, Self::Properly)
    }
}

/// The engine, and what it was asked for.
struct Script<'a> {
    input: &'a Input<'a>,
    made: RefCell<Option<Value>>,
}

impl Script<'_> {
    fn answer(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let input = self.input;
        // After the version, each path begins with one.
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let path =
            if path == "/version" { path } else { path.get(1..).and_then(|path| path.find('/').map(|at| &path[at..])).expect("a version") };
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["version"]) => input.version.bytes(&json!({ "ApiVersion": "1.41", "MinAPIVersion": "1.12" })),
            ("GET", ["info"]) => {
                let options = if input.is_rootless { vec!["name=rootless"] } else { Vec::new() };
                input.info.bytes(&json!({ "SecurityOptions": options }))
            }
            ("GET", ["containers", "json"]) => {
                let running = IDS.iter().enumerate().filter(|(at, _)| input.list.0 >> at & 1 == 1);
                input.list.1.bytes(&running.map(|(_, id)| json!({ "Id": id })).collect::<Vec<_>>().into())
            }
            ("GET", ["containers", NAME, "json"]) => {
                let state = json!({ "Running": true, "ExitCode": 0, "OOMKilled": false });
                let ports = json!({ "8080/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "4711" }] });
                let networks = json!({ "bridge": { "IPAddress": "172.17.0.3" } });
                input
                    .second
                    .bytes(&json!({ "Id": "d", "Image": "i", "State": state, "NetworkSettings": { "Networks": networks, "Ports": ports } }))
            }
            ("GET", ["containers", id, "json"]) => match IDS.iter().position(|known| known == id) {
                Some(at) => {
                    let container = &input.containers[at];
                    container.more.as_ref().unwrap_or(&Said::Properly).bytes(&container.describe(id))
                }
                None => framed(404, r#"{"message":"no such container"}"#),
            },
            ("POST", ["containers", "create"]) => {
                let made = serde_json::from_str(body).expect("a description");
                assert!(self.made.replace(Some(made)).is_none(), "one container is enough");
                input.create.bytes(&json!({ "Id": "d" }))
            }
            ("POST", ["containers", NAME, "start"]) => input.start.bytes(&json!({})),
            ("POST", ["containers", NAME, "stop"]) | ("DELETE", ["containers", NAME]) => input.end.bytes(&json!({})),
            ("POST", ["containers", NAME, "attach"]) if input.attach.is_proper() => {
                [b"HTTP/1.1 101 X\r\nconnection: Upgrade\r\nupgrade: tcp\r\n\r\n", input.written].concat()
            }
            ("POST", ["containers", NAME, "attach"]) => input.attach.bytes(&json!({})),
            ("GET", ["containers", NAME, "logs"]) => {
                [format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n", input.written.len()).as_bytes(), input.written].concat()
            }
            // A network's name is the engine's own, whatever it is.
            ("POST", ["networks", ..]) => framed(200, "{}"),
            // So are the ids in its list.
            ("GET", ["containers", ..] | [""]) if !input.list.1.is_proper() => framed(404, "{}"),
            other => panic!("nobody asks for {other:?}"),
        }
    }

    /// Serves connections one after the other, until nobody comes any more.
    async fn serve(&self, listener: UnixListener) {
        while let Ok((mut stream, _)) = listener.accept().await {
            while let Ok((head, body)) = read_request(&mut stream).await {
                let mut words = head.split(' ');
                let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let bytes = self.answer(method, path, &body);
                let goes_on = bytes.starts_with(b"HTTP/1.1 2") && bytes.len() > 12 && !path.contains("/attach");
                if stream.write_all(&bytes).await.is_err() || !goes_on {
                    break;
                }
            }
        }
    }
}

/// From the first question to the container's end.
async fn make_and_end(input: &Input<'_>, socket: &Path, console: &Console) -> Result<(), Error> {
    let engine = Engine::connect(socket, console).await?;
    let mounts = input
        .mounts
        .iter()
        .map(|(at, text)| format!("1 2 8:1 /var/lib/docker/containers/{}{text}/hosts /etc/hosts rw\n", IDS[usize::from(*at) % IDS.len()]));
    let evidence = Evidence::of(&mounts.collect::<String>(), input.host_name, OUTPUT);
    let own = Own::find(&engine, &evidence).await?;
    let route = Route::decide(&engine, &own).await?;
    let sibling = Sibling::new(NAME.to_owned());
    let mut started = sibling.start(engine.clone(), &own, route).await?;
    let address = started.agents_address(1);
    assert!(!matches!(started.route, Route::Host | Route::Container(_) | Route::Published(_)) || address.ip().is_loopback(), "{address}");
    while let Some(line) = started.attached.hear().await? {
        assert!(!line.contains('\n'));
    }
    drop(started);
    ContainerEnd::of(&engine, NAME).await?;
    stop(&engine, NAME, Duration::from_secs(1)).await?;
    read_log(&engine, NAME, |line| assert!(!line.contains('\n'))).await?;
    remove(&engine, NAME).await
}

/// The container is made like one that has this step's own variable, and has no more rights than it needs.
fn check_made(made: &Value, input: &Input<'_>) {
    let (image, mode) = (&made["Image"], &made["HostConfig"]["NetworkMode"]);
    let is_raw = |container: &Container<'_>| container.more.as_ref().is_some_and(|said| !said.is_proper());
    let is_like =
        |container: &&Container<'_>| is_raw(container) || container.is_own() && *image == container.image && *mode == container.mode();
    assert!(input.containers.iter().any(|container| is_like(&container)), "{made}");
    let host = made["HostConfig"].as_object().expect("settings");
    for (name, value) in [
        ("ReadonlyRootfs", json!(true)),
        ("Privileged", json!(false)),
        ("CapDrop", json!(["ALL"])),
        ("SecurityOpt", json!(["no-new-privileges"])),
        ("PublishAllPorts", json!(false)),
    ] {
        assert_eq!(host[name], value, "{name}");
    }
    for (name, value) in host {
        let is_usual = ["ReadonlyRootfs", "Privileged", "CapDrop", "SecurityOpt", "PublishAllPorts", "AutoRemove", "RestartPolicy"]
            .contains(&name.as_str());
        let is_limit = ["Memory", "MemorySwap", "PidsLimit", "LogConfig"].contains(&name.as_str());
        let is_network = ["NetworkMode", "UsernsMode", "Dns", "DnsSearch", "DnsOptions", "ExtraHosts"].contains(&name.as_str());
        let is_port = name == "PortBindings" && (*value == json!({}) || value["8080/tcp"][0]["HostIp"] == "127.0.0.1");
        assert!(is_usual || is_limit || is_network || is_port, "{name}: {value}");
    }
    assert_eq!((&made["Env"], &made["User"], &made["Cmd"]), (&json!([]), &json!("61100:61100"), &json!(["gateway"])));
}

fuzz_target!(|input: Input<'_>| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let output = Output::default();
    let console = Console::new(output.clone(), true);
    console.mask(&Secret::new(SECRET), []).expect("an output");
    let socket = FOLDER.path().join("engine.sock");
    drop(std::fs::remove_file(&socket));
    let script = Script { input: &input, made: RefCell::default() };
    let result = runtime.block_on(async {
        let listener = UnixListener::bind(&socket).expect("a socket");
        tokio::select! {
            result = make_and_end(&input, &socket, &console) => result,
            () = script.serve(listener) => unreachable!("a listener goes on"),
        }
    });

    let made = script.made.take();
    if let Some(made) = &made {
        check_made(made, &input);
    }
    let is_plain = input.version.is_proper() && input.list.1.is_proper() && input.info.is_proper();
    let are_plain = is_plain && input.containers.iter().all(|container| container.more.as_ref().is_none_or(Said::is_proper));
    let own: Vec<_> = input.containers.iter().zip(0..).filter(|(container, _)| container.is_own()).collect();
    match own.as_slice() {
        [] if are_plain => assert!(matches!(result, Err(Error::NotInside)), "{result:?}"),
        [(container, at)] if are_plain && input.list.0 >> at & 1 == 1 && !matches!(container.mode, Mode::Any(_)) => {
            assert!(made.is_some() || container.networks.is_empty(), "{result:?}");
        }
        _ => {}
    }
    if let Err(error) = result {
        report_failure(&Failure::from(error), &Environment::default(), &console, None, false);
    }
    let text = output.text();
    for line in text.lines().filter(|line| !line.starts_with("::add-mask::")) {
        assert!(!line.contains(SECRET) && !line.contains("##["), "{text}");
        let is_ours = ["::error title=", "::warning title=", "::debug::"].iter().any(|command| line.starts_with(command));
        assert!(is_ours || !line.trim_start().starts_with("::"), "{text}");
    }
});
