//! A topic's numbers as they come: what is new, what came before, what is missing.

use std::fmt;

/// Updates that this client will not get.
///
/// ```
/// use topicast_client::{Gap, GapCause};
///
/// /// Decides whether history has to be fetched again.
/// fn must_fetch(gap: &Gap) -> bool {
///     gap.cause == GapCause::NewEpoch || gap.missed.is_none_or(|missed| missed > 0)
/// }
/// assert!(must_fetch(&Gap { cause: GapCause::Away, missed: Some(3) }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// How many; `None` if that cannot be told.
    pub missed: Option<u64>,
    /// How it came about.
    pub cause: GapCause,
}

/// How a gap came about.
///
/// ```
/// use topicast_client::GapCause;
///
/// let text = |cause| match cause {
///     GapCause::Away => "the connection was lost",
///     GapCause::NewEpoch => "the server counts from the beginning again",
///     GapCause::Skipped => "this client reads too slowly",
///     _ => "updates are missing",
/// };
/// assert_eq!(text(GapCause::Skipped), "this client reads too slowly");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapCause {
    /// They were published while there was no connection, or no subscription.
    Away,
    /// The topic's numbering began anew meanwhile; there may have been any number of updates.
    NewEpoch,
    /// The server dropped or replaced them for this client.
    Skipped,
    /// Their numbers are missing, and nobody says why.
    Lost,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.missed {
            Some(1) => f.write_str("one update is missing: ")?,
            Some(missed) => write!(f, "{missed} updates are missing: ")?,
            None => f.write_str("updates may be missing: ")?,
        }
        f.write_str(match self.cause {
            GapCause::Away => "they were published while the client was away",
            GapCause::NewEpoch => "the topic's numbering began anew",
            GapCause::Skipped => "the server skipped them for this client",
            GapCause::Lost => "their numbers did not come",
        })
    }
}

/// Where a topic's numbering stands for this client.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    /// Whether it was ever joined.
    joined: bool,
    epoch: Option<String>,
    seq: Option<u64>,
}

/// What an update's number says of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the next, perhaps after a gap.
    New(Option<Gap>),
    /// It was there already.
    Known,
}

impl Numbering {
    /// The subscription begins, or begins again, at this number of this epoch.
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
                // Numbers only grow in an epoch, so this is another one whatever it is called.
                None => Some(Gap { missed: None, cause: GapCause::NewEpoch }),
            },
            (_, Some(_)) if !same => Some(Gap { missed: None, cause: GapCause::NewEpoch }),
            // A server that does not number cannot say what was missed.
            _ => Some(Gap { missed: None, cause: GapCause::Away }),
        }
    }

    pub(crate) fn update(&mut self, seq: Option<u64>, skipped: u64) -> Verdict {
        let told = (skipped > 0).then_some(Gap { missed: Some(skipped), cause: GapCause::Skipped });
        let (Some(seq), Some(before)) = (seq, self.seq) else {
            self.seq = seq.or(self.seq);
            return Verdict::New(told);
        };
        if seq <= before {
            return Verdict::Known;
        }
        self.seq = Some(seq);
        match seq - before - 1 {
            0 => Verdict::New(None),
            missed if missed == skipped => Verdict::New(told),
            missed => Verdict::New(Some(Gap { missed: Some(missed), cause: GapCause::Lost })),
        }
    }

    /// A snapshot includes everything up to its number.
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
        assert_eq!(numbering.update(Some(1), 0), Verdict::Known);
        assert_eq!(numbering.update(Some(4), 2), Verdict::New(gap(2, GapCause::Skipped)));
        assert_eq!(numbering.update(Some(6), 0), Verdict::New(gap(1, GapCause::Lost)));
        numbering.snapshot(Some(9));
        assert_eq!(numbering.update(Some(9), 0), Verdict::Known);
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

    #[test]
    fn gaps_read_well() {
        let gap = Gap { missed: Some(3), cause: GapCause::Skipped };
        assert_eq!(gap.to_string(), "3 updates are missing: the server skipped them for this client");
    }
}
