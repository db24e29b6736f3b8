//! The subscribers of one topic in one shard.

use std::sync::{Arc, atomic::AtomicU64};

use crate::{fanout::slow::SlowConsumer, wire::Update};

/// A shard's view of a topic: the shard's own subscribers and what their delivery needs.
pub(crate) struct Audience {
    /// The `seq` of the last update that the shard delivered.
    pub(crate) seq: u64,
    pub(crate) slow: SlowConsumer,
    /// Counts updates that were dropped or replaced.
    pub(crate) skipped: Arc<AtomicU64>,
    /// The newest update, kept under the policy `latest` for subscribers that have no room for it.
    pub(crate) latest_update: Option<Update>,
    /// A dense list. On removal the last subscriber is moved into the free slot.
    pub(crate) subscribers: Vec<Subscriber>,
}

/// A connection in the list of subscribers.
#[derive(Clone, Copy)]
pub(crate) struct Subscriber {
    pub(crate) slot: u32,
    /// True while updates are held back until the subscriber's snapshot arrives.
    pub(crate) held: bool,
}
