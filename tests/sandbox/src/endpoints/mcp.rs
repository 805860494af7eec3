//! The MCP server: the bearer check, then the official SDK.

use std::sync::{Arc, PoisonError};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, GetPromptRequestParams, GetPromptResponse, Implementation,
        ListPromptsResult, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
    },
    service::RequestContext,
    transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager},
};
use serde_json::json;

use crate::{
    answer::problem,
    options::McpMode,
    prompts,
    record::RecordId,
    request::bearer,
    shared::Shared,
    tools::{self, Access, Called},
};

/// The MCP server behind its bearer check.
pub(crate) fn router(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    let stateless = shared.options.mcp_mode == McpMode::Stateless;
    let config = StreamableHttpServerConfig::default()
        // Callers may reach it by any name, from a container for one.
        .disable_allowed_hosts()
        .with_legacy_session_mode(!stateless)
        .with_json_response(stateless);
    let handler = Handler(Arc::clone(shared));
    let service = StreamableHttpService::new(move || Ok(handler.clone()), Arc::new(LocalSessionManager::default()), config);
    Router::new().route_service("/mcp/v1", service).route_layer(from_fn_with_state(Arc::clone(shared), authorize))
}

/// Lets only valid tokens through.
async fn authorize(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let challenge = match bearer(request.headers()) {
        None => "Bearer",
        Some(token) => {
            let now = shared.clock.now();
            if shared.tokens.admits(token, now, shared.options.mcp_accepts) {
                let is_unknown = shared.options.mcp_mode != McpMode::Newest && is_discover(&request);
                return if is_unknown { unknown_session() } else { next.run(request).await };
            }
            "Bearer error=\"invalid_token\""
        }
    };
    let mut response = problem(StatusCode::UNAUTHORIZED, "unauthorized", "The access token is missing, unknown or expired");
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// Whether a conversation begins with it, in the revision 2026-07-28 of MCP, where each message names its method in a header.
fn is_discover(request: &Request) -> bool {
    request.headers().get("mcp-method").is_some_and(|method| method == "server/discover")
}

/// What the official TypeScript SDK of the revisions before says to it.
fn unknown_session() -> Response {
    let error = json!({"jsonrpc": "2.0", "error": {"code": -32000, "message": "Bad Request: Server not initialized"}, "id": null});
    (StatusCode::BAD_REQUEST, Json(error)).into_response()
}

/// The tools and prompts, as the SDK wants them.
#[derive(Clone, Debug)]
struct Handler(Arc<Shared>);

impl Handler {
    /// What the headers of this very request allow: they may change within a session.
    fn access(&self, parts: &Parts) -> Access {
        Access::of(&parts.headers, &self.0.options)
    }
}

fn parts(context: &RequestContext<RoleServer>) -> Result<&Parts, ErrorData> {
    let parts = context.extensions.get::<Parts>();
    parts.ok_or_else(|| ErrorData::internal_error("the request has no HTTP head", None))
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().enable_prompts().build())
            .with_server_info(Implementation::new("port-sandbox", env!("CARGO_PKG_VERSION")))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let parts = parts(&context)?;
        let shared = &self.0;
        let cursor = request.and_then(|request| request.cursor);
        let start = cursor.map_or(Ok(0), |cursor| cursor.parse::<usize>());
        let start = start.map_err(|_| ErrorData::invalid_params("unknown cursor", None))?;
        let tools = {
            let catalog = shared.catalog.lock().unwrap_or_else(PoisonError::into_inner);
            tools::offered(&self.access(parts), &catalog, &shared.options)
        };
        // A page of nothing would never end.
        let size = shared.options.tools_page_size.unwrap_or(usize::MAX).max(1);
        let next = start.saturating_add(size);
        let more = next < tools.len();
        let page: Vec<_> = tools.into_iter().skip(start).take(size).collect();
        if let Some(id) = parts.extensions.get::<RecordId>() {
            let names = page.iter().map(|tool| tool.name.to_string()).collect();
            shared.recorder.listed(*id, names);
        }
        let mut result = ListToolsResult::with_all_items(page);
        result.next_cursor = more.then(|| next.to_string());
        Ok(result)
    }

    async fn list_prompts(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListPromptsResult, ErrorData> {
        let catalog = self.0.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(ListPromptsResult::with_all_items(prompts::offered(&catalog)))
    }

    async fn get_prompt(&self, request: GetPromptRequestParams, _: RequestContext<RoleServer>) -> Result<GetPromptResponse, ErrorData> {
        let catalog = self.0.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = prompts::fill(&catalog, &request.name, &request.arguments.unwrap_or_default());
        filled.map(Into::into).map_err(|message| ErrorData::invalid_params(message, None))
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        let access = self.access(parts(&context)?);
        let shared = &self.0;
        let args = request.arguments.unwrap_or_default();
        let called = {
            let mut catalog = shared.catalog.lock().unwrap_or_else(PoisonError::into_inner);
            tools::call(&access, &mut catalog, &shared.options, &request.name, &args)
        };
        let text = |value: serde_json::Value| vec![ContentBlock::text(value.to_string())];
        Ok(match called {
            Called::Unknown => {
                let message = format!("Unknown tool: {}", request.name);
                return Err(ErrorData::invalid_params(message, None));
            }
            Called::Done(Ok(value)) => CallToolResult::success(text(value)),
            Called::Done(Err(message)) => CallToolResult::error(text(json!({"error": message}))),
        }
        .into())
    }
}
