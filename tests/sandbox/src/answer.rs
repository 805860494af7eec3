//! What Port's answers have in common.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header::CONNECTION},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// The header by which Port's support finds a request.
pub(crate) const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// An error in the form of Port's API. That it has `ok`, `error` and perhaps `message` is documented; the words are guesses,
/// but where a comment says that they are Port's.
pub(crate) fn problem(status: StatusCode, error: &str, message: &str) -> Response {
    let body = json!({"ok": false, "error": error, "message": message});
    (status, Json(body)).into_response()
}

/// The answer to a body that is larger than Port takes.
pub(crate) fn too_large() -> Response {
    problem(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "Request body is too large")
}

/// Announces the end of the connection. The server then closes it.
pub(crate) fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
