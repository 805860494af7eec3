//! What a response's body is, by its headers.

use std::fmt;

use http::HeaderMap;

use crate::redact::{Quote, Redactor};

/// What a body is, if its text is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyKind {
    /// `Content-Encoding` is set.
    Encoded(Quote),
    /// `text/html`
    Html,
    /// Another type.
    Typed(Quote),
    /// Without `Content-Type`.
    Untyped,
}

impl BodyKind {
    /// Judges by the headers.
    #[must_use]
    pub fn of(headers: &HeaderMap, redactor: &Redactor) -> Self {
        if let Some(encoding) = header(headers, "content-encoding") {
            return Self::Encoded(redactor.quote(&encoding));
        }
        match header(headers, "content-type") {
            Some(kind) if kind.starts_with("text/html") => Self::Html,
            Some(kind) => Self::Typed(redactor.quote(&kind)),
            None => Self::Untyped,
        }
    }
}

impl fmt::Display for BodyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoded(encoding) => write!(f, "a body in the encoding {encoding}, which was not asked for"),
            Self::Html => f.write_str("an HTML page"),
            Self::Typed(kind) => write!(f, "a body of type {kind}"),
            Self::Untyped => f.write_str("a body without a type"),
        }
    }
}

/// A header's value.
#[must_use]
pub fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
