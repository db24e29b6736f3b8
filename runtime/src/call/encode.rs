//! Encodes what the application's hooks and operations return.

use bytes::Bytes;

use crate::{Refusal, wire::payload};

/// Encodes a snapshot or a reply.
pub(crate) fn encode(value: &impl serde::Serialize) -> Result<Bytes, Refusal> {
    payload::encode(value).map(Bytes::from).map_err(|error| {
        tracing::error!(%error, "a payload cannot be sent");
        Refusal::internal("the payload cannot be sent")
    })
}
