//! How long to wait before the next attempt: exponential, capped, with full jitter.

use std::time::Duration;

use crate::random::Random;

/// Waiting times between attempts.
///
/// The n-th wait in a row is a random time between nothing and `base · 2^(n-1)`, `cap` at
/// most: clients that lost the same server do not come back together.
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
    /// The longest first wait. 500 ms.
    pub base: Duration,
    /// The longest wait of all. 30 s.
    pub cap: Duration,
    /// How long a connection must have lived for the waits to begin anew. 10 s.
    pub stable: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(500), cap: Duration::from_secs(30), stable: Duration::from_secs(10) }
    }
}

impl Backoff {
    /// The wait before the attempt that follows `failures` in a row (at least one).
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
