//! What the kinds of channels promise beyond recovery, which has a test of its own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use topicast::{
    Limits, PublishError, Server, compat,
    testing::{self, Clock, Connect},
};
use topicast_tests::{
    client::Client,
    kinds::{self, Book, Event, Plain, Prices, Quotes, Row, Side, Trades, Truth},
};

/// A document of some length.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
struct Page {
    number: u32,
    text: String,
}

#[topicast::ws_router(route = "pages", update = Page, table(key = number, checksum))]
struct Pages {}

fn server() -> (Server, Arc<Truth>) {
    let truth = Arc::<Truth>::default();
    (kinds::builder(&truth).build().unwrap(), truth)
}

fn name() -> String {
    "T0".to_owned()
}

async fn subscribe(client: &mut Client, route: &str, with: Value) -> Value {
    let mut message = json!({ "type": format!("{route}.subscribe"), "id": 1, "payload": { "name": "T0" } });
    for (member, value) in with.as_object().unwrap() {
        message[member] = value.clone();
    }
    client.send(&message).await;
    client.message().await
}

fn numbers(messages: &[Value]) -> Vec<u64> {
    messages.iter().map(|message| message["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_snapshot_of_ten_megabytes_reaches_a_slow_reader() {
    let limits = Limits { table_bytes: 16 << 20, ..Limits::default() };
    let ws = Server::builder("Pages", "1.0.0").channels(topicast::channels![Pages]).limits(limits).build().unwrap();
    let topic = ws.publisher::<Pages>().unwrap().topic(&Pages {}).unwrap();
    let page = |number: u32, text: &str| Page { number, text: text.repeat(5000) };
    let mut pages: Vec<Page> = (0..2000).map(|number| page(number, "x")).collect();
    topic.replace(&pages).unwrap();
    // Its socket takes 16 KiB at a time, and everything it has not read is beyond the limit.
    let mut slow = Connect::new(&ws).socket_bytes(16 * 1024).open().await.unwrap();
    slow.subscribe(&Pages {}).await;
    for number in 0..20 {
        pages[number as usize] = page(number, "y");
        topic.update(|rows| rows.set(&page(number, "y"))).unwrap();
        tokio::task::yield_now().await;
    }
    while slow.position(&Pages {}).is_none_or(|(_, seq)| seq < 21) {
        slow.message().await;
    }
    assert!(slow.table(&Pages {}) == pages && topic.rows().unwrap() == pages);
    assert_eq!(ws.connections(), 1);
}

#[tokio::test]
async fn a_subscriber_that_is_behind_receives_one_update_for_all_it_missed() {
    let (ws, _) = server();
    let quotes = ws.publisher::<Quotes>().unwrap().topic(&Quotes { name: name() }).unwrap();
    let mut slow = Connect::new(&ws).socket_bytes(150).open().await.unwrap();
    slow.subscribe(&Quotes { name: name() }).await;
    for number in 1..=1000 {
        quotes.publish(&Event { number }).unwrap();
        tokio::task::yield_now().await;
    }
    let seen = numbers(&slow.settled().await);
    assert!(seen.len() < 10, "{seen:?}");
    assert_eq!(seen.last(), Some(&1000));
    assert_eq!(quotes.skipped(), 1000 - seen.len() as u64);
}

#[tokio::test]
async fn subscribers_that_wait_for_the_hook_share_its_result_and_its_refusal() {
    let (ws, truth) = server();
    truth.values.lock().unwrap().insert(name(), Event { number: 7 });
    let prices = ws.publisher::<Prices>().unwrap().topic(&Prices { name: name() }).unwrap();
    for (is_down, loads) in [(true, 1), (false, 2), (false, 2)] {
        let gate = truth.gate.lock().await;
        truth.is_down.store(is_down, Ordering::Relaxed);
        let mut clients = Vec::new();
        for _ in 0..20 {
            let mut client = testing::Client::connect(&ws).await.unwrap();
            client.settled().await;
            client.send(&json!({ "type": "prices.subscribe", "payload": { "name": "T0" } })).await;
            clients.push(client);
        }
        while prices.subscribers() < 20 {
            tokio::task::yield_now().await;
        }
        drop(gate);
        for client in &mut clients {
            let reply = client.message().await;
            if is_down {
                assert_eq!(reply["payload"]["code"], "unavailable");
            } else {
                assert_eq!(reply["snapshot"], true);
                assert_eq!(client.message().await["payload"], json!({ "number": 7 }));
            }
        }
        assert_eq!(truth.loads.load(Ordering::Relaxed), loads);
        drop(clients);
        while prices.subscribers() > 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(prices.get().unwrap(), Some(Event { number: 7 }));
}

#[tokio::test]
async fn max_rate_merges_updates_and_delivers_the_newest() {
    let clock = Clock::pause();
    let (ws, _) = server();
    let quotes = ws.publisher::<Quotes>().unwrap().topic(&Quotes { name: name() }).unwrap();
    let mut client = Client::connect(&ws).await;
    subscribe(&mut client, "quotes", json!({ "max_rate": 4 })).await;
    let begin = tokio::time::Instant::now();
    for number in 1..=1000 {
        quotes.publish(&Event { number }).unwrap();
        clock.advance(Duration::from_millis(10)).await;
    }
    clock.advance(Duration::from_millis(250)).await;
    let quarters = begin.elapsed().as_millis() / 250;
    let seen = numbers(&client.settled().await);
    assert!((quarters - 2..=quarters + 1).contains(&(seen.len() as u128)), "{} of {quarters}: {seen:?}", seen.len());
    assert_eq!(seen.last(), Some(&1000));
}

#[tokio::test]
async fn rewind_starts_with_past_events_as_far_as_the_history_reaches() {
    let (ws, _) = server();
    let trades = ws.publisher::<Trades>().unwrap().topic(&Trades { name: name() }).unwrap();
    for number in 1..=30 {
        trades.publish(&Event { number }).unwrap();
    }
    for (rewind, from) in [(1, 29), (5, 25), (20, 10), (1000, 10)] {
        let mut client = Client::connect(&ws).await;
        let reply = subscribe(&mut client, "trades", json!({ "rewind": rewind })).await;
        assert_eq!((&reply["seq"], reply.get("recovered")), (&json!(from), None));
        assert_eq!(numbers(&client.settled().await), (from + 1..=30).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_event_that_is_too_old_is_no_longer_recovered() {
    let clock = Clock::pause();
    let truth = Arc::<Truth>::default();
    let ws = kinds::builder(&truth).heartbeat(None).build().unwrap();
    let request = Trades { name: name() };
    let trades = ws.publisher::<Trades>().unwrap().topic(&request).unwrap();
    let mut client = testing::Client::connect(&ws).await.unwrap();
    client.subscribe(&request).await;
    for (seconds, recovered) in [(59, true), (61, false)] {
        client.reconnect(&ws).await.unwrap();
        trades.publish(&Event { number: 1 }).unwrap();
        clock.advance(Duration::from_secs(seconds)).await;
        assert_eq!(client.recover(&request).await.recovered, Some(recovered));
        client.settled().await;
    }
}

#[tokio::test]
async fn what_a_kind_does_not_support_is_refused() {
    let (ws, _) = server();
    let mut client = Client::connect(&ws).await;
    for (route, with) in [
        ("plain", json!({ "rewind": 5 })),
        ("quotes", json!({ "rewind": 5 })),
        ("book", json!({ "rewind": 5 })),
        ("plain", json!({ "max_rate": 5 })),
        ("trades", json!({ "max_rate": 5 })),
    ] {
        let message = json!({ "type": format!("{route}.subscribe"), "id": 1, "payload": { "name": "T0" } });
        let mut message = message;
        message.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        client.raw().send(&message).await;
        let reply = client.message().await;
        assert_eq!(reply["payload"]["code"], "unsupported", "{reply}");
    }
    assert_eq!(ws.topics(), []);
}

#[tokio::test]
async fn a_malformed_position_is_a_fault_of_form() {
    let truth = Arc::<Truth>::default();
    for recover in [json!([]), json!("e"), json!({ "epoch": "e" }), json!({ "epoch": "e", "seq": -1 })] {
        let message = json!({ "type": "trades.subscribe", "payload": { "name": "T0" }, "recover": recover });
        let ws = kinds::builder(&truth).build().unwrap();
        let mut client = testing::Client::connect(&ws).await.unwrap();
        client.send(&message).await;
        let reply = client.message().await;
        assert_eq!((&reply["type"], &reply["payload"]["code"]), (&json!("error"), &json!("invalid")), "{reply}");

        let ws = kinds::builder(&truth).profile(compat::fastws()).build().unwrap();
        let mut client = testing::Client::connect(&ws).await.unwrap();
        client.send(&message).await;
        let end = client.closed().await;
        assert_eq!((end.code, end.reason.as_str()), (1003, "Could not validate payload"));
    }
}

#[tokio::test]
async fn a_topic_of_more_bytes_than_the_limit_is_refused() {
    let (ws, _) = server();
    let mut client = testing::Client::connect(&ws).await.unwrap();
    let longest = 512 - "plain:{\"name\":\"\"}".len();
    client.subscribe(&Plain { name: "x".repeat(longest) }).await;
    let refusal = client.subscribe_refused(&Plain { name: "x".repeat(longest + 1) }).await;
    assert_eq!(refusal.code(), "topic_too_long");
    assert_eq!(refusal.message(), "the topic has 513 bytes; at most 512 are allowed");
}

#[tokio::test]
async fn a_change_that_fails_changes_nothing() {
    let limits = Limits { table_bytes: 2000, ..Limits::default() };
    let ws = kinds::builder(&Arc::default()).limits(limits).build().unwrap();
    let request = Book { name: name() };
    let book = ws.publisher::<Book>().unwrap().topic(&request).unwrap();
    let row = |level| Row { side: Side::Bid, level, size: 1 };
    book.replace(&[row(1), row(2)]).unwrap();
    let mut client = testing::Client::connect(&ws).await.unwrap();
    assert_eq!(client.subscribe(&request).await.seq, 1);
    client.settled().await;
    let failed = |result: Result<(), PublishError>| result.unwrap_err().to_string();

    let error = failed(book.update(|rows| (0..100).try_for_each(|level| rows.set(&row(level)))));
    assert!(error.contains("more than the limit of 2000"), "{error}");
    let error = failed(book.replace(&[row(5), row(5)]));
    assert!(error.contains(r#"{"side":"Bid","level":5}"#), "{error}");
    // A change of nothing takes no number.
    book.update(|rows| rows.remove(&(Side::Ask, 1))).unwrap();
    book.update(|rows| rows.set(&row(1))).unwrap();
    book.replace(&[row(2), row(1)]).unwrap();
    assert_eq!(client.settled().await, Vec::<Value>::new());

    book.update(|rows| {
        rows.set(&row(3))?;
        rows.remove(&(Side::Bid, 3))?;
        rows.remove(&(Side::Bid, 1))?;
        rows.set(&row(4))
    })
    .unwrap();
    let updates = client.settled().await;
    assert_eq!(numbers(&updates), [2]);
    assert_eq!(updates[0]["payload"]["set"], json!([row(4)]));
    assert_eq!(updates[0]["payload"]["remove"], json!([{ "side": "Bid", "level": 1 }]));
    assert_eq!(book.rows().unwrap(), [row(2), row(4)]);
    assert_eq!((book.len(), book.row(&(Side::Bid, 4)).unwrap()), (2, Some(row(4))));
    assert_eq!(client.table(&request), [row(2), row(4)]);
}
