//! The in-memory client, which reads only while the test waits for a message.

use std::{any::type_name, collections::VecDeque, fmt, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::{
    Connect,
    follow::Followed,
    received::Received,
    reply::{self, Subscribed},
    wait::Wait,
};
use crate::{
    Channel, Refusal, Rejection, Server,
    connection::{Incoming, Reader},
};

mod returning;

/// An in-memory client.
///
/// Every method that waits panics after [`Connect::wait_limit`]. The panic names the awaited
/// message and lists the messages that the client received.
///
/// ```
/// # #[topicast::data]
/// # #[derive(Debug, PartialEq)]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let ws = topicast::Server::builder("Test", "1.0.0").channels(topicast::channels![Bars]).build()?;
/// use topicast::testing::Client;
///
/// let aapl = Bars { symbol: "AAPL".into() };
/// let mut client = Client::connect(&ws).await?;
/// client.subscribe(&aapl).await;
/// ws.publisher::<Bars>()?.topic(&aapl)?.publish(&Bar { close: 150.5 })?;
/// assert_eq!(client.update::<Bars, Bar>().await, Bar { close: 150.5 });
/// assert!(client.settled().await.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct Client {
    stream: DuplexStream,
    reader: Reader,
    incoming: VecDeque<Incoming>,
    end: Option<Closed>,
    wait_limit: Option<Duration>,
    received: Received,
    followed: Followed,
    /// The number of requests sent, from which their identifiers are made.
    requests: u64,
}

/// How a connection ended.
///
/// ```
/// # #[topicast::data]
/// # #[derive(Debug, PartialEq)]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let ws = topicast::Server::builder("Test", "1.0.0").channels(topicast::channels![Bars]).build()?;
/// use topicast::{CloseCode, testing::Client};
///
/// let mut client = Client::connect(&ws).await?;
/// client.settled().await;
/// ws.sessions()[0].close(CloseCode::NORMAL, "good night");
/// let closed = client.closed().await;
/// assert_eq!((closed.code, closed.reason.as_str()), (1000, "good night"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The code; 1006 if the stream ended without a close.
    pub code: u16,
    /// The reason, if there is one.
    pub reason: String,
}

impl Client {
    pub(super) fn new(stream: DuplexStream, wait_limit: Option<Duration>) -> Self {
        Self {
            stream,
            reader: Reader::client(),
            incoming: VecDeque::new(),
            end: None,
            wait_limit,
            received: Received::default(),
            followed: Followed::default(),
            requests: 0,
        }
    }

    /// Connects with a plain handshake.
    ///
    /// # Errors
    /// When the server refuses the handshake.
    pub async fn connect(server: &Server) -> Result<Self, Rejection> {
        Connect::new(server).open().await
    }

    /// Sends a text message unchanged.
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

    /// Sends raw bytes, which need not be a frame. After the server has ended the connection, they
    /// are lost, as on a socket.
    ///
    /// # Panics
    /// When the server does not read them within the limit.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let wait = self.wait("the server to read what was sent");
        if wait.limit(self.stream.write_all(bytes)).await.is_none() {
            self.fail_late(&wait);
        }
    }

    /// Subscribes and waits for an ok reply. Keeps other messages that arrive before it.
    ///
    /// # Panics
    /// When the server refuses; the panic has the refusal's code and message. When the
    /// connection ends first.
    pub async fn subscribe<C: Channel>(&mut self, request: &C) -> Subscribed {
        let kind = format!("{}.subscribe", C::ROUTE);
        let reply = self.granted(&kind, request).await;
        let text = reply.to_string();
        Subscribed::from_reply(reply).unwrap_or_else(|error| panic!("no reply to `{kind}`: {error}: {text}"))
    }

    /// Subscribes, waits for a refusal and returns it. Keeps other messages that arrive before it.
    ///
    /// # Panics
    /// When the reply is ok, or the connection ends first.
    pub async fn subscribe_refused<C: Channel>(&mut self, request: &C) -> Refusal {
        self.refused(&format!("{}.subscribe", C::ROUTE), request).await
    }

    /// Unsubscribes and waits for an ok reply. Keeps other messages that arrive before it.
    ///
    /// # Panics
    /// When the server refuses, or the connection ends first.
    pub async fn unsubscribe<C: Channel>(&mut self, request: &C) {
        self.granted(&format!("{}.unsubscribe", C::ROUTE), request).await;
    }

    /// Sends the request of an operation, waits for the reply and returns its payload. Keeps other
    /// messages that arrive before it.
    ///
    /// ```
    /// # use topicast::{Cx, Refusal, Server, testing::Client};
    /// #[topicast::data]
    /// struct Price { cents: i64 }
    ///
    /// #[topicast::ws_operation("fees.add", reply = "fees.add.response")]
    /// async fn add_fee(_cx: &Cx<'_>, price: Price) -> Result<Price, Refusal> {
    ///     if price.cents < 0 { return Err(Refusal::new("bad_price", "a price is not negative")) }
    ///     Ok(Price { cents: price.cents + 100 })
    /// }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let operations = topicast::operations![(); add_fee];
    /// let ws = Server::builder("Test", "1.0.0").refusal_codes(["bad_price"]).operations(operations).build()?;
    /// let mut client = Client::connect(&ws).await?;
    /// let total: Price = client.request("fees.add", &Price { cents: 200 }).await;
    /// assert_eq!(total.cents, 300);
    /// assert_eq!(client.request_refused("fees.add", &Price { cents: -1 }).await.code(), "bad_price");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// When the server refuses; the panic has the refusal's code and message. When the
    /// payload of the reply is not an `R`, or the connection ends first.
    pub async fn request<P: Serialize + ?Sized, R: DeserializeOwned>(&mut self, kind: &str, payload: &P) -> R {
        let mut reply = self.granted(kind, payload).await;
        read(reply["payload"].take(), &format!("the reply to `{kind}`"))
    }

    /// Sends the request of an operation, waits for a refusal and returns it. Keeps other messages
    /// that arrive before it.
    ///
    /// # Panics
    /// When the reply is not a refusal, or the connection ends first.
    pub async fn request_refused<P: Serialize + ?Sized>(&mut self, kind: &str, payload: &P) -> Refusal {
        self.refused(kind, payload).await
    }

    async fn granted<P: Serialize + ?Sized>(&mut self, kind: &str, payload: &P) -> Value {
        let reply = self.reply(kind, payload).await;
        match reply::refusal(&reply) {
            Some(refusal) => panic!("`{kind}` was refused with {refusal}"),
            None => reply,
        }
    }

    async fn refused<P: Serialize + ?Sized>(&mut self, kind: &str, payload: &P) -> Refusal {
        let reply = self.reply(kind, payload).await;
        reply::refusal(&reply).unwrap_or_else(|| panic!("`{kind}` was not refused: {reply}"))
    }

    /// Sends a request and returns the whole reply with the same `id`.
    async fn reply<P: Serialize + ?Sized>(&mut self, kind: &str, payload: &P) -> Value {
        self.reply_to(kind, json!({ "type": kind, "payload": payload })).await
    }

    /// Sends a message with a new `id` and returns the reply with the same `id`.
    async fn reply_to(&mut self, kind: &str, mut message: Value) -> Value {
        self.requests += 1;
        let id = format!("testing-{}", self.requests);
        message["id"] = json!(id);
        self.send(&message).await;
        let wait = self.wait(format!("the reply to `{kind}`"));
        let mut kept = VecDeque::new();
        loop {
            let text = self.untaken_or_fail(&wait).await;
            let message = parse(&text);
            if message["id"] == id {
                kept.append(&mut self.incoming);
                self.incoming = kept;
                self.followed.take(&message);
                return message;
            }
            kept.push_back(Incoming::Text(text.into()));
        }
    }

    /// Waits for the next update of a channel and returns its payload. Discards other messages that
    /// arrive before it.
    ///
    /// # Panics
    /// When the connection ends first, or the payload is not a `U`.
    pub async fn update<C: Channel<Update = U>, U: DeserializeOwned>(&mut self) -> U {
        let kind = format!("{}.update", C::ROUTE);
        let wait = self.wait(format!("`{kind}`"));
        loop {
            let mut message = parse(&self.text_or_fail(&wait).await);
            if message["type"] == kind {
                return read(message["payload"].take(), &wait.what);
            }
        }
    }

    /// Waits for the next message and returns it.
    ///
    /// # Panics
    /// When the connection ends first.
    pub async fn message(&mut self) -> Value {
        let wait = self.wait("a message");
        parse(&self.text_or_fail(&wait).await)
    }

    /// Returns every message up to now: sends a ping and returns the messages that arrive before
    /// its response.
    ///
    /// # Panics
    /// When the connection ends first.
    pub async fn settled(&mut self) -> Vec<Value> {
        self.send(&json!({ "type": "ping", "id": "settled" })).await;
        let wait = self.wait("the answer to a `ping`");
        let mut messages = Vec::new();
        loop {
            let message = parse(&self.text_or_fail(&wait).await);
            if message["id"] == "settled" {
                return messages;
            }
            messages.push(message);
        }
    }

    /// Waits until the connection ends. Discards the messages before that.
    pub async fn closed(&mut self) -> Closed {
        let wait = self.wait("the end of the connection");
        loop {
            if let Err(end) = self.text(&wait).await {
                return end;
            }
        }
    }

    /// Waits for the next message, or for the end of the connection. Answers pings and a close.
    ///
    /// # Errors
    /// When the connection has ended.
    ///
    /// # Panics
    /// When the server sends text that is not JSON.
    pub async fn next(&mut self) -> Result<Value, Closed> {
        self.next_text().await.map(|text| parse(&text))
    }

    /// Waits for the text of the next message, or for the end of the connection.
    ///
    /// # Errors
    /// When the connection has ended.
    ///
    /// # Panics
    /// When the server sends a binary message.
    pub async fn next_text(&mut self) -> Result<String, Closed> {
        let wait = self.wait("a message");
        self.text(&wait).await
    }

    /// Sends a close frame and waits until the connection ends.
    pub async fn close(&mut self, code: u16, reason: &str) -> Closed {
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        let bytes = self.reader.encode(Message::Close(Some(frame)));
        self.send_bytes(&bytes).await;
        self.closed().await
    }

    fn wait(&self, what: impl Into<String>) -> Wait {
        Wait::new(what, self.wait_limit)
    }

    async fn text_or_fail(&mut self, wait: &Wait) -> String {
        let text = self.untaken_or_fail(wait).await;
        self.follow(&text);
        text
    }

    async fn text(&mut self, wait: &Wait) -> Result<String, Closed> {
        let text = self.untaken(wait).await?;
        self.follow(&text);
        Ok(text)
    }

    fn follow(&mut self, text: &str) {
        if let Ok(message) = serde_json::from_str(text) {
            self.followed.take(&message);
        }
    }

    async fn untaken_or_fail(&mut self, wait: &Wait) -> String {
        match self.untaken(wait).await {
            Ok(text) => text,
            Err(Closed { code, reason }) => panic!(
                "the connection ended with {code} `{reason}` while the client waited for {}; {}",
                wait.what, self.received
            ),
        }
    }

    async fn untaken(&mut self, wait: &Wait) -> Result<String, Closed> {
        loop {
            match self.incoming.pop_front() {
                Some(Incoming::Text(text)) => return Ok(text.to_string()),
                Some(Incoming::Binary(bytes)) => {
                    panic!("a binary message of {} bytes came while the client waited for {}", bytes.len(), wait.what)
                }
                Some(Incoming::Control(answer)) => self.send_bytes(&answer.unwrap_or_default()).await,
                Some(Incoming::Close { code, reason, answer }) => {
                    self.send_bytes(&answer).await;
                    self.end = Some(Closed { code, reason });
                }
                None => match &self.end {
                    Some(end) => return Err(end.clone()),
                    None => self.read(wait).await,
                },
            }
        }
    }

    async fn read(&mut self, wait: &Wait) {
        let mut buffer = [0; 4096];
        let Some(read) = wait.limit(self.stream.read(&mut buffer)).await else { self.fail_late(wait) };
        let len = read.unwrap_or(0);
        let known = self.incoming.len();
        if len == 0 {
            self.end = Some(Closed { code: 1006, reason: String::new() });
        } else if let Err(broken) = self.reader.feed(&buffer[..len], &mut self.incoming) {
            self.end = Some(Closed { code: broken.code.get(), reason: broken.reason });
        }
        for incoming in self.incoming.iter().skip(known) {
            if let Incoming::Text(text) = incoming {
                self.received.record(text);
            }
        }
    }

    fn fail_late(&self, wait: &Wait) -> ! {
        let limit = wait.limit.unwrap_or_default();
        panic!("the client waited {limit:?} for {}; {}", wait.what, self.received);
    }
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("the server's message is not JSON: {error}: {text}"))
}

fn read<T: DeserializeOwned>(payload: Value, what: &str) -> T {
    let text = payload.to_string();
    serde_json::from_value(payload)
        .unwrap_or_else(|error| panic!("the payload of {what} is not a `{}`: {error}: {text}", type_name::<T>()))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("end", &self.end).finish_non_exhaustive()
    }
}
