//! The life of connections: time limits, slow readers, cuts, panics, shutdown.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{num::NonZeroUsize, pin::pin, sync::Arc, time::Duration};

use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::Notify;
use topicast::{
    CloseCode, Handshake, Limits, Rejection, Server, compat,
    testing::{self, Clock, Connect},
};
use topicast_tests::{
    channels::{self, App, Bar, Bars, Resolution, User},
    client::Client,
    http::{HeaderValue, header},
};

const TIMED_OUT: &str = "Connection timed out. Heartbeat interval 30.0. Max connection lifespan 3600.0";

fn aapl() -> Bars {
    Bars { symbol: "AAPL".into(), resolution: Resolution::M1 }
}

fn fastws() -> Server {
    channels::builder(&Arc::<App>::default()).profile(compat::fastws()).build().unwrap()
}

#[tokio::test]
async fn silence_ends_a_connection_and_any_frame_is_heard() {
    let clock = Clock::pause();
    let ws = fastws();
    let mut silent = Client::connect(&ws).await;
    let mut heard = Client::connect(&ws).await;
    clock.advance(Duration::from_secs(29)).await;
    // An unsolicited pong counts too (RFC 6455, section 5.5.3).
    heard.raw().send_bytes(&[0x8a, 0x80, 0, 0, 0, 0]).await;
    clock.advance(Duration::from_secs(2)).await;
    let end = silent.closed().await;
    assert_eq!((end.code, end.reason.as_str()), (1003, TIMED_OUT));
    assert_eq!(heard.settled().await, Vec::<Value>::new());
    clock.advance(Duration::from_secs(31)).await;
    assert_eq!(heard.closed().await.code, 1003);
}

#[tokio::test]
async fn a_lifespan_ends_the_liveliest_connection() {
    let clock = Clock::pause();
    let ws = fastws();
    let mut client = Client::connect(&ws).await;
    for _ in 0..179 {
        clock.advance(Duration::from_secs(20)).await;
        client.settled().await;
    }
    clock.advance(Duration::from_secs(21)).await;
    let end = client.closed().await;
    assert_eq!((end.code, end.reason.as_str()), (1003, TIMED_OUT));
}

#[tokio::test]
async fn the_servers_pings_keep_a_quiet_modern_client() {
    let clock = Clock::pause();
    let (ws, _) = channels::server();
    let mut client = Client::connect(&ws).await;
    for _ in 0..8 {
        clock.advance(Duration::from_secs(15)).await;
        // Reading answers the ping; nothing else is sent.
        let read = tokio::time::timeout(Duration::from_millis(1), client.raw().next()).await;
        assert!(read.is_err(), "{read:?}");
    }
    assert_eq!(ws.connections(), 1);
}

#[tokio::test]
async fn limits_that_are_off_are_unset() {
    let clock = Clock::pause();
    let ws = channels::builder(&Arc::default()).heartbeat(None).lifespan(Some(Duration::from_millis(1500))).build();
    let mut client = Client::connect(&ws.unwrap()).await;
    clock.advance(Duration::from_secs(2)).await;
    let end = client.closed().await;
    assert_eq!(end.reason, "Connection timed out. Heartbeat interval unset. Max connection lifespan 1.5");

    let ws = channels::builder(&Arc::default()).heartbeat(None).lifespan(None).build().unwrap();
    let mut client = Client::connect(&ws).await;
    clock.advance(Duration::from_secs(1_000_000)).await;
    assert_eq!(client.settled().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_consumer_that_stays_behind_is_told_so_and_others_lose_nothing() {
    let limits = Limits { unsent_bytes: 20_000, ..Limits::default() };
    let ws = channels::builder(&Arc::default()).limits(limits).build().unwrap();
    let topic = ws.publisher::<Bars>().unwrap().topic(&aapl()).unwrap();
    let mut slow = Client::with(&ws, Connect::new(&ws).socket_bytes(1000)).await;
    let mut healthy = Client::connect(&ws).await;
    slow.subscribe(&aapl()).await;
    healthy.subscribe(&aapl()).await;
    let mut published = 0;
    while topic.subscribers() == 2 {
        published += 1;
        topic.publish(&Bar { time: published, close: 1.0 }).unwrap();
        assert_eq!(healthy.message().await["seq"], published);
        assert!(published < 1000, "the consumer was never found slow");
    }
    // The client starts to read: a contiguous run, and then the close.
    let mut seen = 0;
    let end = loop {
        match slow.raw().next().await {
            Ok(update) => {
                seen += 1;
                assert_eq!(update["seq"], seen);
            }
            Err(end) => break end,
        }
    };
    assert_eq!((end.code, end.reason.as_str()), (1013, "This consumer is too slow"));
    assert!(seen < published);
    topic.publish(&Bar { time: 0, close: 1.0 }).unwrap();
    assert_eq!(healthy.message().await["seq"], published + 1);
}

#[tokio::test]
async fn a_client_that_floods_requests_and_never_reads_costs_itself() {
    let limits = Limits { unsent_bytes: 20_000, ..Limits::default() };
    let ws = channels::builder(&Arc::default()).limits(limits).build().unwrap();
    let flood = Connect::new(&ws).socket_bytes(1000).peer("192.0.2.1:99".parse().unwrap());
    let mut flood = Client::with(&ws, flood).await;
    let mut other = Client::connect(&ws).await;
    let session = ws.sessions().into_iter().find(|session| session.peer().is_some()).unwrap();
    flood.subscribe(&aapl()).await;
    // A subscription ends with the close, before the client reads it.
    while !session.topics().is_empty() {
        flood.raw().send_text(r#"{"type":"ping"}"#).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(flood.closed().await.code, 1013);
    assert_eq!(other.settled().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_cut_unsubscribes_from_everything() {
    let (ws, _) = channels::server();
    let topic = ws.publisher::<Bars>().unwrap().topic(&aapl()).unwrap();
    let mut client = Client::connect(&ws).await;
    client.subscribe(&aapl()).await;
    let session = ws.sessions().remove(0);
    drop(client);
    while ws.connections() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((topic.subscribers(), session.topics()), (0, vec![]));
    // A handle that outlives its connection does nothing, and no other client receives the message.
    let mut next = Client::connect(&ws).await;
    session.push(&channels::Notice { text: "late".into() }).unwrap();
    session.close(CloseCode::NORMAL, "late");
    assert_eq!(next.settled().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_panicking_handler_costs_its_own_connection() {
    let (ws, _) = channels::server();
    let mut other = Client::connect(&ws).await;
    other.subscribe(&aapl()).await;
    for message in [
        json!({ "type": "orders.subscribe", "payload": { "accountId": "panic" } }),
        json!({ "type": "orders.place", "payload": { "symbol": "PANIC", "quantity": 1 } }),
    ] {
        let mut client = Client::connect(&ws).await;
        client.send(&message).await;
        let end = client.closed().await;
        assert_eq!((end.code, end.reason.as_str()), (1011, "A handler failed"));
    }
    ws.publisher::<Bars>().unwrap().topic(&aapl()).unwrap().publish(&Bar { time: 1, close: 1.0 }).unwrap();
    assert_eq!(other.message().await["seq"], 1);
}

#[tokio::test]
async fn malformed_frames_cost_their_own_connection() {
    let (ws, _) = channels::server();
    let mut other = Client::connect(&ws).await;
    let masked = |header: &[u8], payload: &[u8]| [header, &[0; 4], payload].concat();
    for (bytes, code) in [
        (vec![0x81, 0x02, b'{', b'}'], 1002),
        (masked(&[0xc1, 0x80], b""), 1002),
        (masked(&[0x83, 0x80], b""), 1002),
        (masked(&[0x80, 0x80], b""), 1002),
        (masked(&[0x09, 0x80], b""), 1002),
        (masked(&[0x81, 0x82], b"\xc3\x28"), 1007),
        (masked(&[0x81, 0xff, 0, 0, 0, 0, 0, 2, 0, 0], b""), 1009),
        (masked(&[0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], b""), 1009),
        (masked(&[0x88, 0x81], b"x"), 1002),
    ] {
        let mut client = Client::connect(&ws).await;
        client.raw().send_bytes(&bytes).await;
        assert_eq!(client.closed().await.code, code, "{bytes:x?}");
    }
    assert_eq!(other.settled().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_shutdown_closes_every_socket_and_waits_for_them() {
    let (ws, _) = channels::server();
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(testing::Client::connect(&ws).await.unwrap());
    }
    let shutdown = tokio::spawn({
        let ws = ws.clone();
        async move { ws.shutdown().await }
    });
    for client in &mut clients {
        let end = client.closed().await;
        assert_eq!((end.code, end.reason.as_str()), (1001, "The server is going away"));
    }
    shutdown.await.unwrap();
    assert_eq!(ws.connections(), 0);
    let refused = testing::Client::connect(&ws).await.unwrap_err();
    assert_eq!(refused.status(), 503);
}

#[tokio::test]
async fn a_handshake_that_a_shutdown_overtakes_is_closed_with_its_code() {
    let _clock = Clock::pause();
    let gate = Arc::new(Notify::new());
    let asked = Arc::new(Notify::new());
    let authenticate = {
        let (gate, asked) = (Arc::clone(&gate), Arc::clone(&asked));
        move |_: Handshake<Arc<App>>| {
            let (gate, asked) = (Arc::clone(&gate), Arc::clone(&asked));
            async move {
                asked.notify_one();
                gate.notified().await;
                Ok(User("A"))
            }
        }
    };
    let ws = channels::builder(&Arc::default()).authenticate(authenticate).build().unwrap();
    let opening = tokio::spawn({
        let ws = ws.clone();
        async move { testing::Client::connect(&ws).await }
    });
    asked.notified().await;
    let mut shutdown = pin!(ws.shutdown());
    // The sessions are listed now, and this one is not among them.
    assert!(shutdown.as_mut().now_or_never().is_none());
    gate.notify_one();
    let mut client = opening.await.unwrap().unwrap();
    let end = client.closed().await;
    assert_eq!((end.code, end.reason.as_str()), (1001, "The server is going away"));
    shutdown.await;
    assert_eq!(ws.connections(), 0);
}

#[tokio::test]
async fn who_may_connect_is_the_applications_to_say() {
    async fn current_user(handshake: Handshake<Arc<App>>) -> Result<User, Rejection> {
        match handshake.headers().get("authorization").and_then(|value| value.to_str().ok()) {
            Some("Bearer A") => Ok(User("A")),
            Some(_) => Err(Rejection::forbidden("not you")),
            None => Err(Rejection::unauthorized("a bearer token is expected")),
        }
    }
    let ws = channels::builder(&Arc::default()).authenticate(current_user).build().unwrap();
    let bearer = |token: &'static str| {
        let value = HeaderValue::from_static(token);
        Connect::new(&ws).header(header::AUTHORIZATION, value)
    };
    assert_eq!(Connect::new(&ws).open().await.unwrap_err().status(), 401);
    assert_eq!(bearer("Bearer B").open().await.unwrap_err().status(), 403);
    let mut client = bearer("Bearer A").peer("192.0.2.1:99".parse().unwrap()).open().await.unwrap();
    let session = ws.sessions().remove(0);
    assert_eq!(session.extension::<User>(), Some(&User("A")));
    assert_eq!(session.peer(), Some("192.0.2.1:99".parse().unwrap()));
    client.subscribe(&channels::Orders { account_id: "A".into() }).await;
}

#[tokio::test]
async fn there_are_only_so_many_places() {
    let limits = Limits { max_connections: Some(1), ..Limits::default() };
    let ws = channels::builder(&Arc::default()).limits(limits).build().unwrap();
    let first = testing::Client::connect(&ws).await.unwrap();
    assert_eq!(testing::Client::connect(&ws).await.unwrap_err().status(), 503);
    drop(first);
    while ws.connections() > 0 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    assert!(testing::Client::connect(&ws).await.is_ok());
}

/// With publishers and subscribers on every worker at once, each client receives, for each topic, a
/// contiguous and ordered run that begins after the `seq` of its reply.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_holds_for_every_topic_while_clients_come_and_go() {
    const UPDATES: i64 = 2000;
    let ws = channels::builder(&Arc::default()).shards(NonZeroUsize::new(2).unwrap()).build().unwrap();
    let publisher = ws.publisher::<Bars>().unwrap();
    let request = |topic: usize| Bars { symbol: format!("S{topic}"), resolution: Resolution::M1 };
    let topics: Vec<_> = (0..4).map(|topic| publisher.topic(&request(topic)).unwrap()).collect();
    let publishing: Vec<_> = topics
        .iter()
        .cloned()
        .map(|topic| {
            tokio::spawn(async move {
                for time in 1..=UPDATES {
                    topic.publish(&Bar { time, close: 0.0 }).unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut clients = Vec::new();
    for number in 0..20 {
        let (ws, request) = (ws.clone(), request(number % 4));
        clients.push(tokio::spawn(async move {
            let mut client = testing::Client::connect(&ws).await.unwrap();
            let mut total = 0;
            for _ in 0..10 {
                client.send(&json!({ "type": "bars.subscribe", "payload": request })).await;
                let mut next = loop {
                    let message = client.message().await;
                    if message["type"] == "bars.subscribe.response" {
                        break message["seq"].as_i64().unwrap() + 1;
                    }
                };
                while next <= UPDATES && total % 40 != 39 {
                    let message = client.message().await;
                    assert_eq!(message["seq"], next);
                    assert_eq!(message["payload"]["time"], next);
                    next += 1;
                    total += 1;
                }
                total += 1;
                client.send(&json!({ "type": "bars.unsubscribe", "payload": request })).await;
                while client.message().await["type"] != "bars.unsubscribe.response" {}
                assert_eq!(client.settled().await, Vec::<Value>::new());
            }
        }));
    }
    for task in publishing.into_iter().chain(clients) {
        task.await.unwrap();
    }
}
