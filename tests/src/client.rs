//! A client that validates every message, sent or received, against the 3.0 document.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use topicast::{
    Channel, Server,
    testing::{self, Closed, Connect},
};

use crate::documents::{Direction, Messages};

/// An in-memory client.
///
/// Every message from the server must match exactly one message of the document, and so must every
/// message that a test sends as accepted. A message that a test sends as a fault must match none.
#[derive(Debug)]
pub struct Client {
    inner: testing::Client,
    messages: Arc<Messages>,
}

impl Client {
    /// Connects with a plain handshake.
    ///
    /// # Panics
    /// When the server refuses it.
    pub async fn connect(server: &Server) -> Self {
        Self::with(server, Connect::new(server)).await
    }

    /// Connects with a customized handshake.
    ///
    /// # Panics
    /// When the server refuses it.
    pub async fn with(server: &Server, connect: Connect<'_>) -> Self {
        let inner = connect.open().await.expect("the handshake is accepted");
        Self { inner, messages: messages_of(server) }
    }

    /// Sends a message that the server accepts.
    ///
    /// # Panics
    /// When it does not match exactly one message of the document.
    pub async fn send(&mut self, message: &Value) {
        let matching = self.messages.matching(Direction::FromClient, message);
        assert_eq!(matching.len(), 1, "{message} matches {matching:?}");
        self.inner.send(message).await;
    }

    /// Sends a fault of form.
    ///
    /// # Panics
    /// When it matches a message of the document.
    pub async fn send_fault(&mut self, text: &str) {
        if let Ok(message) = serde_json::from_str(text) {
            let matching = self.messages.matching(Direction::FromClient, &message);
            assert!(matching.is_empty(), "{message} matches {matching:?}");
        }
        self.inner.send_text(text).await;
    }

    /// Sends a fault of form that a JSON Schema cannot express. The reason documents the test.
    ///
    /// # Panics
    /// When the document expresses it.
    pub async fn send_inexpressible(&mut self, text: &str, why: &str) {
        let message = serde_json::from_str(text).expect("what is no JSON is no matter of schemas");
        let matching = self.messages.matching(Direction::FromClient, &message);
        assert!(!matching.is_empty(), "the document expresses it after all ({why}): {text}");
        self.inner.send_text(text).await;
    }

    /// Subscribes and waits for the whole reply. Nothing may come before it.
    ///
    /// # Panics
    /// When the connection ends first.
    pub async fn subscribe<C: Channel>(&mut self, request: &C) -> Value {
        self.ask(&format!("{}.subscribe", C::ROUTE), request).await
    }

    /// Unsubscribes and waits for the whole reply. Nothing may come before it.
    ///
    /// # Panics
    /// When the connection ends first.
    pub async fn unsubscribe<C: Channel>(&mut self, request: &C) -> Value {
        self.ask(&format!("{}.unsubscribe", C::ROUTE), request).await
    }

    async fn ask<C: Channel>(&mut self, kind: &str, request: &C) -> Value {
        self.send(&serde_json::json!({ "type": kind, "payload": request })).await;
        let reply = self.message().await;
        assert_eq!(reply["type"], format!("{kind}.response"), "{reply}");
        reply
    }

    /// Waits for the next message and returns it.
    ///
    /// # Panics
    /// When the connection ends first, or the message does not match exactly one of the
    /// document.
    pub async fn message(&mut self) -> Value {
        let message = self.inner.message().await;
        self.check(message)
    }

    /// Waits for the next message and returns its text.
    ///
    /// # Panics
    /// As [`message`](Self::message).
    pub async fn text(&mut self) -> String {
        let text = self.inner.next_text().await.expect("the connection lasts");
        self.check(serde_json::from_str(&text).expect("a server's message is JSON"));
        text
    }

    /// Returns every message up to now, without waiting for more.
    ///
    /// # Panics
    /// As [`message`](Self::message).
    pub async fn settled(&mut self) -> Vec<Value> {
        let messages = self.inner.settled().await;
        messages.into_iter().map(|message| self.check(message)).collect()
    }

    /// Waits until the connection ends.
    pub async fn closed(&mut self) -> Closed {
        self.inner.closed().await
    }

    /// Returns the underlying client, for bytes that are not messages.
    pub fn raw(&mut self) -> &mut testing::Client {
        &mut self.inner
    }

    fn check(&self, message: Value) -> Value {
        let matching = self.messages.matching(Direction::FromServer, &message);
        assert_eq!(matching.len(), 1, "{message} matches {matching:?}");
        message
    }
}

/// Returns the messages of a server's document. Compiling its schemas takes longer than most
/// tests, so servers with the same document share them.
fn messages_of(server: &Server) -> Arc<Messages> {
    static KNOWN: Mutex<Vec<(Value, Arc<Messages>)>> = Mutex::new(Vec::new());
    let document = server.asyncapi("/ws");
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, messages)) = known.iter().find(|(other, _)| other == document.v3()) {
        return Arc::clone(messages);
    }
    let messages = Arc::new(Messages::from_v3(document.v3()));
    known.push((document.v3().clone(), Arc::clone(&messages)));
    messages
}
