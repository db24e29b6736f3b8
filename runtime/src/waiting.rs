//! Connections that have something new to send: who is written to next.

use std::collections::VecDeque;

/// How many are written to in a turn, before others on the worker have theirs: few, for their
/// sake, and enough that fetching them from memory together pays.
const TURN: usize = 64;

/// With more waiting than this there is a crowd.
const CROWD: usize = 256;

/// How many of a turn, in a crowd, are those that have waited the longest.
const LONGEST: usize = 16;

/// The line of connections to write to, each in it once.
///
/// Those that got something in an earlier round are written to first. In a crowd, where to write
/// to all may take longer than the time to the next update, that would make everybody wait for
/// everybody; so there, most of a turn goes to those of the last round, and of these to whoever is
/// last in line: to those that had nothing to wait for until just now. A few thousand newcomers
/// who want what is published then do not take their latency from those that are being served.
/// They themselves move on in every turn, at a quarter of the pace at worst.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    line: VecDeque<Connection>,
    round: u32,
}

/// A connection that waits.
#[derive(Debug, Clone, Copy)]
struct Connection {
    slot: u32,
    /// It has updates from this place of the batch on, at the earliest.
    from: u32,
    /// When it got them.
    round: u32,
}

impl Waiting {
    /// Whoever comes from now on is of a later round.
    pub(crate) fn begin_round(&mut self) {
        self.round = self.round.wrapping_add(1);
    }

    /// Puts a connection at the end of the line. Its updates begin at this place of the batch, or
    /// later, and never before those of whoever came earlier.
    pub(crate) fn push(&mut self, slot: u32, from: u32) {
        self.line.push_back(Connection { slot, from, round: self.round });
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
        let longest = match rounds {
            (first, last) if first == last => 0,
            _ if self.line.len() > CROWD => LONGEST,
            _ => TURN,
        };
        let mut turn = [None; TURN];
        for (index, place) in turn.iter_mut().enumerate() {
            *place = if index < longest { self.line.pop_front() } else { self.line.pop_back() };
        }
        turn.into_iter().flatten().map(|connection| connection.slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of rounds of so many connections, numbered from 0.
    fn line(rounds: &[u32]) -> Waiting {
        let (mut line, mut slots) = (Waiting::default(), 0..);
        for (from, count) in (0..).zip(rounds) {
            line.begin_round();
            slots.by_ref().take(*count as usize).for_each(|slot| line.push(slot, from));
        }
        line
    }

    fn turn(line: &mut Waiting) -> Vec<u32> {
        line.next_turn().collect()
    }

    #[test]
    fn of_one_round_the_last_in_line_comes_first() {
        let mut line = line(&[100]);
        assert_eq!(turn(&mut line), (36..100).rev().collect::<Vec<_>>());
        assert_eq!(turn(&mut line), (0..36).rev().collect::<Vec<_>>());
        assert_eq!((line.needs_from(), line.is_empty()), (None, true));
        assert_eq!(line.next_turn().count(), 0);
    }

    #[test]
    fn an_earlier_round_comes_before_a_later_one() {
        let mut line = line(&[50, 100]);
        assert_eq!(turn(&mut line), (0..64).collect::<Vec<_>>());
        assert_eq!(line.needs_from(), Some(1));
    }

    #[test]
    fn in_a_crowd_most_of_a_turn_goes_to_the_last_round() {
        let mut line = line(&[900, 100]);
        assert_eq!(turn(&mut line), (0..16).chain((952..1000).rev()).collect::<Vec<_>>());
        assert_eq!(line.needs_from(), Some(0));
    }

    #[test]
    fn everybody_has_a_turn_whatever_comes_in_between() {
        let (mut line, mut served) = (line(&[10_000]), vec![false; 10_000]);
        // Whoever was written to has something new at once, as when more is published than can be sent.
        for _ in 0..10_000 / LONGEST {
            let turn = turn(&mut line);
            line.begin_round();
            for slot in turn {
                served[slot as usize] = true;
                line.push(slot, 1);
            }
        }
        assert_eq!(served.iter().filter(|served| !**served).count(), 0);
    }
}
