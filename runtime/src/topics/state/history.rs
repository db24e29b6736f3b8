//! The history of a topic of events: the newest updates, for subscribers that return.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::Instant;

/// What an entry takes beside its payload: its place in the ring, the payload's reference counts,
/// and what an allocator adds.
const ENTRY_BYTES: usize = 64;

/// The newest updates of a topic, bounded in number, in age or in both.
#[derive(Debug)]
pub(crate) struct History {
    entries: VecDeque<Entry>,
    count: usize,
    age: Option<Duration>,
    bytes: usize,
    /// The zero of the entries' times.
    started_at: Instant,
}

#[derive(Debug)]
struct Entry {
    payload: Arc<[u8]>,
    /// In milliseconds; 0 if age does not matter.
    published_at: u64,
}

impl History {
    /// Creates a history of at most `count` updates that are not older than `age`.
    pub(crate) fn new(count: Option<u32>, age: Option<Duration>) -> Self {
        let count = count.map_or(usize::MAX, |count| count as usize);
        Self { entries: VecDeque::new(), count, age, bytes: 0, started_at: Instant::now() }
    }

    /// Returns what an update of this length would take.
    pub(crate) fn cost(payload: &[u8]) -> usize {
        payload.len() + ENTRY_BYTES
    }

    /// Adds an update and removes those that exceed the bounds.
    pub(crate) fn push(&mut self, payload: &[u8]) {
        let published_at = self.now();
        if self.entries.len() == self.count {
            self.pop();
        } else if self.entries.len() == self.entries.capacity() {
            // Doubling would reserve more than the history ever holds.
            let more = self.entries.len().clamp(4, 1 << 20).min(self.count - self.entries.len());
            self.entries.reserve_exact(more);
        }
        self.entries.push_back(Entry { payload: payload.into(), published_at });
        self.bytes += Self::cost(payload);
        self.expire();
    }

    /// Removes the oldest update. Returns false if there is none.
    pub(crate) fn pop(&mut self) -> bool {
        let Some(oldest) = self.entries.pop_front() else { return false };
        self.bytes -= Self::cost(&oldest.payload);
        true
    }

    /// Removes the updates that exceed the maximum age.
    pub(crate) fn expire(&mut self) {
        let Some(age) = self.age else { return };
        let oldest = self.now().saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        while self.entries.front().is_some_and(|entry| entry.published_at < oldest) {
            self.pop();
        }
    }

    /// Returns the newest updates, or `None` if there are not as many.
    pub(crate) fn newest(&self, count: usize) -> Option<VecDeque<Arc<[u8]>>> {
        let from = self.entries.len().checked_sub(count)?;
        Some(self.entries.range(from..).map(|entry| Arc::clone(&entry.payload)).collect())
    }

    /// Removes all updates.
    pub(crate) fn clear(&mut self) {
        self.entries = VecDeque::new();
        self.bytes = 0;
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the memory that the updates take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn now(&self) -> u64 {
        // The clock is read only if the result matters.
        if self.age.is_none() {
            return 0;
        }
        u64::try_from(self.started_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(history: &History, count: usize) -> Option<Vec<String>> {
        let newest = history.newest(count)?;
        Some(newest.iter().map(|payload| String::from_utf8(payload.to_vec()).unwrap()).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_and_the_age_bound_a_history() {
        let mut history = History::new(Some(3), Some(Duration::from_secs(10)));
        for payload in [b"1", b"2", b"3", b"4"] {
            history.push(payload);
        }
        assert_eq!(texts(&history, 3).unwrap(), ["2", "3", "4"]);
        assert_eq!(texts(&history, 1).unwrap(), ["4"]);
        assert_eq!((texts(&history, 4), history.bytes()), (None, 3 * 65));
        tokio::time::advance(Duration::from_secs(10)).await;
        history.push(b"5");
        assert_eq!(texts(&history, 3).unwrap(), ["3", "4", "5"]);
        tokio::time::advance(Duration::from_millis(1)).await;
        history.expire();
        assert_eq!((history.len(), history.bytes()), (1, 65));
        tokio::time::advance(Duration::from_secs(60)).await;
        history.expire();
        assert_eq!((history.len(), history.bytes(), history.pop()), (0, 0, false));
    }

    #[test]
    fn the_ring_has_no_more_room_than_the_history_needs() {
        let mut history = History::new(Some(600), None);
        for _ in 0..2000 {
            history.push(b"{}");
        }
        assert_eq!((history.len(), history.entries.capacity()), (600, 600));
        assert!(size_of::<Entry>() + 2 * size_of::<usize>() + 16 <= ENTRY_BYTES);
    }
}
