//! What must hold after a run, whatever the server, the command and the user did.

use std::ffi::OsString;
use std::fs;
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use port_mcp_auth::testing::clients::Source;
use port_mcp_auth::testing::config::parse;
use port_mcp_auth::testing::report::Code;
use serde_json::{Value, json};
use strum::VariantArray;

use super::common::leaks::{Pieces, Readings};
use super::common::runner::Log;
use super::hostile::server::Record;
use super::hostile::tally::Finding;
use super::hostile::wire::Verdict;
use super::hostile::{PROXY_PASSWORD, Stage, is_active};
use super::plan::{Change, End, Existing, GARBAGE, Plan, Program};
use super::run::{Ended, Entry, Run, Seen, Tree, authority, of_child};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Leak,
    ForgedCommand,
    /// The command was started, though it must not be.
    WrongSuccess,
    /// The command was not started, though nothing was wrong.
    WrongFailure,
    LeftBehind,
    Panic,
    WrongExitCode,
    WrongError,
    /// The command got something else than what the document says.
    WrongHandOver,
    Hang,
    Trespass,
}

/// What `exec` itself writes for a runner.
const OWN_COMMANDS: &[&str] = &["add-mask", "error", "warning", "debug"];

/// The title of a warning.
const NOT_VERIFIED: &str = "The MCP connection is not verified";

/// The signal that a write to nobody brings, as a bit of a mask.
const PIPE: u64 = 1 << 12;

/// More than any run needs.
const PORT_LIMIT: Duration = Duration::from_secs(30);

/// What stands in [`super::given::BAD`].
const FORGED_PASSWORD: &str = "forged-password";

struct Judge<'a> {
    run: &'a Run<'a>,
    plan: &'a Plan,
    ended: &'a Ended,
    record: &'a Record,
    /// What `exec` itself wrote to standard error.
    said: String,
    log: Log,
    findings: Vec<Finding<Kind>>,
}

/// Judges a run: how it ended, and the promises that it broke.
pub fn judge(run: &Run<'_>, ended: &Ended, record: &Record) -> (String, Vec<Finding<Kind>>) {
    let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
    let said = stderr.replacen(&format!("{}\n", of_child(run.plan)), "", 1);
    let log = Log::read(&said);
    let mut judge = Judge { run, plan: run.plan, ended, record, said, log, findings: Vec::new() };
    judge.no_panic();
    judge.no_leak();
    judge.no_forged_command();
    let end = judge.end();
    judge.nothing_is_left();
    for text in &record.trespasses {
        judge.findings.push(Finding { kind: Kind::Trespass, text: text.clone() });
    }
    for text in &ended.complaints {
        judge.findings.push(Finding { kind: Kind::WrongHandOver, text: text.clone() });
    }
    (end, judge.findings)
}

impl Judge<'_> {
    fn expect(&mut self, holds: bool, kind: Kind, text: impl FnOnce() -> String) {
        if !holds {
            self.findings.push(Finding { kind, text: text() });
        }
    }

    fn no_panic(&mut self) {
        let said = self.said.clone();
        let panicked = ["panicked at", "(internal)", "RUST_BACKTRACE"].iter().any(|word| said.contains(word));
        self.expect(!panicked, Kind::Panic, || said);
        let (hung, elapsed) = (self.ended.hung, self.ended.elapsed);
        self.expect(!hung, Kind::Hang, || format!("no end after {elapsed:?}"));
    }

    fn key(&self) -> Option<String> {
        Some(self.run.key(&self.ended.environment)).filter(|key| !key.is_empty())
    }

    /// What must be nowhere.
    fn secrets(&self) -> Vec<String> {
        std::iter::once(&self.plan.play.client_secret).chain(&self.record.tokens).cloned().collect()
    }

    fn no_leak(&mut self) {
        let plain: Vec<_> = self.said.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
        let readings = Readings::of(&plain.join("\n"));
        let passwords = [PROXY_PASSWORD, FORGED_PASSWORD].map(str::to_owned);
        for secret in self.secrets().into_iter().chain(passwords).chain(self.key()) {
            let leak = readings.find(&Pieces::of(&secret));
            self.expect(leak.is_none(), Kind::Leak, || format!("standard error holds {secret:?} as {leak:?}"));
        }
        let secrets = self.secrets();
        let (ended, own_key) = (self.ended, self.key());
        for (name, value) in &ended.environment {
            self.holds_none(&format!("the variable {}", name.display()), value.as_bytes(), &secrets);
        }
        let words: Vec<_> = ended.arguments.iter().map(|word| word.as_bytes()).collect();
        let secrets_and_key: Vec<_> = secrets.iter().cloned().chain(own_key).collect();
        self.holds_none("the command line", &words.concat(), &secrets_and_key);
        // Of an `exec` that was killed, the key is left, which is of no more use.
        let is_killed = self.plan.end == End::WithoutExec;
        self.files_hold_none("afterwards", &ended.after, if is_killed { &secrets } else { &secrets_and_key });
        if let Some(seen) = &ended.seen {
            self.holds_none("the command line", &seen.command_line, &secrets_and_key);
            self.files_hold_none("meanwhile", &seen.tree, &secrets);
            for reply in &seen.replies {
                self.holds_none("what came through the gateway", reply, &secrets);
            }
        }
    }

    fn files_hold_none(&mut self, when: &str, tree: &Tree, secrets: &[String]) {
        for (path, entry) in tree {
            if let Entry::File(_, content) = entry {
                self.holds_none(&format!("{} {when}", path.display()), content, secrets);
            }
        }
    }

    fn holds_none(&mut self, place: &str, bytes: &[u8], secrets: &[String]) {
        for secret in secrets {
            let leak = written(secret).into_iter().find(|form| contains(bytes, form.as_bytes()));
            self.expect(leak.is_none(), Kind::Leak, || format!("{place} holds {secret:?} as {leak:?}"));
        }
    }

    fn no_forged_command(&mut self) {
        let own: &[&str] = if self.plan.in_runner { OWN_COMMANDS } else { &[] };
        let forged: Vec<_> = self.log.commands().filter(|command| !own.contains(&command.name.as_str())).cloned().collect();
        self.expect(forged.is_empty(), Kind::ForgedCommand, || format!("{forged:?}"));
        let titles = self.log.commands().filter(|command| command.name != "add-mask").all(|command| !command.title.contains("forged"));
        self.expect(titles, Kind::ForgedCommand, || "a title from outside".to_owned());
        // The key that a command which didn't start would have got is not known.
        if let Some(key) = self.key() {
            let forms = written(&key);
            let odd: Vec<_> = self.log.masks().into_iter().filter(|mask| !forms.iter().any(|form| form.contains(mask.as_str()))).collect();
            self.expect(odd.is_empty(), Kind::ForgedCommand, || format!("masks that are no key: {odd:?}"));
        }
        let said = self.said.clone();
        self.expect(!said.contains(is_active), Kind::ForgedCommand, || format!("a control character in {said:?}"));
    }

    /// Checks that the run may end so, and names the end.
    fn end(&mut self) -> String {
        let (plan, ended) = (self.plan, self.ended);
        if let Some((code, name)) = self.hindrance() {
            self.did_not_start(code);
            let asked = self.record.exchanges.len() + self.record.messages;
            self.expect(asked == 0, Kind::WrongError, || format!("{name}, and {asked} requests"));
            return name.to_owned();
        }
        if !ended.starts.is_empty() {
            self.started();
            return self.way_of_ending();
        }
        let interrupted = plan.early.filter(|_| ended.interrupted).map(|(_, signal)| 128 + signal);
        if interrupted.is_some() && ended.code() == interrupted {
            // The command may have been ended before it could say that it runs.
            return "a signal before the command".to_owned();
        }
        if plan.not_started().is_some() && ended.code() == plan.not_started() {
            self.servers_allow();
            return "the command can't be run".to_owned();
        }
        self.did_not_start(1);
        if plan.is_unheard {
            // A runner that can't be told of the key would show it, so nothing starts.
            let may = plan.in_runner || plan.play.stage != Stage::Nowhere || !plan.allowed_tools.is_empty() || plan.odd.is_some();
            self.expect(may, Kind::WrongFailure, || format!("{}, and nothing was wrong", ended.status));
            return "error: unheard".to_owned();
        }
        let code = self.error();
        if plan.odd.is_none() {
            self.may_fail_with(&code);
        }
        format!("error: {code}")
    }

    /// What ends the run before anything is sent: the exit code, and a name.
    fn hindrance(&self) -> Option<(i32, &'static str)> {
        let plan = self.plan;
        let by = |bad: &super::given::Bad| match bad.code {
            2 => (2, "the command line can't be read"),
            127 => (127, "the command is not there"),
            code => (code, "a value is not valid"),
        };
        let bad = plan.bad.map(by);
        bad.filter(|(code, _)| *code != 1)
            .or_else(|| plan.not_started().filter(|_| plan.is_not_found()).map(|code| (code, "the command is not there")))
            .or(bad)
            .or_else(|| (!plan.takes_the_file() && plan.odd.is_none()).then_some((1, "the config can't be used")))
    }

    fn did_not_start(&mut self, code: i32) {
        let (ended, said) = (self.ended, self.said.clone());
        self.expect(ended.starts.is_empty(), Kind::WrongSuccess, || format!("started, though it must end with {code}"));
        self.expect(ended.code() == Some(code), Kind::WrongExitCode, || format!("{}, and not {code}: {said}", ended.status));
        self.expect(ended.stdout.is_empty(), Kind::WrongError, || "something on standard output".to_owned());
        if code == 1 && !self.plan.is_unheard {
            let error = self.error();
            let is_known = Code::VARIANTS.iter().any(|known| known.as_str() == error);
            self.expect(is_known, Kind::WrongError, || format!("no code: {said}"));
        }
    }

    /// The codes in the messages.
    fn error(&self) -> String {
        let titles: Vec<String> = if self.plan.in_runner {
            self.log.errors().map(|error| error.title.clone()).collect()
        } else {
            self.said.lines().filter_map(|line| line.strip_prefix("port-mcp-auth: error: ").map(str::to_owned)).collect()
        };
        let code = |title: &String| title.rsplit_once(" (").and_then(|(_, code)| code.strip_suffix(')')).unwrap_or("none").to_owned();
        titles.iter().map(code).collect::<Vec<_>>().join(", ")
    }

    fn may_fail_with(&mut self, code: &str) {
        let (plan, last, conversation) = (self.plan, self.record.exchange(), &self.record.conversation);
        let late = self.ended.elapsed >= plan.timeout;
        let usable = self.record.is_usable(plan.play.strict);
        let of_server = !matches!(plan.play.stage, Stage::Tls | Stage::Tunnel);
        let fits = match code {
            "timeout" => late,
            "tool_unknown" => !plan.allowed_tools.is_empty(),
            "gateway" if of_server => plan.verify && last.good && (!usable || late),
            _ => self.record.explains(&plan.play, plan.verify, code),
        };
        let text = format!("{code}, after {last:?} and {conversation:?}: {}", self.said);
        self.expect(fits, if usable && of_server { Kind::WrongFailure } else { Kind::WrongError }, || text);
    }

    /// The command may run: there was a token, and the MCP server didn't refuse for certain.
    fn servers_allow(&mut self) {
        let record = self.record;
        let (exchange, conversation) = match &self.ended.seen {
            Some(seen) => (seen.exchange.clone(), seen.conversation.clone()),
            None => (record.exchange(), record.conversation.clone()),
        };
        // If the direct check was inconclusive, the user is warned. The one through the gateway may then be inconclusive too: the
        // gateway answers for a server whose answer is broken.
        let is_warned = self.said.contains(NOT_VERIFIED) || self.plan.is_unheard;
        let refused = self.plan.verify && !is_warned && conversation.last().is_some_and(Verdict::is_definite);
        self.expect(exchange.good, Kind::WrongSuccess, || format!("the last answer was {exchange:?}"));
        self.expect(!refused, Kind::WrongSuccess, || format!("the MCP server said {conversation:?}"));
    }

    fn started(&mut self) {
        let (plan, ended, said) = (self.plan, self.ended, self.said.clone());
        let starts = ended.starts.len();
        self.expect(starts == 1, Kind::WrongSuccess, || format!("{starts} starts"));
        self.expect(!plan.in_runner || !plan.is_unheard, Kind::Leak, || "the runner doesn't know the key".to_owned());
        self.expect(plan.program == Program::Script, Kind::WrongSuccess, || "no script".to_owned());
        self.servers_allow();
        let mut codes = vec![plan.code()];
        if let Some((_, signal)) = plan.early.filter(|_| ended.interrupted) {
            let number = super::plan::SIGNALS.iter().position(|(_, number)| *number == signal);
            codes.extend([Some(128 + signal), number.and_then(|number| plan.fate(number))].into_iter().flatten());
        }
        let fits = if plan.end == End::WithoutExec && ended.seen.is_some() {
            ended.signal() == Some(9)
        } else {
            ended.code().is_some_and(|code| codes.contains(&code))
        };
        self.expect(fits, Kind::WrongExitCode, || format!("{}, and not one of {codes:?}: {said}", ended.status));
        if ended.interrupted {
            // The signal may have ended it before it could do anything else.
            return;
        }
        self.words_are_right();
        self.variables_are_right();
        let mut expected = plan.says.clone();
        expected.extend(self.key().unwrap_or_default().into_bytes());
        expected.push(b'\n');
        let same = ended.stdout == expected;
        self.expect(same, Kind::WrongHandOver, || format!("printed {:?}", String::from_utf8_lossy(&ended.stdout)));
        let input = if self.run.given.is_input_secret { "" } else { &self.run.given.input };
        self.expect(ended.input == input.as_bytes(), Kind::WrongHandOver, || format!("the input {:?}", ended.input));
        let line = format!("{}\n", of_child(plan));
        let passed = String::from_utf8_lossy(&ended.stderr).matches(&line).count();
        self.expect(passed == 1 || plan.is_unheard, Kind::WrongHandOver, || format!("{passed} lines on standard error"));
        match &ended.seen {
            Some(seen) => self.surroundings_are_right(seen),
            None => self.expect(!plan.waits(), Kind::WrongHandOver, || "it didn't wait".to_owned()),
        }
    }

    /// The command's own words, with the agent's flags in one place.
    fn words_are_right(&mut self) {
        let (plan, given) = (self.plan, &self.run.given.command);
        let Some((_, own)) = given.split_first() else {
            return;
        };
        let names = |word: &OsString| {
            let name = Path::new(word).file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let name = name.split('@').next().unwrap_or_default().to_owned();
            name == plan.client.id() || plan.client.programs().contains(&name.as_str())
        };
        let place = given.iter().position(names).unwrap_or(own.len());
        let (before, after) = own.split_at(place.min(own.len()));
        let got = &self.ended.arguments;
        let flags = got.len().checked_sub(own.len());
        let fits = flags.is_some() && got.starts_with(before) && got.ends_with(after);
        self.expect(fits, Kind::WrongHandOver, || format!("the arguments {got:?}, and not {given:?}"));
        let has_flags = flags.is_some_and(|flags| flags > 0);
        let by_flags = plan.client.source() == Source::Flags && plan.config_file.is_none() && plan.odd.is_none();
        let by_nothing = plan.client.id() == "generic";
        self.expect(has_flags || !by_flags, Kind::WrongHandOver, || "no flags".to_owned());
        self.expect(!has_flags || !by_nothing, Kind::WrongHandOver, || format!("flags: {got:?}"));
    }

    fn variables_are_right(&mut self) {
        let (plan, ended) = (self.plan, self.ended);
        let value = |name: &str| ended.environment.get(&OsString::from(name));
        let gone = plan.decoys.iter().map(|(name, _)| name.as_str());
        let gone = gone.chain(["PORT_CLIENT_ID", "PORT_CLIENT_SECRET", "PORT_CLIENT_SECRET_FILE"]);
        let there: Vec<_> = gone.filter(|name| value(name).is_some()).collect();
        self.expect(there.is_empty(), Kind::Leak, || format!("the variables {there:?}"));
        let other: Vec<_> = plan.kept.iter().filter(|(name, text)| value(name) != Some(text)).collect();
        self.expect(other.is_empty(), Kind::WrongHandOver, || format!("without the variables {other:?}"));
        let Some(key) = self.key() else {
            self.expect(false, Kind::WrongHandOver, || format!("no key: {:?}", ended.environment));
            return;
        };
        let text = |name: &str| value(name).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
        let url = text("PORT_MCP_URL");
        let is_url = authority(&ended.environment).is_some_and(|authority| authority.starts_with("127.0.0.1:"));
        self.expect(is_url, Kind::WrongHandOver, || format!("the address {url:?}"));
        let headers: Value = serde_json::from_str(&text("PORT_MCP_HEADERS")).unwrap_or_default();
        let fits = headers == json!({ "Authorization": format!("Bearer {key}") });
        self.expect(fits, Kind::WrongHandOver, || format!("the headers {headers}"));
        let config = text("PORT_MCP_CONFIG");
        let fits = parse(plan.client.format(), &config).is_ok() && config.contains(&url);
        self.expect(fits, Kind::WrongHandOver, || format!("the config {config}"));
        if let Some(name) = plan.config_variable().filter(|_| plan.odd.is_none()) {
            let had = self.run.given.env.contains_key(name);
            let config: Value = serde_json::from_str(&text(name)).unwrap_or_default();
            let fits = config.to_string().contains(&url) && (config["mine"] == "x") == had;
            self.expect(fits, Kind::WrongHandOver, || format!("{name} is {config}"));
        }
    }

    /// What the process looked like from outside while it waited.
    fn surroundings_are_right(&mut self, seen: &Seen) {
        let (plan, ended) = (self.plan, self.ended);
        let fits = seen.children == ended.starts;
        self.expect(fits, Kind::WrongSuccess, || format!("the children {:?}, of which it started {:?}", seen.children, ended.starts));
        self.expect(seen.open.is_empty(), Kind::Leak, || format!("open files: {:?}", seen.open));
        let (blocked, ignored) = seen.masks;
        let fits = blocked == 0 && ignored & PIPE == 0;
        self.expect(fits, Kind::WrongHandOver, || format!("blocked {blocked:x}, ignored {ignored:x}"));
        if plan.odd.is_some() {
            return;
        }
        self.expect(seen.is_served, Kind::WrongHandOver, || "no gateway".to_owned());
        let calls = if plan.calls { 2 } else { 0 };
        let answered = seen.replies.len() == calls && seen.replies.iter().all(|reply| contains(reply, b"\"result\""));
        let fits = plan.play.stage != Stage::Nowhere || answered;
        let replies = || seen.replies.iter().map(|reply| String::from_utf8_lossy(reply).into_owned()).collect::<Vec<_>>();
        self.expect(fits, Kind::WrongHandOver, || format!("the gateway said {:?}", replies()));
        if plan.config_path().is_some() {
            self.config_is_right(seen);
        }
    }

    fn config_is_right(&mut self, seen: &Seen) {
        let (plan, ended) = (self.plan, self.ended);
        let Some((mode, text)) = &seen.config else {
            self.expect(false, Kind::WrongHandOver, || "no file".to_owned());
            return;
        };
        self.expect(*mode == 0o600, Kind::Leak, || format!("the file's mode is {mode:o}"));
        let format = plan.client.format();
        let now = parse(format, text).unwrap_or_default();
        let before = self.before();
        let url = authority(&ended.environment).unwrap_or_default();
        let keeps = before.as_object().is_none_or(|before| before.iter().all(|(name, value)| now.get(name) == Some(value)));
        self.expect(keeps && text.contains(&url), Kind::WrongHandOver, || format!("the file is {text}"));
        let takes_names = plan.client.id() != "generic" && plan.client.token_env_transports().contains(&plan.transport);
        let holds_key = self.key().is_some_and(|key| text.contains(&key));
        let by_name = plan.token_env.is_some() || takes_names;
        self.expect(!(by_name && holds_key), Kind::Leak, || format!("the key is in the file: {text}"));
    }

    /// What the config said before.
    fn before(&self) -> Value {
        match &self.plan.existing {
            Existing::File(text, _) | Existing::Link(text) => parse(self.plan.client.format(), text).unwrap_or_default(),
            Existing::Nothing | Existing::Broken(_) => json!({}),
        }
    }

    fn nothing_is_left(&mut self) {
        let (plan, ended) = (self.plan, self.ended);
        if ended.seen.is_some() && plan.end == End::WithoutExec {
            if let (Some((code, config)), Some(authority)) = (&ended.next, authority(&ended.environment)) {
                let now = parse(plan.client.format(), config).unwrap_or_default();
                let keeps = self.before().as_object().is_none_or(|before| before.iter().all(|(name, value)| now.get(name) == Some(value)));
                let fits = *code == Some(0) && !config.contains(&authority) && keeps;
                self.expect(fits, Kind::LeftBehind, || format!("the next run ended with {code:?} and left {authority} in {config}"));
            }
            return;
        }
        for process in &ended.starts {
            let line = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            let is_ours = line.contains(&format!("({:.15})", plan.program_name));
            self.expect(!is_ours, Kind::LeftBehind, || format!("the process {line}"));
        }
        let ends = authority(&ended.environment).is_none_or(|authority| ends(&authority));
        self.expect(ends, Kind::LeftBehind, || "the gateway".to_owned());
        let changed = (plan.change != Change::Nothing && ended.seen.is_some() && plan.odd.is_none()).then(|| self.run.config()).flatten();
        let Some(path) = changed else {
            let difference = difference(&self.run.before, &ended.after);
            self.expect(difference.is_empty(), Kind::LeftBehind, || difference.join("\n"));
            return;
        };
        // The agent's own change stays, with the folders around it.
        let path: PathBuf = path.strip_prefix(self.run.dir.path()).unwrap().components().collect();
        let apart = |tree: &Tree| -> Tree {
            let is_apart = |at: &Path, entry: &Entry| at != path && !(matches!(entry, Entry::Folder(_)) && path.starts_with(at));
            tree.iter().filter(|(at, entry)| is_apart(at, entry)).map(|(at, entry)| (at.clone(), entry.clone())).collect()
        };
        let difference = difference(&apart(&self.run.before), &apart(&ended.after));
        self.expect(difference.is_empty(), Kind::LeftBehind, || difference.join("\n"));
        let left = ended.after.get(&path);
        let fits = match plan.change {
            Change::Nothing => true,
            Change::Deletes => left.is_none(),
            Change::Garbage => matches!(left, Some(Entry::File(_, content)) if content == GARBAGE.as_bytes()),
            Change::Links => matches!(left, Some(Entry::Link(_))),
            Change::Adds => self.holds_only_what_was_added(left),
        };
        let text = || match left {
            Some(Entry::File(mode, content)) => format!("{mode:o} {}", String::from_utf8_lossy(content)),
            other => format!("{other:?}"),
        };
        let text = format!("{:?} of the agent left {}\n{}", plan.change, text(), self.said);
        self.expect(fits, Kind::LeftBehind, || text);
    }

    fn holds_only_what_was_added(&self, left: Option<&Entry>) -> bool {
        let format = self.plan.client.format();
        let mut before = self.before();
        before["agentWrote"] = json!(true);
        let Some(Entry::File(_, content)) = left else {
            return false;
        };
        parse(format, &String::from_utf8_lossy(content)).is_ok_and(|after| after == before)
    }

    /// In which way a command ended that ran.
    fn way_of_ending(&self) -> String {
        let way = match (&self.plan.end, self.plan.code()) {
            _ if self.ended.interrupted => "ran: a signal came early",
            (End::Exits(_), _) => "ran: it ended by itself",
            (End::Kills(_), _) => "ran: it killed itself",
            (End::Told(_), _) => "ran: it ended when it was told",
            (End::Killed, _) => "ran: it was killed",
            (End::WithoutExec, _) => "ran: exec was killed",
            (End::Signalled(signals, _), _) => match signals.iter().find_map(|signal| self.plan.fate(*signal)) {
                None => "ran: it outlived signals",
                Some(code) if code > 128 => "ran: a signal ended it",
                Some(_) => "ran: it ended at a signal",
            },
        };
        way.to_owned()
    }
}

/// The forms in which a secret is looked for.
fn written(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap_or_default();
    let mut forms = vec![
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        HEXLOWER.encode(secret.as_bytes()),
        HEXUPPER.encode(secret.as_bytes()),
    ];
    // Wherever it begins in what was encoded. What stands next to it changes the characters at its ends.
    for lead in ["", "x", "xx"] {
        let text = format!("{lead}{secret}");
        for encoded in [BASE64.encode(text.as_bytes()), BASE64URL_NOPAD.encode(text.as_bytes())] {
            let whole = text.len() / 3 * 4;
            forms.push(encoded.get(if lead.is_empty() { 0 } else { 4 }..whole).unwrap_or_default().to_owned());
        }
    }
    forms.retain(|form| form.len() >= 4);
    forms
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(bytes, needle).is_some()
}

/// Whether nothing listens there any more. Another run may be given the same port, but not for long.
fn ends(authority: &str) -> bool {
    let end = Instant::now() + PORT_LIMIT;
    while TcpStream::connect(authority).is_ok() {
        if Instant::now() > end {
            return false;
        }
        sleep(Duration::from_millis(10));
    }
    true
}

/// What was changed.
fn difference(before: &Tree, after: &Tree) -> Vec<String> {
    let shown = |entry: Option<&Entry>| match entry {
        Some(Entry::File(mode, content)) => format!("{mode:o} {:?}", String::from_utf8_lossy(content)),
        other => format!("{other:?}"),
    };
    let paths = before.keys().chain(after.keys().filter(|path| !before.contains_key(*path)));
    let changed = paths.filter(|path| before.get(*path) != after.get(*path));
    changed.map(|path| format!("{}: {}, and before {}", path.display(), shown(after.get(path)), shown(before.get(path)))).collect()
}
