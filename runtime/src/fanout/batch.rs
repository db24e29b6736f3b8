//! The updates that a shard is delivering. Connections refer to them by position, which avoids
//! reference counting while they keep up.

use std::collections::VecDeque;

use crate::{
    fanout::{
        ids::TopicId,
        pending::{Millis, Pending},
        slow::Policy,
    },
    wire::Update,
};

/// The maximum bytes of one joined write, unless a single update is larger.
const JOINED_BYTES: usize = 64 * 1024;

/// The capacity that an empty batch keeps, in updates.
const KEPT_ITEMS: usize = 1024;

/// Updates that are not yet sent to every subscriber, and a buffer to join a connection's updates.
///
/// Frames are small and in the caches, so copying them into one buffer costs less than a vectored
/// write.
#[derive(Default)]
pub(crate) struct Batch {
    items: VecDeque<Item>,
    /// The position of the first item. Positions increase with every update and wrap around.
    first_position: u32,
    joined: Vec<u8>,
    /// The positions whose frames are in `joined`.
    joined_from: Vec<u32>,
}

/// One update.
pub(crate) struct Item {
    pub(crate) topic: TopicId,
    pub(crate) policy: Policy,
    pub(crate) queued_at: Millis,
    pub(crate) update: Update,
}

impl Batch {
    /// Adds an update and returns its position.
    pub(crate) fn add(&mut self, item: Item) -> u32 {
        self.items.push_back(item);
        self.end().wrapping_sub(1)
    }

    /// Returns the position of the next update.
    pub(crate) fn end(&self) -> u32 {
        let len = u32::try_from(self.items.len()).expect("the inbox limits the number of unsent updates");
        self.first_position.wrapping_add(len)
    }

    pub(crate) fn get(&self, at: u32) -> &Item {
        &self.items[at.wrapping_sub(self.first_position) as usize]
    }

    /// Joins the frames at the selected positions, from the first on as many as fit. Consecutive
    /// connections with the same selection share the result.
    pub(crate) fn join(&mut self, selected: &[u32]) -> &[u8] {
        if let [at] = selected {
            return self.get(*at).update.frame.bytes();
        }
        if self.joined_from != selected {
            self.joined_from.clear();
            self.joined_from.extend_from_slice(selected);
            self.joined.clear();
            for at in selected {
                let frame = self.items[at.wrapping_sub(self.first_position) as usize].update.frame.bytes();
                if !self.joined.is_empty() && self.joined.len() + frame.len() > JOINED_BYTES {
                    break;
                }
                self.joined.extend_from_slice(frame);
            }
        }
        &self.joined
    }

    /// Discards the updates before a position, which every connection has written or queued.
    pub(crate) fn discard_before(&mut self, position: u32) {
        self.items.drain(..position.wrapping_sub(self.first_position) as usize);
        self.first_position = position;
        if self.items.is_empty() {
            self.items.shrink_to(KEPT_ITEMS);
        }
    }
}

impl Item {
    /// Returns what an outbox records about the update.
    pub(crate) fn pending(&self, skipped: u64) -> Pending {
        Pending {
            topic: self.topic,
            policy: self.policy,
            seq: self.update.seq,
            queued_at: self.queued_at,
            skipped_offset: self.update.skipped_offset,
            skipped,
            reported: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.update.frame.bytes().len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::Prefix;

    fn item(seq: u64) -> Item {
        let update = Prefix::new("r", "t").update(seq, b"{}");
        Item { topic: TopicId(0), policy: Policy::Close, queued_at: Millis::default(), update }
    }

    proptest! {
        /// Compares with a model that discards nothing and concatenates frames.
        #[test]
        fn positions_stay_valid_while_updates_are_added_and_discarded(
            before in 0_u32..40,
            steps in prop::collection::vec((1_usize..6, 0_usize..8, prop::collection::vec(0_usize..8, 1..5)), 1..40),
        ) {
            let first_position = u32::MAX - before;
            let mut batch = Batch { first_position, ..Batch::default() };
            let (mut all, mut discarded) = (Vec::new(), 0);
            for (added, discard, mut selected) in steps {
                for _ in 0..added {
                    let new = item(all.len() as u64);
                    all.push(new.update.frame.bytes().to_vec());
                    let at = batch.add(new);
                    prop_assert_eq!(at.wrapping_sub(first_position) as usize, all.len() - 1);
                }
                selected.sort_unstable();
                selected.dedup();
                let selected: Vec<usize> = selected.into_iter().map(|at| discarded + at).filter(|at| *at < all.len()).collect();
                let position = |at: usize| first_position.wrapping_add(u32::try_from(at).expect("a few"));
                let positions: Vec<u32> = selected.iter().map(|at| position(*at)).collect();
                for _ in 0..2 {
                    let expected: Vec<u8> = selected.iter().flat_map(|at| all[*at].iter().copied()).collect();
                    if !positions.is_empty() {
                        prop_assert_eq!(batch.join(&positions), expected);
                    }
                }
                discarded = all.len().min(discarded + discard);
                batch.discard_before(position(discarded));
                prop_assert_eq!(batch.items.len(), all.len() - discarded);
            }
        }
    }

    #[test]
    fn a_joined_write_is_bounded_unless_one_update_is_larger() {
        let mut batch = Batch::default();
        let long = format!("\"{}\"", "x".repeat(40_000));
        let positions: Vec<u32> = (0..3)
            .map(|seq| batch.add(Item { update: Prefix::new("r", "t").update(seq, long.as_bytes()), ..item(0) }))
            .collect();
        let one = batch.get(0).len();
        assert_eq!(batch.join(&positions).len(), one);
        assert_eq!(batch.join(&positions[1..]).len(), one);
        assert_eq!(batch.join(&positions[2..]).len(), one);
    }
}
