//! The auth API: `POST /v1/auth/access_token`.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    answer::{problem, too_large},
    limit::Standing,
    options::Refusal,
    request::{BODY_LIMIT, has_content_type},
    shared::Shared,
    tokens::Issuer,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    client_id: String,
    client_secret: String,
}

/// Answers with the credential's active token.
pub(crate) async fn access_token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let standing = shared.auth_limiter.count(shared.clock.now());
    let refusal = standing.as_ref().and_then(Standing::refusal);
    let mut response = refusal.unwrap_or_else(|| exchange(&shared, &headers, &body));
    if let Some(standing) = standing {
        standing.describe(&mut response);
    }
    response
}

fn exchange(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Response {
    if body.len() > BODY_LIMIT {
        return too_large();
    }
    let is_json = has_content_type(headers, "application/json");
    let credentials = serde_json::from_slice::<Credentials>(body);
    let (true, Ok(credentials)) = (is_json, credentials) else {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", "The body must be JSON with clientId and clientSecret");
    };
    match shared.options.refusal {
        Some(Refusal::IpNotAllowed) => {
            return problem(
                StatusCode::FORBIDDEN,
                "forbidden",
                // Port's own words; the `error` beside them is a guess.
                "IP not whitelisted. Found x-forwarded-for header: 203.0.113.7, orgId: org_sandbox",
            );
        }
        Some(Refusal::WrongRegion) => {
            return problem(StatusCode::NOT_FOUND, "not_found", "user not found");
        }
        None => {}
    }
    if !shared.knows(&credentials.client_id, &credentials.client_secret) {
        return problem(StatusCode::UNAUTHORIZED, "unauthorized", "Invalid client id or secret");
    }
    let (token, left) = shared.active_token(Issuer::Api, &credentials.client_id);
    let mut answer = json!({"ok": true, "accessToken": token});
    if let Some(answer) = answer.as_object_mut() {
        if let Some(stated) = shared.options.expires_in.value(left) {
            answer.insert("expiresIn".to_owned(), stated);
        }
        answer.insert("tokenType".to_owned(), "Bearer".into());
    }
    Json(answer).into_response()
}
