//! Channels within an axum application: its state, its layer, its routes, and a clean stop.

use std::{collections::HashMap, sync::Arc};

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::post};
use topicast::{Cx, Refusal, Serve, Server};

struct App {
    users: HashMap<&'static str, User>,
}

#[derive(Clone)]
struct User {
    account: &'static str,
}

#[topicast::data]
struct Balance {
    cents: i64,
}

/// The balance of one account, for its owner only.
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

/// The application's own layer: a known token makes a user, an unknown one is an error.
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

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Arc::new(App { users: HashMap::from([("secret", User { account: "TEST-001" })]) });
    let channels = topicast::channels![Arc<App>; Balances];
    let ws = Server::builder("Accounts", "1.0.0").state(app.clone()).channels(channels).build()?;

    let topic = ws.publisher::<Balances>()?.topic(&Balances { account: "TEST-001".into() })?;
    let set_balance = async move |text: String| {
        let cents = text.parse().map_err(|_| (StatusCode::BAD_REQUEST, "cents are expected"))?;
        topic.publish(&Balance { cents }).expect("a balance is JSON");
        Ok::<_, (StatusCode, &str)>(())
    };
    let router = Router::new()
        .route("/balance", post(set_balance))
        .merge(ws.router("/api/v1/ws"))
        .layer(from_fn_with_state(app.clone(), identify))
        .with_state(app);

    let port = std::env::args().nth(1).unwrap_or_else(|| "8000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let at = listener.local_addr()?;
    println!("try npx wscat -H 'Authorization: Bearer secret' -c ws://{at}/api/v1/ws");
    println!(r#"there {{"type":"balance.subscribe","payload":{{"account":"TEST-001"}}}}"#);
    println!("and in another terminal curl -d 9050 http://{at}/balance");
    let stop = async move {
        let _ = tokio::signal::ctrl_c().await;
        ws.shutdown().await;
    };
    Ok(topicast::serve(listener, router).with_graceful_shutdown(stop).await?)
}
