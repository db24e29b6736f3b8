//! The three symptoms of docs/troubleshooting.md, each with the causes that it lists.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::tungstenite::Error;
use topicast::{
    Handshake, Limits, Rejection, Server, SlowConsumer, compat,
    testing::{Client, Clock, Connect},
};
use topicast_tests::channels::{self, App, Bar, Bars, Resolution};

fn bars(symbol: &str) -> Bars {
    Bars { symbol: symbol.into(), resolution: Resolution::M1 }
}

fn fastws() -> Server {
    channels::builder(&Arc::<App>::default()).profile(compat::fastws()).build().unwrap()
}

async fn serve(ws: &Server) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = ws.router("/api/v1/ws");
    tokio::spawn(async move { topicast::serve(listener, router).await });
    address
}

/// Returns the status of a handshake if the server refuses it.
async fn status(address: SocketAddr, path: &str) -> Option<u16> {
    match tokio_tungstenite::connect_async(format!("ws://{address}{path}")).await {
        Ok(_) => None,
        Err(Error::Http(response)) => Some(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_connection_fails_immediately() {
    let (ws, _) = channels::server();
    let address = serve(&ws).await;
    assert_eq!(status(address, "/api/v1/ws").await, None);
    assert_eq!(status(address, "/ws").await, Some(404));
    assert_eq!(status(address, "/api/v1/ws/").await, Some(404));

    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /api/v1/ws HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut response = String::new();
    plain.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 426 "), "{response}");

    let nobody = async |_: Handshake| Err::<(), _>(Rejection::unauthorized("a token is expected"));
    let private = Server::builder("Private", "1.0.0").authenticate(nobody).build().unwrap();
    assert_eq!(status(serve(&private).await, "/api/v1/ws").await, Some(401));

    ws.shutdown().await;
    assert_eq!(status(address, "/api/v1/ws").await, Some(503));

    for (message, reason) in [("hello", "Could not validate payload"), (r#"{"type":"hello"}"#, "No matching type")] {
        let mut client = Client::connect(&fastws()).await.unwrap();
        client.send_text(message).await;
        let end = client.closed().await;
        assert_eq!((end.code, end.reason.as_str()), (1003, reason));
    }
}

#[tokio::test]
async fn no_updates_are_received_by_a_subscriber_of_another_topic() {
    let (ws, _) = channels::server();
    let topic = ws.publisher::<Bars>().unwrap().topic(&bars("AAPL")).unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    let reply = client.subscribe(&bars("aapl")).await;
    topic.publish(&Bar { time: 0, close: 1.0 }).unwrap();
    assert_eq!(client.settled().await, Vec::<Value>::new());
    // The indication of the cause.
    assert_ne!(reply.topic, topic.name());
    assert_eq!(topic.subscribers(), 0);
    assert_eq!(ws.topics()[0].topic, reply.topic);

    client.subscribe(&bars("AAPL")).await;
    topic.publish(&Bar { time: 1, close: 1.0 }).unwrap();
    assert_eq!(client.update::<Bars, Bar>().await.time, 1);
}

#[tokio::test]
async fn no_updates_are_received_from_another_server_or_after_an_end() {
    let (ws, _) = channels::server();
    let (other, _) = channels::server();
    let foreign = other.publisher::<Bars>().unwrap().topic(&bars("AAPL")).unwrap();
    let own = ws.publisher::<Bars>().unwrap().topic(&bars("AAPL")).unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    client.subscribe(&bars("AAPL")).await;
    foreign.publish(&Bar { time: 0, close: 1.0 }).unwrap();
    assert_eq!(client.settled().await, Vec::<Value>::new());
    assert_eq!((foreign.subscribers(), own.subscribers()), (0, 1));

    let refusal = topicast::Refusal::forbidden("no more");
    assert!(ws.sessions()[0].end_subscription(own.name(), &refusal));
    own.publish(&Bar { time: 0, close: 1.0 }).unwrap();
    let messages = client.settled().await;
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (&messages[0]["type"], &messages[0]["payload"]["code"]),
        (&json!("bars.unsubscribed"), &json!("forbidden"))
    );
}

#[tokio::test]
async fn updates_are_missing_for_a_client_that_does_not_read() {
    let builder =
        channels::builder(&Arc::<App>::default()).limits(Limits { unsent_bytes: 10_000, ..Limits::default() });
    let ws = builder.slow_consumer::<Bars>(SlowConsumer::drop_oldest()).build().unwrap();
    let topic = ws.publisher::<Bars>().unwrap().topic(&bars("AAPL")).unwrap();
    let mut client = Connect::new(&ws).socket_bytes(1000).open().await.unwrap();
    client.subscribe(&bars("AAPL")).await;
    while topic.skipped() == 0 {
        topic.publish(&Bar { time: 0, close: 1.0 }).unwrap();
        tokio::task::yield_now().await;
    }
    let skipped: u64 = client.settled().await.iter().filter_map(|update| update["skipped"].as_u64()).sum();
    assert_eq!(skipped, topic.skipped());
}

#[tokio::test]
async fn a_connection_drops_every_thirty_seconds_unless_the_client_sends_something() {
    let clock = Clock::pause();
    let ws = fastws();
    let mut silent = Client::connect(&ws).await.unwrap();
    let mut pinging = Client::connect(&ws).await.unwrap();
    let mut subscribing = Client::connect(&ws).await.unwrap();
    for _ in 0..6 {
        clock.advance(Duration::from_secs(10)).await;
        pinging.send(&json!({ "type": "ping" })).await;
        assert_eq!(pinging.message().await["type"], "ping.response");
        subscribing.subscribe(&bars("AAPL")).await;
    }
    let end = silent.closed().await;
    assert_eq!(end.code, 1003);
    assert!(end.reason.starts_with("Connection timed out."), "{}", end.reason);
    assert_eq!(ws.connections(), 2);
}

#[tokio::test]
async fn a_connection_drops_after_an_hour() {
    let clock = Clock::pause();
    let ws = fastws();
    let mut client = Client::connect(&ws).await.unwrap();
    for _ in 0..359 {
        clock.advance(Duration::from_secs(10)).await;
        client.settled().await;
    }
    clock.advance(Duration::from_secs(11)).await;
    let end = client.closed().await;
    assert_eq!(end.code, 1003);
    assert!(end.reason.starts_with("Connection timed out."), "{}", end.reason);
}
