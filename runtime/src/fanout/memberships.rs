//! The topics of one connection, and its place in each one's list of subscribers.

use crate::fanout::ids::TopicId;

/// Topics with places, sorted by topic.
#[derive(Debug, Default)]
pub(crate) struct Memberships(Vec<(TopicId, u32)>);

impl Memberships {
    /// Enters a topic at a place. Returns false if it is there already.
    pub(crate) fn enter(&mut self, topic: TopicId, place: u32) -> bool {
        let Err(at) = self.find(topic) else { return false };
        if self.0.is_empty() {
            // Most connections have one topic, and a vector begins with room for four.
            self.0.reserve_exact(1);
        }
        self.0.insert(at, (topic, place));
        true
    }

    pub(crate) fn contains(&self, topic: TopicId) -> bool {
        self.find(topic).is_ok()
    }

    /// Returns its place among the subscribers of a topic.
    pub(crate) fn place(&self, topic: TopicId) -> Option<u32> {
        self.find(topic).ok().map(|at| self.0[at].1)
    }

    pub(crate) fn move_to(&mut self, topic: TopicId, place: u32) {
        if let Ok(at) = self.find(topic) {
            self.0[at].1 = place;
        }
    }

    /// Leaves a topic and returns the place that becomes free.
    pub(crate) fn leave(&mut self, topic: TopicId) -> Option<u32> {
        let at = self.find(topic).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Leaves every topic and returns the places that become free.
    pub(crate) fn leave_all(&mut self) -> Vec<(TopicId, u32)> {
        std::mem::take(&mut self.0)
    }

    fn find(&self, topic: TopicId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&topic, |(topic, _)| *topic)
    }
}
