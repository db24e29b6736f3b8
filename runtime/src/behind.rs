//! What a connection has missed or not been sent yet.

use std::collections::VecDeque;

use crate::{ids::TopicId, update::Update};

/// The arrears of one connection, which most never have.
#[derive(Default)]
pub(crate) struct Behind {
    /// How many updates of a topic were skipped since the last one that was queued.
    skips: Vec<(TopicId, u64)>,
    /// Topics under `latest` whose newest update found no room.
    pub(crate) overdue: VecDeque<TopicId>,
    /// Updates of topics whose snapshot is not there yet.
    pub(crate) held: Vec<(TopicId, VecDeque<Update>)>,
    pub(crate) held_bytes: usize,
}

impl Behind {
    /// Whether the connection has caught up.
    pub(crate) fn is_empty(&self) -> bool {
        self.skips.is_empty() && self.overdue.is_empty() && self.held.is_empty()
    }

    /// Remembers that updates of a topic are missing, for the next one that is queued.
    pub(crate) fn skip(&mut self, topic: TopicId, count: u64) {
        match self.skips.iter_mut().find(|(skipped, _)| *skipped == topic) {
            Some((_, skipped)) => *skipped += count,
            None => self.skips.push((topic, count)),
        }
    }

    /// How many are missing, for the update that will say so.
    pub(crate) fn take_skips(&mut self, topic: TopicId) -> u64 {
        let at = self.skips.iter().position(|(skipped, _)| *skipped == topic);
        at.map_or(0, |at| self.skips.swap_remove(at).1)
    }

    /// The updates that were held back of a topic, if it was held.
    pub(crate) fn take_held(&mut self, topic: TopicId) -> Option<VecDeque<Update>> {
        let at = self.held.iter().position(|(held, _)| *held == topic)?;
        let (_, updates) = self.held.swap_remove(at);
        self.held_bytes -= updates.iter().map(|update| update.frame.bytes().len()).sum::<usize>();
        Some(updates)
    }

    /// Forgets a topic that is left.
    pub(crate) fn forget(&mut self, topic: TopicId) {
        self.take_held(topic);
        self.take_skips(topic);
        self.overdue.retain(|overdue| *overdue != topic);
    }
}
