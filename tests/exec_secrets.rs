//! Promise: the command finds neither the client secret nor the token: not in its environment, its arguments, a file, or the process that
//! started it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::exec::Exec;
use data_encoding::BASE64;
use port_sandbox::{CLIENT_ID, CLIENT_SECRET, Sandbox};

/// A user without rights.
const NOBODY: u32 = 65534;

/// Every file below a folder, with its content.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(content) = fs::read(&path) {
            found.push((path, content));
        }
    }
    found
}

fn contains(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|part| part == needle.as_bytes())
}

#[test]
fn neither_variables_nor_arguments_nor_files_hold_a_secret() {
    let sandbox = Sandbox::default();
    for program in ["claude", "codex", "copilot", "gemini", "goose", "opencode", "cline", "agent"] {
        let exec = Exec::new(&sandbox, program);
        let running = exec.start();
        let token = sandbox.issued_tokens().pop().unwrap();
        let agent = running.agent();
        let proc = |file: &str| fs::read(format!("/proc/{agent}/{file}")).unwrap();
        let started = format!("/proc/{}/cmdline", running.child.id());
        let mut places = vec![
            ("environ".into(), proc("environ")),
            ("cmdline".into(), proc("cmdline")),
            (started.clone().into(), fs::read(started).unwrap()),
        ];
        places.extend(files(exec.dir.path()));
        for (place, content) in &places {
            for secret in [CLIENT_SECRET, &token, &BASE64.encode(CLIENT_SECRET.as_bytes())] {
                assert!(!contains(content, secret), "{program}: {} holds a secret", place.display());
            }
            let may_hold_the_key = !place.ends_with("cmdline");
            let key = running.variable("PORT_MCP_KEY");
            assert!(may_hold_the_key || !contains(content, &key), "{program}: {} holds the key", place.display());
        }
        assert!(!contains(&proc("environ"), CLIENT_ID));
        let ran = running.end(0);
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(CLIENT_SECRET) && !text.contains(&token), "{text}");
        }
    }
}

#[test]
fn variables_that_hold_a_secret_in_any_form_are_left_out() {
    let sandbox = Sandbox::default();
    let first = Exec::printing(&sandbox, "token").run();
    let token = first.stdout.trim_end().to_owned();
    let exec = Exec::new(&sandbox, "agent")
        .env("INPUT_CLIENT_SECRET", CLIENT_SECRET)
        .env("MINE", format!("x={CLIENT_SECRET}"))
        .env("ENCODED", BASE64.encode(format!("id:{CLIENT_SECRET}").as_bytes()))
        .env("OLD_TOKEN", format!("Bearer {token}"))
        .env("OTHER_JWT", token.split('.').next().unwrap())
        .env("KEPT", "yes");
    let running = exec.start();
    let environment = running.environment();
    for name in ["PORT_CLIENT_ID", "PORT_CLIENT_SECRET", "INPUT_CLIENT_SECRET", "MINE", "ENCODED", "OLD_TOKEN"] {
        assert!(!environment.contains_key(name), "{name}");
    }
    for name in ["KEPT", "OTHER_JWT", "PATH", "HOME"] {
        assert!(environment.contains_key(name), "{name}");
    }
    let ran = running.end(0);
    let line = "The command doesn't get variables that hold the client secret or the token: `ENCODED`, `MINE`, `OLD_TOKEN`.\n";
    assert!(ran.stderr.contains(line), "{}", ran.stderr);
}

#[test]
fn the_secret_may_come_from_a_file_or_a_pipe() {
    let sandbox = Sandbox::default();
    let largest = format!("{CLIENT_SECRET}{}", "\n".repeat(64 * 1024 - CLIENT_SECRET.len()));
    let exec = Exec::new(&sandbox, "agent").without("PORT_CLIENT_SECRET").file("secret", &largest).command(&["true"]);
    let path = exec.path("secret");
    assert_eq!(exec.flag("--client-secret-file", path.clone()).run().code, Some(0));
    let by_variable = Exec::new(&sandbox, "agent").without("PORT_CLIENT_SECRET").env("PORT_CLIENT_SECRET_FILE", "../secret");
    fs::write(by_variable.path("secret"), CLIENT_SECRET).unwrap();
    assert_eq!(by_variable.command(&["true"]).run().code, Some(0));
    let by_both = Exec::new(&sandbox, "agent").env("PORT_CLIENT_SECRET_FILE", "../nothing");
    assert_eq!(by_both.command(&["true"]).run().code, Some(0), "the secret itself counts");

    // What the command would inherit is empty by then.
    let exec = Exec::new(&sandbox, "agent").without("PORT_CLIENT_SECRET").flag("--client-secret-file", "/dev/fd/3");
    let exec = exec.command(&["sh", "-c", "cat <&3"]);
    let inner = exec.prepared();
    let shell = |redirection: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{redirection} \"$@\" 3<&0 </dev/null"), "sh"]).arg(inner.get_program()).args(inner.get_args());
        command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(exec.path("work"));
        command
    };
    let output = shell(&format!("printf %s {CLIENT_SECRET} |")).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(0), ""));

    fs::write(exec.path("secret"), CLIENT_SECRET).unwrap();
    let output = shell("").stdin(fs::File::open(exec.path("secret")).unwrap()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("which the command would inherit"), "{stderr}");
}

#[test]
fn a_file_without_a_secret_is_named_and_never_quoted() {
    let sandbox = Sandbox::default();
    let large = " ".repeat(64 * 1024 + 1 - CLIENT_SECRET.len()) + CLIENT_SECRET;
    for (text, problem) in [
        (Some(&b""[..]), "it is empty"),
        (Some(b" \n"), "it is empty"),
        (Some(b"\xff\xfes3cr3t"), "it is not UTF-8 text"),
        (Some(large.as_bytes()), "it is larger than 64 KiB"),
        (None, "No such file"),
    ] {
        let exec = Exec::new(&sandbox, "agent").without("PORT_CLIENT_SECRET").flag("--client-secret-file", "../secret");
        if let Some(text) = text {
            fs::write(exec.path("secret"), text).unwrap();
        }
        let ran = exec.run();
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.contains(&format!("can't be read from `--client-secret-file`: {problem}")), "{}", ran.stderr);
    }
    assert!(sandbox.requests().is_empty());
}

/// The files in `/proc/<pid>` belong to the process's user as long as it is dumpable, and to root otherwise. So this is shown with a
/// user other than root, which root can start.
#[test]
fn a_process_of_the_same_user_reads_neither_memory_nor_environment() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "agent");
    // The program has to be where that user reaches it.
    let program = exec.path("bin/port-mcp-auth");
    fs::copy(env!("CARGO_BIN_EXE_port-mcp-auth"), &program).unwrap();
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    for folder in ["", "out", "work", "home", "bin"] {
        fs::set_permissions(exec.path(folder), fs::Permissions::from_mode(0o777)).unwrap();
    }
    let mut command = exec.prepared_with(&program);
    if is_root {
        command.uid(NOBODY).gid(NOBODY);
    }
    let running = exec.start_as(command);
    let pid = running.child.id();
    let owner = |pid: &str| fs::metadata(format!("/proc/{pid}/environ")).unwrap().uid();
    assert_eq!(owner(&pid.to_string()), 0, "the process is dumpable");
    let agent = running.agent();
    assert_eq!(owner(&agent), if is_root { NOBODY } else { fs::metadata("/proc/self").unwrap().uid() }, "the agent is an ordinary process");
    for file in ["environ", "mem", "maps", "fd/0"] {
        let mut reader = Command::new("cat");
        reader.arg(format!("/proc/{pid}/{file}")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        if is_root {
            reader.uid(NOBODY).gid(NOBODY);
        }
        let output = reader.output().unwrap();
        assert!(!output.status.success(), "{file}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("Permission denied"), "{file}");
    }
    assert_eq!(running.end(0).code, Some(0));
}
