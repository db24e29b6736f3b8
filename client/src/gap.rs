//! Missing updates, and why they are missing.

use std::fmt;

/// Updates of a topic that this client does not receive.
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
    /// The number of missing updates; `None` if it is unknown.
    pub missed: Option<u64>,
    /// Why they are missing.
    pub cause: GapCause,
}

/// Why updates are missing.
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
    /// The topic restarted its numbering; any number of updates may be missing.
    NewEpoch,
    /// The server dropped or replaced them because this client was slow.
    Skipped,
    /// Their sequence numbers are missing, and the server gives no reason.
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
            GapCause::Away => "published while the client was away",
            GapCause::NewEpoch => "the topic restarted its numbering",
            GapCause::Skipped => "skipped by the server",
            GapCause::Lost => "their sequence numbers did not arrive",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_displays_its_count_and_cause() {
        let gap = Gap { missed: Some(3), cause: GapCause::Skipped };
        assert_eq!(gap.to_string(), "3 updates are missing: skipped by the server");
    }
}
