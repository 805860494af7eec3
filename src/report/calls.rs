//! What was called through a gateway.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::summary::write_summary;
use super::words::human;
use crate::gateway::{CallOutcome, Line, RecordEvent};
use crate::runner::markdown::{Cell, Markdown};
use crate::runner::{Console, Environment};
use crate::{docker, process};

/// The most kinds of refused calls that the log and the summary show.
const MOST_REFUSED: usize = 50;

/// The most tools that the summary shows.
const MOST_TOOLS: usize = 200;

/// The exit code of a program that was killed: 128 and the signal's number.
const KILLED: i64 = 137;

const LIFETIME: &str = "Its lifetime was over before the job's end. Later calls found no gateway: raise `gateway_lifetime`.";

const STOPPED: &str = "Somebody stopped it before the job's end.";

/// What a gateway's record says, added up.
#[derive(Default)]
pub struct Calls {
    tools: BTreeMap<String, ToolCalls>,
    /// How often each of these was refused: what it was, and why.
    refused: BTreeMap<(String, String), usize>,
    renewals: usize,
    failed_renewals: usize,
    /// The calls that have no answer yet, by their number in the record.
    open: HashMap<u64, String>,
    ended_by: Option<String>,
}

/// What became of the calls of one tool.
#[derive(Default)]
struct ToolCalls {
    allowed: usize,
    refused: usize,
    failed: usize,
    took: Duration,
}

/// How a gateway ended, as people are told.
struct Ending {
    text: String,
    is_early: bool,
}

impl Calls {
    /// Takes a line of the record.
    pub fn read(&mut self, line: &str) {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            return;
        };
        match line.event {
            RecordEvent::Call => self.call(line),
            RecordEvent::Answer => self.answer(&line),
            RecordEvent::Refused => self.refuse(line),
            RecordEvent::Renewed => self.renewals += 1,
            RecordEvent::RenewalFailed => self.failed_renewals += 1,
            RecordEvent::End => self.ended_by = line.reason,
            RecordEvent::Ready | RecordEvent::Failed | RecordEvent::Omitted => {}
        }
    }

    /// Only calls of tools count: an agent makes the others by itself.
    fn call(&mut self, line: Line) {
        if let (Some(tool), Some(id)) = (line.tool, line.id) {
            self.tools.entry(tool.clone()).or_default().allowed += 1;
            self.open.insert(id, tool);
        }
    }

    fn answer(&mut self, line: &Line) {
        let Some(tool) = line.id.and_then(|id| self.open.remove(&id)) else {
            return;
        };
        let tool = self.tools.entry(tool).or_default();
        tool.failed += usize::from(matches!(line.outcome, Some(CallOutcome::Error | CallOutcome::Failed)));
        tool.took += line.ms.and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok()).unwrap_or_default();
    }

    fn refuse(&mut self, line: Line) {
        if let Some(tool) = &line.tool {
            self.tools.entry(tool.clone()).or_default().refused += 1;
        }
        let what = line.tool.or(line.method).unwrap_or_else(|| "request".to_owned());
        *self.refused.entry((what, line.message.or(line.reason).unwrap_or_default())).or_default() += 1;
    }

    fn total(&self, count: impl Fn(&ToolCalls) -> usize) -> usize {
        self.tools.values().map(count).sum()
    }

    fn refusals(&self) -> usize {
        self.refused.values().sum()
    }

    /// Calls that never got an answer have failed.
    fn close(&mut self) {
        for tool in std::mem::take(&mut self.open).into_values() {
            self.tools.entry(tool).or_default().failed += 1;
        }
    }
}

/// How a gateway was found, and ended.
#[derive(Debug, Clone)]
pub enum GatewayEnd {
    /// A container, as the engine says.
    Container(docker::ContainerEnd),
    /// A process.
    Process(process::ProcessEnd),
}

impl Ending {
    fn of(calls: &Calls, end: &GatewayEnd) -> Self {
        match end {
            GatewayEnd::Container(end) => Self::of_container(calls, end),
            GatewayEnd::Process(end) => Self::of_process(calls, *end),
        }
    }

    fn with_the_job(was_killed: bool, by: &str) -> Self {
        let killed = if was_killed { format!(", killed by {by} since it took too long") } else { String::new() };
        Self { text: format!("It ended with the job{killed}."), is_early: false }
    }

    /// Only a process's parent is told its exit code, so all that is known is in the record.
    fn of_process(calls: &Calls, end: process::ProcessEnd) -> Self {
        if end.was_running {
            return Self::with_the_job(end.was_killed, "the clean-up");
        }
        let text = match calls.ended_by.as_deref() {
            Some("lifetime") => LIFETIME,
            Some("stopped") => STOPPED,
            Some(_) => "It ended by a fault before the job's end.",
            None => "Somebody killed it before the job's end, or the system did, since memory was short.",
        };
        Self { text: text.to_owned(), is_early: true }
    }

    fn of_container(calls: &Calls, end: &docker::ContainerEnd) -> Self {
        let early = |text: String| Self { text, is_early: true };
        if end.running {
            return Self::with_the_job(end.exit_code == KILLED, "the engine");
        }
        match (end.out_of_memory, calls.ended_by.as_deref(), end.exit_code) {
            (true, ..) => early("The system killed it before the job's end, since it was out of memory.".to_owned()),
            (_, Some("lifetime"), _) => early(LIFETIME.to_owned()),
            (_, Some("stopped"), _) => early(STOPPED.to_owned()),
            (.., KILLED) => early("Somebody killed it before the job's end.".to_owned()),
            (.., code) => early(format!("It ended by a fault before the job's end, with exit code {code}.")),
        }
    }
}

/// Says what was called, in the log and in the summary.
pub fn report_calls(mut calls: Calls, end: &GatewayEnd, summary: bool, environment: &Environment, console: &Console) {
    calls.close();
    let ending = Ending::of(&calls, end);
    console.info(&format!("Gateway: {}. {}", counts(&calls), ending.text));
    log_refused(&calls, console);
    if ending.is_early {
        console.warning("The gateway ended early", &ending.text);
    }
    if summary {
        write_summary(summarize(&calls, &ending, console), environment, console);
    }
}

/// Says what was called by a command, a line for each tool.
pub fn report_calls_of_command(mut calls: Calls, console: &Console) {
    calls.close();
    console.info(&format!("{}.", counts(&calls)));
    for (name, tool) in calls.tools.iter().take(MOST_TOOLS) {
        let counts = [(tool.allowed, "let through"), (tool.refused, "refused"), (tool.failed, "failed")];
        let counts: Vec<_> = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        console.info(&format!("- {}: {}, {}", console.quote(name), counts.join(", "), time(tool.took)));
    }
    log_refused(&calls, console);
    if calls.ended_by.as_deref() == Some("lifetime") {
        let text = "Its lifetime was over before the command ended. Later calls found no gateway: raise `gateway_lifetime`.";
        console.warning("The gateway ended early", text);
    }
}

fn log_refused(calls: &Calls, console: &Console) {
    for ((what, why), times) in calls.refused.iter().take(MOST_REFUSED) {
        console.info(&format!("Refused {}: {} {}", often(*times), console.quote(what), console.quote(why)));
    }
}

fn counts(calls: &Calls) -> String {
    let (allowed, failed) = (calls.total(|tool| tool.allowed), calls.total(|tool| tool.failed));
    let failures = |count| if count == 0 { String::new() } else { format!(" ({count} failed)") };
    format!(
        "{} let through{}, {} refused, {}{}",
        number_of(allowed, "call"),
        failures(failed),
        calls.refusals(),
        number_of(calls.renewals + calls.failed_renewals, "token renewal"),
        failures(calls.failed_renewals)
    )
}

fn number_of(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn often(times: usize) -> String {
    if times == 1 { "once".to_owned() } else { format!("{times} times") }
}

fn summarize(calls: &Calls, ending: &Ending, console: &Console) -> Markdown {
    // The names in it are an agent's.
    let code = |text: &str| Cell::Code(console.quote(text).as_str().to_owned());
    let number = |number: usize| Cell::Text(number.to_string());
    let tool = |(name, tool): (&String, &ToolCalls)| {
        vec![code(name), number(tool.allowed), number(tool.refused), number(tool.failed), Cell::Text(time(tool.took))]
    };
    let tools: Vec<_> = calls.tools.iter().take(MOST_TOOLS).map(tool).collect();
    let refused = |((what, why), times): (&(String, String), &usize)| {
        vec![code(what), Cell::Text(console.quote(why).as_str().to_owned()), number(*times)]
    };
    let refused: Vec<_> = calls.refused.iter().take(MOST_REFUSED).map(refused).collect();
    let mut text = Markdown::default().heading("🔌 Port MCP: calls through the gateway");
    text = match tools.as_slice() {
        [] => text.paragraph("No tool was called."),
        tools => text.columns(&["Tool", "Let through", "Refused", "Failed", "Time"], tools),
    };
    if !refused.is_empty() {
        text = text.columns(&["Refused", "Why", "Times"], &refused);
    }
    text.paragraph(&format!("{}. {}", counts(calls), ending.text))
}

/// The time of all calls together.
fn time(took: Duration) -> String {
    match took.as_secs() {
        0 => format!("{} ms", took.as_millis()),
        1..60 => format!("{:.1} s", took.as_secs_f64()),
        _ => human(took),
    }
}

/// Somebody removed the gateway.
pub fn warn_of_removed_gateway(console: &Console) {
    console.warning(
        "The gateway is gone",
        "Its container was removed before the job's end, and its record with it. Only a program with access to the container engine can do that.",
    );
}

/// Somebody removed the gateway's record, or both.
pub fn warn_of_removed_record(end: process::ProcessEnd, console: &Console) {
    let process = if end.was_running { "It ended with the job" } else { "Its process had ended before the job's end" };
    console.warning(
        "The gateway's record is gone",
        &format!("{process}, and the file with its record was removed. Only a program of the runner's user, or root, can do that."),
    );
}

/// The gateway's calls are not known.
pub fn warn_of_lost_gateway(why: &str, console: &Console) {
    console.warning(
        "The gateway's calls are not known",
        &format!("The gateway can't be stopped, or its record can't be read: {why}. It ends by itself when its lifetime is over."),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Calls {
        let mut calls = Calls::default();
        for line in lines {
            calls.read(line);
        }
        calls.close();
        calls
    }

    #[test]
    fn calls_are_added_up_by_tool() {
        let calls = read(&[
            r#"{"event":"ready","port":1}"#,
            r#"{"event":"call","id":1,"method":"initialize"}"#,
            r#"{"event":"answer","id":1,"outcome":"ok","ms":1}"#,
            r#"{"event":"call","id":2,"method":"tools/call","tool":"a"}"#,
            r#"{"event":"call","id":3,"method":"tools/call","tool":"a"}"#,
            r#"{"event":"answer","id":3,"outcome":"error","ms":1500}"#,
            r#"{"event":"answer","id":2,"outcome":"left","ms":0.4}"#,
            r#"{"event":"call","id":4,"method":"tools/call","tool":"b"}"#,
            r#"{"event":"refused","id":5,"method":"tools/call","tool":"b","reason":"tool","message":"Not allowed."}"#,
            r#"{"event":"refused","id":6,"method":"prompts/list","reason":"method"}"#,
            r#"{"event":"renewed"}"#,
            r#"{"event":"renewal_failed"}"#,
            "not JSON",
        ]);
        assert_eq!(counts(&calls), "3 calls let through (2 failed), 2 refused, 2 token renewals (1 failed)");
        assert_eq!((calls.tools["a"].allowed, calls.tools["a"].failed, time(calls.tools["a"].took)), (2, 1, "1.5 s".to_owned()));
        assert_eq!((calls.tools["b"].refused, calls.tools["b"].failed), (1, 1));
        assert!(calls.refused.contains_key(&("prompts/list".to_owned(), "method".to_owned())));
    }

    #[test]
    fn how_it_ended_is_told_by_both_the_engine_and_the_record() {
        let end = |running, exit_code, out_of_memory| GatewayEnd::Container(docker::ContainerEnd { running, exit_code, out_of_memory });
        let process = |was_running, was_killed| GatewayEnd::Process(process::ProcessEnd { was_running, was_killed });
        for (last, end, says, is_early) in [
            (Some("stopped"), end(true, 0, false), "with the job.", false),
            (None, end(true, KILLED, false), "took too long", false),
            (Some("lifetime"), end(false, 0, false), "raise `gateway_lifetime`", true),
            (None, end(false, KILLED, true), "out of memory", true),
            (None, end(false, KILLED, false), "killed it", true),
            (Some("stopped"), end(false, 0, false), "stopped it", true),
            (Some("fault"), end(false, 101, false), "exit code 101", true),
            (Some("stopped"), process(true, false), "with the job.", false),
            (None, process(true, true), "killed by the clean-up", false),
            (Some("lifetime"), process(false, false), "raise `gateway_lifetime`", true),
            (Some("stopped"), process(false, false), "stopped it", true),
            (Some("fault"), process(false, false), "by a fault", true),
            (None, process(false, false), "killed it", true),
        ] {
            let ending = Ending::of(&Calls { ended_by: last.map(str::to_owned), ..Calls::default() }, &end);
            assert!(ending.text.contains(says) && ending.is_early == is_early, "{}", ending.text);
        }
    }
}
