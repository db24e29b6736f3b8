//! Changes that were merged for subscribers that are behind, so that they share one frame.

use std::sync::Arc;

use crate::wire::Frame;

/// The maximum number of frames that are kept, and of their bytes.
const KEPT: usize = 16;
const KEPT_BYTES: usize = 4 * 1024 * 1024;

/// The frames that bring subscribers from different numbers to the same one.
#[derive(Debug, Default)]
pub(crate) struct Merges {
    /// The epoch and the number that the frames bring a subscriber to.
    to: Option<(Arc<str>, u64)>,
    frames: Vec<(Missed, Option<Frame>)>,
}

/// What a subscriber missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missed {
    /// Everything after a number.
    After(u64),
    /// Everything after a number, which a snapshot cannot replace.
    Changes(u64),
    Everything,
}

impl Merges {
    /// Returns the frame for a subscriber that has everything up to `from`, or nothing at all.
    pub(crate) fn caught_up(
        &mut self,
        epoch: &Arc<str>,
        to: u64,
        from: Option<u64>,
        merge: impl FnOnce() -> Option<Frame>,
    ) -> Option<Frame> {
        self.get_or_merge(epoch, to, from.map_or(Missed::Everything, Missed::After), merge)
    }

    /// Returns the frame with all changes after `from`.
    pub(crate) fn merged(
        &mut self,
        epoch: &Arc<str>,
        to: u64,
        from: u64,
        merge: impl FnOnce() -> Option<Frame>,
    ) -> Option<Frame> {
        self.get_or_merge(epoch, to, Missed::Changes(from), merge)
    }

    fn bytes(&self) -> usize {
        self.frames.iter().filter_map(|(_, frame)| frame.as_ref()).map(Frame::weight).sum()
    }

    /// Removes all frames.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn get_or_merge(
        &mut self,
        epoch: &Arc<str>,
        to: u64,
        missed: Missed,
        merge: impl FnOnce() -> Option<Frame>,
    ) -> Option<Frame> {
        let is_current = self.to.as_ref().is_some_and(|(of, number)| of == epoch && *number == to);
        if !is_current || self.frames.len() == KEPT || self.bytes() > KEPT_BYTES {
            self.to = Some((Arc::clone(epoch), to));
            self.frames.clear();
        }
        if let Some((_, frame)) = self.frames.iter().find(|(kept, _)| *kept == missed) {
            return frame.clone();
        }
        let frame = merge();
        self.frames.push((missed, frame.clone()));
        frame
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn subscribers_at_the_same_number_cost_one_merge() {
        let (mut merges, count) = (Merges::default(), Cell::new(0));
        let epochs: [Arc<str>; 2] = ["a".into(), "b".into()];
        let mut catch_up = |epoch: usize, to, from| {
            merges.caught_up(&epochs[epoch], to, from, || {
                count.set(count.get() + 1);
                Some(Frame::binary(format!("{to}").as_bytes()))
            })
        };
        for _ in 0..1000 {
            assert!(catch_up(0, 9, Some(3)).is_some_and(|frame| frame.payload() == b"9"));
        }
        assert_eq!(count.get(), 1);
        let mut expect = |epoch, to, from, merged| {
            catch_up(epoch, to, from);
            assert_eq!(count.get(), merged);
        };
        expect(0, 9, Some(4), 2);
        expect(0, 9, None, 3);
        expect(0, 9, Some(3), 3);
        expect(0, 10, Some(3), 4);
        expect(1, 10, Some(3), 5);
        expect(1, 10, Some(3), 5);
    }
}
