//! OAuth 2.0 client credentials: `POST {mcp_url}/token`.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    answer::{problem, too_large},
    limit::Standing,
    options::Refusal,
    request::{BODY_LIMIT, has_content_type},
    shared::Shared,
    tokens::Issuer,
};

/// Answers with the credential's active token.
pub(crate) async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let standing = shared.oauth_limiter.count(shared.clock.now());
    let refusal = standing.as_ref().and_then(Standing::refusal);
    let mut response = refusal.unwrap_or_else(|| exchange(&shared, &headers, &body));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(standing) = standing {
        standing.describe(&mut response);
    }
    response
}

fn exchange(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Response {
    if body.len() > BODY_LIMIT {
        return too_large();
    }
    if !has_content_type(headers, "application/x-www-form-urlencoded") {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", "the body is not form-encoded");
    }
    // RFC 6749, 3.2: a parameter must not come twice, so one that does counts as malformed.
    let field = |name| {
        let mut values = form_urlencoded::parse(body).filter(|(key, _)| key == name);
        values.next().filter(|_| values.next().is_none())
    };
    let Some((_, grant_type)) = field("grant_type") else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", "grant_type must be given once");
    };
    if grant_type != "client_credentials" {
        return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", "only client_credentials is supported here");
    }
    let (Some((_, client_id)), Some((_, client_secret))) = (field("client_id"), field("client_secret")) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", "client_id and client_secret must be given once");
    };
    if shared.options.refusal == Some(Refusal::IpNotAllowed) {
        return problem(
            StatusCode::FORBIDDEN,
            "forbidden",
            "IP not whitelisted. Found x-forwarded-for header: 203.0.113.7, orgId: org_sandbox",
        );
    }
    // A credential of the other region is unknown here like any other.
    if shared.options.refusal.is_some() || !shared.knows(&client_id, &client_secret) {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client", "client authentication failed");
    }
    let (token, left) = shared.active_token(Issuer::OAuth, &client_id);
    let mut answer = json!({"access_token": token});
    if let Some(answer) = answer.as_object_mut() {
        if let Some(stated) = shared.options.expires_in.value(left) {
            answer.insert("expires_in".to_owned(), stated);
        }
        answer.insert("token_type".to_owned(), "Bearer".into());
    }
    Json(answer).into_response()
}

/// An error as RFC 6749, 5.2 has it.
fn refuse(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({"error": error, "error_description": description});
    (status, Json(body)).into_response()
}
