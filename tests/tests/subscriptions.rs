//! Subscribing, updates and unsubscribing, in the modern profile and in memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::json;
use topicast::{
    Refusal,
    testing::{Clock, Connect},
};
use topicast_tests::{
    channels::{self, Bar, Bars, Executions, MarketStatus, Order, Orders, Resolution, Status, User},
    client::Client,
};

fn aapl() -> Bars {
    Bars { symbol: "AAPL".into(), resolution: Resolution::M1 }
}

fn orders(account: &str) -> Orders {
    Orders { account_id: account.into() }
}

#[tokio::test]
async fn a_reply_tells_where_the_numbering_stands_and_updates_follow_it() {
    let (ws, _) = channels::server();
    let topic = ws.publisher::<Bars>().unwrap().topic(&aapl()).unwrap();
    topic.publish(&Bar { time: 1, close: 1.0 }).unwrap();
    let mut client = Client::connect(&ws).await;
    client.send(&json!({ "type": "bars.subscribe", "id": 7, "payload": { "symbol": "AAPL" } })).await;
    let reply = client.text().await;
    let epoch = serde_json::from_str::<serde_json::Value>(&reply).unwrap()["epoch"].as_str().unwrap().to_owned();
    assert_eq!(
        reply,
        format!(
            r#"{{"type":"bars.subscribe.response","id":7,"epoch":"{epoch}","seq":1,"payload":{{"status":"ok","symbol":"AAPL","message":"Subscribed to AAPL","topic":"bars:{{\"resolution\":\"1\",\"symbol\":\"AAPL\"}}"}}}}"#
        )
    );
    topic.publish(&Bar { time: 2, close: 150.5 }).unwrap();
    assert_eq!(
        client.text().await,
        r#"{"type":"bars.update","topic":"bars:{\"resolution\":\"1\",\"symbol\":\"AAPL\"}","seq":2,"payload":{"time":2,"close":150.5}}"#
    );
    topic.publish_raw(&serde_json::value::RawValue::from_string(r#"{"time":3,"close":1e2}"#.into()).unwrap()).unwrap();
    assert!(client.text().await.ends_with(r#""seq":3,"payload":{"time":3,"close":1e2}}"#));
}

#[tokio::test]
async fn only_the_subscribers_of_exactly_that_topic_get_an_update() {
    let (ws, _) = channels::server();
    let publisher = ws.publisher::<Bars>().unwrap();
    let mut minute = Client::connect(&ws).await;
    let mut day = Client::connect(&ws).await;
    minute.subscribe(&aapl()).await;
    day.subscribe(&Bars { resolution: Resolution::Day, ..aapl() }).await;
    let topic = publisher.topic(&aapl()).unwrap();
    assert_eq!((topic.subscribers(), ws.connections()), (1, 2));
    topic.publish(&Bar { time: 1, close: 1.0 }).unwrap();
    assert_eq!(minute.settled().await.len(), 1);
    assert_eq!(day.settled().await.len(), 0);
    let topics: Vec<_> = ws.topics().into_iter().map(|info| (info.topic, info.subscribers)).collect();
    let name = |resolution: &str| format!(r#"bars:{{"resolution":"{resolution}","symbol":"AAPL"}}"#);
    assert_eq!(topics, [(name("1"), 1), (name("D"), 1)]);
    assert_eq!(ws.subscribers(&name("1")), 1);
    assert_eq!(ws.subscribers("bars:{}"), 0);
}

#[tokio::test]
async fn subscribing_twice_is_one_subscription() {
    let (ws, app) = channels::server();
    let mut client = Client::connect(&ws).await;
    let first = client.subscribe(&aapl()).await;
    let topic = ws.publisher::<Bars>().unwrap().topic(&aapl()).unwrap();
    topic.publish(&Bar { time: 1, close: 1.0 }).unwrap();
    assert_eq!(client.settled().await.len(), 1);
    let second = client.subscribe(&aapl()).await;
    assert_eq!((&second["epoch"], &second["payload"]), (&first["epoch"], &first["payload"]));
    assert_eq!((&first["seq"], &second["seq"]), (&json!(0), &json!(1)));
    topic.publish(&Bar { time: 2, close: 1.0 }).unwrap();
    assert_eq!(client.settled().await.len(), 1);
    assert_eq!(topic.subscribers(), 1);

    // The server calls no hook again and sends no snapshot again.
    client.subscribe(&orders("A")).await;
    assert_eq!(client.message().await["type"], "orders.snapshot");
    client.subscribe(&orders("A")).await;
    assert_eq!(client.settled().await, Vec::<serde_json::Value>::new());
    assert_eq!(app.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn unsubscribing_ends_updates_and_is_always_ok() {
    let (ws, _) = channels::server();
    let topic = ws.publisher::<Bars>().unwrap().topic(&aapl()).unwrap();
    let mut client = Client::connect(&ws).await;
    let reply = client.unsubscribe(&aapl()).await;
    assert_eq!(reply["payload"]["message"], "Unsubscribed from AAPL");
    client.subscribe(&aapl()).await;
    client.unsubscribe(&aapl()).await;
    topic.publish(&Bar { time: 1, close: 1.0 }).unwrap();
    assert_eq!(client.settled().await.len(), 0);
    assert_eq!((topic.subscribers(), ws.topics().len()), (0, 0));
}

#[tokio::test]
async fn a_request_without_fields_has_no_subject() {
    let (ws, _) = channels::server();
    let mut client = Client::connect(&ws).await;
    let reply = client.subscribe(&Status {}).await;
    assert_eq!(reply["payload"], json!({ "status": "ok", "message": "Subscribed to status", "topic": "status:{}" }));
    let topic = ws.publisher::<Status>().unwrap().topic(&Status {}).unwrap();
    topic.publish(&MarketStatus { open: true }).unwrap();
    assert_eq!(client.message().await["payload"], json!({ "open": true }));
}

#[tokio::test]
async fn an_absent_option_has_a_topic_of_its_own() {
    let (ws, _) = channels::server();
    let mut client = Client::connect(&ws).await;
    let reply = client.subscribe(&Executions { account_id: "T".into(), symbol: None }).await;
    assert_eq!(reply["payload"]["topic"], r#"executions:{"accountId":"T","symbol":""}"#);
    assert_eq!(reply["payload"]["accountId"], "T");
    client.send(&json!({ "type": "executions.subscribe", "payload": { "account": "T" } })).await;
    assert_eq!(client.message().await["payload"], reply["payload"], "an alias is another name of the same field");
    client.send_fault(r#"{"type":"executions.subscribe","payload":{"accountId":"T","account":"T"}}"#).await;
    assert_eq!(client.message().await["payload"]["code"], "invalid");
    client.send_fault(r#"{"type":"executions.subscribe","payload":{"accountId":"T","symbol":""}}"#).await;
    let error = client.message().await;
    assert_eq!((&error["type"], &error["payload"]["code"]), (&json!("error"), &json!("invalid")));
}

#[tokio::test]
async fn a_snapshot_comes_after_the_reply_and_before_any_update() {
    let (ws, app) = channels::server();
    let gate = Arc::new(tokio::sync::Notify::new());
    *app.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let topic = ws.publisher::<Orders>().unwrap().topic(&orders("A")).unwrap();
    topic.publish(&Order { number: 1 }).unwrap();
    let mut client = Client::connect(&ws).await;
    client.send(&json!({ "type": "orders.subscribe", "payload": { "accountId": "A" } })).await;
    while topic.subscribers() == 0 {
        tokio::task::yield_now().await;
    }
    // An update that is published while the snapshot is made is held: it is neither lost nor early.
    topic.publish(&Order { number: 2 }).unwrap();
    gate.notify_one();
    let (reply, snapshot, update) = (client.message().await, client.message().await, client.message().await);
    assert_eq!((&reply["type"], &reply["seq"]), (&json!("orders.subscribe.response"), &json!(1)));
    assert_eq!((&snapshot["type"], &snapshot["seq"]), (&json!("orders.snapshot"), &json!(1)));
    assert_eq!(snapshot["topic"], r#"orders:{"accountId":"A"}"#);
    assert_eq!((&update["type"], &update["seq"]), (&json!("orders.update"), &json!(2)));
}

#[tokio::test]
async fn refusals_are_replies_and_cost_nothing_else() {
    let (ws, app) = channels::server();
    let mut client = Client::with(&ws, Connect::new(&ws).extension(User("A"))).await;
    let reply = client.subscribe(&orders("B")).await;
    assert_eq!(
        reply,
        json!({ "type": "orders.subscribe.response", "payload": {
            "status": "error", "accountId": "B", "code": "forbidden", "message": "account B is not yours",
            "retryable": false,
        }})
    );
    drop(client);
    let mut client = Client::connect(&ws).await;
    let reply = client.subscribe(&orders("later")).await;
    assert_eq!((&reply["payload"]["retryable"], &reply["payload"]["retry_after_ms"]), (&json!(true), &json!(1500)));
    for account in ["dry", "stuck"] {
        assert_eq!(client.subscribe(&orders(account)).await["payload"]["code"], "unavailable");
    }
    assert_eq!(ws.topics(), []);
    // A refused session is not subscribed, so the next request calls the hook again.
    let asked = app.asked.load(Ordering::SeqCst);
    client.subscribe(&orders("stuck")).await;
    assert_eq!(app.asked.load(Ordering::SeqCst), asked + 1);
    client.subscribe(&orders("empty")).await;
    assert_eq!(client.settled().await.len(), 0);
}

#[tokio::test]
async fn a_connection_has_only_so_many_subscriptions() {
    let app = Arc::default();
    let limits = topicast::Limits { subscriptions: 1, ..topicast::Limits::default() };
    let ws = channels::builder(&app).limits(limits).build().unwrap();
    let mut client = Client::connect(&ws).await;
    client.subscribe(&aapl()).await;
    assert_eq!(client.subscribe(&aapl()).await["payload"]["status"], "ok");
    assert_eq!(client.subscribe(&Status {}).await["payload"]["code"], "too_many_subscriptions");
    client.unsubscribe(&aapl()).await;
    assert_eq!(client.subscribe(&Status {}).await["payload"]["status"], "ok");
}

#[tokio::test]
async fn a_feed_runs_from_the_first_subscriber_to_the_retention_time_after_the_last() {
    let clock = Clock::pause();
    let app = Arc::<channels::App>::default();
    let ws = channels::builder(&app).heartbeat(None).build().unwrap();
    let running = || app.feeds_running.load(Ordering::SeqCst);
    let mut first = Client::connect(&ws).await;
    let mut second = Client::connect(&ws).await;
    first.subscribe(&orders("A")).await;
    second.subscribe(&orders("A")).await;
    assert_eq!((running(), app.feeds_started.load(Ordering::SeqCst)), (1, 1));
    let topic = app.topics.lock().unwrap().remove("A").unwrap();
    topic.publish(&Order { number: 1 }).unwrap();
    assert_eq!(first.settled().await.len(), 2);

    // A client that returns within the retention time finds the feed, and the timer is
    // cancelled.
    drop(first);
    second.settled().await;
    second.unsubscribe(&orders("A")).await;
    clock.advance(Duration::from_secs(59)).await;
    second.subscribe(&orders("A")).await;
    second.settled().await;
    clock.advance(Duration::from_secs(2)).await;
    assert_eq!((running(), app.feeds_started.load(Ordering::SeqCst)), (1, 1));

    second.unsubscribe(&orders("A")).await;
    clock.advance(Duration::from_secs(59)).await;
    assert_eq!(running(), 1);
    clock.advance(Duration::from_secs(2)).await;
    assert_eq!(running(), 0);
    second.subscribe(&orders("A")).await;
    assert_eq!((running(), app.feeds_started.load(Ordering::SeqCst)), (1, 2));
}

#[tokio::test]
async fn a_new_epoch_begins_once_nobody_has_held_the_topic_for_the_retention_time() {
    let clock = Clock::pause();
    let ws = channels::builder(&Arc::default()).heartbeat(None).build().unwrap();
    let mut client = Client::connect(&ws).await;
    let publisher = ws.publisher::<Bars>().unwrap();
    let held = publisher.topic(&aapl()).unwrap();
    let first = client.subscribe(&aapl()).await["epoch"].clone();
    held.publish(&Bar { time: 1, close: 1.0 }).unwrap();
    client.settled().await;
    client.unsubscribe(&aapl()).await;
    let again = client.subscribe(&aapl()).await;
    assert_eq!((&again["epoch"], &again["seq"]), (&first, &json!(1)));
    client.unsubscribe(&aapl()).await;
    drop(held);
    clock.advance(Duration::from_secs(59)).await;
    let again = client.subscribe(&aapl()).await;
    assert_eq!((&again["epoch"], &again["seq"]), (&first, &json!(1)));
    client.unsubscribe(&aapl()).await;
    clock.advance(Duration::from_secs(61)).await;
    let anew = client.subscribe(&aapl()).await;
    assert_eq!(anew["seq"], 0);
    assert_ne!(anew["epoch"], first);
}

#[tokio::test]
async fn the_server_ends_one_subscription_or_the_whole_session() {
    let (ws, _) = channels::server();
    let mut client = Client::connect(&ws).await;
    client.subscribe(&aapl()).await;
    client.subscribe(&Status {}).await;
    let session = ws.sessions().remove(0);
    assert_eq!(session.topics().len(), 2);
    let topic = ws.publisher::<Bars>().unwrap().topic(&aapl()).unwrap();
    assert!(session.end_subscription(topic.name(), &Refusal::unavailable("delisted")));
    assert!(!session.end_subscription(topic.name(), &Refusal::unavailable("delisted")));
    topic.publish(&Bar { time: 1, close: 1.0 }).unwrap();
    assert_eq!(
        client.settled().await,
        [json!({
            "type": "bars.unsubscribed", "topic": topic.name(),
            "payload": { "code": "unavailable", "message": "delisted", "retryable": true },
        })]
    );
    assert_eq!(ws.session(session.id()).unwrap().topics(), ["status:{}"]);
    session.close(topicast::CloseCode::application(4001).unwrap(), "signed out");
    let end = client.closed().await;
    assert_eq!((end.code, end.reason.as_str()), (4001, "signed out"));
}

#[tokio::test]
async fn operations_answer_refuse_and_push() {
    let (ws, app) = channels::server();
    let mut client = Client::connect(&ws).await;
    client.send(&json!({ "type": "orders.place", "id": "x", "payload": { "symbol": "A", "quantity": 3 } })).await;
    assert_eq!(
        client.message().await,
        json!({ "type": "orders.place.response", "id": "x", "payload": { "number": 3 } })
    );
    client.send(&json!({ "type": "orders.place", "payload": { "symbol": "HALT", "quantity": 3 } })).await;
    assert_eq!(
        client.message().await["payload"],
        json!({ "status": "error", "code": "market_closed", "message": "the market is closed", "retryable": false })
    );
    client.send(&json!({ "type": "notice.me", "payload": [1] })).await;
    assert_eq!(client.message().await, json!({ "type": "notice", "payload": { "text": "you asked" } }));
    ws.push(&channels::Notice { text: "all".into() }).unwrap();
    assert_eq!(client.message().await["payload"]["text"], "all");
    client.send_fault(r#"{"type":"orders.place","payload":["A",3]}"#).await;
    assert_eq!(client.message().await["payload"]["code"], "invalid");
    assert_eq!(app.asked.load(Ordering::SeqCst), 2);
}
