//! The subscribers of one topic in one shard.

use std::sync::{Arc, atomic::AtomicU64};

use crate::fanout::{slow::SlowConsumer, source::Source};

/// A shard's view of a topic: the shard's own subscribers and what their delivery needs.
pub(crate) struct Audience {
    /// The `seq` of the last update that the shard delivered.
    pub(crate) seq: u64,
    pub(crate) slow: SlowConsumer,
    /// Counts updates that were dropped or replaced.
    pub(crate) skipped: Arc<AtomicU64>,
    /// Where subscribers catch up, if the topic keeps its state.
    pub(crate) source: Option<Arc<dyn Source>>,
    /// The slots of the subscribers: a dense list. On removal the last subscriber is moved into the free slot.
    pub(crate) subscribers: Vec<u32>,
}
