//! An axum application that was there before: its state, its routes and its own
//! authentication layer. It gets one private channel, twice: with topicast and by hand. Beside it
//! stands one channel of each kind.

pub mod by_hand;
pub mod kinds;
pub mod with_topicast;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};

/// The application's state: what every account owns, and whose token is whose.
#[derive(Debug, Default)]
pub struct App {
    pub cash: Mutex<HashMap<String, f64>>,
    pub tokens: HashMap<String, User>,
}

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub account: String,
}

impl App {
    /// An application with one account and one user.
    pub fn new() -> Arc<Self> {
        let user = User { account: "TEST-001".into() };
        let cash = HashMap::from([(user.account.clone(), 100.0)]);
        Arc::new(Self { cash: Mutex::new(cash), tokens: HashMap::from([("secret".into(), user)]) })
    }

    pub fn cash_of(&self, account: &str) -> Option<f64> {
        self.cash.lock().expect("nothing panics with the cash").get(account).copied()
    }
}

/// The application's own layer: it knows users by their bearer tokens.
async fn authenticate(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match token.and_then(|token| app.tokens.get(token.strip_prefix("Bearer ")?)) {
        Some(user) => {
            request.extensions_mut().insert(user.clone());
            next.run(request).await
        }
        None => (StatusCode::UNAUTHORIZED, "a bearer token is expected").into_response(),
    }
}

/// The application's routes, with those that a channel adds, behind its layer.
pub fn routes(app: &Arc<App>, channel: Router<Arc<App>>) -> Router {
    Router::new()
        .route("/accounts", get(|State(app): State<Arc<App>>| async move { app.tokens.len().to_string() }))
        .merge(channel)
        .layer(middleware::from_fn_with_state(Arc::clone(app), authenticate))
        .with_state(Arc::clone(app))
}
