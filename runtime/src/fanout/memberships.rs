//! The topics of one connection, and its index in the subscriber list of each.

use crate::fanout::ids::TopicId;

/// Topics and indices, sorted by topic. The list is short, so a binary search beats a map.
#[derive(Debug, Default)]
pub(crate) struct Memberships(Vec<(TopicId, u32)>);

impl Memberships {
    /// Adds a topic with the connection's index. Returns false if the topic is already present.
    pub(crate) fn insert(&mut self, topic: TopicId, index: u32) -> bool {
        let Err(at) = self.find(topic) else { return false };
        if self.0.is_empty() {
            // Most connections have one topic, and a vector's first allocation has room for four.
            self.0.reserve_exact(1);
        }
        self.0.insert(at, (topic, index));
        true
    }

    pub(crate) fn contains(&self, topic: TopicId) -> bool {
        self.find(topic).is_ok()
    }

    pub(crate) fn set_index(&mut self, topic: TopicId, index: u32) {
        if let Ok(at) = self.find(topic) {
            self.0[at].1 = index;
        }
    }

    /// Removes a topic and returns the index that becomes free.
    pub(crate) fn remove(&mut self, topic: TopicId) -> Option<u32> {
        let at = self.find(topic).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Removes every topic and returns the indices that become free.
    pub(crate) fn take_all(&mut self) -> Vec<(TopicId, u32)> {
        std::mem::take(&mut self.0)
    }

    fn find(&self, topic: TopicId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&topic, |(topic, _)| *topic)
    }
}
