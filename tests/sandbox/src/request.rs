//! What the sandbox reads from a request, whichever route it is for.

use axum::http::{
    HeaderMap,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::Value;

/// The largest body that Port's API takes.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// Whether the body is declared to be of this type, given in lower case.
pub(crate) fn has_content_type(headers: &HeaderMap, content_type: &str) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        let value = value.as_bytes().to_ascii_lowercase();
        value.starts_with(content_type.as_bytes())
    })
}

/// The token of an `Authorization: Bearer`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// The body as JSON; null if it isn't JSON.
pub(crate) fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

/// The secret that a request carries: in its JSON, its form or its `Authorization`.
pub(crate) fn secret(headers: &HeaderMap, body: &[u8], message: &Value) -> String {
    let in_json = || message["clientSecret"].as_str().map(str::to_owned);
    let in_form = || {
        let mut fields = form_urlencoded::parse(body);
        fields.find_map(|(name, value)| (name == "client_secret").then(|| value.into_owned()))
    };
    let in_header = || bearer(headers).map(str::to_owned);
    in_json().or_else(in_form).or_else(in_header).unwrap_or_default()
}
