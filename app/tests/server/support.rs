//! A server in this process and a client of it.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::CloseFrame},
};
use trading_api::{App, config::Settings, market::Market};

/// How long anything may take before a test fails rather than hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The file of that name in this project's test data.
pub(crate) fn data(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", name].iter().collect()
}

/// A file with this content, in the folder that Cargo keeps for tests.
pub(crate) fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("the folder for tests can be written to");
    path
}

/// A server on a free port.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) market: Arc<Market>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

/// Starts a server with these flags.
pub(crate) async fn start(flags: &[&str]) -> Running {
    let settings = Settings::from_flags(flags).expect("good flags");
    let app = App::new(&settings).expect("a good application");
    let market = Arc::clone(app.market());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(app.serve(listener, async {
        let _ = stopped.await;
    }));
    Running { address, market, stop, serving }
}

impl Running {
    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// The body of an answer to `GET`, and its head.
    pub(crate) async fn get(&self, path: &str, headers: &str) -> (String, String) {
        get(self.address, path, headers).await
    }

    pub(crate) async fn health(&self) -> serde_json::Value {
        let (body, _) = self.get("/api/v1/health", "").await;
        serde_json::from_str(&body).expect("health is JSON")
    }

    /// Signals the server to stop; the returned handle resolves once it has.
    pub(crate) fn stop(self) -> JoinHandle<std::io::Result<()>> {
        self.stop.send(()).expect("the server runs");
        self.serving
    }
}

/// One plain HTTP request.
pub(crate) async fn get(address: SocketAddr, path: &str, headers: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    let mut response = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut response)).await.expect("in time").expect("the server answers");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
    (body.to_owned(), head.to_ascii_lowercase())
}

/// A WebSocket client.
pub(crate) struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// An envelope, its payload as it was written.
#[derive(Deserialize)]
pub(crate) struct Envelope {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) topic: Option<String>,
    #[serde(default)]
    pub(crate) epoch: Option<String>,
    #[serde(default)]
    pub(crate) seq: Option<u64>,
    #[serde(default)]
    pub(crate) recovered: Option<bool>,
    pub(crate) payload: Box<RawValue>,
}

/// A bar with its numbers as they were written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct WireBar {
    pub(crate) time: i64,
    #[serde(deserialize_with = "text")]
    pub(crate) open: String,
    #[serde(deserialize_with = "text")]
    pub(crate) high: String,
    #[serde(deserialize_with = "text")]
    pub(crate) low: String,
    #[serde(deserialize_with = "text")]
    pub(crate) close: String,
    #[serde(deserialize_with = "text")]
    pub(crate) volume: String,
}

fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Box::<RawValue>::deserialize(deserializer)?.get().to_owned())
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let url = format!("ws://{address}/api/v1/ws");
        let (stream, _) = timeout(PATIENCE, connect_async(url)).await.expect("in time").expect("a handshake");
        Self(stream)
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.expect("the server reads");
    }

    async fn message(&mut self) -> Message {
        let message = timeout(PATIENCE, self.0.next()).await.expect("a message in time");
        message.expect("the connection is open").expect("a good frame")
    }

    pub(crate) async fn receive(&mut self) -> Envelope {
        let message = self.message().await;
        let text = message.to_text().expect("a text message");
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {message:?}"))
    }

    /// Subscribes, and expects the server to agree.
    pub(crate) async fn subscribe(&mut self, symbol: &str, resolution: &str) {
        let payload = serde_json::json!({ "symbol": symbol, "resolution": resolution });
        self.send(&serde_json::json!({ "type": "bars.subscribe", "payload": payload }).to_string()).await;
        let reply = self.receive().await;
        assert_eq!(reply.kind, "bars.subscribe.response", "{}", reply.payload);
        assert!(reply.payload.get().starts_with("{\"status\":\"ok\""), "{}", reply.payload);
    }

    /// The next update: its topic and its bar.
    pub(crate) async fn bar(&mut self) -> (String, WireBar) {
        let update = self.receive().await;
        assert_eq!(update.kind, "bars.update", "{}", update.payload);
        let bar = serde_json::from_str(update.payload.get()).expect("a bar");
        (update.topic.expect("an update has a topic"), bar)
    }

    /// Reads until the server closes.
    pub(crate) async fn closed(&mut self) -> CloseFrame {
        loop {
            if let Message::Close(frame) = self.message().await {
                return frame.expect("a close with a code");
            }
        }
    }
}
