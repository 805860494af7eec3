//! Reads inputs one by one, and collects what is wrong with each.

use std::str::FromStr;

use strum::VariantNames;

use super::error::Error;
use super::form;
use super::problem::{InputError, ValueError};
use crate::redact::Redactor;
use crate::runner::Trigger;

/// How much of a value an error shows, in characters.
const LONGEST_SHOWN: usize = 40;

/// An input as it was given, with its name.
pub struct Field {
    pub name: &'static str,
    pub text: Option<String>,
    pub content: Content,
}

/// What kind of text an input is. This decides what is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A value that outputs, logs and requests show.
    Value,
    /// The same, but the name of a variable.
    Variable,
    /// The client secret.
    Secret,
    /// A text of any form, which no error quotes.
    Document,
}

impl Field {
    /// Sets another kind than a value.
    pub fn of(self, content: Content) -> Self {
        Self { content, ..self }
    }
}

/// Reads inputs. For a wrong one it records the problem and returns the default, so that all inputs are checked.
pub struct Check<'a> {
    redactor: &'a Redactor,
    unreadable: Vec<InputError>,
    problems: Vec<InputError>,
}

impl<'a> Check<'a> {
    /// `unreadable` are the inputs that are not text. The redactor knows the client secret, which may be in other inputs by mistake.
    pub fn new(redactor: &'a Redactor, unreadable: Vec<InputError>) -> Self {
        Self { redactor, unreadable, problems: Vec::new() }
    }

    /// An input that must be given.
    pub fn required<T>(&mut self, field: Field, read: impl FnOnce(&str) -> Result<T, ValueError>) -> Option<T> {
        let name = field.name;
        let value = self.optional(field, read);
        if value.is_none() && !self.problems.iter().any(|problem| problem.input == name) {
            self.problems.push(InputError { input: name, missing: true, problem: "is empty".to_owned(), fix: String::new() });
        }
        value
    }

    /// An input that need not be given.
    pub fn optional<T>(&mut self, field: Field, read: impl FnOnce(&str) -> Result<T, ValueError>) -> Option<T> {
        let Some(text) = field.text else {
            self.problems.extend(self.unreadable.extract_if(.., |problem| problem.input == field.name));
            return None;
        };
        self.suits(&text, field.content)
            .and_then(|()| read(&text))
            .map_err(|error| {
                let problem = match &error.value {
                    Some(value) => format!("{} {}", self.redactor.quote(value).shortened(LONGEST_SHOWN), error.problem),
                    None => error.problem,
                };
                self.problems.push(InputError { input: field.name, missing: false, problem, fix: error.fix });
            })
            .ok()
    }

    /// Refuses what no input of this kind can be.
    fn suits(&self, text: &str, content: Content) -> Result<(), ValueError> {
        let is_shown = matches!(content, Content::Value | Content::Variable);
        if is_shown && self.redactor.is_revealed_by(text) {
            return Err(ValueError {
                value: None,
                problem: "holds the client secret, and would show it".to_owned(),
                fix: "Pass the client secret in `client_secret` and in no other input.".to_owned(),
            });
        }
        match content {
            Content::Value | Content::Secret => form::filled_in(text),
            Content::Variable | Content::Document => Ok(()),
        }
    }

    /// An input with a default.
    pub fn or<T>(&mut self, field: Field, default: T, read: impl FnOnce(&str) -> Result<T, ValueError>) -> T {
        self.optional(field, read).unwrap_or(default)
    }

    /// An input with a default and a fixed set of values.
    pub fn choice<T: FromStr + VariantNames>(&mut self, field: Field, default: T) -> T {
        let name = field.name;
        self.or(field, default, |text| choice(name, text))
    }

    /// Reports all problems together. `trigger` explains missing values.
    pub fn finish(self, trigger: impl FnOnce() -> Trigger) -> Result<(), Error> {
        let problems = self.problems;
        if problems.is_empty() {
            Ok(())
        } else if problems.iter().any(|problem| problem.missing) {
            Err(Error::Missing { problems, trigger: trigger() })
        } else {
            Err(Error::Invalid(problems))
        }
    }
}

/// One of a fixed set of values.
pub fn choice<T: FromStr + VariantNames>(name: &str, text: &str) -> Result<T, ValueError> {
    text.parse().map_err(|_| ValueError {
        value: Some(text.to_owned()),
        problem: format!("is not one of {}", T::VARIANTS.join(", ")),
        fix: format!("Set `{name}` to `{}`.", T::VARIANTS.join("` or `")),
    })
}
