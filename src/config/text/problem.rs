//! Why a config that exists can't be used.

use crate::config::format::Format;

/// Why a text can't be used, as the rest of a sentence. Nothing of the text is in it, since it may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextProblem {
    /// The text breaks the format's rules.
    #[error("is not valid {}{}", .format.name(), .line.map(|line| format!(" (line {line})")).unwrap_or_default())]
    Malformed {
        /// The rules of this format.
        format: Format,
        /// The line, if it is known.
        line: Option<usize>,
    },
    /// A key is there more than once. Some readers take the first, some the last, some none.
    #[error("has the same key twice in one table{}", .line.map(|line| format!(" (line {line})")).unwrap_or_default())]
    DuplicateKey {
        /// The line of the second one, if it is known.
        line: Option<usize>,
    },
    /// YAML with more than one document.
    #[error("holds more than one YAML document (`---`)")]
    SeveralDocuments,
    /// YAML whose aliases lead back to themselves, or multiply what it says.
    #[error("has YAML aliases in what they refer to, without an end or too many of them")]
    EndlessAliases,
    /// YAML that can't be edited without changing what an alias elsewhere means.
    #[error("uses a YAML anchor, alias or merge key (`&`, `*`, `<<`) where Port's server is to be added")]
    Referenced,
    /// YAML with a tag that would be lost.
    #[error("uses a YAML tag (`!`) where Port's server is to be added")]
    Tagged,
    /// The text can be read, but not edited without changing what else it means.
    #[error("is written in a way that can't be edited safely")]
    Uneditable,
}

impl TextProblem {
    pub(super) fn malformed(format: Format, line: Option<usize>) -> Self {
        Self::Malformed { format, line }
    }
}
