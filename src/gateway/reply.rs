//! Answers of the gateway's own.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::body::AnswerBody;
use super::headers::ProtocolEra;
use super::json::Json;

/// An answer of the gateway's own.
pub fn response(status: StatusCode, kind: &'static str, body: Bytes) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Whole(Some(body).filter(|body| !body.is_empty())));
    *response.status_mut() = status;
    let headers = [(CONTENT_TYPE, HeaderValue::from_static(kind)), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    response.headers_mut().extend(headers);
    response
}

/// What an agent reads as the result of a call that failed.
pub fn tool_result(id: &Json, text: &str, era: ProtocolEra) -> Bytes {
    let mut result = json!({ "content": [{ "type": "text", "text": text }], "isError": true });
    if let (ProtocolEra::Discover, Some(result)) = (era, result.as_object_mut()) {
        result.insert("resultType".to_owned(), "complete".into());
    }
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}", id.as_str()).into()
}

/// A JSON-RPC error.
pub fn error(id: Option<&Json>, code: i64, message: &str, data: Option<Value>) -> Bytes {
    let mut error = json!({ "code": code, "message": message });
    if let (Some(data), Some(error)) = (data, error.as_object_mut()) {
        error.insert("data".to_owned(), data);
    }
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{error}}}", id.map_or("null", Json::as_str)).into()
}
