//! What a shard is delivering: updates by their place in a list, so that those who keep up
//! need no handle of their own.

use std::collections::VecDeque;

use crate::{
    fanout::{
        ids::TopicId,
        outbox::{Millis, Pending},
        slow::Policy,
    },
    wire::Update,
};

/// How many bytes are joined for one write, unless a single update has more.
const JOINED_BYTES: usize = 64 * 1024;

/// How many updates an empty batch keeps room for.
const KEPT_ITEMS: usize = 1024;

/// The updates that connections have yet to be sent, and the buffer in which a connection's
/// share of them is joined.
///
/// Frames are small and have just been read, so copying them into one buffer costs less than
/// having the kernel gather them from many places.
#[derive(Default)]
pub(crate) struct Batch {
    items: VecDeque<Item>,
    /// The place of the first item. Places are counted on and on, and wrap.
    first: u32,
    joined: Vec<u8>,
    /// The share that `joined` was made of.
    share: Vec<u32>,
}

/// One update.
pub(crate) struct Item {
    pub(crate) topic: TopicId,
    pub(crate) policy: Policy,
    pub(crate) since: Millis,
    pub(crate) update: Update,
}

impl Batch {
    /// Adds an update and tells its place.
    pub(crate) fn add(&mut self, item: Item) -> u32 {
        self.items.push_back(item);
        self.end().wrapping_sub(1)
    }

    /// The place of the next update.
    pub(crate) fn end(&self) -> u32 {
        let len = u32::try_from(self.items.len()).expect("fewer updates are unsent than their limit has bytes");
        self.first.wrapping_add(len)
    }

    pub(crate) fn get(&self, at: u32) -> &Item {
        &self.items[at.wrapping_sub(self.first) as usize]
    }

    /// The frames of a connection's share in one piece, from the first one on as many as fit.
    /// For connections in a row that get the same it is made once.
    pub(crate) fn join(&mut self, share: &[u32]) -> &[u8] {
        if let [at] = share {
            return self.get(*at).update.frame.bytes();
        }
        if self.share != share {
            self.share.clear();
            self.share.extend_from_slice(share);
            self.joined.clear();
            for at in share {
                let frame = self.items[at.wrapping_sub(self.first) as usize].update.frame.bytes();
                if !self.joined.is_empty() && self.joined.len() + frame.len() > JOINED_BYTES {
                    break;
                }
                self.joined.extend_from_slice(frame);
            }
        }
        &self.joined
    }

    /// Forgets the updates before a place, which every connection has written or queued.
    pub(crate) fn forget_before(&mut self, place: u32) {
        self.items.drain(..place.wrapping_sub(self.first) as usize);
        self.first = place;
        if self.items.is_empty() {
            self.items.shrink_to(KEPT_ITEMS);
        }
    }
}

impl Item {
    /// What an outbox has to know of it.
    pub(crate) fn pending(&self, skipped: u64) -> Pending {
        Pending {
            topic: self.topic,
            policy: self.policy,
            since: self.since,
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
        Item { topic: TopicId(0), policy: Policy::Close, since: Millis::default(), update }
    }

    proptest! {
        /// Of a list that is never forgotten, shares are the frames one after the other.
        #[test]
        fn places_hold_while_others_come_and_go(
            before in 0_u32..40,
            steps in prop::collection::vec((1_usize..6, 0_usize..8, prop::collection::vec(0_usize..8, 1..5)), 1..40),
        ) {
            let first = u32::MAX - before;
            let mut batch = Batch { first, ..Batch::default() };
            let (mut all, mut forgotten) = (Vec::new(), 0);
            for (added, forget, mut share) in steps {
                for _ in 0..added {
                    let new = item(all.len() as u64);
                    all.push(new.update.frame.bytes().to_vec());
                    let at = batch.add(new);
                    prop_assert_eq!(at.wrapping_sub(first) as usize, all.len() - 1);
                }
                share.sort_unstable();
                share.dedup();
                let share: Vec<usize> = share.into_iter().map(|at| forgotten + at).filter(|at| *at < all.len()).collect();
                let place = |at: usize| first.wrapping_add(u32::try_from(at).expect("a few"));
                let places: Vec<u32> = share.iter().map(|at| place(*at)).collect();
                for _ in 0..2 {
                    let expected: Vec<u8> = share.iter().flat_map(|at| all[*at].iter().copied()).collect();
                    if !places.is_empty() {
                        prop_assert_eq!(batch.join(&places), expected);
                    }
                }
                forgotten = all.len().min(forgotten + forget);
                batch.forget_before(place(forgotten));
                prop_assert_eq!(batch.items.len(), all.len() - forgotten);
            }
        }
    }

    #[test]
    fn what_is_joined_is_bounded_unless_one_update_is_larger() {
        let mut batch = Batch::default();
        let long = format!("\"{}\"", "x".repeat(40_000));
        let places: Vec<u32> = (0..3)
            .map(|seq| batch.add(Item { update: Prefix::new("r", "t").update(seq, long.as_bytes()), ..item(0) }))
            .collect();
        let one = batch.get(0).len();
        assert_eq!(batch.join(&places).len(), one);
        assert_eq!(batch.join(&places[1..]).len(), one);
        assert_eq!(batch.join(&places[2..]).len(), one);
    }
}
