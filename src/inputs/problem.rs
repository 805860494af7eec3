//! What can be wrong with one input.

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError {
    /// The value, or the wrong part of it, if that may be shown.
    pub value: Option<String>,
    /// The rest of a sentence that begins with the input's name, and with the value if there is one.
    pub problem: String,
    /// What to write instead, as a sentence.
    pub fix: String,
}

/// What is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// The input's name.
    pub input: &'static str,
    /// Whether a required value is missing.
    pub missing: bool,
    /// The rest of a sentence that begins with the input's name.
    pub problem: String,
    /// What to write instead, as a sentence; empty for a missing value.
    pub fix: String,
}

impl InputError {
    pub(super) fn not_text(input: &'static str) -> Self {
        let fix = format!("Set `{input}` anew from a source that holds plain text.");
        Self { input, missing: false, problem: "is not UTF-8 text".to_owned(), fix }
    }
}
