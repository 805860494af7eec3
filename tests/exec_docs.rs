//! Promise: docs/exec.md names the flags and agents that there are, and its examples run as they are printed.
//!
//! `UPDATE_DOCS=1 cargo test --test exec_docs` writes its tables.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;
#[allow(dead_code, reason = "its main function")]
#[path = "../tools/release/manual.rs"]
mod manual;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use port_mcp_auth::testing::clients::{Folder, REGISTRY, Source};
use port_mcp_auth::testing::inputs::{LEFT_OUT, SETTINGS, Verb};
use port_sandbox::{CLIENT_ID, CLIENT_SECRET, Sandbox};
use serde_json::Value;

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exec.md")
}

fn agents() -> String {
    let mut table = "| agent | program | connected by |\n|---|---|---|\n".to_owned();
    for client in REGISTRY.iter().filter(|client| !client.programs().is_empty()) {
        let by = match client.source() {
            Source::Flags => "flags".to_owned(),
            Source::Variable(name) => format!("the variable `{name}`"),
            Source::File(Folder::Project, path) => format!("`{path}` in the working directory"),
            Source::File(Folder::Home, path) => format!("`~/{path}`"),
            Source::File(Folder::Config, path) => format!("`~/.config/{path}`, or in `XDG_CONFIG_HOME`"),
            Source::Unknown => panic!("{} has a program and no config", client.id()),
        };
        let programs: Vec<_> = client.programs().iter().map(|program| format!("`{program}`")).collect();
        table += &format!("| `{}` | {} | {by} |\n", client.id(), programs.join(", "));
    }
    table
}

fn flags() -> String {
    let mut table = "| flag | commands | meaning |\n|---|---|---|\n".to_owned();
    for setting in SETTINGS {
        let verbs: Vec<_> = setting.verbs.iter().map(|verb| format!("`{}`", <&str>::from(*verb))).collect();
        let verbs = if setting.verbs.len() == 3 { "all".to_owned() } else { verbs.join(", ") };
        // An asterisk and angle brackets have a meaning in Markdown.
        let text = setting.text.replace("list_*", "`list_*`").replace("<(pass port)", "`<(pass port)`");
        table += &format!("| `{} {}` | {verbs} | {text} |\n", setting.flag(), setting.value);
    }
    table
}

fn left_out() -> String {
    LEFT_OUT.iter().map(|left_out| format!("- `{}`: {}.\n", left_out.input, left_out.why)).collect::<Vec<_>>().concat()
}

#[test]
fn the_tables_are_those_of_the_program() {
    let text = fs::read_to_string(page()).unwrap();
    let mut wanted = text.clone();
    for (name, table) in [("agents", agents()), ("flags", flags()), ("left-out", left_out())] {
        let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
        let (before, rest) = wanted.split_once(&begin).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        wanted = format!("{before}{begin}{table}{end}{after}");
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(page(), wanted).unwrap();
        return;
    }
    assert!(text == wanted, "docs/exec.md has old tables; write them with: UPDATE_DOCS=1 cargo test --test exec_docs");
}

#[test]
fn the_defaults_are_those_of_the_action() {
    let action = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml")).unwrap();
    let action: Value = serde_saphyr::from_str(&action).unwrap();
    for setting in SETTINGS {
        let declared = action["inputs"][setting.input]["default"].as_str().filter(|_| setting.input != "client").unwrap_or_default();
        let named = setting.text.split("(default: ").nth(1).and_then(|rest| rest.split(')').next());
        let marked = setting.text.split(" (default)").next().filter(|before| before.len() < setting.text.len());
        let marked = marked.and_then(|before| before.rsplit(' ').next());
        // The gateway of `exec` ends with its command.
        let expected = if setting.input == "gateway_lifetime" { "120h" } else { declared };
        assert_eq!(named.or(marked).unwrap_or_default(), expected, "{}", setting.input);
    }
    assert!(SETTINGS.iter().any(|setting| setting.verbs == [Verb::Exec]));
}

/// A block of code, with what comes before and after it.
struct Block {
    language: String,
    code: String,
    is_run: bool,
}

fn blocks(text: &str) -> Vec<Block> {
    let (mut blocks, mut open, mut before): (Vec<Block>, bool, &str) = (Vec::new(), false, "");
    for line in text.lines() {
        let bare = line.trim_start();
        if open && bare == "```" {
            open = false;
        } else if open {
            let block = blocks.last_mut().unwrap();
            block.code += &format!("{bare}\n");
        } else if let Some(language) = bare.strip_prefix("```") {
            open = true;
            blocks.push(Block { language: language.to_owned(), code: String::new(), is_run: !before.starts_with("<!-- not run:") });
        } else if !bare.is_empty() {
            before = bare;
        }
    }
    blocks
}

/// What is on a machine on which the examples run.
fn machine(sandbox: &Sandbox, folder: &Path) -> Command {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    symlink(env!("CARGO_BIN_EXE_port-mcp-auth"), bin.join("port-mcp-auth")).unwrap();
    let agent = "test -n \"$PORT_MCP_KEY\" && test -z \"$PORT_CLIENT_SECRET\" && echo agent";
    for (name, script) in [("claude", agent), ("npx", agent), ("pass", &format!("printf '%s\\n' {CLIENT_SECRET}"))] {
        fs::write(bin.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(folder.join(".port-secret"), CLIENT_SECRET).unwrap();
    let mut command = Command::new("bash");
    command.env_clear().env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("HOME", folder).current_dir(folder);
    command.env("PORT_CLIENT_ID", CLIENT_ID).env("PORT_AUTH_BASE_URL", sandbox.auth_base_url()).env("PORT_MCP_URL", sandbox.mcp_url());
    command
}

/// A line without what differs from run to run.
fn stable(line: &str, sandbox: &Sandbox) -> String {
    let line = line.replace(&sandbox.mcp_url(), "https://mcp.port.io/v1");
    match line.split_once("http://127.0.0.1:") {
        Some((before, rest)) => format!("{before}http://127.0.0.1:PORT{}", rest.trim_start_matches(|digit: char| digit.is_ascii_digit())),
        None => line,
    }
}

#[test]
fn the_examples_run_as_printed() {
    let sandbox = Sandbox::default();
    let text = fs::read_to_string(page()).unwrap();
    let (mut runs, mut said) = (0, Vec::new());
    for block in blocks(&text) {
        match block.language.as_str() {
            "sh" if block.is_run => {
                let folder = tempfile::tempdir().unwrap();
                // The credentials are those of the sandbox.
                let code = block.code.replace("export PORT_CLIENT_ID=…\n", "");
                let output = machine(&sandbox, folder.path()).args(["-euo", "pipefail", "-c", &code]).output().unwrap();
                let stderr = String::from_utf8(output.stderr).unwrap();
                assert!(output.status.success(), "{code}{stderr}");
                said = stderr.lines().map(|line| stable(line, &sandbox)).collect();
                runs += 1;
            }
            "text" => {
                let expected: Vec<_> = block.code.lines().map(|line| stable(line, &sandbox)).collect();
                assert_eq!(said, expected, "left: what the example before it says");
            }
            "sh" => {}
            other => panic!("what is a block of {other}?"),
        }
    }
    assert!(runs >= 6, "{runs}");
}

/// The completions of Bash, as a shell has them.
fn completed(folder: &Path, words: &[&str]) -> Vec<String> {
    let script = folder.join(manual::BASH);
    let line = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let code = format!(
        "source '{}'; COMP_WORDS=({line}); COMP_CWORD={}; _port_mcp_auth; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        words.len() - 1
    );
    let output = Command::new("bash").args(["-euc", &code]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_man_page_and_the_completions_have_every_flag() {
    let folder = tempfile::tempdir().unwrap();
    manual::write_all(folder.path()).unwrap();
    for (file, form) in [(manual::MAN, "\\-\\-NAME"), (manual::BASH, "--NAME"), (manual::ZSH, "--NAME["), (manual::FISH, "-l NAME ")] {
        let text = fs::read_to_string(folder.path().join(file)).unwrap();
        for setting in SETTINGS {
            let flag = setting.flag();
            let name = flag.trim_start_matches('-');
            let name = if file.ends_with('1') { name.replace('-', "\\-") } else { name.to_owned() };
            assert!(text.contains(&form.replace("NAME", &name)), "{file} lacks {flag}");
        }
    }
    assert_eq!(completed(folder.path(), &["port-mcp-auth", "ex"]), ["exec"]);
    assert_eq!(completed(folder.path(), &["port-mcp-auth", "exec", "--allowed-"]), ["--allowed-tools", "--allowed-actions"]);
    assert_eq!(completed(folder.path(), &["port-mcp-auth", "exec", "--region", ""]), ["eu", "us"]);
    assert_eq!(completed(folder.path(), &["port-mcp-auth", "exec", "--client", "code"]), ["codex"]);
    // There may be several of that name in `PATH`.
    assert!(completed(folder.path(), &["port-mcp-auth", "exec", "--", "basenam"]).contains(&"basename".to_owned()));
}
