//! What an outbox knows of a frame that is not sent yet.

use crate::fanout::{ids::TopicId, slow::Policy};

/// Whether a frame may be dropped before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// An update, which may be dropped by its channel's policy or when the connection closes.
    Update(Pending),
    /// A reply, push or control frame, which is never dropped.
    Kept,
    /// A reply that carries the number of the last update of a topic before it. Neither is dropped.
    Position(TopicId),
    /// A snapshot, a merged change or a part of a replay. It is queued only while nothing else is,
    /// so the socket paces it, and it does not count against the limit on unsent bytes.
    Paced,
}

/// The properties of a queued update that decide whether it is dropped, and its `skipped` count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) topic: TopicId,
    pub(crate) policy: Policy,
    pub(crate) seq: u64,
    /// On the shard's clock.
    pub(crate) queued_at: Millis,
    /// The offset in the payload at which `skipped` is inserted.
    pub(crate) skipped_offset: usize,
    /// The number of updates skipped before this one.
    pub(crate) skipped: u64,
    /// The count in the encoded frame. It is brought up to date just before the frame is written,
    /// because more updates may be skipped until then.
    pub(crate) reported: u64,
}

/// A time on a shard's clock, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Millis(pub(crate) u64);
