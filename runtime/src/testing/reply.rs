//! Replies in the form that tests read.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::Refusal;

/// An ok reply to a subscribe.
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
/// let mut client = topicast::testing::Client::connect(&ws).await?;
/// let subscribed = client.subscribe(&Bars { symbol: "AAPL".into() }).await;
/// assert_eq!(subscribed.topic, r#"bars:{"symbol":"AAPL"}"#);
/// assert_eq!((subscribed.message.as_str(), subscribed.seq), ("Subscribed to AAPL", 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscribed {
    /// The canonical topic.
    pub topic: String,
    /// The human-readable message, for example `Subscribed to AAPL`.
    pub message: String,
    /// The epoch of the topic's numbers.
    pub epoch: String,
    /// The last number that the reply includes. The next update has the number after it.
    pub seq: u64,
    /// Whether everything after the client's position follows, if the client
    /// [stated one](super::Client::recover).
    pub recovered: Option<bool>,
    /// Whether a snapshot follows.
    pub snapshot: bool,
}

#[derive(Deserialize)]
struct SubscribeReply {
    epoch: String,
    seq: u64,
    recovered: Option<bool>,
    #[serde(default)]
    snapshot: bool,
    payload: SubscribePayload,
}

#[derive(Deserialize)]
struct SubscribePayload {
    message: String,
    topic: String,
}

impl Subscribed {
    /// Reads an ok reply.
    pub(super) fn from_reply(reply: Value) -> Result<Self, serde_json::Error> {
        let SubscribeReply { epoch, seq, recovered, snapshot, payload } = serde_json::from_value(reply)?;
        Ok(Self { topic: payload.topic, message: payload.message, epoch, seq, recovered, snapshot })
    }
}

#[derive(Deserialize)]
struct RefusalPayload {
    code: String,
    message: String,
    retryable: bool,
    retry_after_ms: Option<u64>,
}

/// Returns the refusal in a reply, if the reply is one.
pub(super) fn refusal(reply: &Value) -> Option<Refusal> {
    let payload = &reply["payload"];
    if payload["status"] != "error" {
        return None;
    }
    let RefusalPayload { code, message, retryable, retry_after_ms } = RefusalPayload::deserialize(payload).ok()?;
    let refusal = Refusal::new(code, message);
    Some(match retry_after_ms {
        Some(after) => refusal.retry_after(Duration::from_millis(after)),
        None if retryable => refusal.retryable(),
        None => refusal,
    })
}
