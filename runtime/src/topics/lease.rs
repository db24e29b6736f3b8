//! Leases: the handles that keep a topic in use.

use std::{fmt, ops::Deref, sync::Arc};

use crate::topics::live::LiveTopic;

/// Keeps a topic in use. A topic is released when its last lease is dropped: its last subscription
/// has ended, and no publisher has a handle.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(super) topic: Arc<LiveTopic>,
    pub(super) keeper: Arc<dyn Keeper>,
}

/// Keeps topics that are not in use.
pub(crate) trait Keeper: Send + Sync + fmt::Debug {
    /// Releases a topic whose lease is dropped, unless it has another.
    fn release(&self, topic: &Arc<LiveTopic>);
}

impl Deref for Lease {
    type Target = Arc<LiveTopic>;

    fn deref(&self) -> &Arc<LiveTopic> {
        &self.topic
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.keeper.release(&self.topic);
    }
}
