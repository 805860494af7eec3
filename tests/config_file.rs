//! Promise: the config is written where it was asked for and nowhere else, whole or not at all, for its owner's eyes only; what was
//! there before is kept; and at the end of the job everything is as it was.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod common;

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::leaks::{assert_no_leak, found};
use common::runner::read_states;
use common::{Outcome, Step};
use port_mcp_auth::testing::clients::REGISTRY;
use port_mcp_auth::testing::config::Format;
use port_sandbox::Sandbox;
use serde_json::{Value, json};

/// Someone else than root, in tests that run as root.
const OWNER: (u32, u32) = (4242, 4343);

const BRANCH: &str = "// keep me\n{\n  \"mcpServers\": {\n    \"other\": { \"command\": \"x\" }, // mine\n  },\n  \"secret\": \"user-secret-0123456789\"\n}\n";

/// A job in which the step runs: its workspace, and what the runner keeps for its clean-up.
struct Job {
    sandbox: Sandbox,
    step: Step,
}

impl Job {
    fn new() -> Self {
        let sandbox = Sandbox::default();
        let step = Step::exchange_only(&sandbox);
        for directory in ["temp", "commands"] {
            fs::create_dir(step.path(directory)).unwrap();
        }
        fs::write(step.path("commands/state"), "").unwrap();
        let (temp, state) = (step.path("temp"), step.path("commands/state"));
        if is_root() {
            for directory in ["temp", "workspace"] {
                chown(step.path(directory), Some(OWNER.0), Some(OWNER.1)).unwrap();
            }
        }
        Self { sandbox, step: step.env("RUNNER_TEMP", temp).env("GITHUB_STATE", state) }
    }

    fn writing(config_file: &str) -> Self {
        Self::new().input("config_file", config_file)
    }

    fn input(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.step = self.step.input(name, value);
        self
    }

    fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.step = self.step.env(name, value);
        self
    }

    /// Puts a file into the workspace before the step.
    fn with(self, path: &str, content: &str) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        self.step.path("workspace").join(path)
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn run(&self) -> Outcome {
        self.empty_files();
        self.step.run()
    }

    /// The end of the job, with the variables as they are.
    fn clean_up(&self) -> Outcome {
        let requests = self.sandbox.requests().len();
        self.empty_files();
        let outcome = self.step.clean_up().succeeded();
        assert_eq!(self.sandbox.requests().len(), requests, "the clean-up asks nobody");
        assert_eq!((outcome.output_file.as_str(), outcome.summary.as_str()), ("", ""));
        outcome
    }

    /// Each step gets files of its own from the runner.
    fn empty_files(&self) {
        for file in ["output", "summary.md"] {
            fs::write(self.step.path(file), "").unwrap();
        }
    }

    /// The files that the step left beside the runner's own.
    fn kept(&self) -> Vec<PathBuf> {
        let all = listing(&self.step.path("commands")).into_iter().map(|(path, _)| PathBuf::from(path));
        all.filter(|path| !path.ends_with("state")).collect()
    }

    /// Another step in this job, with the same credentials.
    fn another(&self, config_file: &str) -> Step {
        fs::write(self.step.path("commands/state"), "").unwrap();
        Step::exchange_only(&self.sandbox)
            .input("config_file", config_file)
            .input("server_name", "port-two")
            .env("GITHUB_WORKSPACE", self.step.path("workspace"))
            .env("GITHUB_STATE", self.step.path("commands/state"))
    }

    fn state(&self) -> String {
        fs::read_to_string(self.step.path("commands/state")).unwrap()
    }

    /// Ends the job: the runner starts the program once more, with what it saved.
    fn end(self) -> (Self, Outcome) {
        let saved = read_states(&self.state());
        let job = saved.into_iter().fold(self, |job, (name, value)| job.env(&format!("STATE_{name}"), value));
        let outcome = job.clean_up();
        (job, outcome)
    }

    /// Everything in the workspace, with its content.
    fn workspace(&self) -> Vec<(String, Option<String>)> {
        listing(&self.step.path("workspace"))
    }

    /// Asserts that the step failed before a token was asked for, and changed nothing.
    fn refused(&self, code: &str, text: &str) {
        let before = self.workspace();
        let outcome = self.run().failed(code);
        assert!(outcome.error_text().contains(text), "no {text:?} in {}", outcome.error_text());
        assert!(self.sandbox.requests().is_empty(), "a token was fetched in vain");
        assert_eq!(self.workspace(), before);
    }
}

fn listing(directory: &Path) -> Vec<(String, Option<String>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        // Reading a pipe would wait for ever.
        let content = if path.is_file() { fs::read_to_string(&path).ok() } else { None };
        all.push((path.display().to_string(), content));
        if path.is_dir() && !path.is_symlink() {
            all.extend(listing(&path));
        }
    }
    all.sort();
    all
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Runs the step as someone else than root, if that one can reach the program; and hands on its log.
fn as_someone_else(job: &Job) -> Option<String> {
    let mut command = job.step.command();
    if is_root() {
        for path in ["", "output", "summary.md", "workspace", "commands", "commands/state"] {
            chown(job.step.path(path), Some(OWNER.0), Some(OWNER.1)).unwrap();
        }
        command.uid(OWNER.0).gid(OWNER.1);
    }
    let output = command.output().ok()?;
    Some(String::from_utf8(output.stdout).unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn owner(path: &Path) -> (u32, u32) {
    let status = fs::metadata(path).unwrap();
    (status.uid(), status.gid())
}

/// Reads JSON with comments and trailing commas in it. None of the tests has either inside of a text.
fn without_comments(text: &str) -> Value {
    let plain: String = text.lines().map(|line| line.split("// ").next().unwrap().trim()).collect();
    serde_json::from_str(&plain.replace(",}", "}")).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_new_file_holds_the_config_for_its_owner_only() {
    let job = Job::writing(".mcp.json");
    let outcome = job.run().succeeded();
    assert_eq!(outcome.output("config_file"), ".mcp.json");
    assert_eq!(serde_json::from_str::<Value>(&job.text(".mcp.json")).unwrap(), outcome.config());
    assert_eq!(mode(&job.path(".mcp.json")), 0o600);
    assert_eq!(owner(&job.path(".mcp.json")), owner(&job.step.path("workspace")), "handed over to the owner of the mount");
    assert_eq!(job.workspace().len(), 1, "nothing else is left behind");
    assert!(outcome.stdout.contains("Config file: .mcp.json, in the workspace."), "{}", outcome.stdout);
}

#[test]
fn directories_on_the_way_are_made_and_handed_over() {
    let job = Job::writing("a/b/c.json");
    job.run().succeeded();
    for directory in ["a", "a/b"] {
        assert_eq!(mode(&job.path(directory)), 0o700);
        assert_eq!(owner(&job.path(directory)), owner(&job.step.path("workspace")));
    }
    let (job, _) = job.end();
    assert_eq!(job.workspace(), []);
}

#[test]
fn without_the_input_there_is_no_file() {
    let job = Job::new();
    let outcome = job.run().succeeded();
    assert_eq!(outcome.output("config_file"), "");
    assert_eq!(job.workspace(), []);
    let (job, outcome) = job.end();
    assert!(outcome.stdout.contains("Nothing to clean up"), "{}", outcome.stdout);
    assert_eq!(job.workspace(), []);
}

#[test]
fn the_temporary_directory_has_paths_of_its_own() {
    for path in ["temp:a/mcp.json", "absolute"] {
        let job = Job::new();
        let path = if path == "absolute" { job.step.path("temp/a/mcp.json").into_os_string() } else { path.into() };
        let job = job.input("config_file", path);
        let outcome = job.run().succeeded();
        let later = outcome.output("config_file");
        assert_eq!(later, "../temp/a/mcp.json", "steps start in the workspace");
        assert!(job.step.path("workspace").join(later).is_file());
        assert_eq!(mode(&job.step.path("temp/a/mcp.json")), 0o600);
        assert_eq!(job.workspace(), []);
        let (job, _) = job.end();
        assert_eq!(listing(&job.step.path("temp")), []);
    }
}

#[test]
fn a_runner_that_does_not_share_its_temporary_directory_is_told() {
    let missing = Job::writing("temp:mcp.json");
    let path = missing.step.path("not-mounted");
    let job = missing.env("RUNNER_TEMP", path);
    job.refused("file_write", "Name a path in the workspace");
    assert!(!job.step.path("not-mounted").exists());
}

#[test]
fn an_absolute_path_in_the_workspace_is_taken() {
    let job = Job::new();
    let path = job.path("x/.mcp.json");
    let job = job.input("config_file", path);
    assert_eq!(job.run().succeeded().output("config_file"), "x/.mcp.json");
}

#[test]
fn no_path_leads_out() {
    for path in ["../x", "a/../../x", "/etc/x", "/", ".", "a/", "~/.mcp.json", "temp:../x", "temp:/etc/x", "a\tb\u{7}"] {
        Job::writing(path).refused("input_invalid", "`config_file`");
    }
}

#[test]
fn no_symbolic_link_is_followed() {
    let job = Job::writing(".mcp.json").with("real.json", "{}");
    symlink("real.json", job.path(".mcp.json")).unwrap();
    job.refused("file_write", "symbolic link");

    let job = Job::writing(".mcp.json");
    symlink(job.step.path("elsewhere"), job.path(".mcp.json")).unwrap();
    job.refused("file_write", "symbolic link");
    assert!(!job.step.path("elsewhere").exists());

    for path in ["link/x.json", "link/new/x.json", "real/link/x.json"] {
        let job = Job::writing(path);
        fs::create_dir_all(job.path("real")).unwrap();
        fs::create_dir_all(job.step.path("outside")).unwrap();
        let link = if path.starts_with("real") { "real/link" } else { "link" };
        symlink(job.step.path("outside"), job.path(link)).unwrap();
        job.refused("file_write", "symbolic link");
        assert_eq!(listing(&job.step.path("outside")), []);
    }
}

#[test]
fn something_else_in_the_way_is_told() {
    Job::writing("a/x.json").with("a", "a file").refused("file_write", "not a directory");
    let job = Job::writing("a");
    fs::create_dir(job.path("a")).unwrap();
    job.refused("file_write", "not a regular file");
    let job = Job::writing("pipe");
    assert!(Command::new("mkfifo").arg(job.path("pipe")).status().unwrap().success());
    job.refused("file_write", "not a regular file");
    let job = Job::writing("x.json").with("workspace", "a file");
    let workspace = job.path("workspace");
    job.env("GITHUB_WORKSPACE", workspace).refused("file_write", "can't be reached: Not a directory");
    Job::writing("big").with("big", &" ".repeat(1024 * 1024 + 1)).refused("file_write", "larger than 1 MiB");
}

#[test]
fn a_directory_that_is_not_writable_is_told_before_a_token_is_fetched() {
    let job = Job::writing("locked/x.json");
    fs::create_dir(job.path("locked")).unwrap();
    fs::set_permissions(job.path("locked"), Permissions::from_mode(0o555)).unwrap();
    // Root writes anywhere.
    let Some(log) = as_someone_else(&job) else {
        return;
    };
    assert!(log.contains("(file_write)") && log.contains("Permission denied"), "{log}");
    assert!(job.sandbox.requests().is_empty());
}

#[test]
fn someone_else_than_root_keeps_what_he_writes_into_a_third_one_s_directory() {
    // Only root can make such a directory.
    if !is_root() {
        return;
    }
    let job = Job::writing("x.json");
    let theirs = job.step.path("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::set_permissions(&theirs, Permissions::from_mode(0o777)).unwrap();
    chown(&theirs, Some(17), Some(18)).unwrap();
    let job = job.env("GITHUB_WORKSPACE", &theirs);
    if let Some(log) = as_someone_else(&job) {
        let file = theirs.join("x.json");
        assert!(file.exists(), "{log}");
        assert_eq!((owner(&file), mode(&file)), (OWNER, 0o600));
    }
}

#[test]
fn a_file_that_cannot_be_written_leaves_no_output() {
    // No file can be made here, not even by root.
    let outcome = Job::writing("x.json").env("GITHUB_WORKSPACE", "/proc/self").run().failed("file_write");
    assert!(outcome.error_text().contains("can't be written"), "{}", outcome.error_text());
}

#[test]
fn a_full_disk_leaves_neither_file_nor_output() {
    for existing in [None, Some("{}")] {
        let mut job = existing.map_or_else(|| Job::writing("a/x.json"), |text| Job::writing("a/x.json").with("a/x.json", text));
        // What the step saves for the clean-up would be the first to find no room.
        job.step = job.step.without("GITHUB_STATE");
        let before = job.workspace();
        let plain = job.step.command();
        let mut limited = Command::new("/bin/sh");
        // A limit on the size of files is the full disk that every machine has. Its signal is ignored, as on a real one.
        limited.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\""]).arg(env!("CARGO_BIN_EXE_port-mcp-auth"));
        limited.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(job.step.dir.path());
        // The description of the server alone fills the disk.
        limited.env("INPUT_MCP_URL", format!("{}/{}", job.sandbox.mcp_url(), "x".repeat(1024)));
        let log = String::from_utf8(limited.output().unwrap().stdout).unwrap();
        assert!(log.contains("(file_write)"), "{log}");
        assert!(!fs::read_to_string(job.step.path("output")).unwrap().contains("access_token"));
        assert_eq!(job.workspace(), before);
    }
}

#[test]
fn outputs_that_cannot_be_written_take_the_file_back() {
    let job = Job::writing("a/x.json").env("GITHUB_OUTPUT", "/dev/full");
    assert_eq!(job.run().exit_code, Some(1));
    assert_eq!(job.workspace(), []);
    let (job, _) = job.end();
    assert_eq!(job.workspace(), []);

    let job = Job::writing(".mcp.json").with(".mcp.json", BRANCH).env("GITHUB_OUTPUT", "/dev/full");
    fs::set_permissions(job.path(".mcp.json"), Permissions::from_mode(0o640)).unwrap();
    assert_eq!(job.run().exit_code, Some(1));
    assert_eq!(job.text(".mcp.json"), BRANCH);
    assert_eq!(mode(&job.path(".mcp.json")), 0o640);
    let (job, _) = job.end();
    assert_eq!(job.text(".mcp.json"), BRANCH);
}

#[test]
fn an_existing_file_is_merged_into_with_its_comments() {
    let job = Job::writing(".mcp.json").with(".mcp.json", BRANCH);
    let mut old = fs::File::open(job.path(".mcp.json")).unwrap();
    let outcome = job.run().succeeded();
    let text = job.text(".mcp.json");
    for kept in ["// keep me\n", "\"other\": { \"command\": \"x\" }, // mine\n", "user-secret-0123456789"] {
        assert!(text.contains(kept), "{text}");
    }
    assert_eq!(without_comments(&text), outcome.config(), "the output says the same, without comments");
    assert_eq!(outcome.output("mcp_config").lines().count(), 1);
    assert_eq!(outcome.config()["mcpServers"]["other"], json!({ "command": "x" }));
    assert_eq!(outcome.config()["mcpServers"]["port-prod"]["type"], "http");
    assert!(outcome.output("client_args").contains("\"other\""), "the flags hand over the whole config");
    assert_eq!(mode(&job.path(".mcp.json")), 0o600, "it holds the token now");

    let mut seen = String::new();
    old.read_to_string(&mut seen).unwrap();
    assert_eq!(seen, BRANCH, "whoever has the old file open reads it to its end");
}

#[test]
fn an_empty_file_is_an_empty_config() {
    let job = Job::writing(".mcp.json").with(".mcp.json", "");
    let outcome = job.run().succeeded();
    assert_eq!(serde_json::from_str::<Value>(&job.text(".mcp.json")).unwrap(), outcome.config());
    let (job, _) = job.end();
    assert_eq!(job.text(".mcp.json"), "");
}

/// Both for the file itself and for a base that is a file.
#[test]
fn a_config_may_have_a_mebibyte_and_no_more() {
    const MEBIBYTE: usize = 1024 * 1024;
    for input in ["config_file", "base_config"] {
        let job = |size: usize| Job::new().input(input, "large.json").with("large.json", &format!("{{}}{}", " ".repeat(size - 2)));
        job(MEBIBYTE).run().succeeded();
        let code = if input == "config_file" { "file_write" } else { "input_invalid" };
        job(MEBIBYTE + 1).refused(code, "1 MiB");
    }
}

#[test]
fn the_same_server_is_replaced_and_nothing_of_it_lives_on() {
    let job = Job::new();
    let url = job.sandbox.mcp_url();
    let old = json!({ "mcpServers": { "port-prod": { "type": "http", "url": url, "headers": { "Authorization": "Bearer old", "x-old": "1" } } } });
    let job = job.with(".mcp.json", &old.to_string()).input("config_file", ".mcp.json");
    let outcome = job.run().succeeded();
    let headers = &outcome.config()["mcpServers"]["port-prod"]["headers"];
    assert!(headers.get("x-old").is_none(), "{headers}");
    assert_eq!(headers["Authorization"], format!("Bearer {}", outcome.output("access_token")));
}

#[test]
fn another_server_of_the_name_is_not_replaced() {
    for server in [json!({ "type": "http", "url": "https://mcp.us.port.io/v1" }), json!({ "command": "docker", "args": ["run", "x"] })] {
        let base = json!({ "mcpServers": { "port-prod": server } }).to_string();
        Job::writing(".mcp.json").with(".mcp.json", &base).refused("config_conflict", "Choose another name in `server_name`");
        Job::new().input("base_config", base.clone()).refused("config_conflict", "`base_config` has a server at `mcpServers.port-prod`");
        let job = Job::writing(".mcp.json").with(".mcp.json", &base).input("server_name", "port-eu");
        assert_eq!(job.run().succeeded().config()["mcpServers"].as_object().unwrap().len(), 2);
    }
}

/// Where the agent's rules for tools would be added, too, as soon as there are any.
#[test]
fn rules_that_cannot_be_added_to_are_found_before_a_token_is_fetched() {
    let job = || Job::new().input("client", "opencode").input("base_config", r#"{"permission": 5}"#);
    job().input("verify", "true").refused("input_invalid", "permission");
    job().input("verify", "false").input("allowed_tools", "list_blueprints").refused("input_invalid", "permission");
    let without_rules = job().input("verify", "false").run().succeeded();
    assert_eq!(without_rules.config()["permission"], 5);
}

/// Reads a config with its format's own parser.
fn parsed(format: Format, text: &str) -> Value {
    match format {
        Format::Json => without_comments(text),
        Format::Toml => serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap(),
        Format::Yaml => serde_saphyr::from_str(text).unwrap(),
    }
}

#[test]
fn every_agent_knows_its_own_server_again() {
    for client in REGISTRY {
        for transport in client.transports() {
            let mut job = Job::writing("config").input("verify", "true").input("client", client.id());
            job = job.input("transport", transport.to_string());
            job.run().succeeded();
            let first = parsed(client.format(), &job.text("config"));
            // Less than before, so that something would be left over if the entry were not replaced.
            job = job.input("allowed_actions", "none").input("allowed_tools", "list_blueprints");
            if job.run().exit_code != Some(0) {
                job = job.input("allowed_actions", "");
            }
            job.run().succeeded();
            let second = parsed(client.format(), &job.text("config"));
            fs::remove_file(job.path("config")).unwrap();
            job.run().succeeded();
            let alone = parsed(client.format(), &job.text("config"));
            assert_ne!(first, alone, "{}", client.id());
            // Lists of permissions that are not the server's own only grow.
            if !["grok", "cursor", "zed", "opencode", "kilo"].contains(&client.id()) {
                assert_eq!(second, alone, "{} over {transport}", client.id());
            }

            let url = format!("{}/other", job.sandbox.mcp_url());
            let text = job.text("config");
            let outcome = job.input("mcp_url", url).run().failed("config_conflict");
            assert!(outcome.error_text().contains("port-prod"), "{} over {transport}: {text}", client.id());
        }
    }
}

#[test]
fn every_agent_takes_a_second_server() {
    for client in REGISTRY {
        let mut job = Job::writing("config").input("verify", "true").input("client", client.id());
        job.run().succeeded();
        job = job.input("server_name", "second");
        if client.id() == "openai-api" {
            // Its config is the server and nothing around it; several are a list.
            assert!(job.run().failed("input_invalid").error_text().contains("the server alone, or a list"));
            let base = format!("[{}]", job.text("config"));
            let outcome = job.input("base_config", base).run().succeeded();
            assert_eq!(outcome.config().as_array().unwrap().len(), 2);
            continue;
        }
        job.run().succeeded();
        let text = job.text("config");
        parsed(client.format(), &text);
        assert!(text.contains("port-prod") && text.contains("second"), "{text}");
    }
}

#[test]
fn a_server_may_be_called_like_what_is_around_it() {
    // Continue's file has a name of its own, which is `port` in a new one.
    let job = Job::writing("config").with("config", "name: mine\nmodels: []\n").input("client", "continue").input("server_name", "port");
    job.run().succeeded();
    let config = parsed(Format::Yaml, &job.text("config"));
    assert_eq!((&config["name"], &config["models"]), (&json!("mine"), &json!([])));
    assert_eq!(config["mcpServers"].as_array().unwrap().len(), 1);
    assert_eq!(config["mcpServers"][0]["name"], "port");
}

#[test]
fn toml_keeps_what_a_person_wrote() {
    let theirs = "# mine\nmodel   = \"o3\" # the big one\n\n[mcp_servers.other] # not ours\ncommand = 'x'\n";
    let job = Job::writing(".codex/config.toml").with(".codex/config.toml", theirs).input("client", "codex");
    let outcome = job.run().succeeded();
    let text = job.text(".codex/config.toml");
    assert!(text.starts_with(theirs) && text.contains("\n[mcp_servers.port-prod]\n"), "{text}");
    assert_eq!(parsed(Format::Toml, &text), parsed(Format::Toml, &outcome.output("mcp_config")));
    let (job, _) = job.end();
    assert_eq!(job.text(".codex/config.toml"), theirs);

    let broken = "a = 1\nsecret = user-secret-0123456789\n";
    Job::new().input("client", "codex").input("base_config", broken).refused("input_invalid", "is not valid TOML (line 2)");
    let other = "[mcp_servers.port-prod]\nurl = \"https://mcp.us.port.io/v1\"\n";
    Job::new().input("client", "codex").input("base_config", other).refused("config_conflict", "`mcp_servers.port-prod`");
}

#[test]
fn yaml_keeps_what_a_person_wrote() {
    let theirs = "# mine\nextensions:\n  # tools\n  developer:\n    enabled: true   # keep\n    type: builtin\nGOOSE_MODE: auto # mode\n";
    let job = Job::writing("goose.yaml").with("goose.yaml", theirs).input("client", "goose");
    let outcome = job.run().succeeded();
    let text = job.text("goose.yaml");
    for line in theirs.lines() {
        assert!(text.lines().any(|kept| kept == line), "{line:?} is not in:\n{text}");
    }
    assert_eq!(parsed(Format::Yaml, &text), parsed(Format::Yaml, &outcome.output("mcp_config")));
    assert_eq!(parsed(Format::Yaml, &text)["extensions"].as_object().unwrap().len(), 2);

    let theirs = "name: My agent\nversion: 2.0.0\nschema: v1\nmodels:\n  - name: m # mine\nmcpServers:\n  - name: other\n    command: x\n";
    let outcome = Job::new().input("client", "continue").input("base_config", theirs).run().succeeded();
    let merged = parsed(Format::Yaml, &outcome.output("mcp_config"));
    assert_eq!((&merged["name"], &merged["version"]), (&json!("My agent"), &json!("2.0.0")), "the file keeps its own name");
    assert_eq!(merged["mcpServers"].as_array().unwrap().len(), 2);
    assert!(outcome.output("mcp_config").contains("- name: m # mine\n"));

    Job::new().input("client", "goose").input("base_config", "a: [user-secret-0123456789").refused("input_invalid", "is not valid YAML");
    let other = "extensions:\n  port-prod:\n    type: stdio\n    cmd: docker\n";
    Job::new().input("client", "goose").input("base_config", other).refused("config_conflict", "`extensions.port-prod`");
}

#[test]
fn rules_end_in_the_order_in_which_they_work() {
    let (allow, ask, deny) = ("\"port-prod_list_blueprints\":\"allow\"", "\"bash\":\"ask\"", "\"port-prod_*\":\"deny\"");
    for theirs in [vec![allow, ask], vec![ask, allow], vec![allow, deny, ask], vec![ask, deny], vec![ask, deny, allow]] {
        let base = format!("{{\"permission\":{{{}}}}}", theirs.join(","));
        let job = Job::writing("opencode.json").with("opencode.json", &base).input("client", "opencode");
        let job = job.input("allowed_tools", "list_blueprints");
        let (config, file) = (job.run().succeeded().config(), without_comments(&job.text("opencode.json")));
        for written in [config, file] {
            assert_eq!(written["permission"].to_string(), format!("{{{ask},{deny},{allow}}}"), "{theirs:?}");
        }
    }
}

/// It is short for a rule that matches everything.
#[test]
fn one_word_for_all_permissions_is_taken() {
    for client in ["opencode", "kilo"] {
        for word in ["allow", "ask", "deny"] {
            let base = format!("{{\n  // mine\n  \"permission\": \"{word}\"\n}}");
            let job = Job::writing("o.json").with("o.json", &base).input("client", client).input("allowed_tools", "list_blueprints");
            let (config, text) = (job.run().succeeded().config(), job.text("o.json"));
            let rules = format!("{{\"*\":\"{word}\",\"port-prod_*\":\"deny\",\"port-prod_list_blueprints\":\"allow\"}}");
            assert_eq!(config["permission"].to_string(), rules);
            assert_eq!(without_comments(&text)["permission"].to_string(), rules);
            assert!(text.contains("// mine"), "{text}");
            // Where no tools are limited, there is nothing to add to it.
            let config = Job::new().input("client", client).input("base_config", base).run().succeeded().config();
            assert_eq!(config["permission"], word);
        }
    }
}

/// A rule that matches everything and comes later would undo the server's own.
#[test]
fn rules_of_the_server_come_last() {
    let base = "{\"permission\":{\"port-prod_*\":\"deny\",\"port-prod_list_blueprints\":{\"*\":\"ask\"},\"*\":\"allow\"}}";
    let job = Job::new().input("client", "opencode").input("base_config", base).input("allowed_tools", "list_blueprints");
    let rules = job.run().succeeded().config()["permission"].to_string();
    assert_eq!(rules, "{\"*\":\"allow\",\"port-prod_*\":\"deny\",\"port-prod_list_blueprints\":\"allow\"}");
}

/// Every table and list in a config, but for what lies in the server's own entry.
fn containers(value: &Value, at: &str) -> Vec<String> {
    let mut all = vec![at.to_owned()];
    for (key, value) in value.as_object().into_iter().flatten() {
        if key != "port-prod" && (value.is_object() || value.is_array()) {
            all.extend(containers(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))));
        }
    }
    all
}

#[test]
fn a_config_of_another_shape_is_told_before_anything_is_sent() {
    for client in REGISTRY {
        let job = Job::writing("config").input("verify", "true").input("client", client.id());
        job.run().succeeded();
        let config = parsed(client.format(), &job.text("config"));
        for at in containers(&config, "") {
            for wrong in [json!(5), json!("allow"), json!([5]), json!({ "x": 5 })] {
                let mut base = config.clone();
                *base.pointer_mut(&at).unwrap() = wrong;
                let text = match client.format() {
                    Format::Json | Format::Yaml => base.to_string(),
                    Format::Toml if base.is_object() => toml::to_string(&base).unwrap(),
                    Format::Toml => continue,
                };
                let job = Job::new().with("base", &text).input("base_config", "base").input("verify", "true").input("client", client.id());
                let outcome = job.run();
                let is_told = outcome.exit_code == Some(0) || job.sandbox.requests().is_empty();
                assert!(is_told, "{} with {text}: {}", client.id(), outcome.stdout);
            }
        }
    }
}

#[test]
fn with_a_variable_the_file_holds_no_token_and_git_may_have_it() {
    let job = Job::writing(".mcp.json").with(".git/HEAD", "").input("token_env", "PORT_TOKEN");
    let outcome = job.run().succeeded();
    assert_eq!(found(&job.text(".mcp.json"), &outcome.output("access_token")), None);
    assert_eq!(outcome.log.warnings().count(), 0, "{}", outcome.stdout);
}

#[test]
fn a_base_comes_as_text_or_as_a_file() {
    for job in [Job::new().input("base_config", BRANCH), Job::new().with("conf/base.json", BRANCH).input("base_config", "conf/base.json")] {
        let before = job.workspace();
        let outcome = job.run().succeeded();
        assert_eq!(outcome.config()["mcpServers"]["other"], json!({ "command": "x" }));
        assert_eq!(outcome.config()["secret"], "user-secret-0123456789");
        assert_eq!(job.workspace(), before, "a base is only read");
    }
}

#[test]
fn a_base_stands_before_what_is_in_the_file() {
    let job = Job::writing(".mcp.json").with(".mcp.json", "{\"old\": 1}").input("base_config", BRANCH);
    let outcome = job.run().succeeded();
    assert_eq!(outcome.config().get("old"), None);
    assert!(job.text(".mcp.json").starts_with("// keep me\n"));
    let (job, _) = job.end();
    assert_eq!(job.text(".mcp.json"), "{\"old\": 1}");
}

#[test]
fn a_malformed_base_is_told_without_a_look_into_it() {
    let broken = "{\n  \"secret\": user-secret-0123456789\n}";
    Job::new().input("base_config", broken).refused("input_invalid", "`base_config` is not valid JSON (line 2)");
    Job::new().with("b.json", broken).input("base_config", "b.json").refused("input_invalid", "names a file that is not valid JSON");
    let job = Job::writing(".mcp.json").with(".mcp.json", broken);
    job.refused("input_invalid", "`config_file` names a file that is not valid JSON (line 2)");
    assert_eq!(found(&job.run().stdout, "user-secret-0123456789"), None);
    Job::new().input("base_config", "missing.json").refused("input_invalid", "names a file that can't be read");
    Job::new().input("base_config", "{\"mcpServers\": []}").refused("input_invalid", "has a list at `mcpServers`");
    Job::new().input("base_config", "[]").refused("input_invalid", "has a list at the top");
    let job = Job::writing(".mcp.json");
    fs::write(job.path(".mcp.json"), [0xff, 0xfe]).unwrap();
    job.refused("input_invalid", "not text in UTF-8");
}

/// What an editor of text reads on, an agent refuses: then it starts without any server.
#[test]
fn yaml_that_agents_refuse_is_refused() {
    for (base, line) in [
        ("a: 1\nextensions:\n\tdeveloper: {}\n", 3),
        ("a: 1\npath: \"C:\\q\"\n", 2),
        ("a: b: c\n", 1),
        ("a: 'it's'\n", 1),
        ("a: \"x\" y\n", 1),
        ("a: - b\n", 1),
        ("a: @x\n", 1),
        ("a: `x`\n", 1),
        ("a: *unknown\n", 1),
    ] {
        for client in ["goose", "continue"] {
            let says = format!("is not valid YAML (line {line})");
            Job::new().input("client", client).input("base_config", base).refused("input_invalid", &says);
            Job::writing("c.yaml").with("c.yaml", base).input("client", client).refused("input_invalid", &says);
        }
    }
}

/// Each with its own words: who looks for a duplicate key doesn't find an alias.
#[test]
fn a_config_that_cannot_be_edited_says_what_is_in_the_way() {
    let goose = |base: &str, problem: &str, fix: &str| {
        let job = Job::new().input("client", "goose").input("base_config", base);
        job.refused("input_invalid", &format!("`base_config` {problem}"));
        job.refused("input_invalid", fix);
        let job = Job::writing("c.yaml").with("c.yaml", base).input("client", "goose");
        job.refused("input_invalid", &format!("`config_file` names a file that {problem}"));
        job.refused("input_invalid", fix);
    };
    goose("a: 1\nb: 2\na: 3\n", "has the same key twice in one table (line 3)", "Remove one of the two");
    goose("a: 1\n---\nb: 2\n", "holds more than one YAML document", "Keep one document");
    goose("a: &a\n  b: *a\n", "has YAML aliases in what they refer to", "Write out in the config");
    let shared = "extensions: &x\n  developer: {enabled: true}\ny: *x\n";
    goose(shared, "uses a YAML anchor, alias or merge key", "Write out in the config what the alias");
    let tag = "extensions: !mine\n  developer: {enabled: true}\n";
    goose(tag, "uses a YAML tag", "without its tag");
    let codex = Job::new().input("client", "codex").input("base_config", "a = 1\na = 2\n");
    codex.refused("input_invalid", "has the same key twice in one table (line 2)");
}

#[test]
fn anchors_and_tags_elsewhere_do_no_harm() {
    let base = "x: &x {a: 1}\ny: *x\nz:\n  <<: *x\nt: !!str 1\nextensions:\n  developer: {enabled: true}\n";
    let outcome = Job::new().input("client", "goose").input("base_config", base).run().succeeded();
    let text = outcome.output("mcp_config");
    assert!(text.starts_with(base.trim_end().trim_end_matches("  developer: {enabled: true}")), "{text}");
    assert_eq!(parsed(Format::Yaml, &text)["extensions"].as_object().unwrap().len(), 2);
}

#[test]
fn the_end_of_the_job_removes_what_was_written() {
    let job = Job::writing(".mcp.json");
    job.run().succeeded();
    let (job, outcome) = job.end();
    assert_eq!(job.workspace(), []);
    assert!(outcome.stdout.contains("Removed .mcp.json."), "{}", outcome.stdout);
    // Once is enough, twice does no harm.
    let (job, _) = job.end();
    assert_eq!(job.workspace(), []);
}

#[test]
fn the_end_of_the_job_leaves_an_empty_directory_that_was_there() {
    let job = Job::writing("mine/new/deep/.mcp.json");
    fs::create_dir(job.path("mine")).unwrap();
    job.run().succeeded();
    assert!(job.path("mine/new/deep/.mcp.json").exists());
    let (job, _) = job.end();
    assert!(job.path("mine").exists() && !job.path("mine/new").exists());
}

#[test]
fn the_end_of_the_job_brings_back_what_was_there() {
    let job = Job::writing("a/.mcp.json").with("a/.mcp.json", BRANCH);
    fs::set_permissions(job.path("a/.mcp.json"), Permissions::from_mode(0o644)).unwrap();
    if is_root() {
        chown(job.path("a/.mcp.json"), Some(17), Some(18)).unwrap();
    }
    let before = (job.workspace(), owner(&job.path("a/.mcp.json")));
    job.run().succeeded();
    let kept = job.kept();
    assert_eq!(kept.len(), 2, "the receipt and a copy");
    assert!(kept.iter().all(|path| mode(path) == 0o600), "the copy is as secret as the file");
    let (job, _) = job.end();
    assert_eq!((job.workspace(), owner(&job.path("a/.mcp.json"))), before);
    assert_eq!(mode(&job.path("a/.mcp.json")), 0o644);
    assert_eq!(job.kept(), Vec::<PathBuf>::new(), "both are gone");
}

#[test]
fn the_end_of_the_job_leaves_what_somebody_changed() {
    for before in [None, Some(BRANCH)] {
        let job = before.map_or_else(|| Job::writing("a/x.json"), |text| Job::writing("a/x.json").with("a/x.json", text));
        job.run().succeeded();
        let job = job.with("a/x.json", "{\"changed\": true}").with("a/y.json", "new");
        let (job, outcome) = job.end();
        assert_eq!(job.text("a/x.json"), "{\"changed\": true}");
        assert_eq!(job.text("a/y.json"), "new");
        let warnings: Vec<_> = outcome.log.warnings().collect();
        assert!(warnings.len() == 1 && warnings[0].text.contains("was changed since the step wrote it"), "{}", outcome.stdout);
    }
}

#[test]
fn the_end_of_the_job_never_fails_it() {
    type Spoil = fn(&Job);
    let spoilers: [Spoil; 5] = [
        |job| fs::remove_file(job.path("a/x.json")).unwrap(),
        |job| fs::remove_dir_all(job.path("a")).unwrap(),
        |job| {
            fs::remove_dir_all(job.path("a")).unwrap();
            symlink(job.step.path("temp"), job.path("a")).unwrap();
        },
        |job| {
            fs::remove_file(job.path("a/x.json")).unwrap();
            fs::create_dir(job.path("a/x.json")).unwrap();
        },
        |job| fs::remove_dir_all(job.step.path("workspace")).unwrap(),
    ];
    for spoil in spoilers {
        for before in [None, Some(BRANCH)] {
            let job = before.map_or_else(|| Job::writing("a/x.json"), |text| Job::writing("a/x.json").with("a/x.json", text));
            job.run().succeeded();
            spoil(&job);
            let (job, _) = job.end();
            assert_eq!(listing(&job.step.path("temp")), []);
        }
    }
    let job = Job::new().env("STATE_receipt", "{nonsense");
    assert_eq!(job.clean_up().log.warnings().count(), 1);
}

#[test]
fn a_lost_copy_is_told() {
    let job = Job::writing(".mcp.json").with(".mcp.json", BRANCH);
    job.run().succeeded();
    let written = job.text(".mcp.json");
    job.kept().into_iter().for_each(|path| fs::write(path, "forged").unwrap());
    let (job, outcome) = job.end();
    assert_eq!(job.text(".mcp.json"), written, "what somebody put there doesn't go back");
    assert!(outcome.log.warnings().next().unwrap().text.contains("old content"), "{}", outcome.stdout);
}

#[test]
fn two_steps_of_a_job_undo_theirs_in_turn() {
    let first = Job::writing(".mcp.json").with(".mcp.json", BRANCH);
    first.run().succeeded();
    let between = first.text(".mcp.json");
    let second = Step::exchange_only(&first.sandbox)
        .input("config_file", ".mcp.json")
        .input("server_name", "port-two")
        .env("GITHUB_WORKSPACE", first.step.path("workspace"))
        .env("GITHUB_STATE", first.step.path("commands/second"));
    fs::write(first.step.path("commands/second"), "").unwrap();
    assert_eq!(second.run().succeeded().config()["mcpServers"].as_object().unwrap().len(), 3);
    let saved = read_states(&fs::read_to_string(first.step.path("commands/second")).unwrap());
    let second = saved.into_iter().fold(second, |step, (name, value)| step.env(&format!("STATE_{name}"), value));
    second.clean_up().succeeded();
    assert_eq!(first.text(".mcp.json"), between);
    let (first, _) = first.end();
    assert_eq!(first.text(".mcp.json"), BRANCH);
}

#[test]
fn a_step_that_failed_leaves_nothing_to_clean_up() {
    let job = Job::writing(".mcp.json").input("client_secret", "wrong-secret-0123456789");
    job.run().failed("credentials_rejected");
    assert_eq!(job.workspace(), []);
    let (job, outcome) = job.end();
    assert!(outcome.stdout.contains("Nothing to clean up"), "{}", outcome.stdout);
    assert_eq!(job.workspace(), []);
}

#[test]
fn a_state_that_cannot_be_saved_ends_the_step_before_anything_is_sent() {
    for state in ["missing/state", "workspace"] {
        let job = Job::writing(".mcp.json");
        let path = job.step.path(state);
        job.env("GITHUB_STATE", path).refused("runner", "GITHUB_STATE");
    }
}

#[test]
fn a_runner_without_clean_up_gets_its_file_too() {
    let mut job = Job::writing(".mcp.json").with(".mcp.json", BRANCH);
    job.step = job.step.without("GITHUB_STATE");
    let outcome = job.run().succeeded();
    assert!(job.text(".mcp.json").contains("port-prod"));
    assert_eq!(outcome.log.warnings().filter(|warning| warning.title == "The config file stays").count(), 1, "{}", outcome.stdout);
    assert!(job.clean_up().stdout.contains("Nothing to clean up."));
}

#[test]
fn only_the_name_makes_it_the_clean_up() {
    let job = Job::writing(".mcp.json").env("STATE_cleanup", "true").env("STATE_receipt", "none");
    job.run().succeeded();
    assert!(job.text(".mcp.json").contains("port-prod"));
    assert_eq!(job.sandbox.requests().len(), 1);
}

#[test]
fn a_clean_up_without_state_finds_what_the_step_kept() {
    for before in [None, Some(BRANCH)] {
        let job = before.map_or_else(|| Job::writing("a/x.json"), |text| Job::writing("a/x.json").with("a/x.json", text));
        let workspace = if before.is_some() { job.workspace() } else { Vec::new() };
        job.run().succeeded();
        let outcome = job.clean_up();
        assert_eq!(outcome.log.warnings().count(), 0, "{}", outcome.stdout);
        assert_eq!(job.workspace(), workspace);
        assert_eq!(job.kept(), Vec::<PathBuf>::new(), "nothing is left beside the runner's files");
        assert!(job.clean_up().stdout.contains("Nothing to clean up."), "done is done");
    }
}

#[test]
fn the_first_clean_up_without_state_undoes_all_steps_of_the_client() {
    let job = Job::writing(".mcp.json").with(".mcp.json", BRANCH);
    job.run().succeeded();
    let second = job.another(".mcp.json");
    second.run().succeeded();
    second.clean_up().succeeded();
    assert_eq!(job.text(".mcp.json"), BRANCH, "the newest was undone first");
    assert!(job.clean_up().stdout.contains("Nothing to clean up."));
}

#[test]
fn a_clean_up_with_state_leaves_the_files_of_other_steps() {
    let job = Job::writing(".mcp.json");
    job.run().succeeded();
    let second = job.another("").env("STATE_receipt", "none");
    assert!(second.clean_up().succeeded().stdout.contains("Nothing to clean up."));
    assert!(job.text(".mcp.json").contains("port-prod"));
}

#[test]
fn a_receipt_that_the_step_did_not_write_counts_for_nothing() {
    type Forge = fn(&str) -> String;
    let forgeries: [Forge; 4] = [
        |receipt| receipt.replace(".mcp.json", "other.json"),
        |receipt| receipt.split_once(' ').unwrap().1.replace(".mcp.json", "other.json"),
        |receipt| format!("{} {}", "0".repeat(64), receipt.split_once(' ').unwrap().1.replace(".mcp.json", "other.json")),
        |_| "{}".to_owned(),
    ];
    for forge in forgeries {
        let job = Job::writing(".mcp.json");
        job.run().succeeded();
        let [receipt] = job.kept().try_into().expect("one receipt");
        fs::copy(job.path(".mcp.json"), job.path("other.json")).unwrap();
        let forged = forge(&fs::read_to_string(&receipt).unwrap());
        fs::write(receipt, &forged).unwrap();
        let before = job.workspace();
        assert!(job.clean_up().stdout.contains("Nothing to clean up."));
        assert_eq!(job.workspace(), before);

        let job = job.env("STATE_receipt", forged);
        let outcome = job.clean_up();
        assert!(outcome.log.warnings().next().unwrap().text.contains("can't be verified"), "{}", outcome.stdout);
        assert_eq!(job.workspace(), before);
    }
}

#[test]
fn a_receipt_under_another_name_counts_for_nothing() {
    let job = Job::writing(".mcp.json");
    job.run().succeeded();
    let [receipt] = job.kept().try_into().expect("one receipt");
    let content = fs::read_to_string(&receipt).unwrap();
    assert!(job.clean_up().stdout.contains("Removed .mcp.json."));
    job.run().succeeded();
    job.kept().into_iter().for_each(|path| fs::remove_file(path).unwrap());
    fs::write(receipt.with_file_name("port-mcp-auth-receipt-1"), content).unwrap();
    assert!(job.clean_up().stdout.contains("Nothing to clean up."));
}

#[test]
fn a_clean_up_without_the_secret_says_that_the_file_stays() {
    for state in [None, Some("sealed text")] {
        let mut job = Job::writing(".mcp.json");
        job.run().succeeded();
        job.step = job.step.without("INPUT_CLIENT_SECRET");
        let job = if let Some(state) = state { job.env("STATE_receipt", state) } else { job };
        let outcome = job.clean_up();
        assert!(outcome.log.warnings().next().unwrap().text.contains("can't be verified"), "{}", outcome.stdout);
        assert!(job.text(".mcp.json").contains("port-prod"));
    }
}

#[test]
fn the_token_and_the_old_content_are_in_no_other_place() {
    let job = Job::writing(".mcp.json").with(".mcp.json", BRANCH);
    let outcome = job.run().succeeded();
    let token = outcome.output("access_token");
    assert_no_leak(&outcome, &token, true);
    assert_no_leak(&outcome, "user-secret-0123456789", true);
    for secret in [token.as_str(), port_sandbox::CLIENT_SECRET, "user-secret-0123456789"] {
        assert_eq!(found(&job.state(), secret), None, "the runner shows the state in debug logs");
    }
    for (path, content) in listing(&job.step.path("commands")) {
        assert_eq!(found(&content.unwrap(), &token), None, "{path}");
    }
    assert_eq!(found(&outcome.log.mask(&job.text(".mcp.json")), &token), None, "masked when a later step prints it");
    let (_, outcome) = job.end();
    assert_no_leak(&outcome, &token, false);
    assert_no_leak(&outcome, "user-secret-0123456789", false);
}

#[test]
fn a_file_that_git_would_commit_gets_a_warning() {
    let warned = |job: &Job| job.run().succeeded().log.warnings().filter(|warning| warning.text.contains(".gitignore")).count();
    let checkout = |path: &str| Job::writing(path).with(".git/HEAD", "ref: refs/heads/main\n");
    assert_eq!(warned(&Job::writing(".mcp.json")), 0, "no checkout");
    assert_eq!(warned(&checkout(".mcp.json")), 1);
    assert_eq!(warned(&checkout("a/.mcp.json")), 1);
    assert_eq!(warned(&checkout("temp:mcp.json")), 0);
    assert_eq!(warned(&checkout(".mcp.json").with(".gitignore", "*.json\n")), 0);
    assert_eq!(warned(&checkout(".mcp.json").with(".gitignore", "*.json\n!/.mcp.json\n")), 1);
    assert_eq!(warned(&checkout("a/.mcp.json").with(".gitignore", "/a/\n")), 0);
    assert_eq!(warned(&checkout(".mcp.json").with(".git/info/exclude", ".mcp.json\n")), 0);
}

/// An existing config of a client, with allowed tools.
fn with_base(client: &str, base: &str) -> Outcome {
    let sandbox = Sandbox::default();
    let step = Step::against(&sandbox).input("client", client).input("allowed_tools", "list_blueprints").input("base_config", base);
    step.run().succeeded()
}

const OBSTACLES: &str = "The config keeps the agent from tools";

#[test]
fn lists_of_all_that_an_agent_may_use_get_the_server_and_its_tools() {
    let allowed = |client: &str, base: &str, pointer: &str| {
        let outcome = with_base(client, base);
        assert_eq!(outcome.log.warnings().count(), 0, "{}", outcome.stdout);
        outcome.config().pointer(pointer).cloned()
    };
    let core = r#"{"tools": {"core": ["read_file"]}}"#;
    assert_eq!(allowed("gemini-cli", core, "/tools/core"), Some(json!(["read_file", "mcp_port-prod_list_blueprints"])));
    let servers = r#"{"mcp": {"allowed": ["other"]}}"#;
    for client in ["gemini-cli", "qwen-code"] {
        assert_eq!(allowed(client, servers, "/mcp/allowed"), Some(json!(["other", "port-prod"])));
    }
    // An empty list means all in Gemini CLI, and none in Qwen Code.
    let none = r#"{"mcp": {"allowed": []}}"#;
    assert_eq!(allowed("gemini-cli", none, "/mcp/allowed"), Some(json!([])));
    assert_eq!(allowed("qwen-code", none, "/mcp/allowed"), Some(json!(["port-prod"])));
    assert_eq!(allowed("gemini-cli", "{}", "/tools"), None);

    let sandbox = Sandbox::default();
    let unlisted = Step::against(&sandbox).input("client", "gemini-cli").input("verify", "false").input("base_config", core);
    assert_eq!(unlisted.run().succeeded().config()["tools"]["core"], json!(["read_file", "mcp_port-prod_*"]));
}

#[test]
fn settings_that_keep_an_agent_from_the_server_or_its_tools_are_named() {
    for (client, base, setting) in [
        ("gemini-cli", r#"{"mcp": {"excluded": ["port-prod"]}}"#, "mcp.excluded: port-prod"),
        ("gemini-cli", r#"{"tools": {"exclude": ["mcp_port-prod_*"]}}"#, "tools.exclude: mcp_port-prod_*"),
        ("gemini-cli", r#"{"tools": {"exclude": ["list_blueprints"]}}"#, "tools.exclude: list_blueprints"),
        ("qwen-code", r#"{"mcp": {"excluded": ["port-prod"]}}"#, "mcp.excluded: port-prod"),
        ("qwen-code", r#"{"permissions": {"deny": ["mcp__port-prod"]}}"#, "permissions.deny: mcp__port-prod"),
        ("qwen-code", r#"{"permissions": {"ask": ["mcp__*"]}}"#, "permissions.ask: mcp__*"),
        ("qwen-code", r#"{"tools": {"exclude": ["mcp__port-prod__list_blueprints"]}}"#, "tools.exclude: mcp__port-prod__list_blueprints"),
        ("grok", "[permission]\ndeny = [\"MCPTool(port-prod__*)\"]\n", "permission.deny: MCPTool(port-prod__*)"),
        ("grok", "[permission]\nask = [\"mcp__port-prod__list_blueprints\"]\n", "permission.ask: mcp__port-prod__list_blueprints"),
        ("opencode", r#"{"agent": {"build": {"permission": {"*": "deny"}}}}"#, "agent.build.permission: *"),
        ("opencode", r#"{"agent": {"build": {"permission": "deny"}}}"#, "agent.build.permission: deny"),
        ("kilo", r#"{"agent": {"build": {"tools": {"port-prod*": false}}}}"#, "agent.build.tools: port-prod*"),
        ("opencode", r#"{"tools": {"port-prod_list_blueprints": false}}"#, "tools: port-prod_list_blueprints"),
        ("amp", r#"{"amp.tools.disable": ["mcp__port_prod__*"]}"#, "amp.tools.disable: mcp__port_prod__*"),
        ("amp", r#"{"amp.permissions": [{"tool": "*", "action": "reject"}]}"#, "amp.permissions: {"),
        ("auggie", r#"{"removedTools": ["list_blueprints_port-prod"]}"#, "removedTools: list_blueprints_port-prod"),
        (
            "auggie",
            r#"{"toolPermissions": [{"toolName": "list_blueprints_port-prod", "permission": {"type": "deny"}}]}"#,
            "toolPermissions: {",
        ),
        ("amp", r#"{"amp.mcpPermissions": [{"matches": {"url": "*"}, "action": "reject"}]}"#, "amp.mcpPermissions: {"),
        (
            "zed",
            r#"{"agent": {"profiles": {"write": {"enable_all_context_servers": false}}}}"#,
            "agent.profiles.write.enable_all_context_servers: false",
        ),
        ("zed", r#"{"disable_ai": true}"#, "disable_ai: true"),
        ("goose", "GOOSE_MODE: chat\n", "GOOSE_MODE: chat"),
    ] {
        let outcome = with_base(client, base);
        let warnings: Vec<_> = outcome.log.warnings().filter(|warning| warning.title == OBSTACLES).collect();
        assert!(matches!(warnings[..], [warning] if warning.text.contains(setting)), "{client}: {base}: {}", outcome.stdout);
    }
}

#[test]
fn settings_about_other_servers_and_tools_are_no_obstacles() {
    for (client, base) in [
        ("gemini-cli", r#"{"mcp": {"excluded": ["other"]}, "tools": {"exclude": ["run_shell_command", "mcp_other_*"], "core": ["a"]}}"#),
        ("qwen-code", r#"{"mcp": {"excluded": ["other"]}, "permissions": {"deny": ["mcp__other", "Bash(rm *)"]}}"#),
        ("grok", "[permission]\ndeny = [\"Bash(rm *)\", \"MCPTool(other__*)\"]\nask = [\"MCPTool(port-prod__upsert_*)\"]\n"),
        ("opencode", r#"{"permission": {"*": "deny"}, "tools": {"*": false}, "agent": {"plan": {"permission": {"bash": "deny"}}}}"#),
        ("opencode", r#"{"agent": {"build": {"permission": {"*": "deny", "port-prod_*": "allow"}}}}"#),
        ("kilo", r#"{"permission": "deny", "agent": {"a": {"tools": {"port-prod*": true}}}}"#),
        (
            "amp",
            r#"{"amp.mcpPermissions": [{"matches": {"url": "http*"}, "action": "allow"}, {"matches": {"url": "*"}, "action": "reject"}]}"#,
        ),
        ("amp", r#"{"amp.permissions": [{"tool": "Bash", "action": "reject"}], "amp.tools.disable": ["browser_*"]}"#),
        (
            "auggie",
            r#"{"removedTools": ["view"], "toolPermissions": [{"toolName": "launch-process", "permission": {"type": "deny"}},
                {"toolName": "list_blueprints_port-prod", "permission": {"type": "allow"}},
                {"toolName": "list_blueprints_port-prod", "permission": {"type": "deny"}}]}"#,
        ),
        ("zed", r#"{"agent": {"profiles": {"a": {"enable_all_context_servers": false, "context_servers": {"port-prod": {}}}}}}"#),
        ("goose", "GOOSE_MODE: auto\n"),
        ("codex", "model = \"x\"\n"),
    ] {
        let outcome = with_base(client, base);
        assert_eq!(outcome.log.warnings().filter(|warning| warning.title == OBSTACLES).count(), 0, "{client}: {base}: {}", outcome.stdout);
    }
}

#[test]
fn what_is_too_long_to_be_handed_over_is_named() {
    let sandbox = Sandbox::default();
    let write = |length: usize| {
        let step = Step::against(&sandbox).input("base_config", "large.json");
        let text = json!({ "theirs": "x".repeat(length) }).to_string();
        fs::write(step.path("workspace/large.json"), text).unwrap();
        let outcome = step.run().succeeded();
        let titles = outcome.log.warnings().filter(|warning| warning.title == "An output is too long to be handed over");
        (titles.map(|warning| warning.text.clone()).collect::<Vec<_>>(), outcome.output("mcp_config").len())
    };
    let (warnings, size) = write(120_000);
    assert_eq!(warnings, [""; 0]);
    // Linux hands over 128 KiB, and the variable's name is a part of it.
    let (warnings, _) = write(120_000 + 128 * 1024 - 100 - size);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("`client_args`") && warnings[1].contains("`mcp_config`"), "{warnings:?}");
    assert!(warnings.iter().all(|text| text.contains("`config_file`")), "{warnings:?}");
}
