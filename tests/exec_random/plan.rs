//! What a run is to be: what `exec` is given, what the server plays, what the command is and does, and what happens meanwhile.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use port_mcp_auth::testing::clients::{Client, Folder, REGISTRY, Source, Transport};
use port_mcp_auth::testing::config::Format;

use super::given::{BAD, Bad, ODD, Odd};
use super::hostile::dice::Dice;
use super::hostile::token::Kind;
use super::hostile::words::hostile;
use super::hostile::{Play, Stage, client_secret};

/// One run.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each of these can be on or off")]
pub struct Plan {
    pub play: Play,
    pub timeout: Duration,
    pub verify: bool,
    pub read_only: bool,
    pub allowed_tools: &'static str,
    pub client: &'static dyn Client,
    /// Whether the client is named by a flag or a variable.
    pub is_named: bool,
    pub transport: Transport,
    pub token_env: Option<&'static str>,
    pub program: Program,
    /// What the file of the program is called.
    pub program_name: &'static str,
    /// Whether it is started by its path.
    pub by_path: bool,
    /// The command's arguments.
    pub words: Vec<OsString>,
    /// What is asked for as `--config-file`.
    pub config_file: Option<&'static str>,
    pub existing: Existing,
    pub change: Change,
    /// Something that can't be used.
    pub bad: Option<&'static Bad>,
    /// Something that may be usable.
    pub odd: Option<&'static Odd>,
    /// Variables that hold the client secret.
    pub decoys: Vec<(String, String)>,
    /// Variables that hold none.
    pub kept: Vec<(String, OsString)>,
    pub switch: Option<&'static str>,
    pub in_runner: bool,
    /// Whether standard error can't be written.
    pub is_unheard: bool,
    /// Whether SIGHUP is ignored from the start, as with `nohup`.
    pub without_hangups: bool,
    /// A signal to `exec` before the command runs, and after how many requests.
    pub early: Option<(usize, i32)>,
    pub handling: [Handling; SIGNALS.len()],
    pub end: End,
    /// What the command prints.
    pub says: Vec<u8>,
    pub closes_stdout: bool,
    pub leaves_a_process: bool,
    /// Whether the command uses the gateway.
    pub calls: bool,
}

/// What the program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// A script that does what the plan says.
    Script,
    /// Not there.
    Missing,
    /// A file that may not be run.
    NotExecutable,
    Folder,
    /// A file that may be run, and is no program.
    OtherFormat,
    /// A script whose interpreter is not there.
    WithoutInterpreter,
}

/// How the command ends, if it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// At once, with this code.
    Exits(u8),
    /// At once, by a signal that it sends to itself.
    Kills(i32),
    /// When it is told to, with this code.
    Told(u8),
    /// Somebody kills it.
    Killed,
    /// These signals are sent to `exec`. If it outlives them, it is told to end with this code.
    Signalled(Vec<usize>, u8),
    /// Somebody kills `exec`.
    WithoutExec,
}

/// What the command does about a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    Default,
    Ignores,
    Exits(u8),
    Notes,
}

/// The signals that are passed on, by name and number.
pub const SIGNALS: [(&str, i32); 6] = [("INT", 2), ("QUIT", 3), ("TERM", 15), ("HUP", 1), ("USR1", 10), ("USR2", 12)];

/// What is where the config goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Existing {
    Nothing,
    /// A file with these permissions.
    File(String, u32),
    /// A file that can't be read as a config.
    Broken(String),
    /// A link to a file.
    Link(String),
}

/// What the agent does with its config while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Nothing,
    /// It adds a setting of its own.
    Adds,
    Deletes,
    /// It writes something that is no config.
    Garbage,
    /// It puts a link to another file in its place.
    Links,
}

/// What the file holds after [`Change::Garbage`].
pub const GARBAGE: &str = "} no \u{1} config: [\n";

impl Plan {
    pub fn of(seed: u64) -> Self {
        let dice = Dice::of(seed, "exec", 0);
        let program = dice.weighted(&[
            (150, Program::Script),
            (3, Program::Missing),
            (2, Program::NotExecutable),
            (2, Program::Folder),
            (2, Program::OtherFormat),
            (2, Program::WithoutInterpreter),
        ]);
        let stage = dice.weighted(&[
            (56, Stage::Nowhere),
            (12, Stage::Token),
            (16, Stage::Mcp),
            (2, Stage::Both),
            (8, Stage::Sweep(dice.number(0..600))),
            (2, Stage::Tls),
            (2, Stage::Proxy),
            (2, Stage::Tunnel),
        ]);
        let timeout = match stage {
            Stage::Nowhere | Stage::Sweep(_) => 60_000,
            _ => dice.weighted(&[(3, 500), (4, 1_500), (1, 4_000)]),
        };
        let (client, program_name, is_named) = client(&dice);
        let transports = client.transports();
        let transport = if dice.percent(30) { dice.any(transports) } else { transports[0] };
        let takes_names = client.token_env_transports().contains(&transport);
        let token_env = (takes_names && dice.percent(30)).then(|| dice.any(&["MY_KEY", "PORT_TOKEN", "_k"]));
        let verify = matches!(stage, Stage::Mcp | Stage::Both) || dice.percent(70);
        let allowed_tools = if verify { dice.any(&["", "", "", "*", "list_*", "list_blueprints"]) } else { "" };
        let config_file = dice.percent(20).then(|| dice.any(&["mcp.any", "a/b/mcp any.txt", "./c.json"]));
        let has_file = config_file.is_some() || matches!(client.source(), Source::File(..));
        let existing = if has_file { existing(&dice, client.format()) } else { Existing::Nothing };
        let change = if has_file && !matches!(existing, Existing::Link(_)) { change(&dice) } else { Change::Nothing };
        let bad = dice.percent(7).then(|| &BAD[dice.number(0..BAD.len())]);
        let odd = (bad.is_none() && dice.percent(6)).then(|| &ODD[dice.number(0..ODD.len())]);
        let secret = client_secret(&dice);
        let early = dice.percent(8).then(|| (dice.number(1..if verify { 9 } else { 2 }), SIGNALS[dice.number(0..4)].1));
        let handling = std::array::from_fn(|_| match dice.number(0..10) {
            0..3 => Handling::Default,
            3..5 => Handling::Ignores,
            5..8 => Handling::Notes,
            _ => Handling::Exits(code(&dice)),
        });
        let strict = ["claude-code", "claude-agent-sdk"].contains(&client.id());
        let kind = dice.any(&[Kind::Api, Kind::Api, Kind::Mcp]);
        let host = dice.any(&["127.0.0.1", "127.0.0.1", "localhost"]);
        Self {
            timeout: Duration::from_millis(timeout),
            verify,
            read_only: dice.percent(70),
            allowed_tools,
            client,
            is_named,
            transport,
            token_env,
            program,
            program_name,
            by_path: dice.percent(25),
            words: words(&dice, client, is_named),
            config_file,
            existing,
            change,
            bad,
            odd,
            decoys: decoys(&dice, &secret),
            kept: kept(&dice),
            switch: dice.any(&[None, None, None, None, None, Some("--quiet"), Some("-q"), Some("--debug")]),
            in_runner: dice.percent(25),
            is_unheard: dice.percent(4),
            without_hangups: dice.percent(10),
            early,
            handling,
            end: end(&dice),
            says: says(&dice, &secret),
            closes_stdout: dice.percent(15),
            leaves_a_process: dice.percent(10),
            calls: dice.percent(40),
            play: Play { seed, stage, kind, client_secret: secret, needed: 0, strict, host },
        }
    }

    /// Whether the command waits until something happens.
    pub fn waits(&self) -> bool {
        !matches!(self.end, End::Exits(_) | End::Kills(_))
    }

    /// Whether `exec` is killed, and another run has to clean up after it.
    pub fn next_run_cleans_up(&self) -> bool {
        let is_still_config = matches!(self.change, Change::Nothing | Change::Adds);
        self.end == End::WithoutExec && self.odd.is_none() && self.play.stage == Stage::Nowhere && is_still_config
    }

    /// Where the config goes, below the run's folder.
    pub fn config_path(&self) -> Option<String> {
        match (self.config_file, self.client.source()) {
            (Some(path), _) | (None, Source::File(Folder::Project, path)) => Some(format!("work/{path}")),
            (None, Source::File(Folder::Home, path)) => Some(format!("home/{path}")),
            (None, Source::File(Folder::Config, path)) => Some(format!("home/.config/{path}")),
            (None, _) => None,
        }
    }

    /// The variable that holds the config, if the agent looks there.
    pub fn config_variable(&self) -> Option<&'static str> {
        match (self.config_file, self.client.source()) {
            (None, Source::Variable(name)) => Some(name),
            _ => None,
        }
    }

    /// Whether the existing file lets the command start.
    pub fn takes_the_file(&self) -> bool {
        match &self.existing {
            Existing::Nothing | Existing::File(..) => true,
            Existing::Broken(_) => false,
            // No link in a project is followed. A file that is asked for may be one.
            Existing::Link(_) => self.config_file.is_some() || !matches!(self.client.source(), Source::File(Folder::Project, _)),
        }
    }

    /// What the command does about a signal in the end: what is ignored from the start stays so.
    pub fn handling_of(&self, signal: usize) -> Handling {
        if SIGNALS[signal].0 == "HUP" && self.without_hangups { Handling::Ignores } else { self.handling[signal] }
    }

    /// The code with which the command ends if nothing comes between.
    pub fn code(&self) -> i32 {
        match &self.end {
            End::Exits(code) | End::Told(code) => i32::from(*code),
            // What is ignored doesn't end it, and then it exits with this code.
            End::Kills(1) if self.without_hangups => 99,
            End::Kills(signal) => 128 + signal,
            End::Killed => 137,
            End::WithoutExec => -1,
            End::Signalled(signals, code) => signals.iter().find_map(|signal| self.fate(*signal)).unwrap_or(i32::from(*code)),
        }
    }

    /// The code with which a signal ends the command.
    pub fn fate(&self, signal: usize) -> Option<i32> {
        match self.handling_of(signal) {
            Handling::Default => Some(128 + SIGNALS[signal].1),
            Handling::Exits(code) => Some(i32::from(code)),
            Handling::Ignores | Handling::Notes => None,
        }
    }

    /// The exit code of a program that can't be started.
    pub fn not_started(&self) -> Option<i32> {
        match self.program {
            Program::Script => None,
            Program::Missing | Program::WithoutInterpreter => Some(127),
            Program::NotExecutable | Program::Folder | Program::OtherFormat => Some(126),
        }
    }

    /// Whether it turns out before anything is sent that the program can't be started.
    pub fn is_not_found(&self) -> bool {
        matches!(self.program, Program::Missing | Program::NotExecutable | Program::Folder)
    }
}

/// A client, the program's name, and whether it has to be named.
fn client(dice: &Dice) -> (&'static dyn Client, &'static str, bool) {
    let usable: Vec<_> = REGISTRY.iter().copied().filter(|client| client.runs_in_job()).collect();
    let generic = || REGISTRY.iter().copied().find(|client| client.id() == "generic").unwrap();
    match dice.number(0..10) {
        0..2 => (generic(), "some-script", false),
        2..4 => (dice.any(&usable), "some-script", true),
        _ => {
            let known: Vec<_> = usable.into_iter().filter(|client| !client.programs().is_empty()).collect();
            let client = dice.any(&known);
            (client, dice.any(client.programs()), dice.percent(10))
        }
    }
}

fn code(dice: &Dice) -> u8 {
    dice.any(&[0, 0, 0, 1, 2, 3, 7, 126, 127, 128, 130, 255])
}

fn end(dice: &Dice) -> End {
    match dice.number(0..20) {
        0..4 => End::Exits(code(dice)),
        4..6 => End::Kills(dice.any(&[1, 2, 3, 6, 9, 11, 13, 15])),
        6..10 => End::Told(code(dice)),
        10 => End::Killed,
        11..13 => End::WithoutExec,
        _ => End::Signalled((0..dice.number(1..4)).map(|_| dice.number(0..SIGNALS.len())).collect(), code(dice)),
    }
}

fn existing(dice: &Dice, format: Format) -> Existing {
    let texts: &[&str] = match format {
        Format::Json => {
            &["{}", "{\r\n\t// mine\r\n\t\"mine\": {\"a\": [1, 2.50]}\r\n}", "{\"mine\":1}\n", "{\n  \"mine\": \"::error::x\",\n}\n"]
        }
        Format::Toml => &["", "# mine\nmine = 1\n[table]\na = \"b\"\n", "mine = '::error::x'\r\n"],
        Format::Yaml => &["# mine\nmine:\n  - 1\n  - 2\n", "mine: '::error::x'\n", "mine: {a: [1, 2]}\nb: |\n  c\n"],
    };
    let broken: &[&str] = match format {
        Format::Json => &["{", "[]", "{\"a\": }", "\u{1}"],
        Format::Toml => &["a = = 1", "[", "\u{1}"],
        Format::Yaml => &["a: [", "- a\n", "a: b: c\n"],
    };
    match dice.number(0..20) {
        0..9 => Existing::Nothing,
        9..17 => Existing::File(dice.pick(texts).to_owned(), dice.any(&[0o600, 0o644, 0o640, 0o664])),
        17 => Existing::Broken(dice.pick(broken).to_owned()),
        _ => Existing::Link(dice.pick(texts).to_owned()),
    }
}

fn change(dice: &Dice) -> Change {
    match dice.number(0..20) {
        0..5 => Change::Adds,
        5 => Change::Deletes,
        6 => Change::Garbage,
        7 => Change::Links,
        _ => Change::Nothing,
    }
}

/// The command's arguments.
fn words(dice: &Dice, client: &dyn Client, is_named: bool) -> Vec<OsString> {
    let mut words: Vec<OsString> = (0..dice.number(0..6))
        .map(|_| match dice.number(0..14) {
            0 => OsString::new(),
            1 => "--".into(),
            2 => dice.pick(&["--client", "--quiet", "--region=xx", "-h", "--help"]).into(),
            3 => dice.pick(&["'", "\"", "$HOME", "`id`", "a b", "\\", "*", "~"]).into(),
            4 => "\n::error::forged\r\n##[error]forged\n".into(),
            5 => OsString::from_vec(vec![0xff, b'a', 0xfe]),
            6 => "x".repeat(dice.any(&[5_000, 100_000])).into(),
            7 => dice.text("aä€😀 \u{1}\u{7f}\u{feff}'\"`\\/<>&%$", 1..40).into(),
            _ => dice.text("abcdefghij -=", 1..12).into(),
        })
        .collect();
    if is_named && dice.percent(30) {
        let at = dice.number(0..words.len() + 1);
        words.insert(at, dice.any(&[format!("@some/{}@1.2.3", client.id()), format!("/usr/bin/{}", client.id())]).into());
    }
    words
}

/// Variables that hold the secret, written in some way.
fn decoys(dice: &Dice, secret: &str) -> Vec<(String, String)> {
    (0..dice.weighted(&[(6, 0), (3, 1), (2, 3)]))
        .map(|number| {
            let value = match dice.number(0..9) {
                0 => secret.to_owned(),
                1 => format!("key={secret};"),
                2 => BASE64.encode(secret.as_bytes()),
                3 => BASE64.encode(format!("id-of-the-run:{secret}").as_bytes()),
                4 => BASE64URL_NOPAD.encode(format!("x{secret}").as_bytes()),
                5 => HEXLOWER.encode(secret.as_bytes()),
                6 => HEXUPPER.encode(secret.as_bytes()),
                7 => utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
                _ => serde_json::json!({ "secret": secret }).to_string(),
            };
            (format!("DECOY_{number}"), value)
        })
        .collect()
}

fn kept(dice: &Dice) -> Vec<(String, OsString)> {
    (0..dice.number(0..4))
        .map(|number| {
            let value = match dice.number(0..5) {
                0 => OsString::new(),
                1 => OsString::from_vec(vec![0xff, b'=', 0xfe]),
                2 => "\n::error::forged\n".into(),
                3 => "y".repeat(50_000).into(),
                _ => dice.text("aä€😀 \u{1}'\"`\\/=", 1..40).into(),
            };
            (format!("KEPT_{number}"), value)
        })
        .collect()
}

/// What the command prints: it is free to print anything.
fn says(dice: &Dice, secret: &str) -> Vec<u8> {
    match dice.number(0..4) {
        0 => Vec::new(),
        1 => hostile(dice, &[secret]).into_bytes(),
        2 => (0..dice.number(0..20_000)).map(|at| u8::try_from(at * 31 % 256).unwrap()).collect(),
        _ => b"\r\n::add-mask::x\n::stop-commands::y".to_vec(),
    }
}
