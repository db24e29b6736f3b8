//! What is served over plain HTTP: health, and a page that says where everything is.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, Method, StatusCode, header};
use serde::Serialize;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{broadcaster::Metrics, config::Origins, history::HistoryRequest, market::Market};

/// The path of the WebSocket.
pub const WEBSOCKET_PATH: &str = "/api/v1/ws";

/// The path that tells how the server is.
pub const HEALTH_PATH: &str = "/api/v1/health";

/// The path of the bars of the past.
pub const BARS_PATH: &str = "/api/v1/bars";

/// An error, as every request over plain HTTP is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What kind of error it is, in snake_case.
    pub code: &'static str,
    /// What was wrong, where, and what is allowed.
    pub message: String,
}

/// The answer of [`HEALTH_PATH`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    /// `ok` from a server that answers.
    pub status: &'static str,
    /// How many WebSockets are open.
    pub connections: usize,
    /// What the broadcaster does; `is_running` is false when it is disabled.
    pub bar_broadcaster: Metrics,
}

/// All routes of the application.
pub fn router(ws: &topicast::Server, market: Arc<Market>, origins: &Origins) -> Router {
    Router::new()
        .route("/", get(async || Html(INDEX)))
        .route(HEALTH_PATH, get(health))
        .route(BARS_PATH, get(bars))
        .with_state((ws.clone(), market))
        .merge(ws.router(WEBSOCKET_PATH))
        .layer(cors(origins))
}

async fn health(State((ws, market)): State<(topicast::Server, Arc<Market>)>) -> Json<Health> {
    Json(Health { status: "ok", connections: ws.connections(), bar_broadcaster: market.broadcaster().metrics() })
}

async fn bars(
    State((_, market)): State<(topicast::Server, Arc<Market>)>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Response {
    let request = query
        .map_err(|error| error.body_text())
        .and_then(|Query(parameters)| HistoryRequest::from_parameters(&parameters).map_err(|error| error.to_string()));
    match request {
        // The last bar is going on: an answer is true for a moment only.
        Ok(request) => ([(header::CACHE_CONTROL, "no-store")], Json(market.history(&request))).into_response(),
        Err(message) => (StatusCode::BAD_REQUEST, Json(Problem { code: "invalid_parameter", message })).into_response(),
    }
}

fn cors(origins: &Origins) -> CorsLayer {
    const READ: [Method; 2] = [Method::GET, Method::HEAD];
    const HEADERS: [HeaderName; 1] = [header::CONTENT_TYPE];

    let allowed = match origins {
        Origins::Any => AllowOrigin::any(),
        Origins::Only(origins) => AllowOrigin::list(origins.iter().cloned()),
    };
    CorsLayer::new().allow_origin(allowed).allow_methods(READ).allow_headers(HEADERS)
}

const INDEX: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Trading API</title>
<h1>Trading API</h1>
<ul>
<li><a href="/api/v1/ws/asyncapi">WebSocket documentation with a live console</a>
<li><a href="/api/v1/ws/asyncapi.json">AsyncAPI 2.4.0</a> and <a href="/api/v1/ws/asyncapi-3.json">3.0.0</a>
<li><a href="/api/v1/bars?symbol=AAPL&amp;to=9999999999&amp;countBack=10">The latest bars of AAPL</a>
<li><a href="/api/v1/health">Health</a>
</ul>
"#;
