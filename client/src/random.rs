//! A small seeded random number generator for backoff delays; not for secrets.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// The SplitMix64 generator.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a generator with a random seed.
    pub(crate) fn from_entropy() -> Self {
        Self(RandomState::new().hash_one(0_u8))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a random duration up to `longest`.
    pub(crate) fn up_to(&mut self, longest: Duration) -> Duration {
        let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        let number = self.next();
        Duration::from_nanos(nanos.checked_add(1).map_or(number, |count| number % count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fill_the_range_and_stay_in_it() {
        let mut random = Random::seeded(7);
        let times: Vec<_> = (0..1_000).map(|_| random.up_to(Duration::from_secs(1))).collect();
        assert!(times.iter().all(|time| *time <= Duration::from_secs(1)));
        let tenths: std::collections::BTreeSet<_> = times.iter().map(|time| time.as_millis() / 100).collect();
        assert!(tenths.len() >= 10, "{tenths:?}");
        assert_eq!(random.up_to(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn a_seed_is_a_sequence() {
        let first = |seed| Random::seeded(seed).next();
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
        assert_ne!(Random::from_entropy().next(), Random::from_entropy().next());
    }
}
