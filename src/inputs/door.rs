//! Reads inputs one by one and keeps what is wrong with each.

use std::str::FromStr;

use strum::VariantNames;

use crate::environment::{Environment, NotUtf8};
use crate::error::{Error, Problem};
use crate::github::event::Trigger;
use crate::redact::Redactor;

/// The longest part of a value that a text shows, in characters.
const SHOWN: usize = 40;

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The value, or the part of it that is wrong, where that may be shown.
    pub value: Option<String>,
    /// The rest of a sentence that begins with the input's name, and with the value if there is one.
    pub what: String,
    /// What to write instead, as a sentence.
    pub mend: String,
}

/// Where inputs come in. A flawed one is noted, and a stand-in goes on, so that the next one is looked at too.
pub struct Door<'a> {
    environment: &'a Environment,
    redactor: &'a Redactor,
    problems: Vec<Problem>,
}

impl<'a> Door<'a> {
    /// Opens the door. The redactor knows the client secret, which users put into the wrong input too.
    pub fn new(environment: &'a Environment, redactor: &'a Redactor) -> Self {
        Self { environment, redactor, problems: Vec::new() }
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
            Err(NotUtf8) => Err(Flaw {
                value: None,
                what: "is not UTF-8 text".to_owned(),
                mend: format!("Set `{name}` anew from a source that holds plain text."),
            }),
        };
        read.map_err(|flaw| {
            let what = match &flaw.value {
                Some(value) => format!("{} {}", self.redactor.quote(value).shortened(SHOWN), flaw.what),
                None => flaw.what,
            };
            self.problems.push(Problem { input: name, missing: false, what, mend: flaw.mend });
        })
        .ok()
    }

    /// An input with a default.
    pub fn or<T>(&mut self, name: &'static str, default: T, read: impl FnOnce(&str) -> Result<T, Flaw>) -> T {
        self.optional(name, read).unwrap_or(default)
    }

    /// An input with a default and a fixed set of values.
    pub fn choice<T: FromStr + VariantNames>(&mut self, name: &'static str, default: T) -> T {
        self.or(name, default, |text| read_choice(name, text))
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

/// One of a fixed set of values.
pub fn read_choice<T: FromStr + VariantNames>(name: &str, text: &str) -> Result<T, Flaw> {
    text.parse().map_err(|_| Flaw {
        value: Some(text.to_owned()),
        what: format!("is not one of {}", T::VARIANTS.join(", ")),
        mend: format!("Set `{name}` to `{}`.", T::VARIANTS.join("` or `")),
    })
}
