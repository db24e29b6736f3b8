//! The client for tests: its waits end, and its panics state the reason.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use serde_json::{Value, json};
use topicast::{
    Limits, Refusal, Server,
    testing::{Client, Clock, Connect},
};
use topicast_tests::channels::{self, App, Bar, Bars, Order, Orders, PlaceOrder, Resolution, User};

fn aapl() -> Bars {
    Bars { symbol: "AAPL".into(), resolution: Resolution::M1 }
}

fn orders(account: &str) -> Orders {
    Orders { account_id: account.into() }
}

/// A server whose connections have no time limits, so that a client could wait forever.
fn patient() -> Server {
    channels::builder(&Arc::<App>::default()).heartbeat(None).lifespan(None).build().unwrap()
}

async fn impatient_client(ws: &Server) -> Client {
    Connect::new(ws).wait_limit(Some(Duration::from_millis(20))).open().await.unwrap()
}

/// Runs a future that panics and returns its message.
async fn panic_of<T>(future: impl Future<Output = T>) -> String {
    let panic = AssertUnwindSafe(future).catch_unwind().await.err().expect("it panics");
    *panic.downcast::<String>().expect("the panic has a formatted message")
}

fn assert_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
}

async fn waits_end(ws: &Server) {
    let mut client = impatient_client(ws).await;
    let text = panic_of(client.message()).await;
    assert_eq!(text, "the client waited 20ms for a message; nothing was received");
    client.subscribe(&aapl()).await;
    let publisher = ws.publisher::<Bars>().unwrap();
    publisher.topic(&aapl()).unwrap().publish(&Bar { time: 1, close: 0.5 }).unwrap();
    client.update::<Bars, Bar>().await;
    let text = panic_of(client.update::<Bars, Bar>()).await;
    assert_all(
        &text,
        &["waited 20ms for `bars.update`; received 2 messages:\n  ", "Subscribed to AAPL", "\"close\":0.5"],
    );
    let text = panic_of(client.request::<_, Value>("notice.me", &json!({}))).await;
    assert_all(&text, &["waited 20ms for the reply to `notice.me`", "you asked"]);
    let text = panic_of(client.closed()).await;
    assert_all(&text, &["waited 20ms for the end of the connection"]);
}

#[tokio::test]
async fn a_wait_for_what_never_comes_names_it_and_lists_what_was_received() {
    waits_end(&patient()).await;
}

#[tokio::test]
async fn a_wait_ends_although_the_clock_is_paused() {
    let _clock = Clock::pause();
    waits_end(&patient()).await;
}

#[tokio::test]
async fn a_wait_ends_although_the_server_does_not_read() {
    let app = Arc::<App>::default();
    *app.gate.lock().unwrap() = Some(Arc::default());
    let limits = Limits { handler_timeout: None, ..Limits::default() };
    let ws = channels::builder(&app).limits(limits).heartbeat(None).lifespan(None).build().unwrap();
    let mut client = impatient_client(&ws).await;
    client.send(&json!({ "type": "orders.subscribe", "payload": orders("A") })).await;
    // While a hook hangs, the server takes no more than its buffers hold.
    let text = panic_of(async {
        for _ in 0..100 {
            client.send_text(&" ".repeat(60_000)).await;
        }
    });
    assert_all(&text.await, &["waited 20ms for the server to read what was sent; nothing was received"]);
}

#[tokio::test]
async fn a_wait_may_last_for_hours_of_a_paused_clock() {
    let clock = Clock::pause();
    let ws = patient();
    let mut client = Client::connect(&ws).await.unwrap();
    client.subscribe(&aapl()).await;
    let topic = ws.publisher::<Bars>().unwrap().topic(&aapl()).unwrap();
    tokio::spawn(async move {
        clock.advance(Duration::from_secs(24 * 3600)).await;
        topic.publish(&Bar { time: 1, close: 0.5 }).unwrap();
    });
    assert_eq!(client.update::<Bars, Bar>().await, Bar { time: 1, close: 0.5 });
}

#[tokio::test]
async fn the_end_of_the_connection_names_what_was_awaited() {
    let _clock = Clock::pause();
    let (ws, _) = channels::server();
    let mut client = Client::connect(&ws).await.unwrap();
    client.subscribe(&aapl()).await;
    ws.sessions()[0].close(topicast::CloseCode::POLICY, "enough");
    let text = panic_of(client.update::<Bars, Bar>()).await;
    assert_all(
        &text,
        &["the connection ended with 1008 `enough` while the client waited for `bars.update`", "Subscribed to AAPL"],
    );
}

#[tokio::test]
async fn a_reply_to_a_subscribe_is_typed_and_messages_before_it_are_kept() {
    let (ws, _) = channels::server();
    let mut client = Client::connect(&ws).await.unwrap();
    let first = client.subscribe(&aapl()).await;
    assert_eq!((first.topic.as_str(), first.seq), (r#"bars:{"resolution":"1","symbol":"AAPL"}"#, 0));
    assert_eq!(first.message, "Subscribed to AAPL");
    let topic = ws.publisher::<Bars>().unwrap().topic(&aapl()).unwrap();
    topic.publish(&Bar { time: 1, close: 0.5 }).unwrap();
    let again = client.subscribe(&aapl()).await;
    assert_eq!((again.epoch, again.seq), (first.epoch, 1));
    assert_eq!(client.update::<Bars, Bar>().await, Bar { time: 1, close: 0.5 });
    client.unsubscribe(&aapl()).await;
    assert_eq!(ws.subscribers(topic.name()), 0);
}

#[tokio::test]
async fn a_refusal_where_ok_was_expected_fails_with_its_code_and_message() {
    let (ws, _) = channels::server();
    let mut client = Connect::new(&ws).extension(User("A")).open().await.unwrap();
    let text = panic_of(client.subscribe(&orders("B"))).await;
    assert_eq!(text, "`orders.subscribe` was refused with forbidden: account B is not yours");
    let halt = PlaceOrder { symbol: "HALT".into(), quantity: 1 };
    let text = panic_of(client.request::<_, Order>("orders.place", &halt)).await;
    assert_eq!(text, "`orders.place` was refused with market_closed: the market is closed");
    // A fault of form is refused, too.
    let text = panic_of(client.request::<_, Order>("orders.plaice", &halt)).await;
    assert_all(&text, &["`orders.plaice` was refused with unknown_type: "]);
}

#[tokio::test]
async fn an_expected_refusal_is_returned_and_anything_else_fails() {
    let (ws, _) = channels::server();
    let mut client = Client::connect(&ws).await.unwrap();
    let later = Refusal::rate_limited("not so fast", Duration::from_millis(1500));
    assert_eq!(client.subscribe_refused(&orders("later")).await, later);
    let dry = client.subscribe_refused(&orders("dry")).await;
    assert_eq!(dry, Refusal::unavailable("no upstream"));
    let text = panic_of(client.subscribe_refused(&aapl())).await;
    assert_all(&text, &["`bars.subscribe` was not refused: {", "Subscribed to AAPL"]);

    let order = |symbol: &str| PlaceOrder { symbol: symbol.into(), quantity: 7 };
    let closed = Refusal::new("market_closed", "the market is closed");
    assert_eq!(client.request_refused("orders.place", &order("HALT")).await, closed);
    let placed: Order = client.request("orders.place", &order("AAPL")).await;
    assert_eq!(placed, Order { number: 7 });
    let text = panic_of(client.request::<_, Bar>("orders.place", &order("AAPL"))).await;
    assert_all(&text, &["the payload of the reply to `orders.place` is not a `", "Bar`: ", "{\"number\":7}"]);
}
