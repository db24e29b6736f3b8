//! The HTTP routes: past bars, the market's symbols, health, and the page.

use std::{error::Error, sync::Arc};

use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, Method, StatusCode, Uri, header};
use serde::Serialize;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    broadcaster::Metrics, config::Origins, history::HistoryRequest, market::Market, page, resolution::Resolution,
};

/// The path of the WebSocket.
pub const WEBSOCKET_PATH: &str = "/api/v1/ws";

/// The path of the health endpoint.
pub const HEALTH_PATH: &str = "/api/v1/health";

/// The path of past bars.
pub const BARS_PATH: &str = "/api/v1/bars";

/// The path of the market's symbols and resolutions.
pub const MARKET_PATH: &str = "/api/v1/market";

/// The caching of answers that change with every trade.
const MOMENTARY: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// The body of every HTTP error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The machine-readable code, in snake_case.
    pub code: &'static str,
    /// What was wrong, where, and what is allowed.
    pub message: String,
}

/// The response of [`HEALTH_PATH`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    /// Always `ok`.
    pub status: &'static str,
    /// The number of open WebSockets.
    pub connections: usize,
    /// The broadcaster's metrics; `is_running` is false if it is disabled.
    pub bar_broadcaster: Metrics,
}

/// The response of [`MARKET_PATH`]: the symbols and resolutions that have bars.
///
/// The symbols are those of `BAR_BROADCASTER_SYMBOLS`. Without that setting they are the mock
/// market's, or those among the first 50,000 trades of the tape, and grow by each symbol that
/// is traded for the first time after them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// Tickers, in the order in which they were given or first traded.
    pub symbols: Vec<String>,
    /// Resolutions that are published live, in the order in which they were given; empty if the
    /// broadcaster is disabled. History has every resolution.
    pub resolutions: Vec<Resolution>,
}

/// The state of the routes.
#[derive(Clone)]
struct Shared {
    ws: topicast::Server,
    market: Arc<Market>,
    /// Whether bars are published live, by the settings. Whether the broadcaster runs now would
    /// mislead a page that asks before it has started.
    is_live: bool,
}

/// Returns all routes of the application. `is_live` says whether bars are published live.
pub fn router(ws: &topicast::Server, market: Arc<Market>, is_live: bool, origins: &Origins) -> Router {
    Router::new()
        .route(HEALTH_PATH, get(health))
        .route(BARS_PATH, get(bars))
        .route(MARKET_PATH, get(offer))
        .merge(page::router(page::BUNDLE))
        .fallback(nothing)
        .with_state(Shared { ws: ws.clone(), market, is_live })
        .merge(ws.router(WEBSOCKET_PATH))
        .layer(cors(origins))
}

async fn health(State(Shared { ws, market, .. }): State<Shared>) -> Json<Health> {
    Json(Health { status: "ok", connections: ws.connections(), bar_broadcaster: market.broadcaster().metrics() })
}

async fn bars(
    State(Shared { market, .. }): State<Shared>,
    query: Result<Query<HistoryRequest>, QueryRejection>,
) -> Response {
    match query {
        Ok(Query(request)) => (MOMENTARY, Json(market.history(&request))).into_response(),
        Err(error) => {
            let problem = Problem { code: "invalid_parameter", message: what_is_wrong(&error) };
            (StatusCode::BAD_REQUEST, Json(problem)).into_response()
        }
    }
}

/// Returns the reason without the words that axum puts before it.
pub(crate) fn what_is_wrong(error: &QueryRejection) -> String {
    error.source().map_or_else(|| error.body_text(), ToString::to_string)
}

async fn offer(State(Shared { market, is_live, .. }): State<Shared>) -> Response {
    let Metrics { symbols, mut resolutions, .. } = market.broadcaster().metrics();
    if !is_live {
        resolutions.clear();
    }
    (MOMENTARY, Json(Offer { symbols, resolutions })).into_response()
}

/// Answers all other paths, such as files of an older page.
async fn nothing(uri: Uri) -> Response {
    let message = format!("nothing is at `{}`; `/` says what there is", uri.path());
    (StatusCode::NOT_FOUND, MOMENTARY, Json(Problem { code: "not_found", message })).into_response()
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
