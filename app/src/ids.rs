//! A set of trade ids, stored as ranges because exchanges number trades consecutively.

use std::collections::BTreeMap;

/// The limit of separate ranges. Beyond it the oldest gap is closed, so that missing ids cannot
/// grow the set without bound.
const MAX_RANGES: usize = 4_096;

/// A set of ids in which consecutive ids take no more space than one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ids {
    /// The first id of each range to its last; ranges are neither adjacent nor overlapping.
    ranges: BTreeMap<u64, u64>,
}

impl Ids {
    /// Adds an id, and returns false if it was in the set. Ids in a closed gap count as in the set.
    pub(crate) fn insert(&mut self, id: u64) -> bool {
        let before = self.ranges.range(..=id).next_back().map(|(&first, &last)| (first, last));
        if before.is_some_and(|(_, last)| id <= last) {
            return false;
        }
        let after = id.checked_add(1).and_then(|next| self.ranges.remove(&next));
        let last = after.unwrap_or(id);
        match before {
            Some((first, end)) if end + 1 == id => self.ranges.insert(first, last),
            _ => self.ranges.insert(id, last),
        };
        if self.ranges.len() > MAX_RANGES {
            self.close_oldest_gap();
        }
        true
    }

    fn close_oldest_gap(&mut self) {
        if let (Some((first, _)), Some((_, last))) = (self.ranges.pop_first(), self.ranges.pop_first()) {
            self.ranges.insert(first, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_in_a_row_are_one_range() {
        let mut ids = Ids::default();
        for id in (0..1_000).rev().chain(1_000..2_000) {
            assert!(ids.insert(id));
        }
        assert_eq!(ids.ranges, BTreeMap::from([(0, 1_999)]));
    }

    #[test]
    fn the_ends_of_the_numbers_are_ids() {
        let mut ids = Ids::default();
        for id in [u64::MAX, 0, u64::MAX - 1, 1] {
            assert!(ids.insert(id));
            assert!(!ids.insert(id));
        }
        assert_eq!(ids.ranges.len(), 2);
    }

    #[test]
    fn the_room_is_bounded_and_the_oldest_gap_closes_first() {
        let mut ids = Ids::default();
        for id in 0..=MAX_RANGES as u64 {
            assert!(ids.insert(id * 2));
        }
        assert_eq!(ids.ranges.len(), MAX_RANGES);
        assert!(!ids.insert(1), "the gap between the two oldest ids was closed");
        assert!(ids.insert(3), "later gaps are open");
    }

    proptest! {
        #[test]
        fn agrees_with_a_set(wanted in proptest::collection::vec(0_u64..200, 0..400)) {
            let (mut ids, mut set) = (Ids::default(), HashSet::new());
            for id in wanted {
                prop_assert_eq!(ids.insert(id), set.insert(id));
            }
        }
    }
}
