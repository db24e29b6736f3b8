//! The driver under virtual time, over in-memory streams: delays, silence, timeouts.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, accept_async,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};
use topicast_client::{Builder, Cause, Client, Connection, Doubt, Event, Item, NotSent, RequestError, Status};
use topicast_tests::channels::Bar;

use crate::harness::{bars, next, until};

const SECOND: Duration = Duration::from_secs(1);

/// The server's end of the in-memory wire; the test accepts the connections.
struct Far {
    streams: mpsc::Receiver<DuplexStream>,
    refusing: Arc<AtomicBool>,
}

/// A server's end of one connection.
struct End(WebSocketStream<DuplexStream>);

fn wire() -> (Builder, Far) {
    // The connector replaces TLS too, so the URL may be `wss`.
    let (sender, streams) = mpsc::channel(16);
    let refusing = Arc::new(AtomicBool::new(false));
    let refuse = Arc::clone(&refusing);
    let builder = Client::builder("wss://memory/").seed(1).connector(move |_| {
        let (sender, refused) = (sender.clone(), refuse.load(Ordering::Relaxed));
        async move {
            if refused {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = tokio::io::duplex(64 * 1024);
            sender.send(far).await.map_err(io::Error::other)?;
            Ok(near)
        }
    });
    (builder, Far { streams, refusing })
}

impl Far {
    async fn accept(&mut self) -> End {
        let stream = self.streams.recv().await.expect("the client dials");
        End(accept_async(stream).await.expect("a good handshake"))
    }
}

impl End {
    async fn receive(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.0.next().await.expect("the client is there").expect("a good frame") {
                return serde_json::from_str(&text).expect("an envelope");
            }
        }
    }

    async fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.expect("the client reads");
    }

    async fn join(&mut self, seq: u64) {
        let request = self.receive().await;
        assert_eq!(request["type"], "bars.subscribe");
        let topic = topicast::topic_of(&bars("A")).expect("a topic");
        let payload = json!({ "status": "ok", "topic": topic });
        self.send(&json!({ "type": "bars.subscribe.response", "id": request["id"], "epoch": "e", "seq": seq, "payload": payload }))
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn pings_go_out_every_ten_seconds_and_silence_is_noticed_after_ten_more() {
    let (builder, mut far) = wire();
    let client = builder.build().unwrap();
    let mut end = far.accept().await;
    let begun = Instant::now();
    let mut events = client.events();
    let ping = end.receive().await;
    assert_eq!((ping["type"].as_str(), begun.elapsed()), (Some("ping"), SECOND * 10));
    end.send(&json!({ "type": "ping.response", "id": ping["id"], "payload": { "time": 1 } })).await;
    assert_eq!(end.receive().await["type"], "ping");
    assert_eq!((begun.elapsed(), client.latency()), (SECOND * 20, Some(Duration::ZERO)));
    let why = until(&mut events, |event| match event {
        Event::Connection(Connection::Waiting { why, .. }) => Some(why),
        _ => None,
    });
    assert_eq!((why.await.cause, begun.elapsed()), (Cause::Silent, SECOND * 30));
    far.accept().await;
}

#[tokio::test(start_paused = true)]
async fn waits_grow_within_their_bounds_for_ever() {
    let (builder, far) = wire();
    far.refusing.store(true, Ordering::Relaxed);
    let client = builder.build().unwrap();
    let mut events = client.events();
    for attempt in 1..200_u32 {
        let (why, failures, after) = until(&mut events, |event| match event {
            Event::Connection(Connection::Waiting { why, failures, after }) => Some((why, failures, after)),
            _ => None,
        })
        .await;
        assert_eq!((why.cause, failures), (Cause::Unreachable, attempt));
        let longest = Duration::from_millis(500).saturating_mul(2_u32.saturating_pow(attempt - 1)).min(SECOND * 30);
        assert!(after <= longest, "{after:?} at attempt {attempt}");
    }
    far.refusing.store(false, Ordering::Relaxed);
    let mut far = far;
    far.accept().await;
    until(&mut events, |event| (event == Event::Connection(Connection::Live)).then_some(())).await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_nobody_answers_is_given_up() {
    let (builder, mut far) = wire();
    let client = builder.build().unwrap();
    let mut events = client.events();
    let _silent = far.streams.recv().await;
    let begun = Instant::now();
    let why = until(&mut events, |event| match event {
        Event::Connection(Connection::Waiting { why, .. }) => Some(why),
        _ => None,
    });
    assert_eq!((why.await.cause, begun.elapsed()), (Cause::ConnectTimeout, SECOND * 10));
    far.accept().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_handshake_is_tried_again_when_the_server_says() {
    let (builder, mut far) = wire();
    let client = builder.build().unwrap();
    let mut events = client.events();
    let mut stream = far.streams.recv().await.expect("the client dials");
    let begun = Instant::now();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    stream.write_all(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 45\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    let (why, after) = until(&mut events, |event| match event {
        Event::Connection(Connection::Waiting { why, after, .. }) => Some((why, after)),
        _ => None,
    })
    .await;
    assert_eq!((why.cause, why.retry_after), (Cause::Rejected(429), Some(SECOND * 45)));
    assert!(after >= SECOND * 45 && after <= SECOND * 46, "{after:?}");
    far.accept().await;
    // Timers are rounded up to the next millisecond.
    assert!(begun.elapsed() - after < Duration::from_millis(2), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_pings_and_does_not_read_fills_a_bounded_buffer_and_is_left() {
    let (builder, mut far) = wire();
    let client = builder.build().unwrap();
    let mut events = client.events();
    let mut end = far.accept().await;
    // The pongs exceed what the wire and the buffer hold together.
    for _ in 0..20_000 {
        end.0.feed(Message::Ping(vec![0; 125].into())).await.unwrap();
    }
    end.0.flush().await.unwrap();
    let begun = Instant::now();
    let why = until(&mut events, |event| match event {
        Event::Connection(Connection::Waiting { why, .. }) => Some(why),
        _ => None,
    });
    assert_eq!(
        why.await.to_string(),
        "the server does not read the client's messages: the unwritten bytes exceed the client's limit"
    );
    assert_eq!(begun.elapsed(), SECOND * 10, "the next ping finds no room");
    far.accept().await;
}

#[tokio::test(start_paused = true)]
async fn a_time_out_is_unknown_when_it_was_sent_and_not_sent_when_it_was_not() {
    let (builder, mut far) = wire();
    far.refusing.store(true, Ordering::Relaxed);
    let client = builder.queue(1).build().unwrap();
    let begun = Instant::now();
    let (one, other) = tokio::join!(client.request::<Value>("x", &1), client.request::<Value>("x", &2));
    assert_eq!(one, Err(RequestError::NotSent(NotSent::TimedOut)));
    assert_eq!(other, Err(RequestError::NotSent(NotSent::QueueFull { limit: 1 })));
    assert_eq!(begun.elapsed(), SECOND * 10);
    far.refusing.store(false, Ordering::Relaxed);
    let mut end = far.accept().await;
    let serve = async {
        assert_eq!(end.receive().await["payload"], 3, "what was given up is not sent");
        std::future::pending::<()>().await;
    };
    tokio::select! {
        outcome = client.request::<Value>("x", &3) => {
            assert_eq!(outcome, Err(RequestError::Unknown(Doubt::TimedOut)));
        }
        () = serve => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_future_is_dropped_is_not_sent() {
    let (builder, mut far) = wire();
    far.refusing.store(true, Ordering::Relaxed);
    let client = builder.build().unwrap();
    assert!(timeout(SECOND, client.request::<Value>("dropped", &1)).await.is_err());
    far.refusing.store(false, Ordering::Relaxed);
    let (_, request) = tokio::join!(timeout(SECOND * 9, client.request::<Value>("kept", &2)), async {
        far.accept().await.receive().await
    });
    assert_eq!(request["type"], "kept");
}

#[tokio::test(start_paused = true)]
async fn a_million_updates_stay_within_the_buffer() {
    let (builder, mut far) = wire();
    let client = builder.build().unwrap();
    let mut stream = client.subscribe(&bars("A")).unwrap();
    let mut end = far.accept().await;
    end.join(0).await;
    assert_eq!(next(&mut stream).await, Item::Status(Status::Live));
    let topic = stream.topic().to_owned();
    let count = 1_000_000_u64;
    for seq in 1..=count {
        let text = format!(
            "{{\"type\":\"bars.update\",\"topic\":{},\"seq\":{seq},\"payload\":{{\"time\":{seq},\"close\":1}}}}",
            json!(topic)
        );
        end.0.feed(Message::text(text)).await.unwrap();
    }
    end.0.flush().await.unwrap();
    let newest = Bar { time: i64::try_from(count).unwrap(), close: 1.0 };
    while stream.current().unwrap() != Some(newest.clone()) {
        tokio::task::yield_now().await;
    }
    assert_eq!(next(&mut stream).await, Item::Lagged(Some(count - 1_024)));
    for _ in 1..1_024 {
        assert!(matches!(next(&mut stream).await, Item::Update(_)));
    }
    assert_eq!(next(&mut stream).await, Item::Update(newest));
}

#[tokio::test(start_paused = true)]
async fn a_close_code_that_must_not_be_sent_is_a_protocol_error() {
    for code in [1, 999, 1005, 1006, 1015, 1016, 2999, 5000] {
        let (builder, mut far) = wire();
        let client = builder.build().unwrap();
        let mut events = client.events();
        let mut end = far.accept().await;
        let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
        end.0.close(Some(frame)).await.unwrap();
        let (why, after) = until(&mut events, |event| match event {
            Event::Connection(Connection::Waiting { why, after, .. }) => Some((why, after)),
            _ => None,
        })
        .await;
        assert_eq!((why.cause, why.code), (Cause::Protocol, Some(1002)), "{code}");
        assert!(after >= SECOND, "{code}: {after:?}");
    }
}
