//! The queue of connections to write to, and the order in which the shard serves them.

use std::collections::VecDeque;

/// The number of connections that a shard writes to before it yields. Small, so that other tasks
/// on the worker are not delayed, and large enough that prefetching several connections pays.
const TURN_SIZE: usize = 64;

/// The shard is overloaded if more connections than this are queued.
const OVERLOADED_ABOVE: usize = 256;

/// The number of connections taken from the front in a turn of an overloaded shard.
const FROM_FRONT: usize = 16;

/// The queue of connections to write to.
///
/// The order is first in, first out. Under overload, when a pass over all connections may take
/// longer than the interval between updates, that order would delay every connection by every
/// other. So three quarters of a turn then go to the back of the queue, to connections that had no
/// backlog until now. Thousands of new subscribers do not raise the latency of established ones,
/// and still progress at a quarter of the rate or better.
#[derive(Debug, Default)]
pub(crate) struct RunQueue {
    queue: VecDeque<Waiter>,
    round: u32,
}

/// A queued connection.
#[derive(Debug, Clone, Copy)]
struct Waiter {
    slot: u32,
    /// The earliest position in the batch that the connection needs.
    position: u32,
    /// The round in which the connection was queued.
    round: u32,
}

impl RunQueue {
    /// Begins a round: connections queued in different rounds have waited for different times.
    pub(crate) fn begin_round(&mut self) {
        self.round = self.round.wrapping_add(1);
    }

    /// Queues a connection whose updates begin at this position of the batch or later. Positions
    /// must not decrease.
    pub(crate) fn push(&mut self, slot: u32, position: u32) {
        debug_assert!(
            self.queue.back().is_none_or(|last| position.wrapping_sub(last.position) <= u32::MAX / 2),
            "positions must not decrease"
        );
        self.queue.push_back(Waiter { slot, position, round: self.round });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns the earliest position in the batch that a queued connection needs.
    pub(crate) fn oldest_position(&self) -> Option<u32> {
        self.queue.front().map(|first| first.position)
    }

    /// Takes the connections of the next turn out of the queue.
    pub(crate) fn next_turn(&mut self) -> impl Iterator<Item = u32> + Clone + use<> {
        let rounds = (self.queue.front().map(|first| first.round), self.queue.back().map(|last| last.round));
        let from_front = match rounds {
            _ if self.queue.len() <= OVERLOADED_ABOVE => TURN_SIZE,
            (first, last) if first == last => 0,
            _ => FROM_FRONT,
        };
        let mut turn = [None; TURN_SIZE];
        for (index, entry) in turn.iter_mut().enumerate() {
            *entry = if index < from_front { self.queue.pop_front() } else { self.queue.pop_back() };
        }
        turn.into_iter().flatten().map(|waiter| waiter.slot)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns a queue with so many connections in each round, numbered from 0.
    fn queue(rounds: &[u32]) -> RunQueue {
        let (mut queue, mut slots) = (RunQueue::default(), 0..);
        for (position, count) in (0..).zip(rounds) {
            queue.begin_round();
            slots.by_ref().take(*count as usize).for_each(|slot| queue.push(slot, position));
        }
        queue
    }

    fn turn(queue: &mut RunQueue) -> Vec<u32> {
        queue.next_turn().collect()
    }

    #[test]
    fn the_order_is_first_in_first_out() {
        let mut queue = queue(&[50, 50]);
        assert_eq!(turn(&mut queue), (0..64).collect::<Vec<_>>());
        assert_eq!(queue.oldest_position(), Some(1));
        assert_eq!(turn(&mut queue), (64..100).collect::<Vec<_>>());
        assert_eq!((queue.oldest_position(), queue.is_empty()), (None, true));
        assert_eq!(queue.next_turn().count(), 0);
    }

    #[test]
    fn under_overload_most_of_a_turn_goes_to_the_back() {
        assert_eq!(turn(&mut queue(&[156, 100])), (0..64).collect::<Vec<_>>(), "not overloaded");
        let mut overloaded = queue(&[157, 100]);
        assert_eq!(turn(&mut overloaded), (0..16).chain((209..257).rev()).collect::<Vec<_>>());
        assert_eq!(overloaded.oldest_position(), Some(0));
    }

    #[test]
    fn an_overload_of_one_round_is_served_from_the_back() {
        assert_eq!(turn(&mut queue(&[1000])), (936..1000).rev().collect::<Vec<_>>());
    }

    #[test]
    fn every_connection_has_a_turn_however_many_are_queued_later() {
        let (mut queue, mut served) = (queue(&[10_000]), vec![false; 10_000]);
        // Each connection is queued again at once, as when more is published than can be sent.
        for _ in 0..10_000 / FROM_FRONT {
            let turn = turn(&mut queue);
            queue.begin_round();
            for slot in turn {
                served[slot as usize] = true;
                queue.push(slot, 1);
            }
        }
        assert_eq!(served.iter().filter(|served| !**served).count(), 0);
    }

    proptest! {
        /// Every connection leaves the queue once, and `oldest_position` covers all that are queued.
        #[test]
        fn no_connection_and_no_position_is_lost(begin in any::<u32>(), rounds in prop::collection::vec((0..400_u32, 0..8_usize), 0..12)) {
            let (mut queue, mut position, mut slots) = (RunQueue::default(), begin, 0..);
            let mut queued = std::collections::BTreeMap::new();
            for (count, turns) in rounds {
                queue.begin_round();
                for slot in slots.by_ref().take(count as usize) {
                    queue.push(slot, position);
                    queued.insert(slot, position);
                    position = position.wrapping_add(slot % 2);
                }
                for _ in 0..turns {
                    for slot in queue.next_turn() {
                        prop_assert!(queued.remove(&slot).is_some());
                    }
                    let needed = queued.values().map(|position| position.wrapping_sub(begin)).min();
                    prop_assert_eq!(queue.oldest_position().map(|position| position.wrapping_sub(begin)), needed);
                }
            }
            while !queue.is_empty() {
                for slot in queue.next_turn() {
                    prop_assert!(queued.remove(&slot).is_some());
                }
            }
            prop_assert!(queued.is_empty());
        }
    }
}
