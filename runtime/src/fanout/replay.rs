//! A replay: past updates that a subscription starts with.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::wire::{Frame, Prefix};

/// The maximum bytes of a part of a replay, unless a single update is larger.
const PART_BYTES: usize = 64 * 1024;

/// The memory of a queued payload beside its bytes.
const ENTRY_BYTES: usize = size_of::<Arc<[u8]>>();

/// The updates between a client's position and the live updates. They are fixed when the reply is
/// made, and encoded part by part when the socket accepts more.
#[derive(Debug)]
pub(crate) struct Replay {
    content: Content,
    /// The number of the last update that was taken.
    taken: u64,
    permit: ReplayPermit,
}

#[derive(Debug)]
enum Content {
    Updates {
        prefix: Prefix,
        payloads: VecDeque<Arc<[u8]>>,
    },
    /// One update that merges all, and its number.
    Merged(Option<Frame>, u64),
}

impl Replay {
    /// Creates a replay of the updates after the number `from`, or returns `None` if the server has
    /// no memory for it.
    pub(crate) fn updates(
        from: u64,
        prefix: Prefix,
        payloads: VecDeque<Arc<[u8]>>,
        budget: &Arc<ReplayBudget>,
    ) -> Option<Self> {
        let permit = budget.take(payloads.iter().map(|payload| payload.len() + ENTRY_BYTES).sum())?;
        Some(Self { content: Content::Updates { prefix, payloads }, taken: from, permit })
    }

    /// Creates a replay of one update that merges all up to the number `to`, or returns `None` if
    /// the server has no memory for it.
    pub(crate) fn merged(from: u64, to: u64, update: Frame, budget: &Arc<ReplayBudget>) -> Option<Self> {
        let permit = budget.take(update.weight())?;
        Some(Self { content: Content::Merged(Some(update), to), taken: from, permit })
    }

    /// Returns the number of the last update that was taken.
    pub(crate) fn position(&self) -> u64 {
        self.taken
    }

    /// Takes the next updates, encoded as consecutive frames. Returns `None` at the end.
    pub(crate) fn next_part(&mut self) -> Option<Frame> {
        match &mut self.content {
            Content::Merged(frame, to) => {
                let frame = frame.take()?;
                self.taken = *to;
                self.permit.release(frame.weight());
                Some(frame)
            }
            Content::Updates { prefix, payloads } => {
                let mut part = Vec::new();
                let mut released = 0;
                while let Some(payload) = payloads.front() {
                    let update = prefix.update(self.taken + 1, payload);
                    if !part.is_empty() && part.len() + update.frame.bytes().len() > PART_BYTES {
                        break;
                    }
                    part.extend_from_slice(update.frame.bytes());
                    released += payload.len() + ENTRY_BYTES;
                    payloads.pop_front();
                    self.taken += 1;
                }
                self.permit.release(released);
                (!part.is_empty()).then(|| Frame::encoded(&part))
            }
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        match &self.content {
            Content::Updates { payloads, .. } => payloads.is_empty(),
            Content::Merged(frame, _) => frame.is_none(),
        }
    }
}

/// The bytes that all replays of a server may hold.
#[derive(Debug)]
pub(crate) struct ReplayBudget {
    limit: usize,
    used: AtomicUsize,
}

/// A share of the budget, which its drop returns.
#[derive(Debug)]
struct ReplayPermit {
    budget: Arc<ReplayBudget>,
    bytes: usize,
}

impl ReplayBudget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
    }

    fn take(self: &Arc<Self>, bytes: usize) -> Option<ReplayPermit> {
        let takes = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, takes).ok()?;
        Some(ReplayPermit { budget: Arc::clone(self), bytes })
    }
}

impl ReplayPermit {
    fn release(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for ReplayPermit {
    fn drop(&mut self) {
        self.release(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payloads(count: usize, len: usize) -> VecDeque<Arc<[u8]>> {
        (0..count).map(|_| Arc::from(format!("\"{}\"", "x".repeat(len - 2)).as_bytes())).collect()
    }

    #[test]
    fn the_parts_are_the_updates_in_order() {
        let (budget, prefix) = (ReplayBudget::new(1 << 20), Prefix::new("r", "t"));
        let mut replay = Replay::updates(41, prefix.clone(), payloads(100, 1000), &budget).unwrap();
        let mut seen = Vec::new();
        let mut parts = 0;
        assert_eq!(replay.position(), 41);
        while let Some(part) = replay.next_part() {
            assert!(part.bytes().len() <= PART_BYTES);
            seen.extend_from_slice(part.bytes());
            parts += 1;
        }
        assert!(replay.is_finished());
        assert_eq!((replay.position(), parts), (141, 2));
        let all = (42..=141).zip(payloads(100, 1000));
        let expected: Vec<u8> =
            all.flat_map(|(seq, payload)| prefix.update(seq, &payload).frame.bytes().to_vec()).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_update_larger_than_a_part_is_a_part() {
        let budget = ReplayBudget::new(1 << 20);
        let mut replay = Replay::updates(0, Prefix::new("r", "t"), payloads(2, 100_000), &budget).unwrap();
        assert!(replay.next_part().is_some_and(|part| part.bytes().len() > 100_000));
        assert_eq!(replay.position(), 1);
        assert!(replay.next_part().is_some());
        assert!(replay.next_part().is_none());
    }

    #[test]
    fn the_budget_bounds_all_replays_and_is_returned() {
        let budget = ReplayBudget::new(10 * (100 + ENTRY_BYTES));
        let replay = |count| Replay::updates(0, Prefix::new("r", "t"), payloads(count, 100), &budget);
        let (first, mut second) = (replay(4).unwrap(), replay(6).unwrap());
        assert!(replay(1).is_none());
        drop(first);
        assert!(replay(5).is_none());
        let third = replay(4).unwrap();
        second.next_part();
        assert!(replay(7).is_none());
        assert!(replay(6).is_some());
        drop((second, third));
        assert!(replay(10).is_some());
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
        assert!(Replay::merged(0, 9, Frame::binary(&[0; 2000]), &budget).is_none());
        let mut merged = Replay::merged(0, 9, Frame::binary(&[0; 500]), &budget).unwrap();
        assert!(merged.next_part().is_some() && merged.next_part().is_none());
        assert_eq!((merged.position(), budget.used.load(Ordering::Relaxed)), (9, 0));
    }
}
