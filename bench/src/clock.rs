//! The one clock that servers and readers share: microseconds since 1970.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Now. All processes are on one machine, so that their readings can be compared.
pub(crate) fn now_us() -> u64 {
    let now = clock_gettime(ClockId::Realtime);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or(0) * 1_000_000 + nanos.unwrap_or(0) / 1000
}

/// Sleeps until then, or not at all if that has passed.
pub(crate) fn sleep_until(at_us: u64) {
    let now = now_us();
    if at_us > now {
        std::thread::sleep(Duration::from_micros(at_us - now));
    }
}
