//! Reads inputs one by one and keeps what is wrong with each.

use std::str::FromStr;

use strum::VariantNames;

use crate::environment::{Environment, NotUtf8};
use crate::error::{Error, Problem};
use crate::github::event::Trigger;
use crate::redact::Redactor;

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The rest of a sentence that begins with the input's name.
    pub what: String,
    /// What to write instead, as a sentence.
    pub mend: String,
}

/// Where inputs come in. A flawed one is noted, and a stand-in goes on, so that the next one is looked at too.
pub struct Door<'a> {
    environment: &'a Environment,
    problems: Vec<Problem>,
}

impl<'a> Door<'a> {
    /// Opens the door.
    pub fn new(environment: &'a Environment) -> Self {
        Self { environment, problems: Vec::new() }
    }

    /// An input that must be given.
    pub fn required<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, Flaw>) -> Option<T> {
        let known = self.problems.len();
        let value = self.optional(name, read);
        if value.is_none() && self.problems.len() == known {
            self.problems.push(Problem { input: name, missing: true, what: "is empty".to_owned(), mend: String::new() });
        }
        value
    }

    /// An input that may be left out.
    pub fn optional<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, Flaw>) -> Option<T> {
        let read = match self.environment.input(name) {
            Ok(None) => return None,
            Ok(Some(text)) => read(text),
            Err(NotUtf8) => {
                Err(Flaw { what: "is not UTF-8 text".to_owned(), mend: format!("Set `{name}` anew from a source that holds plain text.") })
            }
        };
        read.map_err(|flaw| {
            self.problems.push(Problem { input: name, missing: false, what: flaw.what, mend: flaw.mend });
        })
        .ok()
    }

    /// An input with a default.
    pub fn or<T>(&mut self, name: &'static str, default: T, read: impl FnOnce(&str) -> Result<T, Flaw>) -> T {
        self.optional(name, read).unwrap_or(default)
    }

    /// An input with a default and a fixed set of values.
    pub fn choice<T: FromStr + VariantNames>(&mut self, name: &'static str, default: T) -> T {
        self.or(name, default, |text| {
            text.parse().map_err(|_| Flaw {
                what: format!("{} is not one of {}", shown(text), T::VARIANTS.join(", ")),
                mend: format!("Set `{name}` to `{}`.", T::VARIANTS.join("` or `")),
            })
        })
    }

    /// Closes the door.
    pub fn finish(self, trigger: impl FnOnce() -> Trigger) -> Result<(), Error> {
        let problems = self.problems;
        if problems.is_empty() {
            Ok(())
        } else if problems.iter().any(|problem| problem.missing) {
            Err(Error::InputMissing { problems, trigger: trigger() })
        } else {
            Err(Error::InputInvalid { problems })
        }
    }
}

/// A value in a text: cleaned and short. For values that can't be secret.
pub fn shown(text: &str) -> String {
    let quote = Redactor::default().quote(text).to_string();
    let mut short: String = quote.chars().take(40).collect();
    if short.len() < quote.len() {
        short.push('…');
    }
    format!("\"{}\"", short.replace('`', "'"))
}
