//! An access token and its end.

use std::time::Duration;

use data_encoding::{BASE64URL, BASE64URL_NOPAD};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::redact::Secret;

/// A token that can be sent as `Authorization: Bearer …`, and when it ends.
#[derive(Debug, Clone)]
pub struct Token {
    secret: Secret,
    received_at: Timestamp,
    left: Duration,
    end_from: EndFrom,
    lifetime: Option<Duration>,
    organization: Option<String>,
}

/// What said when a token ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndFrom {
    /// The response's `expires_in`, which is counted from its arrival.
    Response,
    /// The token's own `exp`, which is compared with this machine's clock.
    Token,
}

/// Why a response's token can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem {
    /// RFC 6750 section 2.1 allows letters, digits and `-._~+/=`.
    #[error("the token holds characters that no bearer token has")]
    NotBearer,
    /// What programs write for a missing value.
    #[error("the token is the word `{0}`")]
    Placeholder(&'static str),
    /// Too short to be a secret.
    #[error("the token has only {0} characters")]
    TooShort(usize),
    /// Neither the response nor the token says when it ends.
    #[error("nothing says when the token ends")]
    NoEnd,
}

/// The shortest token, in characters.
const SHORTEST: usize = 16;

/// What programs write for a missing value.
const PLACEHOLDERS: [&str; 4] = ["null", "undefined", "None", "nil"];

/// The times in a JWT's payload, as `NumericDate` (RFC 7519 section 2: seconds since 1970, maybe with a fraction).
#[derive(Deserialize)]
struct Claims {
    exp: Option<f64>,
    iat: Option<f64>,
    /// Port's own claim: the organization that the credentials belong to.
    #[serde(rename = "orgId")]
    organization: Option<Value>,
}

impl Token {
    /// Takes a token from a response.
    ///
    /// `expires_in` is what the response says; the token's own `exp` counts if it is earlier. The token need not be a JWT.
    ///
    /// # Errors
    /// If this is no bearer token, or nothing says when it ends.
    pub fn new(secret: Secret, expires_in: Option<Duration>, now: Timestamp) -> Result<Self, TokenProblem> {
        let text = secret.reveal();
        if let Some(word) = PLACEHOLDERS.iter().find(|word| **word == text) {
            return Err(TokenProblem::Placeholder(word));
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) {
            return Err(TokenProblem::NotBearer);
        }
        if text.len() < SHORTEST {
            return Err(TokenProblem::TooShort(text.len()));
        }
        let claims = claims(text);
        let exp = claims.as_ref().and_then(|claims| claims.exp);
        let iat = claims.as_ref().and_then(|claims| claims.iat);
        let from_exp = exp.map(|exp| seconds(exp - whole_seconds(now)));
        let (left, end_from) = match (expires_in, from_exp) {
            (Some(said), Some(own)) if own < said => (own, EndFrom::Token),
            (Some(said), _) => (said, EndFrom::Response),
            (None, Some(own)) => (own, EndFrom::Token),
            (None, None) => return Err(TokenProblem::NoEnd),
        };
        let lifetime = exp.zip(iat).map(|(exp, iat)| seconds(exp - iat));
        let organization = claims.and_then(|claims| Some(claims.organization?.as_str()?.to_owned()));
        Ok(Self { secret, received_at: now, left, end_from, lifetime, organization })
    }

    /// The token itself.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The payload and the signature of a JWT; nothing for another token.
    pub fn jwt_parts(&self) -> impl Iterator<Item = &str> {
        let text = self.secret.reveal();
        let parts = if text.matches('.').count() == 2 { text } else { "" };
        parts.split('.').skip(1)
    }

    /// How long the token was still valid when it arrived, in whole seconds.
    #[must_use]
    pub fn left_on_arrival(&self) -> Duration {
        self.left
    }

    /// What said when the token ends.
    #[must_use]
    pub fn end_from(&self) -> EndFrom {
        self.end_from
    }

    /// When the token ends, in whole seconds.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        let start = Timestamp::from_second(self.received_at.as_second()).unwrap_or(self.received_at);
        start.checked_add(self.left).unwrap_or(Timestamp::MAX)
    }

    /// The organization that the token is for, as the token names it; `None` if it doesn't. It is text from outside.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// How long a token of this kind lives from its issue, if it says so.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }
}

fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = BASE64URL_NOPAD.decode(payload.as_bytes()).or_else(|_| BASE64URL.decode(payload.as_bytes())).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[allow(clippy::cast_precision_loss, reason = "seconds since 1970 fit into 53 bits for 285 million years")]
fn whole_seconds(now: Timestamp) -> f64 {
    now.as_second() as f64
}

/// Whole seconds, rounded down; nothing for what is past.
fn seconds(number: f64) -> Duration {
    /// A thousand years: a longer time is a mistake, and would overflow dates.
    const LONGEST: f64 = 31_557_600_000.0;
    let whole = number.clamp(0.0, LONGEST).floor();
    Duration::try_from_secs_f64(whole).unwrap_or_default()
}

/// A response's `expires_in` in any form that servers use: a number, or a number in a string.
#[must_use]
pub fn seconds_from_json(value: &Value) -> Option<Duration> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite()).map(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn jwt(payload: &Value) -> Secret {
        let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        Secret::new(&format!("{}.{}.{}", part("{\"alg\":\"HS256\"}"), part(&payload.to_string()), part("signature")))
    }

    fn now() -> Timestamp {
        "2026-11-22T10:00:00.7Z".parse().unwrap()
    }

    #[test]
    fn the_earlier_end_counts() {
        let exp = now().as_second() + 100;
        for (expires_in, left) in [(Some(50), 50), (Some(100), 100), (Some(10_800), 100), (None, 100)] {
            let token = Token::new(jwt(&json!({"exp": exp, "iat": exp - 10_800})), expires_in.map(Duration::from_secs), now()).unwrap();
            assert_eq!(token.left_on_arrival(), Duration::from_secs(left));
            assert_eq!(token.lifetime(), Some(Duration::from_secs(10_800)));
        }
    }

    #[test]
    fn a_token_may_name_its_organization() {
        for (claims, organization) in
            [(json!({"orgId": "org_abc", "exp": 2_000_000_000}), Some("org_abc")), (json!({"orgId": 7}), None), (json!({}), None)]
        {
            let token = Token::new(jwt(&claims), Some(Duration::from_secs(60)), now()).unwrap();
            assert_eq!(token.organization(), organization, "{claims}");
        }
    }

    #[test]
    fn the_end_in_words_is_arrival_plus_what_is_left() {
        let token = Token::new(Secret::new("opaque-token-0123456789"), Some(Duration::from_secs(10_800)), now()).unwrap();
        assert_eq!(token.expires_at().to_string(), "2026-11-22T13:00:00Z");
        assert_eq!(token.jwt_parts().count(), 0);
    }

    #[test]
    fn what_is_no_usable_token_is_refused() {
        let new = |text: &str, expires_in| Token::new(Secret::new(text), expires_in, now()).map(|_| ());
        let hour = Some(Duration::from_secs(3600));
        assert_eq!(new("null", hour), Err(TokenProblem::Placeholder("null")));
        assert_eq!(new("", hour), Err(TokenProblem::TooShort(0)));
        assert_eq!(new("a token with a space", hour), Err(TokenProblem::NotBearer));
        assert_eq!(new("opaque-token\n::add-mask::x", hour), Err(TokenProblem::NotBearer));
        assert_eq!(new("opaque-token-0123456789", None), Err(TokenProblem::NoEnd));
    }

    proptest! {
        #[test]
        fn no_payload_panics(payload in "\\PC{0,60}|\\{\"exp\":[-0-9.e]{1,9}\\}", expires_in in proptest::option::of(0u64..u64::MAX)) {
            let text = format!("aaaaaaaa.{}.bbbbbbbb", BASE64URL_NOPAD.encode(payload.as_bytes()));
            if let Ok(token) = Token::new(Secret::new(&text), expires_in.map(Duration::from_secs), now()) {
                let _ = token.expires_at().to_string();
                prop_assert!(expires_in.is_none_or(|said| token.left_on_arrival().as_secs() <= said));
            }
        }

        #[test]
        fn no_expires_in_panics(number in proptest::num::f64::ANY, text in "\\PC{0,12}") {
            for value in [json!(number), json!(number.to_string()), json!(text), json!(null), json!([1])] {
                let _ = seconds_from_json(&value);
            }
        }
    }
}
