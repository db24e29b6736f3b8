//! The topics that nothing uses, until they are evicted or used again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::time::Instant;

use crate::topics::live::LiveTopic;

/// The topics that were released, in the order of their release.
#[derive(Debug, Default)]
pub(crate) struct Released {
    topics: BTreeMap<u64, (Arc<LiveTopic>, Instant)>,
    by_expiry: BTreeSet<(Instant, u64)>,
    next: u64,
}

impl Released {
    /// Adds a topic that expires at this time. Returns its ticket.
    pub(crate) fn add(&mut self, topic: Arc<LiveTopic>, expiry: Instant) -> u64 {
        let ticket = self.next;
        self.next += 1;
        self.topics.insert(ticket, (topic, expiry));
        self.by_expiry.insert((expiry, ticket));
        ticket
    }

    /// Removes a topic that is used again.
    pub(crate) fn remove(&mut self, ticket: u64) -> Option<Arc<LiveTopic>> {
        let (topic, expiry) = self.topics.remove(&ticket)?;
        self.by_expiry.remove(&(expiry, ticket));
        Some(topic)
    }

    /// Takes the topic that was released longest ago.
    pub(crate) fn take_oldest(&mut self) -> Option<Arc<LiveTopic>> {
        let ticket = *self.topics.first_key_value()?.0;
        self.remove(ticket)
    }

    /// Takes a topic whose retention has passed.
    pub(crate) fn take_expired(&mut self, now: Instant) -> Option<Arc<LiveTopic>> {
        let (_, ticket) = *self.by_expiry.first().filter(|(expiry, _)| *expiry <= now)?;
        self.remove(ticket)
    }

    /// Returns the time at which the next topic expires.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.by_expiry.first().map(|(expiry, _)| *expiry)
    }
}
