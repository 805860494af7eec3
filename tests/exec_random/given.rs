//! What `exec` is given: flags and variables, each value in one of the ways that there are.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use super::hostile::dice::Dice;
use super::hostile::token::Kind;
use super::hostile::words::hostile;
use super::hostile::{Stage, proxy};
use super::plan::Plan;

/// The command line and the environment.
pub struct Given {
    pub flags: Vec<OsString>,
    pub env: BTreeMap<String, OsString>,
    pub has_separator: bool,
    /// What comes through standard input, and whether that is for `exec` alone.
    pub input: String,
    pub is_input_secret: bool,
    /// The command.
    pub command: Vec<OsString>,
}

/// What can't be used, and the exit code.
pub struct Bad {
    pub name: &'static str,
    pub code: i32,
    spoil: fn(&mut Given),
}

/// What nobody promises to take or to refuse.
pub struct Odd {
    pub name: &'static str,
    twist: fn(&mut Given, &Dice),
}

impl std::fmt::Debug for Bad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl std::fmt::Debug for Odd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn bad(name: &'static str, code: i32, spoil: fn(&mut Given)) -> Bad {
    Bad { name, code, spoil }
}

const fn odd(name: &'static str, twist: fn(&mut Given, &Dice)) -> Odd {
    Odd { name, twist }
}

pub const BAD: &[Bad] = &[
    bad("an unknown flag", 2, |given| given.flags.push("--regio=\n::error::forged".into())),
    bad("the secret as a flag", 2, |given| given.flags.extend(["--client-secret".into(), "x".into()])),
    bad("a flag of another command", 2, |given| given.flags.push("--min-validity=1s".into())),
    bad("a flag without its value", 2, |given| given.flags.push("--region".into())),
    bad("a switch with a value", 2, |given| given.flags.push("--quiet=\u{1b}[2J".into())),
    bad("an argument of no flag", 2, |given| given.flags.push("::error::forged".into())),
    bad("an unknown letter", 2, |given| given.flags.push("-x".into())),
    bad("no separator", 2, |given| given.has_separator = false),
    bad("no command", 2, |given| given.command.clear()),
    bad("a program of no name", 127, |given| given.command = vec![OsString::new()]),
    bad("a program of an odd name", 127, |given| given.command = vec!["\n::error::forged".into()]),
    bad("no client id", 1, |given| given.take("client_id")),
    bad("an empty client id", 1, |given| given.take_and_give("client_id", "")),
    bad("no secret", 1, Given::take_secret),
    bad("an empty secret", 1, |given| given.take_and_set("PORT_CLIENT_SECRET", OsString::new())),
    bad("a secret of no text", 1, |given| given.take_and_set("PORT_CLIENT_SECRET", OsString::from_vec(vec![b'a', 0xff, b'b']))),
    bad("a secret file that is not there", 1, |given| {
        given.take_secret();
        given.flags.extend(["--client-secret-file".into(), "../secret/\n::error::forged".into()]);
    }),
    bad("a secret file that is a folder", 1, |given| given.take_and_set("PORT_CLIENT_SECRET_FILE", ".".into())),
    bad("a secret file without end", 1, |given| given.take_and_set("PORT_CLIENT_SECRET_FILE", "/dev/zero".into())),
    bad("an unknown region", 1, |given| given.take_and_give("region", "\n::error::forged")),
    bad("an unknown client", 1, |given| given.take_and_give("client", "clod::error::forged")),
    bad("a client that can't reach a gateway", 1, |given| given.take_and_give("client", "anthropic-api")),
    bad("no time", 1, |given| given.take_and_give("timeout", "soon")),
    bad("no switch", 1, |given| given.take_and_give("read_only", "perhaps\n::error::forged")),
    bad("no name for a variable", 1, |given| given.take_and_give("token_env", "a b\n")),
    bad("no transport", 1, |given| given.take_and_give("transport", "::warning::forged")),
    bad("no name for a server", 1, |given| given.take_and_give("server_name", "a\"b\n::error::forged")),
    bad("an address without TLS", 1, |given| given.take_and_give("auth_base_url", "http://port.example/v1")),
    bad("an address with a password", 1, |given| given.take_and_give("mcp_url", "https://a:forged-password@port.example/v1")),
    bad("a bundle that is not there", 1, |given| given.take_and_give("ca_bundle", "nothing.pem")),
    bad("a base that is not there", 1, |given| given.take_and_give("base_config", "nothing.json")),
    bad("a value of no text", 1, |given| {
        given.take("region");
        given.env.insert("PORT_REGION".to_owned(), OsString::from_vec(vec![0xff]));
    }),
];

pub const ODD: &[Odd] = &[
    odd("a client id of any text", |given, dice| given.take_and_give("client_id", &free_of_zeros(&hostile(dice, &["a-word"])))),
    odd("a long client id", |given, _| given.take_and_give("client_id", &"x".repeat(100_000))),
    odd("a server of any name", |given, dice| given.take_and_give("server_name", &dice.text("aB-_. '\"\\/ä{}$", 1..30))),
    odd("a long name of a server", |given, _| given.take_and_give("server_name", &"x".repeat(10_000))),
    odd("tools of any name", |given, dice| given.take_and_give("allowed_tools", &free_of_zeros(&hostile(dice, &["a-word"])))),
    odd("actions of any name", |given, dice| given.take_and_give("allowed_actions", &free_of_zeros(&hostile(dice, &["a-word"])))),
    odd("an organization", |given, dice| given.take_and_give("organization", &free_of_zeros(&hostile(dice, &["a-word"])))),
    odd("a base", |given, dice| given.take_and_give("base_config", dice.pick(&["{}", "{\"a\": 1}", "a = 1", "a: 1", "{"]))),
    odd("a config file that is a folder", |given, _| given.take_and_give("config_file", ".")),
    odd("a config file above", |given, _| given.take_and_give("config_file", "../work/x")),
    odd("a short life", |given, dice| given.take_and_give("gateway_lifetime", dice.pick(&["1s", "5s", "0", "-1", "1m"]))),
    odd("no time at all", |given, dice| given.take_and_give("timeout", dice.pick(&["0", "1ms", "0s"]))),
    odd("no home", |given, _| drop(given.env.remove("HOME"))),
];

fn free_of_zeros(text: &str) -> String {
    text.replace('\0', "0")
}

fn flag(input: &str) -> String {
    format!("--{}", input.replace('_', "-"))
}

fn variable(input: &str) -> String {
    format!("PORT_{}", input.to_ascii_uppercase())
}

impl Given {
    /// For a run in this folder, with the server at this port.
    pub fn of(plan: &Plan, port: u16, dir: &Path) -> Self {
        let dice = Dice::of(plan.play.seed, "given", 0);
        let mut given = Self {
            flags: Vec::new(),
            env: BTreeMap::new(),
            has_separator: true,
            input: dice.text("ab\n:\u{1}", 0..500),
            is_input_secret: false,
            command: Vec::new(),
        };
        let path = |name: &str| dir.join(name).into_os_string();
        let mut search = path("bin");
        if !plan.is_not_found() {
            search.push(":/usr/local/bin:/usr/bin:/bin");
        }
        for (name, value) in [("PATH", search), ("HOME", path("home")), ("TMPDIR", path("tmp")), ("OUT", path("out"))] {
            given.env.insert(name.to_owned(), value);
        }
        let scheme = if matches!(plan.play.stage, Stage::Tls | Stage::Tunnel) { "https" } else { "http" };
        given.give(&dice, "client_id", "id-of-the-run");
        given.give_secret(&dice, &plan.play.client_secret, dir);
        given.give(&dice, "auth_base_url", &format!("{scheme}://127.0.0.1:{port}/v1"));
        given.give(&dice, "mcp_url", &format!("{scheme}://{}:{port}/mcp", plan.play.host));
        given.give(&dice, "token_endpoint", if plan.play.kind == Kind::Api { "api" } else { "mcp" });
        given.give(&dice, "timeout", &format!("{}ms", plan.timeout.as_millis()));
        if plan.is_named {
            given.give(&dice, "client", plan.client.id());
        }
        if !plan.verify || dice.percent(30) {
            given.give(&dice, "verify", dice.any(if plan.verify { &["true", "True", "TRUE"] } else { &["false", "False", "FALSE"] }));
        }
        if !plan.read_only || dice.percent(30) {
            given.give(&dice, "read_only", if plan.read_only { "true" } else { "false" });
        }
        let transport: &str = plan.transport.into();
        if plan.transport != plan.client.transports()[0] || dice.percent(20) {
            given.give(&dice, "transport", transport);
        }
        for (input, value) in [("token_env", plan.token_env), ("config_file", plan.config_file), ("region", Some(""))] {
            if let Some(value) = value.filter(|value| !value.is_empty() || dice.percent(20)) {
                given.give(&dice, input, value);
            }
        }
        if !plan.allowed_tools.is_empty() {
            given.give(&dice, "allowed_tools", plan.allowed_tools);
        }
        if matches!(plan.play.stage, Stage::Proxy | Stage::Tunnel) {
            for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
                given.env.insert(name.to_owned(), proxy(port).into());
            }
        }
        if plan.in_runner {
            given.env.insert("GITHUB_ACTIONS".to_owned(), "true".into());
        }
        let decoys = plan.decoys.iter().map(|(name, value)| (name.clone(), value.into()));
        given.env.extend(decoys.chain(plan.kept.iter().cloned()));
        given.flags.extend(plan.switch.map(OsString::from));
        let program = if plan.by_path { path(&format!("bin/{}", plan.program_name)) } else { plan.program_name.into() };
        given.command = std::iter::once(program).chain(plan.words.iter().cloned()).collect();
        if let Some(bad) = plan.bad {
            (bad.spoil)(&mut given);
        }
        if let Some(odd) = plan.odd {
            (odd.twist)(&mut given, &dice);
        }
        given
    }

    /// Gives a value as a flag in one of its two forms, as a variable, or as both, where the flag counts.
    fn give(&mut self, dice: &Dice, input: &str, value: &str) {
        match dice.number(0..10) {
            0..3 if !value.is_empty() => self.flags.extend([flag(input).into(), value.into()]),
            3..5 => self.flags.push(format!("{}={value}", flag(input)).into()),
            5..7 => {
                self.flags.push(format!("{}={value}", flag(input)).into());
                self.env.insert(variable(input), dice.pick(&["wrong", "", "::error::forged", "wrong\n"]).into());
            }
            _ => drop(self.env.insert(variable(input), value.into())),
        }
    }

    fn give_secret(&mut self, dice: &Dice, secret: &str, dir: &Path) {
        let file = dir.join("secret/secret");
        let end = dice.pick(&["", "\n", "\r\n"]);
        fs::write(&file, format!("{secret}{end}")).unwrap();
        let (by_value, by_file) = ("PORT_CLIENT_SECRET".to_owned(), "PORT_CLIENT_SECRET_FILE".to_owned());
        let file = if dice.percent(50) { file.into_os_string() } else { "../secret/secret".into() };
        match dice.number(0..11) {
            0..5 => drop(self.env.insert(by_value, secret.into())),
            10 => {
                // As the shells' `<(…)` does: a pipe, which is empty by the time the command could read it.
                (self.input, self.is_input_secret) = (format!("{secret}{end}"), true);
                self.flags.extend(["--client-secret-file".into(), dice.pick(&["/dev/stdin", "/dev/fd/0"]).into()]);
            }
            5..7 => drop(self.env.insert(by_file, file)),
            7 => {
                self.env.insert(by_value, secret.into());
                self.env.insert(by_file, "nothing".into());
            }
            8 => {
                self.env.insert(by_value, "another-secret-that-is-wrong".into());
                self.flags.extend(["--client-secret-file".into(), file]);
            }
            _ => {
                let mut word = OsString::from("--client-secret-file=");
                word.push(file);
                self.flags.push(word);
            }
        }
    }

    /// Takes a value away again, in whatever form it was given.
    fn take(&mut self, input: &str) {
        self.env.remove(&variable(input));
        let (whole, with_value) = (flag(input), format!("{}=", flag(input)));
        let mut kept = Vec::new();
        let mut words = std::mem::take(&mut self.flags).into_iter();
        while let Some(word) = words.next() {
            if word == *whole {
                words.next();
            } else if !word.to_string_lossy().starts_with(&with_value) {
                kept.push(word);
            }
        }
        self.flags = kept;
    }

    fn take_secret(&mut self) {
        self.take("client_secret_file");
        self.env.remove("PORT_CLIENT_SECRET");
    }

    /// Has another variable in place of the secret.
    fn take_and_set(&mut self, variable: &str, value: OsString) {
        self.take_secret();
        self.env.insert(variable.to_owned(), value);
    }

    fn take_and_give(&mut self, input: &str, value: &str) {
        self.take(input);
        self.flags.push(format!("{}={value}", flag(input)).into());
    }
}
