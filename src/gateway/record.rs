//! The record: one JSON line for each thing that the gateway lets through, refuses or does.
//!
//! The lines go to standard output, which the container's engine keeps, and the newest are kept here for `GET /audit`. They hold no
//! argument's value but the name of an action that is allowed, and no secret.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How much of the record is kept for `GET /audit`, in bytes.
const KEPT: usize = 1024 * 1024;

/// One line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// What the line tells.
    pub event: RecordEvent,
    /// When, in UTC; empty in the first line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub time: String,
    /// The number that a `call` and its `answer` share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The message's method, or that of HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// What the tool does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The action that it runs, if `allowed_actions` names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Whether it goes on: `allowed` or `refused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Why: a short name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The input that sets the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// What happened, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How a call ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<CallOutcome>,
    /// The status of the server's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
    /// The size of the message, or of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The port that the gateway listens on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The code of an error, as the action has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How long a new token lives, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
    /// How many calls of tools were let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// How much was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<u64>,
}

/// What a line tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordEvent {
    /// The gateway listens. Always the first line, unless it is `failed`.
    #[default]
    Ready,
    /// The gateway doesn't start. The only line.
    Failed,
    /// A message goes on.
    Call,
    /// Its answer is through, or there is none.
    Answer,
    /// A message is refused.
    Refused,
    /// There is a new token.
    Renewed,
    /// There is none.
    RenewalFailed,
    /// In `GET /audit`: so many older lines are left out.
    Omitted,
    /// The gateway ends. Always the last line, unless it was killed.
    End,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// It was answered.
    Ok,
    /// It was answered with an error.
    Error,
    /// There was no answer, or not a whole one.
    Failed,
    /// The agent didn't wait for all of the answer.
    Left,
}

/// Writes the record.
pub struct Record {
    out: RefCell<Box<dyn Write>>,
    kept: RefCell<VecDeque<Box<str>>>,
    size: Cell<usize>,
    omitted: Cell<u64>,
    next: Cell<u64>,
    calls: Cell<u64>,
    refused: Cell<u64>,
}

impl Record {
    /// Writes to `out`.
    pub fn new(out: impl Write + 'static) -> Self {
        Self {
            out: RefCell::new(Box::new(out)),
            kept: RefCell::default(),
            size: Cell::default(),
            omitted: Cell::default(),
            next: Cell::new(1),
            calls: Cell::default(),
            refused: Cell::default(),
        }
    }

    /// A number for the next message.
    pub fn number(&self) -> u64 {
        self.next.replace(self.next.get() + 1)
    }

    /// Writes a line at once.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write(&self, line: Line) -> io::Result<()> {
        let count = match line.event {
            RecordEvent::Call if line.tool.is_some() => Some(&self.calls),
            RecordEvent::Refused => Some(&self.refused),
            _ => None,
        };
        if let Some(count) = count {
            count.set(count.get() + 1);
        }
        let has_time = !matches!(line.event, RecordEvent::Ready | RecordEvent::Failed);
        let time = if has_time { format!("{:.3}", Timestamp::now()) } else { String::new() };
        let mut text = serde_json::to_string(&Line { time, ..line })?;
        text.push('\n');
        self.keep(&text);
        let mut out = self.out.borrow_mut();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// The last line.
    pub fn end(&self, reason: &str) {
        let (calls, refused) = (Some(self.calls.get()), Some(self.refused.get()));
        // Nobody is left to be told if this fails.
        drop(self.write(Line { event: RecordEvent::End, reason: Some(reason.to_owned()), calls, refused, ..Line::default() }));
    }

    /// The newest lines.
    pub fn lines(&self) -> String {
        let omitted = Line {
            event: RecordEvent::Omitted,
            message: Some(format!("{} older lines are in the container's log", self.omitted.get())),
            ..Line::default()
        };
        let mut text = String::with_capacity(self.size.get());
        if self.omitted.get() > 0 {
            text.extend(serde_json::to_string(&omitted).map(|line| line + "\n"));
        }
        text.extend(self.kept.borrow().iter().map(AsRef::as_ref));
        text
    }

    fn keep(&self, line: &str) {
        let mut kept = self.kept.borrow_mut();
        let mut size = self.size.get() + line.len();
        kept.push_back(line.into());
        while size > KEPT {
            let Some(oldest) = kept.pop_front() else {
                break;
            };
            size -= oldest.len();
            self.omitted.set(self.omitted.get() + 1);
        }
        self.size.set(size);
    }
}

/// A time in milliseconds, with three digits after the point.
#[allow(clippy::cast_precision_loss, reason = "microseconds fit into 53 bits for 285 years")]
pub fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept() {
        let record = Record::new(io::sink());
        for _ in 0..20_000 {
            record.write(Line { event: RecordEvent::Call, method: Some("tools/call".to_owned()), ..Line::default() }).unwrap();
        }
        record.end("stopped");
        let lines = record.lines();
        assert!(lines.len().abs_diff(1024 * 1024) < 200, "{}", lines.len());
        let read: Vec<Line> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((read[0].event, read.last().unwrap().event), (RecordEvent::Omitted, RecordEvent::End));
        // The first line stands for those that are left out, and is none of them.
        let omitted = 20_000 + 1 - (read.len() - 1);
        assert_eq!(read[0].message, Some(format!("{omitted} older lines are in the container's log")));
    }

    #[test]
    fn times_are_in_milliseconds() {
        assert_eq!(milliseconds(Duration::new(1, 250_000)).to_string(), "1000.25");
    }

    #[test]
    fn a_line_that_cannot_be_written_is_told() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert!(Record::new(Full).write(Line::default()).is_err());
    }
}
