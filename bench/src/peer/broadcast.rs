//! The usual hand-written peer: a WebSocket of axum, and a tokio broadcast channel per topic.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use axum::serve::ListenerExt;
use futures_util::stream::{SelectAll, Stream, StreamExt, unfold};
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};

use super::control::{self, Numbers};
use crate::message;

/// The number of updates of a topic that a connection may lag behind before it misses some.
const CAPACITY: usize = 1024;

type Topics = Arc<Mutex<HashMap<u32, Sender<Utf8Bytes>>>>;

pub(super) fn run() -> Result<(), String> {
    control::runtime(1)?.block_on(serve())
}

async fn serve() -> Result<(), String> {
    let topics = Topics::default();
    let mut numbers = Numbers::default();
    let publishers = Arc::clone(&topics);
    let publish = move |topic, at| {
        let text = message::update(topic, numbers.next(topic), at);
        // A topic without subscribers is not an error.
        let _ = sender(&publishers, topic).send(text.into());
    };
    let schedules = control::schedules().map_err(|error| format!("standard input: {error}"))?;
    tokio::spawn(control::publish(schedules, publish));
    let listener = control::listen()?.tap_io(|stream| {
        // The reading task notices a closed connection.
        let _ = stream.set_nodelay(true);
    });
    let router = Router::new().route("/", any(upgrade)).with_state(topics);
    axum::serve(listener, router).await.map_err(|error| error.to_string())
}

fn sender(topics: &Topics, topic: u32) -> Sender<Utf8Bytes> {
    let mut topics = topics.lock().expect("nothing panics while topics are locked");
    topics.entry(topic).or_insert_with(|| broadcast::channel(CAPACITY).0).clone()
}

async fn upgrade(State(topics): State<Topics>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        // A broken connection does not affect others.
        let _ = connection(&mut socket, &topics).await;
    })
}

async fn connection(socket: &mut WebSocket, topics: &Topics) -> Result<(), axum::Error> {
    let mut updates = SelectAll::new();
    loop {
        tokio::select! {
            Some(update) = updates.next() => socket.send(Message::Text(update)).await?,
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    let Some(topic) = message::topic_of_subscribe(&text) else { continue };
                    updates.push(stream(sender(topics, topic).subscribe()));
                    socket.send(Message::Text(message::subscribed(topic).into())).await?;
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
        }
    }
}

/// Returns the updates of a topic, except the ones that this connection was too slow for.
fn stream(receiver: Receiver<Utf8Bytes>) -> Pin<Box<dyn Stream<Item = Utf8Bytes> + Send>> {
    Box::pin(unfold(receiver, async |mut receiver| {
        loop {
            match receiver.recv().await {
                Ok(update) => return Some((update, receiver)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }))
}
