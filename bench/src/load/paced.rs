//! The connections that read at a pace.

/// The time between two reads of a connection.
const TURN_US: u64 = 20_000;

/// The connections that read at a pace, all of them at the same times.
#[derive(Debug, Default)]
pub(super) struct Paced {
    connections: Vec<usize>,
    read_us: u64,
}

impl Paced {
    pub(super) fn add(&mut self, at: usize) {
        self.connections.push(at);
    }

    /// Returns the connections that may read now, and the microseconds of their pace since they last did.
    pub(super) fn turn(&mut self, now: u64) -> Option<(Vec<usize>, u64)> {
        let since = now.saturating_sub(self.read_us);
        if self.connections.is_empty() || since < TURN_US {
            return None;
        }
        self.read_us = now;
        // A turn that comes late does not read more than two.
        Some((self.connections.clone(), since.min(2 * TURN_US)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_kept_from_turn_to_turn() {
        let mut paced = Paced::default();
        assert_eq!(paced.turn(1_000_000), None);
        paced.add(3);
        assert_eq!(paced.turn(1_000_000), Some((vec![3], 40_000)));
        assert_eq!(paced.turn(1_010_000), None);
        assert_eq!(paced.turn(1_025_000), Some((vec![3], 25_000)));
    }
}
