//! Tests of your own channels: an in-memory connection, a clock to move, a slow reader, a cut.
//!
//! With the feature `testing`, for `[dev-dependencies]`:
//!
//! ```
//! # use topicast::{Server, testing::{Client, Clock}};
//! # #[topicast::data]
//! # #[derive(Debug, PartialEq)]
//! # pub struct Bar { close: f64 }
//! #[topicast::ws_router(route = "bars", update = Bar)]
//! pub struct Bars {
//!     pub symbol: String,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Clock::pause();
//! let ws = Server::builder("Test", "1.0.0").channels(topicast::channels![Bars]).build()?;
//! let aapl = Bars { symbol: "AAPL".into() };
//!
//! let mut client = Client::connect(&ws).await?;
//! client.subscribe(&aapl).await;
//! ws.publisher::<Bars>()?.topic(&aapl)?.publish(&Bar { close: 150.5 })?;
//! assert_eq!(client.update::<Bars, Bar>().await, Bar { close: 150.5 });
//!
//! clock.advance(std::time::Duration::from_secs(61)).await;
//! # let _ = ws.connections();
//! # Ok(())
//! # }
//! ```
//!
//! A [`Client`] reads only when it is asked for a message. One that is not asked is a slow
//! reader, and [`Connect::socket_bytes`] says how much its socket takes meanwhile. Dropping
//! a client is a cut: the server sees the stream end without a close.

use std::{collections::VecDeque, fmt, net::SocketAddr, time::Duration};

use axum::extract::ConnectInfo;
use http::{HeaderName, HeaderValue, Request};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::{
    Channel, Rejection, Server,
    connection::{Incoming, Reader, admit, authenticate, serve_transport},
    wire::Transport,
};

/// The time of a test: it stands still, and moves when told or when everything waits.
///
/// tokio's paused clock, so the test needs a `current_thread` runtime. Use it with
/// in-memory connections only: over a real socket a paused clock jumps while bytes are
/// on their way.
#[derive(Debug)]
#[non_exhaustive]
pub struct Clock;

impl Clock {
    /// Stops the clock of the current runtime.
    ///
    /// # Panics
    /// Outside a `current_thread` runtime, and when it is stopped already.
    pub fn pause() -> Self {
        tokio::time::pause();
        Self
    }

    /// Moves the clock, firing what is due on the way.
    pub async fn advance(&self, by: Duration) {
        tokio::time::sleep(by).await;
    }
}

/// A connection to be made: what the handshake carries.
#[derive(Debug)]
pub struct Connect<'a> {
    server: &'a Server,
    request: Request<()>,
    socket_bytes: usize,
}

impl<'a> Connect<'a> {
    /// A handshake with nothing but what it needs.
    pub fn new(server: &'a Server) -> Self {
        Self { server, request: Request::new(()), socket_bytes: 64 * 1024 }
    }

    /// A value that a tower layer of the application would put into the request.
    #[must_use]
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.request.extensions_mut().insert(value);
        self
    }

    /// A header of the request.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.request.headers_mut().insert(name, value);
        self
    }

    /// The target of the request, with its query.
    #[must_use]
    pub fn uri(mut self, uri: http::Uri) -> Self {
        *self.request.uri_mut() = uri;
        self
    }

    /// The address the connection comes from.
    #[must_use]
    pub fn peer(self, peer: SocketAddr) -> Self {
        self.extension(ConnectInfo(peer))
    }

    /// How many bytes the socket takes before the client reads. 64 KiB.
    #[must_use]
    pub fn socket_bytes(mut self, bytes: usize) -> Self {
        self.socket_bytes = bytes;
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// When the server refuses the handshake.
    pub async fn open(self) -> Result<Client, Rejection> {
        let core = self.server.core();
        let place = admit(core)?;
        let (parts, ()) = self.request.into_parts();
        let parts = authenticate(core, parts).await?;
        let (server, client) = tokio::io::duplex(self.socket_bytes);
        tokio::spawn(serve_transport(place, Transport::other(server), parts, &[]));
        Ok(Client { stream: client, reader: Reader::client(), incoming: VecDeque::new(), end: None })
    }
}

/// A client in memory.
pub struct Client {
    stream: DuplexStream,
    reader: Reader,
    incoming: VecDeque<Incoming>,
    end: Option<Closed>,
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The code; 1006 if the stream ended without a close.
    pub code: u16,
    /// The reason, if there is one.
    pub reason: String,
}

impl Client {
    /// Connects with a plain handshake.
    ///
    /// # Errors
    /// When the server refuses the handshake.
    pub async fn connect(server: &Server) -> Result<Self, Rejection> {
        Connect::new(server).open().await
    }

    /// Sends a text message as it is.
    pub async fn send_text(&mut self, text: &str) {
        let bytes = self.reader.encode(Message::text(text));
        self.send_bytes(&bytes).await;
    }

    /// Sends a binary message.
    pub async fn send_binary(&mut self, bytes: &[u8]) {
        let bytes = self.reader.encode(Message::binary(bytes.to_vec()));
        self.send_bytes(&bytes).await;
    }

    /// Sends an envelope.
    pub async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    /// Sends bytes that need not be a frame. What a server that is gone would have got is
    /// lost, as on a socket.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Subscribes and waits for the reply, whose payload is returned. Updates before it
    /// are kept.
    pub async fn subscribe<C: Channel>(&mut self, request: &C) -> Value {
        self.request(C::FRAGMENT.subscribe.request, &json!(request)).await
    }

    /// Unsubscribes and waits for the reply, whose payload is returned.
    pub async fn unsubscribe<C: Channel>(&mut self, request: &C) -> Value {
        self.request(C::FRAGMENT.unsubscribe.request, &json!(request)).await
    }

    /// Sends a request and waits for the reply of the same `id`, whose payload is
    /// returned. Other messages before it are kept.
    ///
    /// # Panics
    /// When the connection ends first.
    pub async fn request(&mut self, kind: &str, payload: &Value) -> Value {
        self.send(&json!({ "type": kind, "id": "testing", "payload": payload })).await;
        let mut kept = VecDeque::new();
        loop {
            let message = self.message().await;
            if message["id"] == "testing" {
                kept.extend(self.incoming.drain(..));
                self.incoming = kept;
                return message["payload"].clone();
            }
            kept.push_back(Incoming::Text(message.to_string().into()));
        }
    }

    /// The payload of the next update of a channel; other messages before it are lost.
    ///
    /// # Panics
    /// When the connection ends first, or the payload is no `U`.
    pub async fn update<C: Channel<Update = U>, U: DeserializeOwned>(&mut self) -> U {
        loop {
            let mut message = self.message().await;
            if message["type"] == C::FRAGMENT.update {
                return serde_json::from_value(message["payload"].take()).expect("an update has its channel's type");
            }
        }
    }

    /// The next message.
    ///
    /// # Panics
    /// When the connection ends first.
    pub async fn message(&mut self) -> Value {
        self.next().await.unwrap_or_else(|end| panic!("the connection ended: {} {}", end.code, end.reason))
    }

    /// Every message up to now, without waiting for more: a ping is sent, and what comes
    /// before its answer is returned.
    ///
    /// # Panics
    /// When the connection ends first.
    pub async fn settled(&mut self) -> Vec<Value> {
        self.send(&json!({ "type": "ping", "id": "settled" })).await;
        let mut messages = Vec::new();
        loop {
            let message = self.message().await;
            if message["id"] == "settled" {
                return messages;
            }
            messages.push(message);
        }
    }

    /// Reads on until the connection ends; messages before that are lost.
    pub async fn closed(&mut self) -> Closed {
        loop {
            if let Err(end) = self.next().await {
                return end;
            }
        }
    }

    /// The next message, or how the connection ended. Pings and a close are answered.
    ///
    /// # Errors
    /// When the connection has ended.
    ///
    /// # Panics
    /// When the server sends what is no JSON.
    pub async fn next(&mut self) -> Result<Value, Closed> {
        self.next_text().await.map(|text| serde_json::from_str(&text).expect("a server's message is JSON"))
    }

    /// The next message as it came, or how the connection ended.
    ///
    /// # Errors
    /// When the connection has ended.
    ///
    /// # Panics
    /// When the server sends a binary message.
    pub async fn next_text(&mut self) -> Result<String, Closed> {
        loop {
            match self.incoming.pop_front() {
                Some(Incoming::Text(text)) => return Ok(text.to_string()),
                Some(Incoming::Binary(bytes)) => panic!("a binary message of {} bytes", bytes.len()),
                Some(Incoming::Control(answer)) => self.send_bytes(&answer.unwrap_or_default()).await,
                Some(Incoming::Close { code, reason, answer }) => {
                    self.send_bytes(&answer).await;
                    self.end = Some(Closed { code, reason });
                }
                None => match &self.end {
                    Some(end) => return Err(end.clone()),
                    None => self.read().await,
                },
            }
        }
    }

    /// Sends a close frame and reads until the server's answer.
    pub async fn close(&mut self, code: u16, reason: &str) -> Closed {
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        let bytes = self.reader.encode(Message::Close(Some(frame)));
        self.send_bytes(&bytes).await;
        self.closed().await
    }

    async fn read(&mut self) {
        let mut buffer = [0; 4096];
        let len = self.stream.read(&mut buffer).await.unwrap_or(0);
        if len == 0 {
            self.end = Some(Closed { code: 1006, reason: String::new() });
        } else if let Err(broken) = self.reader.feed(&buffer[..len], &mut self.incoming) {
            self.end = Some(Closed { code: broken.code.get(), reason: broken.reason });
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("end", &self.end).finish_non_exhaustive()
    }
}
