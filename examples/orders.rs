//! A private channel: a token says who connects, and each account sees its own orders only.

use std::{collections::HashMap, time::Duration};

use topicast::{Cx, Feed, Handshake, Refusal, Rejection, Serve, Server, Topic};

/// An order of an account.
#[topicast::data]
struct Order {
    number: u32,
}

/// Orders of one account, for its owner only.
#[topicast::ws_router(route = "orders", update = Order, served)]
#[serde(rename_all = "camelCase")]
struct Orders {
    account_id: String,
}

/// The user behind a connection.
#[derive(Clone)]
struct User {
    account_id: &'static str,
}

/// The state of the application: the user of each token.
struct App {
    users: HashMap<&'static str, User>,
}

impl Serve<App> for Orders {
    async fn authorize(&self, cx: &Cx<'_, App>) -> Result<(), Refusal> {
        let own = cx.extension::<User>().is_some_and(|user| user.account_id == self.account_id);
        if own { Ok(()) } else { Err(Refusal::forbidden("this account is not yours")) }
    }

    async fn snapshot(&self, _cx: &Cx<'_, App>) -> Result<Option<Order>, Refusal> {
        Ok(Some(Order { number: 1 }))
    }

    /// Runs while the topic has subscribers.
    async fn feed(&self, _cx: &Cx<'_, App>, topic: Topic<Self>) -> Result<Feed, Refusal> {
        Ok(Feed::task(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(1));
            for number in 2.. {
                ticks.tick().await;
                topic.publish(&Order { number }).expect("an order is JSON");
            }
        }))
    }
}

/// Finds the user of a handshake; the user becomes an extension of the session.
async fn authenticate(handshake: Handshake<App>) -> Result<User, Rejection> {
    let header = handshake.headers().get("authorization").and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer "));
    let user = token.and_then(|token| handshake.state().users.get(token));
    user.cloned().ok_or_else(|| Rejection::unauthorized("send `Authorization: Bearer <token>`"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let users = HashMap::from([("secret", User { account_id: "TEST-001" })]);
    let ws = Server::builder("Orders", "1.0.0")
        .state(App { users })
        .channels(topicast::channels![App; Orders])
        .authenticate(authenticate)
        .build()?;

    let port = std::env::args().nth(1).unwrap_or_else(|| "8000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("try npx wscat -H 'Authorization: Bearer secret' -c ws://{}/ws", listener.local_addr()?);
    println!(r#"and there {{"type":"orders.subscribe","payload":{{"accountId":"TEST-001"}}}}"#);
    topicast::serve(listener, ws.router("/ws")).await?;
    Ok(())
}
