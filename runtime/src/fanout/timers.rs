//! The timers of a shard: when subscriptions with a `max_rate` may receive their next update.

use std::{cmp::Reverse, collections::BinaryHeap};

use tokio::time::Instant;

use crate::fanout::ids::{Key, TopicId};

/// The subscriptions that rest, by the end of their rest.
#[derive(Debug, Default)]
pub(crate) struct Timers(BinaryHeap<Reverse<(Instant, Key, TopicId)>>);

impl Timers {
    /// Adds a subscription whose rest ends at this time.
    pub(crate) fn add(&mut self, at: Instant, key: Key, topic: TopicId) {
        self.0.push(Reverse((at, key, topic)));
    }

    /// Returns the end of the earliest rest.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes a subscription whose rest has ended. The subscription may have ended, too.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(Key, TopicId)> {
        self.next().filter(|at| *at <= now)?;
        self.0.pop().map(|Reverse((_, key, topic))| (key, topic))
    }
}
