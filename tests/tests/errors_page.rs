//! Every row of docs/errors.md, produced by a real server.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use topicast::{
    Builder, Error, Handshake, Limits, Rejection, Server, SlowConsumer, compat,
    testing::{Client, Clock, Connect},
};
use topicast_tests::channels::{self, App, Bar, Bars, Executions, Orders, Resolution};

const PAGE: &str = include_str!("../../docs/errors.md");

/// Returns the rows of a section's table, each as its cells.
fn rows(section: &str) -> Vec<Vec<&'static str>> {
    let (_, rest) = PAGE.split_once(&format!("\n## {section}\n")).unwrap_or_else(|| panic!("no section {section}"));
    let body = rest.split("\n## ").next().unwrap();
    let lines = body.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    lines.skip(2).map(|line| line.split(" | ").collect()).collect()
}

/// Returns the texts between backticks in a cell.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Returns true if a text contains the parts of a pattern in order, separated by ellipses.
fn fits(text: &str, pattern: &str) -> bool {
    let mut rest = text;
    pattern.split('…').all(|part| {
        let found = rest.find(part.trim());
        rest = found.map_or("", |at| &rest[at + part.trim().len()..]);
        found.is_some()
    })
}

fn builder() -> Builder<Arc<App>> {
    channels::builder(&Arc::default())
}

fn fastws() -> Server {
    builder().profile(compat::fastws()).build().unwrap()
}

fn aapl() -> Bars {
    Bars { symbol: "AAPL".into(), resolution: Resolution::M1 }
}

#[test]
fn the_refusals_are_those_of_the_documents() {
    let ws = Server::builder("Bars", "1.0.0").channels(topicast::channels![Bars]).build().unwrap();
    let documents = ws.asyncapi("/ws");
    let refusal = "/components/messages/bars.subscribe.response.error/payload/properties/payload/properties/code/enum";
    let codes = documents.v3().pointer(refusal).and_then(Value::as_array).unwrap();
    let codes: BTreeSet<_> = codes.iter().map(|code| code.as_str().unwrap()).collect();
    let written: BTreeSet<_> = rows("Refusals").iter().map(|row| quoted(row[0])[0]).collect();
    assert_eq!(written, codes);
    for row in rows("Refusals") {
        let refusal = match quoted(row[0])[0] {
            "unknown_symbol" => topicast::Refusal::unknown_symbol(""),
            "forbidden" => topicast::Refusal::forbidden(""),
            "too_many_subscriptions" => topicast::Refusal::too_many_subscriptions(""),
            "topic_too_long" => topicast::Refusal::topic_too_long(""),
            "unsupported" => topicast::Refusal::unsupported(""),
            "rate_limited" => topicast::Refusal::rate_limited("", Duration::ZERO),
            "unavailable" => topicast::Refusal::unavailable(""),
            "internal" => topicast::Refusal::internal(""),
            other => panic!("{other} is no code"),
        };
        assert_eq!(refusal.is_retryable(), row[1] == "yes", "{row:?}");
    }
}

#[tokio::test]
async fn refusals_of_the_servers_own() {
    let _clock = Clock::pause();
    let limits = Limits { subscriptions: 1, ..Limits::default() };
    let app = Arc::new(App { gate: Mutex::new(Some(Arc::new(Notify::new()))), ..App::default() });
    let ws = channels::builder(&app).limits(limits).build().unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    // Its snapshot never completes, and the limit of ten seconds passes.
    assert_eq!(client.subscribe_refused(&Orders { account_id: "A".into() }).await.code(), "internal");
    client.subscribe(&aapl()).await;
    let second = Executions { account_id: "A".into(), symbol: None };
    assert_eq!(client.subscribe_refused(&second).await.code(), "too_many_subscriptions");
}

#[tokio::test]
async fn faults_of_form_have_a_code_or_a_reason() {
    for (row, fault) in rows("Faults of form").iter().zip(["not json", r#"{"type":"bars.subscribed"}"#]) {
        let (ws, _) = channels::server();
        let mut client = Client::connect(&ws).await.unwrap();
        client.send_text(fault).await;
        let answer = client.message().await;
        assert_eq!((answer["type"].as_str(), &answer["payload"]["code"]), (Some("error"), &json!(quoted(row[0])[0])));

        let mut client = Client::connect(&fastws()).await.unwrap();
        client.send_text(fault).await;
        let end = client.closed().await;
        assert_eq!((end.code, end.reason.as_str()), (1003, quoted(row[1])[0]));
    }
    assert_eq!(rows("Faults of form").len(), 2);
}

/// Sends bytes to a server and returns the close that follows.
async fn close_of(ws: &Server, bytes: &[u8]) -> (u16, String) {
    let mut client = Client::connect(ws).await.unwrap();
    client.send_bytes(bytes).await;
    let end = client.closed().await;
    (end.code, end.reason)
}

async fn close_after(ws: &Server, message: &Value, times: usize) -> (u16, String) {
    let mut client = Client::connect(ws).await.unwrap();
    for _ in 0..times {
        client.send(message).await;
    }
    let end = client.closed().await;
    (end.code, end.reason)
}

async fn shut_down() -> (u16, String) {
    let (ws, _) = channels::server();
    let mut client = Client::connect(&ws).await.unwrap();
    tokio::spawn(async move { ws.shutdown().await });
    let end = client.closed().await;
    (end.code, end.reason)
}

async fn too_slow() -> (u16, String) {
    let ws = builder().limits(Limits { unsent_bytes: 10_000, ..Limits::default() }).build().unwrap();
    let topic = ws.publisher::<Bars>().unwrap().topic(&aapl()).unwrap();
    let mut client = Connect::new(&ws).socket_bytes(1000).open().await.unwrap();
    client.subscribe(&aapl()).await;
    while topic.subscribers() == 1 {
        topic.publish(&Bar { time: 0, close: 1.0 }).unwrap();
        tokio::task::yield_now().await;
    }
    let end = client.closed().await;
    (end.code, end.reason)
}

async fn silent() -> (u16, String) {
    let ws = fastws();
    let mut client = Client::connect(&ws).await.unwrap();
    let end = client.closed().await;
    (end.code, end.reason)
}

#[tokio::test]
async fn every_close_code_is_sent_for_its_cause() {
    let _clock = Clock::pause();
    let (ws, _) = channels::server();
    let unmasked = [0x81, 0x02, b'{', b'}'];
    let not_utf8 = [&[0x81, 0x82, 0, 0, 0, 0][..], b"\xc3\x28"].concat();
    let too_big = [0x81, 0xff, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0];
    let panics = json!({ "type": "orders.place", "payload": { "symbol": "PANIC", "quantity": 1 } });
    let closes = [
        shut_down().await,
        close_of(&ws, &unmasked).await,
        close_after(&fastws(), &json!({}), 1).await,
        close_after(&fastws(), &json!({ "type": "x" }), 1).await,
        silent().await,
        close_of(&ws, &not_utf8).await,
        close_after(&ws, &json!({}), 16).await,
        close_of(&ws, &too_big).await,
        close_after(&ws, &panics, 1).await,
        too_slow().await,
    ];
    let rows = rows("Close codes");
    assert_eq!(rows.len(), closes.len());
    for (row, (code, reason)) in rows.iter().zip(closes) {
        assert_eq!(row[0], code.to_string(), "{reason}");
        let pattern = quoted(row[1]).first().copied().unwrap_or("…");
        assert!(!reason.is_empty() && fits(&reason, pattern), "{row:?}: {reason}");
    }
}

/// The status and the code with which a request to the WebSocket's path is answered.
async fn refused(ws: &Server, head: &str) -> (String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let router = ws.router("/ws");
    tokio::spawn(async move { topicast::serve(listener, router).await });
    stream.write_all(head.replace('\n', "\r\n").as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {response}"));
    (head.split(' ').nth(1).unwrap().to_owned(), body["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn every_refused_handshake_has_its_status_and_code() {
    const GOOD: &str = "GET /ws HTTP/1.1\nHost: x\nConnection: close, Upgrade\nUpgrade: websocket\n\
                        Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n";
    let rejections = [
        Rejection::unauthorized(""),
        Rejection::forbidden(""),
        Rejection::rate_limited(""),
        Rejection::unavailable(""),
    ];
    let (ws, _) = channels::server();
    let full = builder().limits(Limits { max_connections: Some(0), ..Limits::default() }).build().unwrap();
    let mut answers = vec![
        vec![refused(&ws, &GOOD.replace("dGhl", "dG")).await],
        vec![refused(&ws, &GOOD.replace("GET", "POST")).await],
        vec![
            refused(&ws, &GOOD.replace("Upgrade: websocket\n", "")).await,
            refused(&ws, &GOOD.replace("13", "8")).await,
        ],
        Vec::new(),
        vec![refused(&full, GOOD).await],
    ];
    for rejection in rejections {
        let authenticate = move |_: Handshake| std::future::ready(Err::<(), _>(rejection.clone()));
        let private = Server::builder("Private", "1.0.0").authenticate(authenticate).build().unwrap();
        answers[3].push(refused(&private, GOOD).await);
    }
    let rows = rows("Refused handshakes");
    assert_eq!(rows.len(), answers.len());
    for (row, answers) in rows.iter().zip(answers) {
        let (statuses, codes): (BTreeSet<_>, Vec<_>) = answers.into_iter().unzip();
        assert_eq!(statuses, row[0].split(", ").map(str::to_owned).collect(), "{row:?}");
        assert_eq!(codes, quoted(row[1]), "{row:?}");
    }
}

/// Another channel with the route of [`Bars`].
#[topicast::ws_router(route = "bars", update = Bar)]
struct OtherBars {
    symbol: String,
}

#[topicast::ws_router(route = "nested", update = Bar)]
struct Nested {
    params: String,
}

mod other {
    /// Another type with the name of the kit's.
    #[topicast::data]
    pub(super) struct Bar {
        pub(super) high: f64,
    }
}

#[topicast::ws_router(route = "highs", update = other::Bar)]
struct Highs {
    symbol: String,
}

#[test]
fn every_error_of_the_builder_has_a_remedy() {
    let zero = Some(Duration::ZERO);
    let limits = Limits { handler_timeout: zero, ..Limits::default() };
    let new = || Server::builder("Errors", "1.0.0").state(Arc::<App>::default());
    let twice = topicast::operations![Arc<App>; channels::notice_me];
    let late = Server::builder("Late", "1.0.0").channels(topicast::channels![Bars]).state(Arc::<App>::default());
    let errors: [Vec<Result<Server, Error>>; 8] = [
        vec![late.build()],
        vec![
            new()
                .channels(topicast::channels![Arc<App>; Bars])
                .channels(topicast::channels![Arc<App>; OtherBars])
                .build(),
        ],
        vec![new().operations(topicast::operations![Arc<App>; channels::notice_me]).operations(twice).build()],
        vec![new().channels(topicast::channels![Arc<App>; Nested]).profile(compat::fastws()).build()],
        vec![new().refusal_codes(["marketClosed"]).build()],
        vec![new().heartbeat(zero).build(), new().lifespan(zero).build(), new().limits(limits).build()],
        vec![new().slow_consumer::<Bars>(SlowConsumer::drop_oldest()).build()],
        vec![new().channels(topicast::channels![Arc<App>; Bars, Highs]).build()],
    ];
    let rows = rows("Errors of the builder");
    assert_eq!(rows.len(), errors.len());
    for (row, errors) in rows.iter().zip(errors) {
        let patterns = quoted(row[0]);
        assert_eq!(patterns.len(), errors.len(), "{row:?}");
        for (pattern, outcome) in patterns.into_iter().zip(errors) {
            let error = outcome.unwrap_err();
            assert!(fits(&error.to_string(), pattern), "{pattern}: {error}");
            assert_eq!(error.is_unlisted(), row[1].contains("is_unlisted()"), "{error}");
        }
    }
}
