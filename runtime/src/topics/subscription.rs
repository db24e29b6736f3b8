//! A connection's subscription to a topic.

use std::sync::Arc;

use crate::{
    fanout::{Handle, Inbox, Key},
    topics::lease::Lease,
};

/// A connection's subscription to a topic. Dropping it unsubscribes.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) topic: Arc<Lease>,
    shard: Inbox,
    key: Key,
}

impl Subscription {
    /// Creates the subscription of a connection that has joined the topic.
    pub(crate) fn new(topic: &Arc<Lease>, handle: &Handle) -> Self {
        Self { topic: Arc::clone(topic), shard: handle.inbox.clone(), key: handle.key }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.topic.leave(&self.shard, self.key);
    }
}
