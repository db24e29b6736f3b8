//! Closing: at once after a failure, and within the close timeout if the peer does not answer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::json;
use topicast::{
    CloseCode, Limits, Server, compat,
    testing::{self, Clock},
};
use topicast_tests::{
    channels::{self, App, Bars, Resolution},
    client::Client,
};

fn aapl() -> Bars {
    Bars { symbol: "AAPL".into(), resolution: Resolution::M1 }
}

fn fastws() -> Server {
    channels::builder(&Arc::<App>::default()).profile(compat::fastws()).build().unwrap()
}

#[tokio::test]
async fn a_connection_that_the_server_fails_ends_at_once_and_not_after_the_close_timeout() {
    let clock = Clock::pause();
    let (ws, _) = channels::server();
    let masked = |header: &[u8], payload: &[u8]| [header, &[0; 4], payload].concat();
    for (bytes, code) in [
        // A reserved opcode, a fragment without a beginning, text that is not UTF-8, too much.
        (masked(&[0x83, 0x80], b""), 1002),
        (masked(&[0x80, 0x80], b""), 1002),
        (masked(&[0x81, 0x82], b"\xc3\x28"), 1007),
        (masked(&[0x81, 0xff, 0, 0, 0, 0, 0, 2, 0, 0], b""), 1009),
        // Close frames that are malformed: a code of one byte, a reason that is not UTF-8.
        (masked(&[0x88, 0x81], b"x"), 1002),
        (masked(&[0x88, 0x84], b"\x03\xe8\xc3\x28"), 1007),
    ] {
        let mut client = Client::connect(&ws).await;
        client.raw().send_bytes(&bytes).await;
        assert_eq!(client.closed().await.code, code, "{bytes:x?}");
        // The client answers the close and keeps its stream open.
        clock.advance(Duration::from_secs(1)).await;
        assert_eq!(ws.connections(), 0, "{bytes:x?}");
        drop(client);
    }
}

#[tokio::test]
async fn garbage_in_place_of_the_peers_close_frame_ends_a_closing_connection() {
    let clock = Clock::pause();
    let ws = fastws();
    let mut client = testing::Client::connect(&ws).await.unwrap();
    client.send_text("not json").await;
    client.send_bytes(&[0x83, 0x80, 0, 0, 0, 0]).await;
    clock.advance(Duration::from_secs(1)).await;
    assert_eq!(ws.connections(), 0);
    assert_eq!(client.closed().await.code, 1003);
}

#[tokio::test]
async fn a_clients_close_is_echoed() {
    let (ws, _) = channels::server();
    for (code, reason) in [(1000, "done"), (4321, ""), (1001, "the page is left")] {
        let mut client = testing::Client::connect(&ws).await.unwrap();
        let end = client.close(code, reason).await;
        assert_eq!((end.code, end.reason.as_str()), (code, reason));
        while ws.connections() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_peer_that_ignores_the_close_is_dropped_after_five_seconds() {
    let clock = Clock::pause();
    let ws = fastws();
    let mut client = testing::Client::connect(&ws).await.unwrap();
    client.send_text("not json").await;
    clock.advance(Duration::from_millis(4900)).await;
    assert_eq!(ws.connections(), 1);
    clock.advance(Duration::from_millis(200)).await;
    assert_eq!(ws.connections(), 0);
    assert_eq!(client.closed().await.code, 1003);
}

#[tokio::test]
async fn a_peer_that_goes_on_sending_is_dropped_too_and_nothing_of_it_is_carried_out() {
    let app = Arc::<App>::default();
    let ws = channels::builder(&app).profile(compat::fastws()).build().unwrap();
    let clock = Clock::pause();
    let mut client = testing::Client::connect(&ws).await.unwrap();
    client.send_text("not json").await;
    let place = r#"{"type":"orders.place","payload":{"symbol":"A","quantity":1}}"#;
    for _ in 0..60 {
        client.send_text(place).await;
        client.send_bytes(&[0x8a, 0x80, 0, 0, 0, 0]).await;
        clock.advance(Duration::from_millis(100)).await;
    }
    assert_eq!(ws.connections(), 0);
    assert_eq!(app.asked.load(Ordering::SeqCst), 0);
    assert_eq!(client.closed().await.code, 1003);
}

#[tokio::test]
async fn a_close_is_heeded_while_the_connection_waits_for_its_shard() {
    let clock = Clock::pause();
    // The shard takes its inbox once an hour, and the inbox is soon full.
    let limits = Limits { backlog_bytes: 1000, ..Limits::default() };
    let builder = channels::builder(&Arc::default()).limits(limits).heartbeat(None).lifespan(None);
    let ws = builder.flush_window(Duration::from_secs(3600)).build().unwrap();
    let mut client = testing::Client::connect(&ws).await.unwrap();
    client.send(&json!({ "type": "bars.subscribe", "payload": aapl() })).await;
    let session = ws.sessions().remove(0);
    for _ in 0..100 {
        client.send_text(r#"{"type":"ping"}"#).await;
    }
    clock.advance(Duration::from_secs(1)).await;
    assert_eq!(session.topics().len(), 1);
    session.close(CloseCode::NORMAL, "enough");
    clock.advance(Duration::from_secs(1)).await;
    assert_eq!(session.topics(), Vec::<String>::new());
    clock.advance(Duration::from_secs(5)).await;
    assert_eq!(ws.connections(), 0);
}

#[tokio::test]
async fn a_lifespan_ends_a_connection_that_waits_for_its_shard() {
    let clock = Clock::pause();
    let limits = Limits { backlog_bytes: 1000, ..Limits::default() };
    let builder = channels::builder(&Arc::default()).limits(limits).heartbeat(None);
    let builder = builder.lifespan(Some(Duration::from_secs(60))).flush_window(Duration::from_secs(3600));
    let ws = builder.build().unwrap();
    let mut client = testing::Client::connect(&ws).await.unwrap();
    for _ in 0..100 {
        client.send_text(r#"{"type":"ping"}"#).await;
    }
    clock.advance(Duration::from_secs(66)).await;
    assert_eq!(ws.connections(), 0);
}
