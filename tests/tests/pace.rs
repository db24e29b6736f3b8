//! The pace of a shard's writes and of a connection's reads: the flush window and the inbox.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::json;
use tokio::time::Instant;
use topicast::{
    Limits,
    testing::{Client, Clock},
};
use topicast_tests::channels::{self, App, Bar, Bars, Resolution};

#[tokio::test]
async fn updates_within_a_flush_window_wait_for_its_end_and_the_first_after_a_pause_does_not() {
    let window = Duration::from_secs(5);
    let clock = Clock::pause();
    // Without a heartbeat, because the server's pings are messages, too.
    let ws = channels::builder(&Arc::<App>::default()).heartbeat(None).flush_window(window).build().unwrap();
    let aapl = Bars { symbol: "AAPL".into(), resolution: Resolution::M1 };
    let topic = ws.publisher::<Bars>().unwrap().topic(&aapl).unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    client.subscribe(&aapl).await;
    for round in 0..3 {
        clock.advance(window * 2).await;
        let began = Instant::now();
        let mut published = async |times: &[i64], expected: Duration| {
            for time in times {
                topic.publish(&Bar { time: *time, close: 0.5 }).unwrap();
            }
            for time in times {
                assert_eq!(client.update::<Bars, Bar>().await.time, *time);
                let took = began.elapsed();
                assert!(took >= expected && took < expected + Duration::from_millis(10), "{time} took {took:?}");
            }
        };
        published(&[round * 3], Duration::ZERO).await;
        published(&[round * 3 + 1, round * 3 + 2], window).await;
    }
}

#[tokio::test]
async fn a_connection_is_read_no_faster_than_its_shard_writes() {
    let clock = Clock::pause();
    let app = Arc::<App>::default();
    // The shard takes its inbox once an hour.
    let limits = Limits { backlog_bytes: 1000, ..Limits::default() };
    let builder = channels::builder(&app).limits(limits).heartbeat(None).lifespan(None);
    let ws = builder.flush_window(Duration::from_secs(3600)).build().unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    client.settled().await;
    for quantity in 0..100 {
        client.send(&json!({ "type": "orders.place", "payload": { "symbol": "A", "quantity": quantity } })).await;
    }
    clock.advance(Duration::from_secs(1800)).await;
    let carried_out = app.asked.load(Ordering::SeqCst);
    assert!((1..=10).contains(&carried_out), "the replies to {carried_out} requests wait in an inbox of 1000 bytes");
    clock.advance(Duration::from_secs(100 * 3600)).await;
    assert_eq!(app.asked.load(Ordering::SeqCst), 100);
    for quantity in 0..100 {
        assert_eq!(client.message().await["payload"]["number"], quantity);
    }
}
