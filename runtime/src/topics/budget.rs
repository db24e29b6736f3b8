//! The memory that the topics of a server may retain: histories, values and rows.

use std::{
    fmt,
    sync::{
        Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The memory for retained state.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
    /// The topics, of which released ones can be evicted.
    topics: Weak<dyn Evict>,
}

/// Evicts topics that nothing uses.
pub(crate) trait Evict: Send + Sync + fmt::Debug {
    /// Evicts released topics, from the one released longest ago, until `suffices` returns true.
    /// Returns false if none is left.
    fn evict(&self, suffices: &dyn Fn() -> bool) -> bool;

    /// Releases the topics of a channel that were kept because nothing could restore their state.
    fn release_kept(&self, route: &str);
}

impl Budget {
    pub(crate) fn new(limit: usize, topics: Weak<dyn Evict>) -> Self {
        Self { limit, used: AtomicUsize::new(0), topics }
    }

    /// Returns true if so many more bytes can be retained. Evicts released topics if necessary.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.used().saturating_add(bytes) <= self.limit
            || self
                .topics
                .upgrade()
                .is_some_and(|topics| topics.evict(&|| self.used().saturating_add(bytes) <= self.limit))
    }

    /// Allows the eviction of a channel's topics, whose state can be restored.
    pub(crate) fn release_kept(&self, route: &str) {
        if let Some(topics) = self.topics.upgrade() {
            topics.release_kept(route);
        }
    }

    /// Records that the bytes of a topic changed.
    pub(crate) fn change(&self, before: usize, after: usize) {
        if after >= before {
            self.used.fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.used.fetch_sub(before - after, Ordering::Relaxed);
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}
