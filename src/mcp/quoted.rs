//! What the server said, cleaned.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use http_auth::ChallengeParser;

use super::schema::{RejectedBy, Violation};
use crate::redact::{Quote, Redactor};

/// A [`Violation`] that can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotedViolation {
    /// The tool, if it is about one.
    pub tool: Option<Quote>,
    /// The field.
    pub field: String,
    /// The rest of a sentence that begins with the field.
    pub problem: &'static str,
    /// Who would have no tools because of it.
    pub rejected_by: RejectedBy,
}

impl QuotedViolation {
    /// Cleans a violation.
    #[must_use]
    pub fn of(violation: &Violation, redactor: &Redactor) -> Self {
        let Violation { tool, field, problem, rejected_by } = violation;
        Self { tool: tool.as_ref().map(|tool| redactor.quote(tool)), field: field.clone(), problem, rejected_by: *rejected_by }
    }
}

/// What a server says about a token that it refuses, in `WWW-Authenticate` (RFC 6750 section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// `error`, such as `invalid_token` or `insufficient_scope`.
    pub error: Quote,
    /// `error_description`, for people.
    pub description: Option<Quote>,
    /// `scope`: what the token would have to be good for.
    pub scope: Option<Quote>,
    /// Whether `error` says that the token is good, but not for this.
    pub is_insufficient_scope: bool,
}

impl Challenge {
    /// Reads the first challenge that says what is wrong.
    #[must_use]
    pub fn read(headers: &HeaderMap, redactor: &Redactor) -> Option<Self> {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        for challenge in texts.flat_map(|text| ChallengeParser::new(text).map_while(Result::ok)) {
            let text = |name: &str| {
                let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.to_unescaped())
            };
            if let Some(error) = text("error") {
                let quote = |text: String| redactor.quote(&text);
                return Some(Self {
                    is_insufficient_scope: error == "insufficient_scope",
                    error: quote(error),
                    description: text("error_description").map(quote),
                    scope: text("scope").map(quote),
                });
            }
        }
        None
    }
}
