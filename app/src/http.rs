//! What is served over plain HTTP: health, and a page that says where everything is.

use std::sync::Arc;

use axum::{Json, Router, extract::State, response::Html, routing::get};
use http::{HeaderName, Method, header};
use serde::Serialize;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{broadcaster::Metrics, config::Origins, market::Market};

/// The path of the WebSocket.
pub const WEBSOCKET_PATH: &str = "/api/v1/ws";

/// The path that tells how the server is.
pub const HEALTH_PATH: &str = "/api/v1/health";

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
        .with_state((ws.clone(), market))
        .merge(ws.router(WEBSOCKET_PATH))
        .layer(cors(origins))
}

async fn health(State((ws, market)): State<(topicast::Server, Arc<Market>)>) -> Json<Health> {
    Json(Health { status: "ok", connections: ws.connections(), bar_broadcaster: market.broadcaster().metrics() })
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
<li><a href="/api/v1/health">Health</a>
</ul>
"#;
