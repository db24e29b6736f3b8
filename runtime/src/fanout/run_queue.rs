//! Connections that have something new to send: who is written to next.

use std::collections::VecDeque;

/// How many are written to in a turn, before others on the worker have theirs: few, for their
/// sake, and enough that fetching them from memory together pays.
const TURN: usize = 64;

/// With more waiting than this there is a crowd.
const CROWD: usize = 256;

/// How many of a turn, in a crowd of several rounds, are those at the front.
const FROM_FRONT: usize = 16;

/// The line of connections to write to.
///
/// Whoever got something first is written to first. In a crowd, where to write to all may take
/// longer than the time to the next update, that would make everybody wait for everybody; so
/// there, three quarters of a turn go to the end of the line: to those that had nothing to wait for
/// until just now. A few thousand newcomers who want what is published then do not take their
/// latency from those that are being served. They themselves move on as well, at a quarter of
/// the pace at worst.
#[derive(Debug, Default)]
pub(crate) struct RunQueue {
    line: VecDeque<Waiter>,
    round: u32,
}

/// A connection that waits.
#[derive(Debug, Clone, Copy)]
struct Waiter {
    slot: u32,
    /// It has updates from this place of the batch on, at the earliest.
    from: u32,
    /// When it got them.
    round: u32,
}

impl RunQueue {
    /// Whoever comes from now on is of a later round.
    pub(crate) fn begin_round(&mut self) {
        self.round = self.round.wrapping_add(1);
    }

    /// Puts a connection at the end of the line. Its updates begin at this place of the batch, or
    /// later, and never before those of whoever came earlier.
    pub(crate) fn push(&mut self, slot: u32, from: u32) {
        debug_assert!(
            self.line.back().is_none_or(|last| from.wrapping_sub(last.from) <= u32::MAX / 2),
            "what begins earlier cannot come later"
        );
        self.line.push_back(Waiter { slot, from, round: self.round });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// The first place of the batch that is still needed, if any is.
    pub(crate) fn needs_from(&self) -> Option<u32> {
        self.line.front().map(|first| first.from)
    }

    /// Takes those whose turn it is out of the line.
    pub(crate) fn next_turn(&mut self) -> impl Iterator<Item = u32> + Clone + use<> {
        let rounds = (self.line.front().map(|first| first.round), self.line.back().map(|last| last.round));
        let from_front = match rounds {
            _ if self.line.len() <= CROWD => TURN,
            (first, last) if first == last => 0,
            _ => FROM_FRONT,
        };
        let mut turn = [None; TURN];
        for (index, place) in turn.iter_mut().enumerate() {
            *place = if index < from_front { self.line.pop_front() } else { self.line.pop_back() };
        }
        turn.into_iter().flatten().map(|waiter| waiter.slot)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A line of rounds of so many connections, numbered from 0.
    fn line(rounds: &[u32]) -> RunQueue {
        let (mut line, mut slots) = (RunQueue::default(), 0..);
        for (from, count) in (0..).zip(rounds) {
            line.begin_round();
            slots.by_ref().take(*count as usize).for_each(|slot| line.push(slot, from));
        }
        line
    }

    fn turn(line: &mut RunQueue) -> Vec<u32> {
        line.next_turn().collect()
    }

    #[test]
    fn whoever_came_first_comes_first() {
        let mut line = line(&[50, 50]);
        assert_eq!(turn(&mut line), (0..64).collect::<Vec<_>>());
        assert_eq!(line.needs_from(), Some(1));
        assert_eq!(turn(&mut line), (64..100).collect::<Vec<_>>());
        assert_eq!((line.needs_from(), line.is_empty()), (None, true));
        assert_eq!(line.next_turn().count(), 0);
    }

    #[test]
    fn in_a_crowd_most_of_a_turn_goes_to_the_end_of_the_line() {
        assert_eq!(turn(&mut line(&[156, 100])), (0..64).collect::<Vec<_>>(), "none yet");
        let mut crowd = line(&[157, 100]);
        assert_eq!(turn(&mut crowd), (0..16).chain((209..257).rev()).collect::<Vec<_>>());
        assert_eq!(crowd.needs_from(), Some(0));
    }

    #[test]
    fn a_crowd_of_one_round_is_taken_from_the_end() {
        assert_eq!(turn(&mut line(&[1000])), (936..1000).rev().collect::<Vec<_>>());
    }

    #[test]
    fn everybody_has_a_turn_whatever_comes_in_between() {
        let (mut line, mut served) = (line(&[10_000]), vec![false; 10_000]);
        // Whoever was written to has something new at once, as when more is published than can be sent.
        for _ in 0..10_000 / FROM_FRONT {
            let turn = turn(&mut line);
            line.begin_round();
            for slot in turn {
                served[slot as usize] = true;
                line.push(slot, 1);
            }
        }
        assert_eq!(served.iter().filter(|served| !**served).count(), 0);
    }

    proptest! {
        /// Whatever comes when, everybody leaves the line once, and no place is forgotten that one of them needs.
        #[test]
        fn nobody_is_lost(begin in any::<u32>(), rounds in prop::collection::vec((0..400_u32, 0..8_usize), 0..12)) {
            let (mut line, mut from, mut slots) = (RunQueue::default(), begin, 0..);
            let mut inside = std::collections::BTreeMap::new();
            for (count, turns) in rounds {
                line.begin_round();
                for slot in slots.by_ref().take(count as usize) {
                    line.push(slot, from);
                    inside.insert(slot, from);
                    from = from.wrapping_add(slot % 2);
                }
                for _ in 0..turns {
                    for slot in line.next_turn() {
                        prop_assert!(inside.remove(&slot).is_some());
                    }
                    let needed = inside.values().map(|from| from.wrapping_sub(begin)).min();
                    prop_assert_eq!(line.needs_from().map(|from| from.wrapping_sub(begin)), needed);
                }
            }
            while !line.is_empty() {
                for slot in line.next_turn() {
                    prop_assert!(inside.remove(&slot).is_some());
                }
            }
            prop_assert!(inside.is_empty());
        }
    }
}
