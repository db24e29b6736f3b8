//! Exponential backoff with a cap and full jitter.

use std::time::Duration;

use crate::random::Random;

/// The delays between attempts: exponential, capped, with full jitter.
///
/// The n-th delay in a row is a random duration up to `base · 2^(n-1)`, and at most `cap`, so
/// that clients of the same server do not reconnect at the same time.
///
/// ```
/// use std::time::Duration;
/// use topicast_client::Backoff;
///
/// let patient = Backoff { cap: Duration::from_secs(120), ..Backoff::default() };
/// # assert_eq!(patient.base, Duration::from_millis(500));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The upper bound of the first delay. Default: 500 ms.
    pub base: Duration,
    /// The upper bound of every delay. Default: 30 s.
    pub cap: Duration,
    /// How long a connection must have lasted to reset the delays. Default: 10 s.
    pub stable: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(500), cap: Duration::from_secs(30), stable: Duration::from_secs(10) }
    }
}

impl Backoff {
    /// Returns the delay before the attempt that follows this number of failures in a row, at least one.
    pub(crate) fn wait(&self, failures: u32, random: &mut Random) -> Duration {
        random.up_to(self.longest(failures))
    }

    fn longest(&self, failures: u32) -> Duration {
        let doubled = 2_u32.checked_pow(failures.saturating_sub(1)).and_then(|factor| self.base.checked_mul(factor));
        doubled.map_or(self.cap, |wait| wait.min(self.cap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let backoff = Backoff::default();
        let longest: Vec<_> = [1, 2, 3, 4, 7, 8, 40, u32::MAX].map(|n| backoff.longest(n).as_millis()).into();
        assert_eq!(longest, [500, 1_000, 2_000, 4_000, 30_000, 30_000, 30_000, 30_000]);
        let mut random = Random::seeded(1);
        let waits: Vec<_> = (0..100).map(|_| backoff.wait(3, &mut random)).collect();
        assert!(waits.iter().any(|wait| *wait < Duration::from_millis(500)));
        assert!(waits.iter().any(|wait| *wait > Duration::from_millis(1_500)));
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(2)));
    }
}
