//! Updates that a connection missed or that are held back for it.

use std::collections::VecDeque;

use crate::{fanout::ids::TopicId, wire::Update};

/// The arrears of one connection. Most connections never have any.
#[derive(Default)]
pub(crate) struct Arrears {
    /// The number of skipped updates of each topic since the last update that was queued.
    skips: Vec<(TopicId, u64)>,
    /// Topics under the policy `latest` whose newest update had no room.
    pub(crate) overdue: VecDeque<TopicId>,
    /// Updates of topics whose snapshot has not arrived.
    pub(crate) held: Vec<(TopicId, VecDeque<Held>)>,
    pub(crate) held_bytes: usize,
    /// The number of dropped updates of each topic that the shard has not counted.
    dropped: Vec<(TopicId, u64)>,
}

/// An update that is held back until the topic's snapshot arrives.
pub(crate) struct Held {
    pub(crate) update: Update,
    /// The number of updates skipped before this one.
    pub(crate) skipped: u64,
}

impl Arrears {
    /// Returns true if the connection has caught up and its drops are counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.skips.is_empty() && self.overdue.is_empty() && self.held.is_empty() && self.dropped.is_empty()
    }

    /// Records skipped updates of a topic. The next update that is queued reports them.
    pub(crate) fn skip(&mut self, topic: TopicId, count: u64) {
        add(&mut self.skips, topic, count);
    }

    /// Records dropped updates of a topic for the topic's counter.
    pub(crate) fn drop_updates(&mut self, topic: TopicId, count: u64) {
        add(&mut self.dropped, topic, count);
    }

    /// Takes the drops that the shard has not counted.
    pub(crate) fn take_dropped(&mut self) -> Vec<(TopicId, u64)> {
        std::mem::take(&mut self.dropped)
    }

    /// Takes the number of skipped updates of a topic, for the update that reports it.
    pub(crate) fn take_skips(&mut self, topic: TopicId) -> u64 {
        let at = self.skips.iter().position(|(skipped, _)| *skipped == topic);
        at.map_or(0, |at| self.skips.swap_remove(at).1)
    }

    /// Takes the held updates of a topic. Returns `None` if the topic is not held.
    pub(crate) fn take_held(&mut self, topic: TopicId) -> Option<VecDeque<Held>> {
        let at = self.held.iter().position(|(held, _)| *held == topic)?;
        let (_, updates) = self.held.swap_remove(at);
        self.held_bytes -= updates.iter().map(|held| held.update.frame.bytes().len()).sum::<usize>();
        Some(updates)
    }

    /// Removes a topic from which the connection unsubscribed.
    pub(crate) fn forget(&mut self, topic: TopicId) {
        self.take_held(topic);
        self.take_skips(topic);
        self.overdue.retain(|overdue| *overdue != topic);
    }
}

fn add(counts: &mut Vec<(TopicId, u64)>, topic: TopicId, count: u64) {
    match counts.iter_mut().find(|(counted, _)| *counted == topic) {
        Some((_, sum)) => *sum += count,
        None => counts.push((topic, count)),
    }
}
