//! What the runner makes of a step's log and files, written from its rules and not from our code:
//! `ActionCommand.cs`, `OutputManager.cs`, `FileCommandManager.cs` of `actions/runner`.

use std::collections::BTreeMap;

/// A step's log.
#[derive(Debug)]
pub struct Log {
    pub lines: Vec<Line>,
}

/// One line of the log, as the runner understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Plain(String),
    Command(WorkflowCommand),
}

/// A workflow command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowCommand {
    pub name: String,
    pub title: String,
    pub text: String,
}

impl Log {
    /// Reads a stream. A bare CR ends a line too.
    pub fn read(stream: &str) -> Self {
        let text = stream.replace("\r\n", "\n").replace('\r', "\n");
        let lines = text.lines().map(|line| command(line).map_or_else(|| Line::Plain(line.to_owned()), Line::Command)).collect();
        Self { lines }
    }

    pub fn commands(&self) -> impl Iterator<Item = &WorkflowCommand> {
        self.lines.iter().filter_map(|line| match line {
            Line::Command(command) => Some(command),
            Line::Plain(_) => None,
        })
    }

    pub fn named(&self, name: &str) -> impl Iterator<Item = &WorkflowCommand> {
        self.commands().filter(move |command| command.name == name)
    }

    pub fn errors(&self) -> impl Iterator<Item = &WorkflowCommand> {
        self.named("error")
    }

    pub fn warnings(&self) -> impl Iterator<Item = &WorkflowCommand> {
        self.named("warning")
    }

    /// What the runner hides from here on, in every job's log: each line of each mask.
    pub fn masks(&self) -> Vec<String> {
        let values = self.named("add-mask").flat_map(|command| command.text.split(['\r', '\n']));
        values.map(str::to_owned).filter(|line| !line.is_empty()).collect()
    }

    /// The log as a person sees it: commands take effect and are not shown, annotations are.
    pub fn shown(&self) -> String {
        let mut shown = String::new();
        for line in &self.lines {
            match line {
                Line::Plain(text) => shown += &format!("{}\n", self.mask(text)),
                Line::Command(command) if command.name == "add-mask" => {}
                Line::Command(command) => {
                    let level = match command.name.as_str() {
                        "error" => "Error",
                        "warning" => "Warning",
                        other => other,
                    };
                    shown += &format!("{level}: [{}] {}\n", self.mask(&command.title), self.mask(&command.text));
                }
            }
        }
        shown
    }

    /// Hides what was masked.
    pub fn mask(&self, text: &str) -> String {
        self.masks().iter().fold(text.to_owned(), |text, mask| text.replace(mask, "***"))
    }
}

fn command(line: &str) -> Option<WorkflowCommand> {
    new_form(line).or_else(|| old_form(line))
}

/// At the start of a line, after white space.
fn new_form(line: &str) -> Option<WorkflowCommand> {
    let rest = line.trim_start().strip_prefix("::")?;
    let (head, text) = rest.split_once("::")?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let title = properties.split(',').find_map(|property| property.trim().strip_prefix("title=")).unwrap_or_default();
    Some(WorkflowCommand { name: name.to_owned(), title: unescape_property(title), text: unescape_data(text) })
}

/// Anywhere in a line that is no command of the new form.
fn old_form(line: &str) -> Option<WorkflowCommand> {
    let (_, rest) = line.split_once("##[")?;
    let (name, text) = rest.split_once(']')?;
    Some(WorkflowCommand { name: format!("##[{name}]"), title: String::new(), text: text.to_owned() })
}

fn unescape_data(text: &str) -> String {
    text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
}

fn unescape_property(text: &str) -> String {
    unescape_data(&text.replace("%3A", ":").replace("%2C", ","))
}

/// Reads the file behind `GITHUB_OUTPUT`. Panics where the runner fails the step.
pub fn read_outputs(text: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = text.split_inclusive('\n').map(|line| line.strip_suffix('\n').unwrap_or(line));
    while let Some(line) = lines.next() {
        assert!(!line.is_empty(), "some runners refuse a blank line");
        let equals = line.find('=');
        let heredoc = line.find("<<");
        let (name, value) = match (equals, heredoc) {
            (Some(equals), heredoc) if heredoc.is_none_or(|at| equals < at) => (&line[..equals], line[equals + 1..].to_owned()),
            (_, Some(at)) => {
                let delimiter = &line[at + 2..];
                assert!(!delimiter.is_empty(), "a delimiter");
                let mut value = Vec::new();
                loop {
                    let line = lines.next().unwrap_or_else(|| panic!("no line {delimiter:?} ends the value"));
                    if line == delimiter {
                        break;
                    }
                    value.push(line);
                }
                (&line[..at], value.join("\n"))
            }
            _ => panic!("not an output: {line:?}"),
        };
        assert!(!name.is_empty(), "a name");
        assert!(outputs.insert(name.to_owned(), value).is_none(), "{name} is written once");
    }
    outputs
}

/// Reads the file behind `GITHUB_STATE`. Later entries win, as in the runner.
pub fn read_states(text: &str) -> Vec<(String, String)> {
    let mut states = Vec::new();
    let mut entry = String::new();
    for line in text.split_inclusive('\n') {
        entry.push_str(line);
        let delimiter = entry.lines().next().and_then(|head| head.split_once("<<")).map(|(_, delimiter)| delimiter.to_owned());
        if entry.lines().count() > 1 && entry.lines().last().map(str::to_owned) == delimiter {
            states.extend(read_outputs(&entry));
            entry.clear();
        }
    }
    states
}
