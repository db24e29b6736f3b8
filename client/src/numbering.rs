//! The sequence numbers of a topic: distinguishes new updates from duplicates, and finds gaps.

use crate::gap::{Gap, GapCause};

/// The last sequence number that arrived, and its epoch.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    /// Whether the topic was joined before.
    joined: bool,
    epoch: Option<String>,
    seq: Option<u64>,
}

/// Whether an update is new.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new, and follows this gap if there is one.
    New(Option<Gap>),
    /// It arrived before.
    Duplicate,
}

impl Numbering {
    /// Records that a subscription starts at this number of this epoch, and returns what was missed since the last one.
    pub(crate) fn join(&mut self, epoch: Option<&str>, seq: Option<u64>) -> Option<Gap> {
        let again = std::mem::replace(&mut self.joined, true);
        let same = self.epoch.as_deref() == epoch;
        let before = self.seq;
        self.epoch = epoch.map(str::to_owned);
        self.seq = seq;
        if !again {
            return None;
        }
        match (before, seq) {
            (Some(before), Some(seq)) if same && epoch.is_some() => match seq.checked_sub(before) {
                Some(0) => None,
                Some(missed) => Some(Gap { missed: Some(missed), cause: GapCause::Away }),
                // Numbers only grow within an epoch, so the server reused the name of the epoch.
                None => Some(Gap { missed: None, cause: GapCause::NewEpoch }),
            },
            (_, Some(_)) if !same => Some(Gap { missed: None, cause: GapCause::NewEpoch }),
            // Without numbers, the count of missed updates is unknown.
            _ => Some(Gap { missed: None, cause: GapCause::Away }),
        }
    }

    pub(crate) fn update(&mut self, seq: Option<u64>, skipped: u64) -> Verdict {
        let reported = (skipped > 0).then_some(Gap { missed: Some(skipped), cause: GapCause::Skipped });
        let (Some(seq), Some(before)) = (seq, self.seq) else {
            self.seq = seq.or(self.seq);
            return Verdict::New(reported);
        };
        if seq <= before {
            return Verdict::Duplicate;
        }
        self.seq = Some(seq);
        match seq - before - 1 {
            0 => Verdict::New(None),
            missed if missed == skipped => Verdict::New(reported),
            missed => Verdict::New(Some(Gap { missed: Some(missed), cause: GapCause::Lost })),
        }
    }

    /// Records a snapshot, which includes every update up to its number.
    pub(crate) fn snapshot(&mut self, seq: Option<u64>) {
        self.seq = self.seq.max(seq);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(missed: impl Into<Option<u64>>, cause: GapCause) -> Option<Gap> {
        Some(Gap { missed: missed.into(), cause })
    }

    #[test]
    fn joining_again_tells_what_was_missed() {
        let mut numbering = Numbering::default();
        assert_eq!(numbering.join(Some("a"), Some(5)), None);
        assert_eq!(numbering.update(Some(6), 0), Verdict::New(None));
        assert_eq!(numbering.join(Some("a"), Some(6)), None);
        assert_eq!(numbering.join(Some("a"), Some(9)), gap(3, GapCause::Away));
        assert_eq!(numbering.update(Some(10), 0), Verdict::New(None));
        assert_eq!(numbering.join(Some("b"), Some(10)), gap(None, GapCause::NewEpoch));
        assert_eq!(numbering.join(Some("b"), Some(2)), gap(None, GapCause::NewEpoch));
        assert_eq!(numbering.update(Some(3), 0), Verdict::New(None));
    }

    #[test]
    fn numbers_that_are_missing_or_known_are_noticed() {
        let mut numbering = Numbering::default();
        numbering.join(Some("a"), Some(0));
        assert_eq!(numbering.update(Some(1), 0), Verdict::New(None));
        assert_eq!(numbering.update(Some(1), 0), Verdict::Duplicate);
        assert_eq!(numbering.update(Some(4), 2), Verdict::New(gap(2, GapCause::Skipped)));
        assert_eq!(numbering.update(Some(6), 0), Verdict::New(gap(1, GapCause::Lost)));
        numbering.snapshot(Some(9));
        assert_eq!(numbering.update(Some(9), 0), Verdict::Duplicate);
        assert_eq!(numbering.update(Some(10), 0), Verdict::New(None));
    }

    #[test]
    fn a_server_without_numbers_cannot_say_what_was_missed() {
        let mut numbering = Numbering::default();
        assert_eq!(numbering.join(None, None), None);
        assert_eq!(numbering.update(None, 0), Verdict::New(None));
        assert_eq!(numbering.update(None, 3), Verdict::New(gap(3, GapCause::Skipped)));
        assert_eq!(numbering.join(None, None), gap(None, GapCause::Away));
    }
}
