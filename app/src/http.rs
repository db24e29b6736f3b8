//! What is served over plain HTTP: bars of the past, what the market has, health, and the page.

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

/// The path that tells how the server is.
pub const HEALTH_PATH: &str = "/api/v1/health";

/// The path of the bars of the past.
pub const BARS_PATH: &str = "/api/v1/bars";

/// The path that tells what has bars.
pub const MARKET_PATH: &str = "/api/v1/market";

/// Of an answer that is true for a moment only: bars go on, and symbols come.
const MOMENTARY: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

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

/// The answer of [`MARKET_PATH`]: what one can ask for and subscribe to, and then gets bars of.
///
/// The symbols are those of `BAR_BROADCASTER_SYMBOLS`. Without that setting they are the mock
/// market's, or those among the first 50,000 trades of the tape, and grow by each symbol that
/// is traded for the first time after them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// Tickers, in the order in which they were given, or came to be known.
    pub symbols: Vec<String>,
    /// Lengths of bars that go out live, in the order in which they were given; none where the
    /// broadcaster is disabled. History has every length.
    pub resolutions: Vec<Resolution>,
}

/// What the routes answer from.
#[derive(Clone)]
struct Shared {
    ws: topicast::Server,
    market: Arc<Market>,
    /// Whether bars go out live. The settings say so, and not whether the broadcaster runs at this moment:
    /// a page that asks before it has started would believe that nothing ever will.
    is_live: bool,
}

/// All routes of the application; `is_live` where the settings have bars broadcast.
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

/// What every other path is answered with, such as a file of a page that was replaced by a newer one.
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
