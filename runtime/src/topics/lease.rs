//! Leases: the handles that keep a topic in use.

use std::{ops::Deref, sync::Arc};

use crate::topics::{live::LiveTopic, registry::Topics};

/// Keeps a topic in use. A topic is released when its last lease is dropped: its last subscription
/// has ended, and no publisher has a handle.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(super) topic: Arc<LiveTopic>,
    pub(super) topics: Arc<Topics>,
}

impl Deref for Lease {
    type Target = Arc<LiveTopic>;

    fn deref(&self) -> &Arc<LiveTopic> {
        &self.topic
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.topics.release(&self.topic);
    }
}
