//! Runs the built binary as the runner does, and reads what it left as the runner reads it.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::too_many_lines,
    reason = "test support, which each test file uses in part"
)]

pub mod engine;
pub mod exec;
pub mod gateway;
pub mod leaks;
pub mod runner;
pub mod scenarios;
pub mod upstream;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use port_sandbox::{CLIENT_ID, CLIENT_SECRET, Sandbox};
use tempfile::TempDir;

/// A step about to run: the variables that the runner would set, and its files in a directory of their own.
pub struct Step {
    pub dir: TempDir,
    env: BTreeMap<String, OsString>,
}

/// What a step left behind.
#[derive(Debug)]
pub struct Outcome {
    pub exit_code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub output_file: String,
    pub summary: String,
    /// The log as a person sees it.
    pub log: runner::Log,
}

impl Step {
    /// A step without any input, with the runner's files in place.
    pub fn bare() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut step = Self { dir, env: BTreeMap::new() };
        for (name, file) in [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary.md")] {
            std::fs::write(step.path(file), "").unwrap();
            let path = step.path(file);
            step.set(name, path);
        }
        std::fs::create_dir(step.path("workspace")).unwrap();
        let workspace = step.path("workspace");
        step.set("GITHUB_WORKSPACE", workspace);
        step.set("GITHUB_ACTIONS", "true");
        step
    }

    /// A step with the sandbox's credentials and addresses.
    pub fn against(sandbox: &Sandbox) -> Self {
        Self::bare()
            .input("client_id", CLIENT_ID)
            .input("client_secret", CLIENT_SECRET)
            .input("auth_base_url", sandbox.auth_base_url())
            .input("mcp_url", sandbox.mcp_url())
    }

    /// The same without the look at the MCP server.
    pub fn exchange_only(sandbox: &Sandbox) -> Self {
        Self::against(sandbox).input("verify", "false")
    }

    /// The same over TLS, with the sandbox's root.
    pub fn against_tls(sandbox: &Sandbox) -> Self {
        Self::against(sandbox)
            .input("auth_base_url", sandbox.tls_auth_base_url())
            .input("mcp_url", sandbox.tls_mcp_url())
            .input("ca_bundle", sandbox.ca_pem())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    #[must_use]
    pub fn input(self, name: &str, value: impl Into<OsString>) -> Self {
        self.env(&format!("INPUT_{}", name.to_ascii_uppercase()), value)
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.set(name, value);
        self
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.env.insert(name.to_owned(), value.into());
    }

    /// The same as the action without Docker starts it.
    pub fn native(&self) -> Command {
        let mut command = self.command();
        if std::env::var_os("NATIVE_SCRIPT").is_none() {
            command.arg0("port-mcp-auth-native");
        }
        command
    }

    pub fn command(&self) -> Command {
        // `tests/native/test` runs the same tests through the action without Docker.
        let Some(script) = std::env::var_os("NATIVE_SCRIPT") else {
            let mut command = Command::new(env!("CARGO_BIN_EXE_port-mcp-auth"));
            self.prepare(&mut command);
            return command;
        };
        let mut command = Command::new("node");
        self.prepare(&mut command);
        let inherited = ["PATH", "RUNNER_TOOL_CACHE"].map(|name| (name, std::env::var_os(name).unwrap_or_default()));
        command.envs(inherited).arg(script);
        command
    }

    /// Gives a command the step's variables and nothing else.
    pub fn prepare(&self, command: &mut Command) {
        command.env_clear().envs(&self.env).current_dir(self.dir.path()).stdin(Stdio::null());
    }

    pub fn run(&self) -> Outcome {
        self.finish(self.start())
    }

    /// Runs the program as the runner does at the end of the job: through the link that the image has.
    pub fn clean_up(&self) -> Outcome {
        let link = self.path("cleanup");
        if !link.exists() {
            symlink(env!("CARGO_BIN_EXE_port-mcp-auth"), &link).unwrap();
        }
        self.run_through(Command::new(link))
    }

    /// Runs a command that starts the program, such as one that first changes what the system allows.
    pub fn run_through(&self, mut command: Command) -> Outcome {
        self.prepare(&mut command);
        self.finish(Self::started(command))
    }

    pub fn start(&self) -> Child {
        Self::started(self.command())
    }

    fn started(mut command: Command) -> Child {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub fn start_native(&self) -> Child {
        Self::started(self.native())
    }

    pub fn finish(&self, child: Child) -> Outcome {
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).expect("the log is UTF-8");
        self.outcome(output.status.code(), stdout, String::from_utf8(output.stderr).expect("stderr is UTF-8"))
    }

    /// What a run that wrote this left behind.
    pub fn outcome(&self, exit_code: Option<i32>, stdout: String, stderr: String) -> Outcome {
        // A device such as /dev/full would be read for ever.
        let read = |name: &str| {
            let path = self.env.get(name).map(Path::new).filter(|path| path.is_file());
            path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
        };
        Outcome {
            exit_code,
            log: runner::Log::read(&stdout),
            stdout,
            stderr,
            output_file: read("GITHUB_OUTPUT"),
            summary: read("GITHUB_STEP_SUMMARY"),
        }
    }
}

impl Outcome {
    /// The outputs, read back by the runner's rules.
    pub fn outputs(&self) -> BTreeMap<String, String> {
        runner::read_outputs(&self.output_file)
    }

    /// One output.
    pub fn output(&self, name: &str) -> String {
        self.outputs().get(name).unwrap_or_else(|| panic!("no output {name} in:\n{}", self.stdout)).clone()
    }

    /// The parsed `mcp_config`.
    pub fn config(&self) -> serde_json::Value {
        serde_json::from_str(&self.output("mcp_config")).expect("mcp_config is JSON")
    }

    /// Asserts a success, and hands itself on.
    pub fn succeeded(self) -> Self {
        assert_eq!(self.exit_code, Some(0), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.log.errors().count(), 0, "{}", self.stdout);
        assert_eq!(self.stderr, "");
        self
    }

    /// Asserts all that every failure promises, and hands itself on.
    pub fn failed(self, code: &str) -> Self {
        assert_eq!(self.exit_code, Some(1), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stderr, "");
        let errors: Vec<_> = self.log.errors().collect();
        assert_eq!(errors.len(), 1, "one annotation, not {}:\n{}", errors.len(), self.stdout);
        assert!(errors[0].title.ends_with(&format!("({code})")), "{code} is not in the title {:?}", errors[0].title);
        for part in ["\nWhy: ", "\nFix: ", "\nMore: https://"] {
            assert!(errors[0].text.contains(part), "no {part:?} in {:?}", errors[0].text);
        }
        let only_code = BTreeMap::from([("error_code".to_owned(), code.to_owned())]);
        assert_eq!(self.outputs(), only_code, "a failed step has one output, its code");
        self
    }

    /// The text of the one error.
    pub fn error_text(&self) -> String {
        self.log.errors().next().expect("an error").text.clone()
    }
}

/// A number that a variable of the environment names.
pub fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Runs many jobs at the same time.
pub fn all_at_once<T: Send>(jobs: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let running: Vec<_> = (0..jobs)
            .map(|number| {
                scope.spawn({
                    let job = &job;
                    move || job(number)
                })
            })
            .collect();
        running.into_iter().map(|job| job.join().unwrap()).collect()
    })
}
