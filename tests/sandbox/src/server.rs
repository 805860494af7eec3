//! Which path leads to which endpoint.

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, http::StatusCode, middleware::from_fn_with_state, routing::post};

use crate::{
    answer::problem,
    endpoints::{auth, mcp, oauth},
    observe::observe,
    shared::Shared,
};

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
