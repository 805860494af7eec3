//! What happens to every request around its endpoint: it is recorded, meets its fault, and gets a trace id.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, StatusCode, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    answer::{TRACE_ID, closing, too_large},
    faults::{Effect, Target},
    random,
    record::{self, Recorded},
    request::{self, BODY_LIMIT},
    route::Route,
    shared::Shared,
    wire::Connection,
};

/// The largest body that is read at all, so that a record can show one that Port would refuse.
const READ_LIMIT: usize = 4 * BODY_LIMIT;

/// Records the request and applies its fault, if there is one. Otherwise the endpoint answers.
pub(crate) async fn observe(
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
    let message = read.as_deref().map(request::json).unwrap_or_default();
    let recorded = recorded(route, &connection, &parts, read.as_deref(), &message);
    let rpc_method = recorded.rpc_method.clone();
    let id = shared.recorder.begin(recorded);

    let mut response = match read {
        Err(_) => too_large(),
        Ok(body) => {
            let secret = request::secret(&parts.headers, &body, &message);
            let target = Target { secret: &secret, rpc_id: message.get("id").unwrap_or(&Value::Null), reset: &connection.reset };
            let effect = match early.or_else(|| shared.faults.take(route, rpc_method.as_deref())) {
                Some(fault) => fault.play(target).await,
                None => Effect::Continue,
            };
            parts.extensions.insert(id);
            let request = Request::from_parts(parts, Body::from(body));
            let lists = rpc_method.as_deref() == Some("tools/list");
            match effect {
                Effect::Answer(response) => response,
                Effect::Continue => answer(next, request, lists).await,
                Effect::ContinueAndClose => closing(answer(next, request, lists).await),
            }
        }
    };
    let trace = HeaderValue::try_from(random::hexadecimal::<16>()).expect("digits fit a header");
    response.headers_mut().entry(TRACE_ID).or_insert(trace);
    let status = (!connection.reset.is_made()).then(|| response.status());
    shared.recorder.answered(id, status);
    response
}

/// Lets the endpoint answer. A list of tools is awaited to its end: an event stream begins before its content
/// is known, and the record of the tools must be complete when the caller has them.
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
