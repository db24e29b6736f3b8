//! The subscribers of one topic in one shard.

use std::sync::{Arc, atomic::AtomicU64};

use crate::{fanout::slow::SlowConsumer, wire::Update};

/// A topic as far as a shard has subscribers of it.
pub(crate) struct Audience {
    /// The last number delivered here.
    pub(crate) seq: u64,
    pub(crate) slow: SlowConsumer,
    /// Counts what was dropped or replaced.
    pub(crate) skipped: Arc<AtomicU64>,
    /// The newest update, kept under the policy `latest` for those who have no room for it.
    pub(crate) last: Option<Update>,
    /// A dense list: whoever leaves, the last one takes the place.
    pub(crate) subscribers: Vec<Subscriber>,
}

/// A connection's place among the subscribers.
#[derive(Clone, Copy)]
pub(crate) struct Subscriber {
    pub(crate) slot: u32,
    /// Updates are held back until its snapshot is there.
    pub(crate) held: bool,
}
