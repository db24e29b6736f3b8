//! What subscriptions have in the end.

use super::order::Ended;

/// The state of waiting for the newest updates.
#[derive(Debug)]
pub(super) struct Ending {
    newest: u64,
    give_up_us: u64,
}

impl Ending {
    pub(super) fn new(newest: u64, give_up_us: u64) -> Self {
        Self { newest, give_up_us }
    }

    /// Returns the result once every subscription has the newest update, and at the time limit.
    /// `lasts` are the last numbers of all subscriptions.
    pub(super) fn result(&self, lasts: &[u64], faults: Faults, now: u64) -> Option<Ended> {
        let lacking = lasts.iter().map(|&last| self.newest.saturating_sub(last));
        let (behind, lacking) =
            lacking.filter(|&lacking| lacking > 0).fold((0, 0), |(count, sum), lacking| (count + 1, sum + lacking));
        let Faults { missing, missing_slow, repeated } = faults;
        (behind == 0 || now >= self.give_up_us).then_some(Ended { behind, lacking, missing, missing_slow, repeated })
    }
}

/// The numbers that were not what the last one promised, since the client was started.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    /// On connections that read everything at once.
    pub(super) missing: u64,
    /// On the other connections.
    pub(super) missing_slow: u64,
    pub(super) repeated: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subscription_is_waited_for_until_the_time_limit() {
        let (ending, faults) = (Ending::new(9, 100), Faults { missing: 2, missing_slow: 5, repeated: 1 });
        assert_eq!(ending.result(&[9, 7, 8], faults, 99), None);
        let done = Ended { behind: 0, lacking: 0, missing: 2, missing_slow: 5, repeated: 1 };
        assert_eq!(ending.result(&[9, 7, 8], faults, 100), Some(Ended { behind: 2, lacking: 3, ..done }));
        assert_eq!(ending.result(&[9, 10, 9], faults, 0), Some(done));
    }
}
