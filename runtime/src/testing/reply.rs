//! Replies in the form that tests read.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::Refusal;

/// An ok reply to a subscribe.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscribed {
    /// The canonical topic.
    pub topic: String,
    /// The human-readable message, for example `Subscribed to AAPL`.
    pub message: String,
    /// The epoch of the topic's numbers.
    pub epoch: String,
    /// The topic's last sequence number. The next update has the number after it.
    pub seq: u64,
}

#[derive(Deserialize)]
struct SubscribeReply {
    epoch: String,
    seq: u64,
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
        let SubscribeReply { epoch, seq, payload } = serde_json::from_value(reply)?;
        Ok(Self { topic: payload.topic, message: payload.message, epoch, seq })
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
