//! What a connection has missed or not been sent yet.

use std::collections::VecDeque;

use crate::{fanout::ids::TopicId, wire::Update};

/// The arrears of one connection, which most never have.
#[derive(Default)]
pub(crate) struct Arrears {
    /// How many updates of a topic were skipped since the last one that was queued.
    skips: Vec<(TopicId, u64)>,
    /// Topics under `latest` whose newest update found no room.
    pub(crate) overdue: VecDeque<TopicId>,
    /// Updates of topics whose snapshot is not there yet.
    pub(crate) held: Vec<(TopicId, VecDeque<Held>)>,
    pub(crate) held_bytes: usize,
    /// How many updates of a topic were dropped since the shard last counted them.
    dropped: Vec<(TopicId, u64)>,
}

/// An update that waits for the topic's snapshot.
pub(crate) struct Held {
    pub(crate) update: Update,
    /// How many updates before it were skipped.
    pub(crate) skipped: u64,
}

impl Arrears {
    /// Returns true once the connection has caught up and its drops are counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.skips.is_empty() && self.overdue.is_empty() && self.held.is_empty() && self.dropped.is_empty()
    }

    /// Records that updates of a topic are missing, for the next one that is queued.
    pub(crate) fn skip(&mut self, topic: TopicId, count: u64) {
        add(&mut self.skips, topic, count);
    }

    /// Records that updates of a topic were dropped, for the topic's counter.
    pub(crate) fn drop_updates(&mut self, topic: TopicId, count: u64) {
        add(&mut self.dropped, topic, count);
    }

    /// Takes the drops that the shard has not counted yet.
    pub(crate) fn take_dropped(&mut self) -> Vec<(TopicId, u64)> {
        std::mem::take(&mut self.dropped)
    }

    /// How many are missing, for the update that will say so.
    pub(crate) fn take_skips(&mut self, topic: TopicId) -> u64 {
        let at = self.skips.iter().position(|(skipped, _)| *skipped == topic);
        at.map_or(0, |at| self.skips.swap_remove(at).1)
    }

    /// Takes the updates of a topic that were held back, if it was held.
    pub(crate) fn take_held(&mut self, topic: TopicId) -> Option<VecDeque<Held>> {
        let at = self.held.iter().position(|(held, _)| *held == topic)?;
        let (_, updates) = self.held.swap_remove(at);
        self.held_bytes -= updates.iter().map(|held| held.update.frame.bytes().len()).sum::<usize>();
        Some(updates)
    }

    /// Forgets a topic that is left.
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
