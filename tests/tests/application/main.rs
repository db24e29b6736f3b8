//! The application that docs/embedding.md shows, with the tests that docs/testing.md shows.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use topicast::{Cx, Refusal, Serve, Server};

/// The state: the user of each token.
struct App {
    users: HashMap<String, User>,
}

#[derive(Clone)]
struct User {
    account: String,
}

#[topicast::data]
struct Quote {
    price: f64,
}

/// Quotes of one symbol, for all users.
#[topicast::ws_router(route = "quotes", update = Quote)]
struct Quotes {
    symbol: String,
}

#[topicast::data]
struct Balance {
    cents: i64,
}

/// The balance of one account, for its owner.
#[topicast::ws_router(route = "balance", update = Balance, served)]
struct Balances {
    account: String,
}

impl Serve<Arc<App>> for Balances {
    async fn authorize(&self, cx: &Cx<'_, Arc<App>>) -> Result<(), Refusal> {
        let own = cx.extension::<User>().is_some_and(|user| user.account == self.account);
        if own { Ok(()) } else { Err(Refusal::forbidden("this account is not yours")) }
    }
}

#[topicast::data]
struct PlaceOrder {
    symbol: String,
    quantity: u32,
}

#[topicast::data]
struct Placed {
    number: u32,
}

/// Places an order.
#[topicast::ws_operation("orders.place", reply = "orders.place.response")]
async fn place_order(cx: &Cx<'_, Arc<App>>, order: PlaceOrder) -> Result<Placed, Refusal> {
    if cx.extension::<User>().is_none() {
        return Err(Refusal::forbidden("say who you are with a token"));
    }
    let text = format!("{} of {} ordered", order.quantity, order.symbol);
    cx.session().push(&Notice { text }).map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(Placed { number: 1 })
}

/// A message to one client.
#[topicast::ws_push("notice")]
struct Notice {
    text: String,
}

/// The application's layer: a known token identifies a user, an unknown one is an error.
async fn identify(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        let Some(user) = token.and_then(|token| app.users.get(token)).cloned() else {
            return (StatusCode::UNAUTHORIZED, "an unknown token").into_response();
        };
        request.extensions_mut().insert(user);
    }
    next.run(request).await
}

fn websockets(app: &Arc<App>) -> Result<Server, topicast::Error> {
    Server::builder("Accounts", "1.0.0")
        .state(Arc::clone(app))
        .channels(topicast::channels![Arc<App>; Quotes, Balances])
        .operations(topicast::operations![Arc<App>; place_order, Notice])
        .build()
}

fn routes(app: &Arc<App>, ws: &Server) -> Router {
    Router::new()
        .route("/users", get(|State(app): State<Arc<App>>| async move { app.users.len().to_string() }))
        .merge(ws.router("/api/v1/ws"))
        .layer(middleware::from_fn_with_state(Arc::clone(app), identify))
        .with_state(Arc::clone(app))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let user = User { account: "TEST-001".into() };
    let app = Arc::new(App { users: HashMap::from([("secret".into(), user)]) });
    let ws = websockets(&app)?;

    let aapl = ws.publisher::<Quotes>()?.topic(&Quotes { symbol: "AAPL".into() })?;
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        for price in 100_u32.. {
            ticks.tick().await;
            aapl.publish(&Quote { price: price.into() }).expect("a price is JSON");
        }
    });

    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    topicast::serve(listener, routes(&app, &ws))
        .with_graceful_shutdown(async move {
            let _ = tokio::signal::ctrl_c().await;
            ws.shutdown().await;
        })
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
