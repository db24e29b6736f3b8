//! The mock market, live: subscriptions, health, ends.

use serde_json::json;
use trading_api::{bar::Bar, candles::Candles, mock::Mock, resolution::Resolution};

use crate::support::{Client, start};

/// An interval that a test need not wait for.
const FAST: [&str; 2] = ["--bar-broadcaster-interval", "0.02"];

#[tokio::test]
async fn bars_of_the_mock_market_move() {
    let server = start(&[&FAST[..], &["--seed", "7", "--start", "2024-08-09T00:00:30Z"]].concat()).await;
    let mut client = server.connect().await;
    client.subscribe("AAPL", "1").await;
    let (topic, first) = client.bar().await;
    assert_eq!(topic, r#"bars:{"resolution":"1","symbol":"AAPL"}"#);
    assert_eq!(first.time, 1_723_161_600_000, "the clock starts at the configured time");
    let opening = Mock::new(7, 1_723_161_630_000, &["AAPL"]).next().expect("a mock has no end");
    assert_eq!(first.open, opening.price.normalize().to_string());
    let mut bar = first.clone();
    while bar.volume == first.volume {
        bar = client.bar().await.1;
    }
    assert_eq!(bar.open, first.open, "a bar keeps its open");
}

#[tokio::test]
async fn the_same_seed_and_start_give_the_same_bars() {
    let flags = [&FAST[..], &["--seed", "3", "--start", "0", "--bar-broadcaster-symbols", "X"]].concat();
    let mut opens = Vec::new();
    for _ in 0..2 {
        let server = start(&flags).await;
        let mut client = server.connect().await;
        client.subscribe("X", "1").await;
        // Every state on the way is one that the store has after some trades of the seed.
        let states: Vec<_> = Mock::new(3, 0, &["X"])
            .take(200)
            .scan(Candles::new(10), |candles, trade| {
                let _ = candles.apply(&trade);
                let bar = candles.current("X", Resolution::M1)?;
                Some([bar.open, bar.high, bar.low, bar.close, bar.volume].map(|number| number.normalize().to_string()))
            })
            .collect();
        for _ in 0..5 {
            let (_, bar) = client.bar().await;
            opens.push(bar.open.clone());
            assert!(states.contains(&[bar.open, bar.high, bar.low, bar.close, bar.volume]));
        }
    }
    assert!(opens.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn a_market_that_has_traded_before_has_its_bars_and_goes_on_from_there() {
    let flags = [&FAST[..], &["--seed", "3", "--start", "1970-01-01T01:00:20Z", "--mock-history", "1220"]].concat();
    let server = start(&[&flags[..], &["--bar-broadcaster-symbols", "X"]].concat()).await;
    let mut client = server.connect().await;
    client.subscribe("X", "1").await;
    while client.bar().await.1.time < 3_600_000 {}
    let past = Mock::new(3, 2_400_000, &["X"]).take_while(|trade| trade.time < 3_620_000);
    let expected = past.fold(Candles::new(100), |mut candles, trade| {
        let _ = candles.apply(&trade);
        candles
    });
    let ended = 0..3_600_000;
    let bars: Vec<_> = expected.range("X", Resolution::M1, ended.clone()).map(Bar::from).collect();
    assert_eq!(bars.len(), 20);
    assert_eq!(server.market.bars("X", Resolution::M1, ended), bars);
}

#[tokio::test]
async fn updates_go_to_their_topic_only() {
    let server = start(&[&FAST[..], &["--bar-broadcaster-resolutions", "1,D"]].concat()).await;
    let (mut minutes, mut days) = (server.connect().await, server.connect().await);
    minutes.subscribe("MSFT", "1").await;
    days.subscribe("MSFT", "D").await;
    for _ in 0..5 {
        assert_eq!(minutes.bar().await.0, r#"bars:{"resolution":"1","symbol":"MSFT"}"#);
        let (topic, day) = days.bar().await;
        assert_eq!(topic, r#"bars:{"resolution":"D","symbol":"MSFT"}"#);
        assert_eq!(day.time % 86_400_000, 0);
    }
}

#[tokio::test]
async fn a_symbol_without_a_feed_is_valid_and_an_empty_one_is_a_fault() {
    let server = start(&FAST).await;
    let mut client = server.connect().await;
    client.subscribe("NOT TRADED", "1").await;
    client.subscribe("AAPL", "1").await;
    for _ in 0..3 {
        assert_eq!(client.bar().await.0, r#"bars:{"resolution":"1","symbol":"AAPL"}"#);
    }
    let mut faulty = server.connect().await;
    faulty.send(r#"{"type":"bars.subscribe","payload":{"symbol":""}}"#).await;
    let close = faulty.closed().await;
    assert_eq!((u16::from(close.code), close.reason.as_str()), (1003, "Could not validate payload"));
}

#[tokio::test]
async fn health_tells_connections_and_the_broadcaster() {
    let server = start(&["--bar-broadcaster-interval", "86400"]).await;
    let (body, head) = server.get("/api/v1/health", "").await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: application/json"), "{head}");
    let metrics = r#"{"is_running":true,"interval":86400.0,"symbols":["AAPL","GOOGL","MSFT"],"resolutions":["1"],"broadcasts_sent":0,"broadcasts_skipped":0,"errors":0}"#;
    assert_eq!(body, format!(r#"{{"status":"ok","connections":0,"bar_broadcaster":{metrics}}}"#));
    let mut client = server.connect().await;
    client.subscribe("AAPL", "1").await;
    assert_eq!(server.health().await["connections"], 1);
}

#[tokio::test]
async fn metrics_count_what_is_sent_and_skipped() {
    let server = start(&[&FAST[..], &["--bar-broadcaster-symbols", "X,Y", "--start", "0"]].concat()).await;
    let mut client = server.connect().await;
    client.subscribe("X", "1").await;
    for _ in 0..10 {
        client.bar().await;
    }
    let health = server.health().await;
    let count = |name: &str| health["bar_broadcaster"][name].as_u64().expect("a count");
    assert!(count("broadcasts_sent") >= 10);
    // Y has no subscribers, and X had none or no trade before its first bar.
    assert!(count("broadcasts_skipped") >= count("broadcasts_sent"));
    assert_eq!(count("errors"), 0);
}

#[tokio::test]
async fn a_disabled_broadcaster_is_silent_while_the_market_goes_on() {
    let flags = [&FAST[..], &["--bar-broadcaster-enabled", "false"]].concat();
    let server = start(&flags).await;
    let mut client = server.connect().await;
    client.subscribe("AAPL", "1").await;
    tokio::time::timeout(crate::support::PATIENCE, async {
        while server.market.bars("AAPL", Resolution::M1, 0..i64::MAX).is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the market trades");
    client.send(r#"{"type":"ping"}"#).await;
    assert_eq!(client.receive().await.kind, "ping.response", "nothing came before it");
    let broadcaster = &server.health().await["bar_broadcaster"];
    assert_eq!(broadcaster["is_running"], json!(false));
    assert_eq!(broadcaster["broadcasts_sent"], json!(0));
    assert_eq!(broadcaster["broadcasts_skipped"], json!(0));
}

#[tokio::test]
async fn stopping_closes_every_socket_with_1001() {
    let server = start(&FAST).await;
    let (mut one, mut other) = (server.connect().await, server.connect().await);
    one.subscribe("AAPL", "1").await;
    let address = server.address;
    let stopped = server.stop();
    for client in [&mut one, &mut other] {
        assert_eq!(u16::from(client.closed().await.code), 1001);
    }
    drop((one, other));
    tokio::time::timeout(crate::support::PATIENCE, stopped)
        .await
        .expect("in time")
        .expect("no panic")
        .expect("a clean end");
    tokio::net::TcpStream::connect(address).await.expect_err("the listener is closed");
}

#[tokio::test]
async fn other_origins_may_read_where_it_is_allowed() {
    let any = start(&[]).await;
    let (_, head) = any.get("/api/v1/health", "origin: https://a.example\r\n").await;
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
    let one = start(&["--cors-origins", "https://a.example"]).await;
    let (_, head) = one.get("/api/v1/ws/asyncapi.json", "origin: https://a.example\r\n").await;
    assert!(head.contains("access-control-allow-origin: https://a.example"), "{head}");
    let (_, head) = one.get("/api/v1/health", "origin: https://b.example\r\n").await;
    assert!(!head.contains("access-control-allow-origin"), "{head}");
    let (body, head) = one.get("/", "").await;
    assert!(head.contains("content-type: text/html") && body.contains("/api/v1/ws/asyncapi"), "{head}");
}

#[tokio::test]
async fn time_limits_are_those_of_the_settings() {
    let server = start(&["--ws-heartbeat-interval", "0.05", "--ws-max-connection-lifespan", "0"]).await;
    let close = Client::connect(server.address).await.closed().await;
    assert_eq!(u16::from(close.code), 1003);
    assert_eq!(close.reason.as_str(), "Connection timed out. Heartbeat interval 0.05. Max connection lifespan unset");
}
