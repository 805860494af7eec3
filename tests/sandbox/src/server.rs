//! The routes, and what all of them have in common: records, faults and trace ids.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::post,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    auth,
    catalog::Catalog,
    clock::Clock,
    faults::{self, Effect, Faults, Route, Victim},
    limit::Limiter,
    mcp, oauth,
    options::Options,
    record::{self, Recorded, Recorder},
    tokens::{self, Issuer, Tokens},
    wire::Connection,
};

/// The header by which Port's support finds a request.
pub(crate) const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// The largest body that Port's API takes.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// The largest body that is read at all, so that a record can show one that is too large.
const READ_LIMIT: usize = 4 * BODY_LIMIT;

/// What the routes share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) tokens: Tokens,
    pub(crate) auth_limiter: Limiter,
    pub(crate) oauth_limiter: Limiter,
    pub(crate) faults: Faults,
    pub(crate) recorder: Recorder,
    pub(crate) catalog: Mutex<Catalog>,
}

impl Shared {
    /// Whether this is a credential of the sandbox.
    pub(crate) fn knows(&self, client_id: &str, client_secret: &str) -> bool {
        let mut known = self.options.credentials.iter();
        known.any(|c| c.client_id == client_id && c.client_secret == client_secret)
    }

    /// The credential's active token, and the seconds that are left of it.
    pub(crate) fn active_token(&self, issuer: Issuer, client_id: &str) -> (String, u64) {
        self.tokens.active(issuer, client_id, self.clock.now(), &self.options)
    }
}

/// All routes.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/auth/access_token", post(auth::access_token))
        .route("/mcp/v1/token", post(oauth::token))
        .merge(mcp::router(shared))
        .fallback(async || problem(StatusCode::NOT_FOUND, "not_found", "Route not found"))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(shared.clone(), observe))
        .with_state(shared.clone())
}

/// An error as Port's API words it.
pub(crate) fn problem(status: StatusCode, error: &str, message: &str) -> Response {
    let body = json!({"ok": false, "error": error, "message": message});
    (status, Json(body)).into_response()
}

/// Records the request, plays its fault if there is one, and else passes it on.
async fn observe(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let route = Route::of(parts.uri.path());
    let early = shared.faults.take_early(route);
    let read = match early {
        Some(_) => Ok(Bytes::new()),
        None => to_bytes(body, READ_LIMIT).await,
    };
    let message = read.as_deref().map(json_rpc).unwrap_or_default();
    let recorded = recorded(route, &connection, &parts, read.as_deref(), &message);
    let rpc_method = recorded.rpc_method.clone();
    let id = shared.recorder.begin(recorded);

    let mut response = match (early, read) {
        (Some(status), _) => faults::closing(status.into_response()),
        (None, Err(_)) => too_large(),
        (None, Ok(body)) => {
            let secret = secret(&parts.headers, &body, &message);
            let victim = Victim { secret: &secret, rpc_id: message.get("id").unwrap_or(&Value::Null), cut: &connection.cut };
            let effect = match shared.faults.take(route, rpc_method.as_deref()) {
                Some(fault) => fault.play(victim).await,
                None => Effect::GoOn,
            };
            parts.extensions.insert(id);
            let request = Request::from_parts(parts, Body::from(body));
            let lists = rpc_method.as_deref() == Some("tools/list");
            match effect {
                Effect::Answer(response) => response,
                Effect::GoOn => answer(next, request, lists).await,
                Effect::GoOnAndClose => faults::closing(answer(next, request, lists).await),
            }
        }
    };
    let trace = HeaderValue::try_from(tokens::random::<16>()).expect("base64 fits a header");
    response.headers_mut().entry(TRACE_ID).or_insert(trace);
    let status = (!connection.cut.is_made()).then(|| response.status());
    shared.recorder.answered(id, status);
    response
}

/// Answers rightly. A list of tools is awaited to its end: an event stream begins before its content is
/// known, and the record of the tools must be complete when the caller has them.
async fn answer(next: Next, request: Request, lists: bool) -> Response {
    let response = next.run(request).await;
    if !lists {
        return response;
    }
    let (parts, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(body) => Response::from_parts(parts, body.into()),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The answer to a body that Port does not take.
pub(crate) fn too_large() -> Response {
    problem(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "Request body is too large")
}

fn recorded(route: Route, connection: &Connection, parts: &Parts, body: Result<&[u8], &axum::Error>, message: &Value) -> Recorded {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let rpc_method = message.get("method").and_then(text).filter(|_| route == Route::Mcp);
    Recorded {
        time: Timestamp::now(),
        route,
        tls: connection.tls,
        connection: connection.number,
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: record::pairs(&parts.headers),
        body: body.unwrap_or_default().to_vec(),
        tool: message.pointer("/params/name").and_then(text).filter(|_| rpc_method.as_deref() == Some("tools/call")),
        rpc_method,
        tools: None,
        status: None,
    }
}

/// A JSON-RPC message, or null.
fn json_rpc(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

/// The secret that a request carried: in its JSON, its form or its `Authorization`.
fn secret(headers: &HeaderMap, body: &[u8], message: &Value) -> String {
    let in_json = || message["clientSecret"].as_str().map(str::to_owned);
    let in_form = || {
        let mut fields = form_urlencoded::parse(body);
        fields.find_map(|(name, value)| (name == "client_secret").then(|| value.into_owned()))
    };
    let in_header = || bearer(headers).map(str::to_owned);
    in_json().or_else(in_form).or_else(in_header).unwrap_or_default()
}

/// The token of an `Authorization: Bearer`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
