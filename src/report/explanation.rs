//! An error for people.

use super::code::Code;

/// What a person is told of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The error's code.
    pub code: Code,
    /// A few words.
    pub title: &'static str,
    /// What happened.
    pub what: String,
    /// Why that is likely.
    pub why: String,
    /// What to do.
    pub fix: String,
}

impl Explanation {
    /// Puts the texts together.
    pub fn new(code: Code, title: &'static str, what: String, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { code, title, what, why: why.into(), fix: fix.into() }
    }
}
