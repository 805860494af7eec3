//! Tokens: one active per credential and endpoint, as Port has it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::{
    options::{Accepts, Options, Stated, TokenKind},
    random,
};

/// Who issued a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Issuer {
    Api,
    OAuth,
}

impl Accepts {
    fn takes(self, issuer: Issuer) -> bool {
        match self {
            Self::Api => issuer == Issuer::Api,
            Self::OAuth => issuer == Issuer::OAuth,
            Self::Both => true,
        }
    }
}

/// Every token that was issued, the active ones by credential.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    issued: Vec<Token>,
    active: HashMap<(Issuer, String), usize>,
}

#[derive(Clone, Debug)]
struct Token {
    text: String,
    issuer: Issuer,
    /// Whole seconds since the epoch, as a JWT counts.
    expires: u64,
}

impl Tokens {
    /// The credential's active token and the seconds that are left of it. Makes one if there is none.
    pub(crate) fn active(&self, issuer: Issuer, client_id: &str, now: Duration, options: &Options) -> (String, u64) {
        let now = now.as_secs();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { issued, active } = &mut *state;
        let key = (issuer, client_id.to_owned());
        let before = active.get(&key).and_then(|index| issued.get(*index));
        if let Some(token) = before.filter(|token| token.expires > now) {
            return (token.text.clone(), token.expires - now);
        }
        let life = match options.leftover {
            Some(leftover) if before.is_none() => leftover,
            _ => options.token_lifetime,
        };
        let expires = now + life.as_secs();
        // What is left of an earlier token was issued a lifetime before its end.
        let since = expires.saturating_sub(options.token_lifetime.as_secs());
        let token = Token {
            text: match options.token_kind {
                TokenKind::Jwt => jwt(client_id, since, expires, &options.jwt_exp),
                TokenKind::Opaque => random::base64url::<40>(),
            },
            issuer,
            expires,
        };
        let text = token.text.clone();
        active.insert(key, issued.len());
        issued.push(token);
        (text, life.as_secs())
    }

    /// Whether the MCP server takes this token now.
    pub(crate) fn admits(&self, text: &str, now: Duration, accepts: Accepts) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.issued.iter().any(|token| token.text == text && token.expires > now.as_secs() && accepts.takes(token.issuer))
    }

    /// All that was issued, in order.
    pub(crate) fn issued(&self) -> Vec<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.issued.iter().map(|t| t.text.clone()).collect()
    }
}

/// A token in the shape of a JWT. Nobody checks the signature, so it is random.
fn jwt(client_id: &str, issued: u64, expires: u64, exp: &Stated) -> String {
    let mut claims = json!({
        "orgId": "org_sandbox",
        "clientId": client_id,
        "isMachine": true,
        "jti": random::base64url::<12>(),
        "iat": issued,
    });
    if let (Some(exp), Some(claims)) = (exp.value(expires), claims.as_object_mut()) {
        claims.insert("exp".to_owned(), exp);
    }
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let header = part(&json!({"alg": "HS256", "typ": "JWT"}));
    format!("{header}.{}.{}", part(&claims), random::base64url::<32>())
}
