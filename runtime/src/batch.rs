//! What a shard delivers in one tick: updates by their place in a list, so that those who
//! keep up need no handle of their own.

use crate::{
    ids::TopicId,
    outbox::{Millis, Pending},
    slow::Policy,
    update::Update,
};

/// How many bytes are joined for one write.
pub(crate) const JOINED_BYTES: usize = 64 * 1024;

/// The updates of a tick, and the buffer in which a connection's share of them is joined.
///
/// Frames are small and have just been read, so copying them into one buffer costs less than
/// having the kernel gather them from many places.
#[derive(Default)]
pub(crate) struct Batch {
    items: Vec<Item>,
    pub(crate) joined: Vec<u8>,
}

/// One update of a tick.
pub(crate) struct Item {
    pub(crate) topic: TopicId,
    pub(crate) policy: Policy,
    pub(crate) since: Millis,
    pub(crate) update: Update,
}

impl Batch {
    /// Adds an update and tells its place.
    pub(crate) fn add(&mut self, item: Item) -> u32 {
        let at = u32::try_from(self.items.len()).expect("a tick has fewer updates than its inbox has bytes");
        self.items.push(item);
        at
    }

    pub(crate) fn get(&self, at: u32) -> &Item {
        &self.items[at as usize]
    }

    /// Forgets the updates, once every connection has written or queued them.
    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.items.shrink_to(1024);
    }
}

impl Item {
    /// What an outbox has to know of it.
    pub(crate) fn pending(&self, skipped: u64) -> Pending {
        Pending {
            topic: self.topic,
            policy: self.policy,
            since: self.since,
            split: self.update.split,
            skipped,
            told: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.update.frame.bytes().len()
    }
}
