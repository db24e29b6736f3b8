//! The tests that docs/testing.md shows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use topicast::{
    Handshake, Limits, Rejection, Server, SlowConsumer, compat,
    testing::{Client, Clock, Connect},
};

#[topicast::data]
#[derive(Debug, PartialEq)]
struct Quote {
    price: f64,
}

/// Quotes of one symbol.
#[topicast::ws_router(route = "quotes", update = Quote)]
struct Quotes {
    symbol: String,
}

#[tokio::test]
async fn a_subscriber_receives_what_is_published() {
    let ws = Server::builder("Quotes", "1.0.0").channels(topicast::channels![Quotes]).build().unwrap();
    let aapl = Quotes { symbol: "AAPL".into() };
    let topic = ws.publisher::<Quotes>().unwrap().topic(&aapl).unwrap();

    let mut client = Client::connect(&ws).await.unwrap();
    client.subscribe(&aapl).await;
    topic.publish(&Quote { price: 150.5 }).unwrap();
    assert_eq!(client.update::<Quotes, Quote>().await, Quote { price: 150.5 });

    client.unsubscribe(&aapl).await;
    topic.publish(&Quote { price: 151.0 }).unwrap();
    assert!(client.settled().await.is_empty());
}

#[derive(Clone)]
struct User {
    account: String,
}

async fn authenticate(handshake: Handshake) -> Result<User, Rejection> {
    let account = handshake.headers().get("x-account").and_then(|value| value.to_str().ok());
    let account = account.ok_or_else(|| Rejection::unauthorized("an account is missing"))?;
    Ok(User { account: account.into() })
}

#[tokio::test]
async fn a_client_without_an_account_is_rejected() {
    let ws = Server::builder("Private", "1.0.0").authenticate(authenticate).build().unwrap();
    let rejection = Connect::new(&ws).open().await.unwrap_err();
    assert_eq!(rejection.status(), 401);

    let (name, value) = (HeaderName::from_static("x-account"), HeaderValue::from_static("alice"));
    let _alice = Connect::new(&ws).header(name, value).open().await.unwrap();
    assert_eq!(ws.sessions()[0].extension::<User>().unwrap().account, "alice");
}

#[tokio::test]
async fn a_silent_client_is_closed() {
    let clock = Clock::pause();
    let ws = Server::builder("Quotes", "1.0.0").profile(compat::fastws()).build().unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    clock.advance(Duration::from_secs(31)).await;
    assert_eq!(client.closed().await.code, 1003);
}

#[tokio::test]
async fn a_slow_client_is_closed_by_default() {
    let ws = Server::builder("Quotes", "1.0.0")
        .channels(topicast::channels![Quotes])
        .limits(Limits { unsent_bytes: 10_000, ..Limits::default() })
        .build()
        .unwrap();
    let aapl = Quotes { symbol: "AAPL".into() };
    let topic = ws.publisher::<Quotes>().unwrap().topic(&aapl).unwrap();

    let mut slow = Connect::new(&ws).socket_bytes(1000).open().await.unwrap();
    slow.subscribe(&aapl).await;
    while topic.subscribers() > 0 {
        topic.publish(&Quote { price: 150.5 }).unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(slow.closed().await.code, 1013);
}

#[tokio::test]
async fn a_slow_client_receives_the_newest_quotes_and_how_many_it_missed() {
    let ws = Server::builder("Quotes", "1.0.0")
        .channels(topicast::channels![Quotes])
        .limits(Limits { unsent_bytes: 10_000, ..Limits::default() })
        .slow_consumer::<Quotes>(SlowConsumer::drop_oldest())
        .build()
        .unwrap();
    let aapl = Quotes { symbol: "AAPL".into() };
    let topic = ws.publisher::<Quotes>().unwrap().topic(&aapl).unwrap();

    let mut slow = Connect::new(&ws).socket_bytes(1000).open().await.unwrap();
    slow.subscribe(&aapl).await;
    while topic.skipped() == 0 {
        topic.publish(&Quote { price: 150.5 }).unwrap();
        tokio::task::yield_now().await;
    }
    let updates = slow.settled().await;
    assert!(updates.iter().any(|update| update["skipped"].is_u64()));
}

#[topicast::data]
#[derive(Debug, PartialEq)]
struct Order {
    id: u32,
    open: u32,
}

/// The open orders of an account.
#[topicast::ws_router(route = "orders", update = Order, table(key = id, checksum))]
struct Orders {
    account: String,
}

#[tokio::test]
async fn a_client_that_returns_finds_the_orders_that_changed_meanwhile() {
    let ws = Server::builder("Orders", "1.0.0").channels(topicast::channels![Orders]).build().unwrap();
    let account = Orders { account: "A".into() };
    let topic = ws.publisher::<Orders>().unwrap().topic(&account).unwrap();
    topic.replace(&[Order { id: 1, open: 10 }, Order { id: 2, open: 20 }]).unwrap();

    let mut client = Client::connect(&ws).await.unwrap();
    client.subscribe(&account).await;
    client.settled().await;
    assert_eq!(client.table(&account).len(), 2);

    client.reconnect(&ws).await.unwrap();
    topic.update(|rows| rows.remove(&1)).unwrap();
    assert_eq!(client.recover(&account).await.recovered, Some(true));
    client.settled().await;
    assert_eq!(client.table(&account), [Order { id: 2, open: 20 }]);
}

#[tokio::test]
async fn a_server_that_stops_closes_its_clients() {
    let ws = Server::builder("Quotes", "1.0.0").channels(topicast::channels![Quotes]).build().unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    let ((), closed) = tokio::join!(ws.shutdown(), client.closed());
    assert_eq!(closed.code, 1001);
    assert_eq!(ws.connections(), 0);
}
