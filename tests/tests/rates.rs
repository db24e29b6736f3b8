//! `max_rate`: how often a subscription receives updates.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;
use topicast::{
    Server, Topic,
    testing::{Client, Clock, Connect},
};
use topicast_tests::kinds::{self, Event, Quotes};

/// The rate of one update in ten seconds.
const SLOWEST: f64 = 0.1;

fn server() -> (Server, Topic<Quotes>, Quotes) {
    let ws = kinds::builder(&Arc::default()).heartbeat(None).build().unwrap();
    let request = Quotes { name: "A".into() };
    let topic = ws.publisher::<Quotes>().unwrap().topic(&request).unwrap();
    (ws, topic, request)
}

async fn subscribe(client: &mut Client, request: &Quotes, recover: Value) -> Value {
    send(client, request, recover).await;
    client.message().await
}

async fn send(client: &mut Client, request: &Quotes, recover: Value) {
    let payload = json!({ "name": request.name });
    let message = json!({ "type": "quotes.subscribe", "payload": payload, "max_rate": SLOWEST, "recover": recover });
    client.send(&message).await;
}

/// Returns the number of the next update and how many seconds passed since `began`.
async fn next(client: &mut Client, began: Instant) -> (u64, u64) {
    let update = client.message().await;
    assert_eq!(update["type"], "quotes.update", "{update}");
    (update["seq"].as_u64().unwrap(), began.elapsed().as_secs())
}

#[tokio::test]
async fn the_first_update_of_a_topic_without_a_value_is_sent_at_once_and_the_next_after_the_interval() {
    let clock = Clock::pause();
    let (ws, topic, request) = server();
    let mut client = Client::connect(&ws).await.unwrap();
    subscribe(&mut client, &request, Value::Null).await;
    clock.advance(Duration::from_secs(1)).await;
    let began = Instant::now();
    topic.publish(&Event { number: 1 }).unwrap();
    assert_eq!(next(&mut client, began).await, (1, 0));
    for number in 2..=5 {
        topic.publish(&Event { number }).unwrap();
    }
    assert_eq!(next(&mut client, began).await, (5, 10));
    clock.advance(Duration::from_secs(15)).await;
    topic.publish(&Event { number: 6 }).unwrap();
    assert_eq!(next(&mut client, began).await, (6, 25));
}

#[tokio::test]
async fn a_client_that_recovers_receives_the_next_update_after_the_interval() {
    let clock = Clock::pause();
    let (ws, topic, request) = server();
    topic.publish(&Event { number: 1 }).unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    let reply = subscribe(&mut client, &request, Value::Null).await;
    assert_eq!(client.message().await["type"], "quotes.snapshot");
    drop(client);
    topic.publish(&Event { number: 2 }).unwrap();
    // The replay waits until the client has read the reply.
    let mut client = Connect::new(&ws).socket_bytes(16).open().await.unwrap();
    send(&mut client, &request, json!({ "epoch": reply["epoch"], "seq": 1 })).await;
    clock.advance(Duration::from_secs(1)).await;
    topic.publish(&Event { number: 3 }).unwrap();
    let began = Instant::now();
    assert_eq!(client.message().await["recovered"], true);
    assert_eq!(next(&mut client, began).await, (2, 0));
    assert_eq!(next(&mut client, began).await, (3, 10));
}
