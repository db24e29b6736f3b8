//! Every example as it is started: each on a free port, with a client that speaks to it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{process::Stdio, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, client::IntoClientRequest},
};

/// How long a test waits for what is to come at once.
const PATIENCE: Duration = Duration::from_secs(30);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An example that runs, and is killed when this is dropped.
struct Example {
    _child: Child,
    _out: Lines<BufReader<ChildStdout>>,
    /// Host and port.
    address: String,
}

impl Example {
    async fn start(program: &str) -> Self {
        let mut command = Command::new(program);
        let mut child = command.arg("0").stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = timeout(PATIENCE, out.next_line()).await.unwrap().unwrap().expect("an example prints what to try");
        let (_, rest) = first.split_once("://").expect("the first line has the address");
        let address = rest.split('/').next().unwrap().to_owned();
        Self { _child: child, _out: out, address }
    }

    async fn connect(&self, path: &str, token: Option<&str>) -> Result<Client, tungstenite::Error> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        Ok(Client(tokio_tungstenite::connect_async(request).await?.0))
    }

    /// Sends a request of HTTP and returns the status line with the body.
    async fn http(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut response = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut response)).await.unwrap().unwrap();
        response
    }
}

struct Client(Socket);

impl Client {
    async fn send(&mut self, text: &str) {
        self.0.send(tungstenite::Message::text(text)).await.unwrap();
    }

    async fn text(&mut self) -> String {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap();
            if message.is_text() {
                return message.into_text().unwrap().to_string();
            }
        }
    }

    async fn message(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// The next message of a type; those before it are dropped.
    async fn of_type(&mut self, kind: &str) -> Value {
        loop {
            let message = self.message().await;
            if message["type"] == kind {
                return message;
            }
        }
    }
}

/// The status of a handshake that is refused.
fn refused(answer: Result<Client, tungstenite::Error>) -> u16 {
    match answer {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("the handshake was accepted"),
    }
}

const README: &str = include_str!("../../README.md");

/// The blocks of a page that begin with a fence of this kind.
fn blocks(page: &'static str, fence: &str) -> Vec<&'static str> {
    page.split("\n```").filter_map(|part| part.strip_prefix(fence)?.strip_prefix('\n')).collect()
}

#[test]
fn the_readme_begins_with_the_example_quotes() {
    let (_, code) = include_str!("../quotes.rs").split_once("\n\n").unwrap();
    assert_eq!(blocks(README, "rust,no_run").first(), Some(&code.trim_end()));
}

#[test]
fn the_crates_own_readme_has_the_same_examples() {
    let of_crate = include_str!("../../runtime/README.md");
    for fence in ["rust,no_run", "rust", "text"] {
        let own = blocks(of_crate, fence);
        let missing = own.iter().find(|block| !blocks(README, fence).contains(block));
        assert!(!own.is_empty() && missing.is_none(), "only the crate's README has {missing:?}");
    }
}

#[test]
fn an_example_is_read_in_a_few_minutes() {
    let sources = [
        ("quotes", include_str!("../quotes.rs")),
        ("orders", include_str!("../orders.rs")),
        ("operations", include_str!("../operations.rs")),
        ("nested", include_str!("../nested.rs")),
    ];
    for (name, source) in sources {
        let lines = source.lines().count();
        assert!(lines <= 80, "{name} has {lines} lines");
    }
}

#[tokio::test]
async fn the_transcript_in_the_readme_is_what_the_server_sends() {
    let example = Example::start(env!("CARGO_BIN_EXE_quotes")).await;
    let transcript = blocks(README, "text").into_iter().find(|block| block.starts_with('→')).unwrap();
    let lines: Vec<_> = transcript.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let [("→", subscribe), ("←", reply), ("←", update)] = lines[..] else { panic!("{transcript}") };

    let mut client = example.connect("/ws", None).await.unwrap();
    client.send(subscribe).await;
    let seen = client.text().await;
    // What differs between two runs: the epoch, and how many updates were published before.
    let numbering: Value = serde_json::from_str(&seen).unwrap();
    let (epoch, seq) = (numbering["epoch"].to_string(), u32::try_from(numbering["seq"].as_u64().unwrap()).unwrap());
    assert_eq!(seen, reply.replace("\"…\"", &epoch).replace("\"seq\":41", &format!("\"seq\":{seq}")));
    let price = format!("{:?}", f64::from(15_000 + seq) / 100.0);
    let expected = update.replace("\"seq\":42", &format!("\"seq\":{}", seq + 1)).replace("150.41", &price);
    assert_eq!(client.text().await, expected);
}

#[tokio::test]
async fn quotes_serve_their_documents_and_page() {
    let example = Example::start(env!("CARGO_BIN_EXE_quotes")).await;
    for (path, expected) in
        [("/ws/asyncapi", "<html"), ("/ws/asyncapi.json", "\"2.4.0\""), ("/ws/asyncapi-3.json", "\"3.0.0\"")]
    {
        let response = example.http("GET", path, "").await;
        assert!(response.starts_with("HTTP/1.1 200 ") && response.contains(expected), "{path}: {response}");
    }
}

#[tokio::test]
async fn orders_are_for_their_owner_only() {
    let example = Example::start(env!("CARGO_BIN_EXE_orders")).await;
    assert_eq!(refused(example.connect("/ws", None).await), 401);
    assert_eq!(refused(example.connect("/ws", Some("wrong")).await), 401);
    let mut client = example.connect("/ws", Some("secret")).await.unwrap();
    client.send(r#"{"type":"orders.subscribe","payload":{"accountId":"TEST-002"}}"#).await;
    assert_eq!(client.message().await["payload"]["code"], "forbidden");
    client.send(r#"{"type":"orders.subscribe","payload":{"accountId":"TEST-001"}}"#).await;
    assert_eq!(client.message().await["payload"]["status"], "ok");
    assert_eq!(client.of_type("orders.snapshot").await["payload"], json!({ "number": 1 }));
    assert_eq!(client.of_type("orders.update").await["payload"], json!({ "number": 2 }));
}

#[tokio::test]
async fn operations_are_answered_and_pushes_arrive() {
    let example = Example::start(env!("CARGO_BIN_EXE_operations")).await;
    let mut client = example.connect("/ws", None).await.unwrap();
    client.send(r#"{"type":"orders.place","id":1,"payload":{"symbol":"AAPL","quantity":0}}"#).await;
    let refusal = client.of_type("orders.place.response").await;
    assert_eq!(refusal["payload"]["code"], "invalid_quantity", "{refusal}");
    client.send(r#"{"type":"orders.place","id":2,"payload":{"symbol":"AAPL","quantity":100}}"#).await;
    let placed = client.of_type("orders.place.response").await;
    assert_eq!((&placed["id"], &placed["payload"]), (&json!(2), &json!({ "number": 1 })));
    assert_eq!(client.of_type("orders.filled").await["payload"], json!({ "number": 1 }));
    assert_eq!(client.of_type("notice").await["payload"], json!({ "text": "connections: 1" }));
}

#[tokio::test]
async fn nested_channels_stand_behind_the_applications_layer() {
    let example = Example::start(env!("CARGO_BIN_EXE_nested")).await;
    let subscribe = r#"{"type":"balance.subscribe","payload":{"account":"TEST-001"}}"#;
    assert_eq!(refused(example.connect("/api/v1/ws", Some("wrong")).await), 401);
    let mut stranger = example.connect("/api/v1/ws", None).await.unwrap();
    stranger.send(subscribe).await;
    assert_eq!(stranger.message().await["payload"]["code"], "forbidden");
    let mut owner = example.connect("/api/v1/ws", Some("secret")).await.unwrap();
    owner.send(subscribe).await;
    assert_eq!(owner.message().await["payload"]["status"], "ok");
    assert!(example.http("POST", "/balance", "9050").await.starts_with("HTTP/1.1 200 "));
    assert_eq!(owner.message().await["payload"], json!({ "cents": 9050 }));
    let response = example.http("POST", "/balance", "all of it").await;
    assert!(response.starts_with("HTTP/1.1 400 ") && response.ends_with("cents are expected"), "{response}");
}
