//! What must hold after a run, whatever the server did.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use port_mcp_auth::testing::report::Code;
use strum::VariantArray;

use super::common::leaks::{Pieces, Readings, found, places};
use super::common::runner::Log;
use super::common::{Outcome, Step};
use super::hostile::server::Record;
use super::hostile::tally::Finding;
use super::hostile::wire::{Breach, Verdict};
use super::hostile::{PROXY_PASSWORD, Stage, is_active};
use super::plan::Plan;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Leak,
    ForgedCommand,
    WrongSuccess,
    /// A failure, though the official SDKs could use every answer.
    WrongFailure,
    /// A success without the tools, though the official SDKs could use every answer; or a warning of a breach where there is none.
    NeedlessWarning,
    WrongError,
    Panic,
    Outputs,
    Time,
    Trespass,
}

/// The outputs that hold the token.
const WITH_TOKEN: &[&str] = &["access_token", "mcp_config", "client_args", "headers"];

const OUTPUTS: &[&str] = &[
    "access_token",
    "mcp_config",
    "client_args",
    "allowed_tools",
    "tools",
    "expires_at",
    "expires_in",
    "mcp_url",
    "server_name",
    "headers",
    "port_headers",
    "config_file",
];

const OWN_COMMANDS: &[&str] = &["add-mask", "error", "warning"];

/// The titles of warnings.
pub const NOT_VERIFIED: &str = "The MCP connection is not verified";
pub const BREAKS_SCHEMA: &str = "Some agents would have no tools";
const NO_TOOLS: &str = "No tools";

/// Tools that change things, or may.
const RISKY: &[&str] = &[
    "run_action",
    "trigger_run",
    "trigger_workflow_run",
    "run_report",
    "trigger_auto_discovery",
    "delete_entity",
    "upsert_blueprint",
    "merge_page",
];

/// A run as it ended.
struct Run<'a> {
    plan: &'a Plan,
    step: &'a Step,
    outcome: &'a Outcome,
    record: &'a Record,
    elapsed: Duration,
    findings: Vec<Finding<Kind>>,
}

/// Judges a run: its code, if it failed, and the promises that it broke.
pub fn judge(plan: &Plan, step: &Step, outcome: &Outcome, record: &Record, elapsed: Duration) -> (Option<String>, Vec<Finding<Kind>>) {
    let mut run = Run { plan, step, outcome, record, elapsed, findings: Vec::new() };
    run.no_panic();
    let code = run.code();
    run.no_leak(code.is_none());
    run.no_forged_command();
    run.outputs(code.as_deref());
    match &code {
        None => run.may_succeed(),
        Some(code) => run.may_fail_with(code),
    }
    for trespass in &record.trespasses {
        run.findings.push(Finding { kind: Kind::Trespass, text: trespass.clone() });
    }
    (code, run.findings)
}

impl Run<'_> {
    fn expect(&mut self, holds: bool, kind: Kind, text: impl FnOnce() -> String) {
        if !holds {
            self.findings.push(Finding { kind, text: text() });
        }
    }

    fn no_panic(&mut self) {
        let Outcome { stderr, exit_code, .. } = self.outcome;
        self.expect(stderr.is_empty(), Kind::Panic, || format!("stderr: {stderr}"));
        self.expect(matches!(exit_code, Some(0 | 1)), Kind::Panic, || format!("the exit code {exit_code:?}"));
    }

    /// The code that the annotation names.
    fn code(&mut self) -> Option<String> {
        if self.outcome.exit_code == Some(0) {
            let errors = self.outcome.log.errors().count();
            self.expect(errors == 0, Kind::WrongError, || "a success with an error".to_owned());
            return None;
        }
        let titles: Vec<_> = self.outcome.log.errors().map(|error| error.title.clone()).collect();
        self.expect(titles.len() == 1, Kind::WrongError, || format!("{} errors", titles.len()));
        let title = titles.first().cloned().unwrap_or_default();
        let code = title.rsplit_once(" (").and_then(|(_, code)| code.strip_suffix(')')).unwrap_or_default().to_owned();
        let is_known = Code::VARIANTS.iter().any(|known| known.as_str() == code);
        self.expect(is_known, Kind::WrongError, || format!("the code {code:?} in {title:?}"));
        Some(code)
    }

    fn no_leak(&mut self, succeeded: bool) {
        let client_secrets = [self.plan.play.client_secret.as_str(), PROXY_PASSWORD];
        let tokens = self.record.tokens.iter().map(String::as_str);
        let secrets: Vec<_> = client_secrets.into_iter().chain(tokens).map(|secret| (secret, Pieces::of(secret))).collect();
        let (of_client, all) = (&secrets[..client_secrets.len()], &secrets);
        for (place, text) in places(self.outcome, true) {
            self.holds_none(place, &text, all);
        }
        for (name, value) in self.outcome.outputs() {
            let may = succeeded && WITH_TOKEN.contains(&name.as_str());
            self.holds_none(&format!("the output {name}"), &value, if may { of_client } else { all });
        }
    }

    fn holds_none(&mut self, place: &str, text: &str, secrets: &[(&str, Pieces)]) {
        let readings = Readings::of(text);
        for (secret, pieces) in secrets {
            let leak = readings.find(pieces);
            self.expect(leak.is_none(), Kind::Leak, || format!("{place} holds {secret:?} as {leak:?}"));
        }
    }

    fn no_forged_command(&mut self) {
        let forged: Vec<_> = self.outcome.log.commands().filter(|command| !OWN_COMMANDS.contains(&command.name.as_str())).collect();
        self.expect(forged.is_empty(), Kind::ForgedCommand, || format!("{forged:?}"));
        let own_titles =
            self.outcome.log.commands().filter(|command| command.name != "add-mask").all(|command| !command.title.contains("forged"));
        self.expect(own_titles, Kind::ForgedCommand, || "a title from outside".to_owned());
        self.expect(Log::read(&self.outcome.stderr).commands().count() == 0, Kind::ForgedCommand, || "on stderr".to_owned());
        let forms = self.forms_to_mask();
        let masks = self.outcome.log.masks();
        let odd: Vec<_> = masks.iter().filter(|mask| !forms.iter().any(|form| form.contains(mask.as_str())) || mask.len() < 4).collect();
        self.expect(odd.is_empty(), Kind::ForgedCommand, || format!("masks of no secret: {odd:?}"));
        let secret = &self.plan.play.client_secret;
        self.expect(masks.contains(secret), Kind::Leak, || "the client secret is not masked".to_owned());
        let text = format!("{}{}", self.outcome.stdout, self.outcome.summary);
        self.expect(!text.contains(is_active), Kind::ForgedCommand, || format!("a control character in {text:?}"));
        let outside_code: String = self.outcome.summary.split('`').step_by(2).collect();
        let is_plain = ["<img", "<script", "<!--", "](javascript"].iter().all(|markup| !outside_code.contains(markup));
        self.expect(is_plain, Kind::ForgedCommand, || format!("markup in the summary: {outside_code}"));
    }

    /// What masks may be made of.
    fn forms_to_mask(&self) -> Vec<String> {
        let secrets = self.record.tokens.iter().chain([&self.plan.play.client_secret]);
        let form = |secret: &String| {
            let lead = ["", "x", "xx"].map(|lead| BASE64URL_NOPAD.encode(format!("{lead}{secret}").as_bytes()));
            [secret.clone(), HEXLOWER.encode(secret.as_bytes()), HEXUPPER.encode(secret.as_bytes())].into_iter().chain(lead)
        };
        secrets.flat_map(form).collect()
    }

    /// All of them, or the code alone; and with the file it is the same.
    fn outputs(&mut self, code: Option<&str>) {
        let outputs = self.outcome.outputs();
        let names: BTreeSet<_> = outputs.keys().map(String::as_str).collect();
        let expected: BTreeSet<_> = if code.is_some() { BTreeSet::from(["error_code"]) } else { OUTPUTS.iter().copied().collect() };
        self.expect(names == expected, Kind::Outputs, || format!("the outputs {names:?}"));
        let said = outputs.get("error_code").map(String::as_str);
        self.expect(said == code, Kind::Outputs, || format!("error_code is {said:?}, the annotation says {code:?}"));
        let files = |folder: &str| {
            std::fs::read_dir(self.step.path(folder)).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>()
        };
        let left = [files("workspace"), files("temp")].concat();
        let wanted = usize::from(code.is_none() && self.plan.config_file.is_some());
        self.expect(left.len() == wanted, Kind::Outputs, || format!("the files {left:?}"));
        for path in left {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let holds = outputs.get("access_token").is_some_and(|token| text.contains(token.as_str()));
            self.expect(holds != self.plan.token_env, Kind::Outputs, || format!("the config file is {text}"));
        }
    }

    /// A success needs a token that was given in a proper answer, and the tools that were listed.
    fn may_succeed(&mut self) {
        let outputs = self.outcome.outputs();
        let token = outputs.get("access_token").cloned().unwrap_or_default();
        let last = self.record.exchange();
        self.expect(last.good, Kind::WrongSuccess, || format!("the last answer was {last:?}"));
        self.expect(self.record.tokens.last() == Some(&token), Kind::WrongSuccess, || format!("the token {token:?}"));
        let tools: Vec<String> = outputs.get("tools").and_then(|tools| serde_json::from_str(tools).ok()).unwrap_or_default();
        if self.warns(NOT_VERIFIED) {
            self.expect(self.plan.verify && tools.is_empty(), Kind::WrongSuccess, || format!("not verified, with the tools {tools:?}"));
            self.may_be_unverified();
        } else if self.plan.verify {
            self.may_be_verified(&tools);
        } else {
            self.expect(tools.is_empty(), Kind::WrongSuccess, || format!("not asked, with the tools {tools:?}"));
        }
        let holds = |output: &str| outputs.get(output).is_some_and(|value| value.contains(&token));
        let (all, ports) = (holds("headers"), holds("port_headers"));
        self.expect(all && !ports, Kind::Outputs, || format!("headers with the token: {all}, port_headers: {ports}"));
        if let Some(config) = outputs.get("mcp_config") {
            self.expect(config.contains(&token) != self.plan.token_env, Kind::Outputs, || format!("mcp_config is {config}"));
        }
    }

    fn warns(&self, title: &str) -> bool {
        self.outcome.log.warnings().any(|warning| warning.title == title)
    }

    /// Nothing may follow from the answers, or the time was up.
    fn may_be_unverified(&mut self) {
        let conversation = &self.record.conversation;
        let unclear = conversation.iter().any(|verdict| verdict.unclear) && !conversation.last().is_some_and(Verdict::is_definite);
        let may = self.is_late() || unclear || conversation.is_empty();
        let kind = if conversation.iter().all(Verdict::is_usable) { Kind::NeedlessWarning } else { Kind::WrongSuccess };
        let warning = || self.outcome.log.warnings().map(|warning| warning.text.clone()).collect::<String>();
        let text = format!("{}, after {conversation:?}", warning());
        self.expect(may, kind, || text);
    }

    /// Every answer was good, the agent would take them, and all tools are there.
    fn may_be_verified(&mut self, tools: &[String]) {
        let conversation = &self.record.conversation;
        let good = !conversation.is_empty() && conversation.iter().all(|verdict| verdict.good);
        let rejected = self.plan.play.strict && self.record.breaches().any(|breach| breach == Breach::Newer);
        let text = format!("the MCP server said {conversation:?}");
        self.expect(good && !rejected, Kind::WrongSuccess, || text.clone());
        let offered = self.usable_tools();
        self.expect(tools == offered, Kind::WrongSuccess, || format!("the tools {tools:?}, offered were {offered:?}"));
        let silent = tools.is_empty() && !self.warns(NO_TOOLS);
        self.expect(!silent, Kind::WrongSuccess, || "no tools, and not a word".to_owned());
        let (warned, breaks) = (self.warns(BREAKS_SCHEMA), self.record.breaches().next().is_some());
        // Of an agent that is known to take it, nothing is said.
        let concerns = !self.plan.play.strict && self.record.breaches().any(|breach| breach != Breach::Event);
        self.expect(warned || !concerns, Kind::WrongSuccess, || format!("no word of a breach, and {text}"));
        self.expect(breaks || !warned, Kind::NeedlessWarning, || format!("a breach, and {text}"));
        let allowed = self.outcome.outputs().get("allowed_tools").cloned().unwrap_or_default();
        let not_admitted: Vec<_> = RISKY.iter().filter(|name| self.is_offered(name) && !self.admits(name)).collect();
        let listed = |name: &str| allowed.split(',').any(|tool| tool.ends_with(name));
        let wrong: Vec<_> = not_admitted.into_iter().filter(|name| listed(name)).collect();
        self.expect(wrong.is_empty(), Kind::WrongSuccess, || format!("{wrong:?} allowed: {allowed}"));
    }

    fn may_fail_with(&mut self, code: &str) {
        let (plan, last, conversation) = (self.plan, self.record.exchange(), &self.record.conversation);
        let of_server = !matches!(plan.play.stage, Stage::Tls | Stage::Tunnel);
        let fits = match code {
            "timeout" => self.is_late(),
            "tool_unknown" if of_server => plan.verify && last.good && (self.is_unlisted() || self.is_unknown()),
            _ => self.record.explains(&plan.play, plan.verify, code),
        };
        let usable = self.record.is_usable(plan.play.strict);
        let error = self.outcome.log.errors().map(|error| error.text.lines().next().unwrap_or_default().to_owned()).collect::<String>();
        let text = format!("{code}, {error:?}, after {last:?} and {conversation:?}");
        self.expect(fits, if usable && of_server { Kind::WrongFailure } else { Kind::WrongError }, || text);
    }

    /// Without a list, which every trouble may cost, globs can't be looked up.
    fn is_unlisted(&self) -> bool {
        let conversation = &self.record.conversation;
        let no_list = self.is_late() || conversation.is_empty() || conversation.iter().any(|verdict| verdict.unclear);
        no_list && self.plan.allowed_tools.contains('*')
    }

    /// Whether a good list doesn't have what is asked for.
    fn is_unknown(&self) -> bool {
        let good = self.record.conversation.iter().all(|verdict| verdict.good);
        let tools = self.usable_tools();
        let unknown = match self.plan.allowed_tools {
            "" => false,
            glob if glob.ends_with('*') => {
                let start = glob.trim_end_matches('*');
                !tools.iter().any(|name| name.starts_with(start) && self.admits(name))
            }
            name => !tools.iter().any(|tool| tool == name),
        };
        good && unknown
    }

    fn is_offered(&self, name: &str) -> bool {
        self.record.offered.iter().any(|tool| tool.name == name)
    }

    /// Whether a tool of this name may be used unasked: with `read_only`, all that is known of it has to say that it reads.
    fn admits(&self, name: &str) -> bool {
        let hints: Vec<_> = self.record.offered.iter().filter(|tool| tool.name == name).map(|tool| tool.read_only_hint).collect();
        let writes = ["run_", "trigger_", "upsert_", "delete_"].iter().any(|start| name.starts_with(start));
        let reads = ["list_blueprints", "list_entities", "get_sidebar"].contains(&name);
        let all_read = hints.iter().all(|hint| hint.unwrap_or(reads));
        !self.plan.read_only || (all_read && !writes)
    }

    fn is_late(&self) -> bool {
        self.elapsed >= self.plan.timeout
    }

    /// In the server's order, each once, without those that can't be names or hold a secret.
    fn usable_tools(&self) -> Vec<String> {
        let is_name =
            |name: &str| (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        let is_harmless =
            |name: &str| self.record.tokens.iter().chain([&self.plan.play.client_secret]).all(|secret| found(name, secret).is_none());
        let mut seen = HashSet::new();
        let offered = self.record.offered.iter().map(|tool| &tool.name).filter(|name| is_name(name) && is_harmless(name));
        offered.filter(|name| seen.insert(name.as_str())).cloned().collect()
    }
}
