//! What the engine is told of the second container.

use serde_json::{Map, Value, json};

use super::network::Route;
use super::own::Own;

/// The program in the image.
const PROGRAM: &str = "/port-mcp-auth";

/// The port that is published, where one has to be.
pub const PUBLISHED_PORT: &str = "8080/tcp";

/// A user and group that no other container is likely to have: systemd leaves these numbers unused. The container's processes can't
/// be signalled or read by those of others.
/// <https://systemd.io/UIDS-GIDS/>
const USER: &str = "61100:61100";

/// In bytes.
const MEMORY: u64 = 64 * 1024 * 1024;

/// The most threads. Looking up a name takes one.
const THREADS: u32 = 32;

/// The body of `POST /containers/create`: this step's own image, in this step's own network, and nothing else of the job.
pub fn container(own: &Own, route: &Route) -> Value {
    json!({
        "Image": own.image,
        "Entrypoint": [PROGRAM],
        "Cmd": ["gateway"],
        "User": USER,
        "WorkingDir": "/",
        "Env": [],
        "Labels": own.labels(),
        "AttachStdin": true,
        "AttachStdout": true,
        "AttachStderr": true,
        "OpenStdin": true,
        "StdinOnce": true,
        "Tty": false,
        "StopSignal": "SIGTERM",
        "ExposedPorts": if published(route) { json!({ PUBLISHED_PORT: {} }) } else { json!({}) },
        "HostConfig": host_config(own, route),
    })
}

fn host_config(own: &Own, route: &Route) -> Value {
    let bindings = json!({ PUBLISHED_PORT: [{ "HostIp": "127.0.0.1", "HostPort": "" }] });
    let limits = json!({
        "NetworkMode": own.host_config.network_mode,
        "ReadonlyRootfs": true,
        "Privileged": false,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "Memory": MEMORY,
        "MemorySwap": MEMORY,
        "PidsLimit": THREADS,
        "PublishAllPorts": false,
        "PortBindings": if published(route) { bindings } else { json!({}) },
        "AutoRemove": false,
        "RestartPolicy": { "Name": "no" },
        // The post step reads it, and the engine's own default may be one that can't be read.
        "LogConfig": { "Type": "json-file", "Config": {} },
    });
    let mut settings = match limits {
        Value::Object(settings) => settings,
        _ => Map::new(),
    };
    settings.extend(shared(own, route).into_iter().map(|(name, value)| (name.to_owned(), value)));
    Value::Object(settings)
}

/// How names are resolved, and users mapped, as for this step. In another container's network, that one decides.
fn shared(own: &Own, route: &Route) -> Vec<(&'static str, Value)> {
    let own = &own.host_config;
    let mut settings = vec![("UsernsMode", json!(own.userns_mode))];
    if !matches!(route, Route::Container(_)) {
        let names = [("Dns", &own.dns), ("DnsSearch", &own.dns_search), ("DnsOptions", &own.dns_options), ("ExtraHosts", &own.extra_hosts)];
        settings.extend(names.into_iter().filter(|(_, value)| value.is_array()).map(|(name, value)| (name, value.clone())));
    }
    settings
}

fn published(route: &Route) -> bool {
    matches!(route, Route::Published(_))
}
