//! Delays that a server asks for, limited so that it can make no client spin or sleep forever.

use std::time::Duration;

/// The longest delay that a server can impose.
const CEILING: Duration = Duration::from_secs(5 * 60);

/// The shortest delay before a refused subscription is retried, if the server gives one.
const REFUSAL_FLOOR: Duration = Duration::from_millis(100);

/// The shortest delay after a refused handshake, if the server gives one.
const HANDSHAKE_FLOOR: Duration = Duration::from_secs(1);

/// The shortest interval between pings that a server can impose.
const HEARTBEAT_FLOOR: Duration = Duration::from_secs(1);

/// Returns the delay for the `retry_after_ms` of a refusal.
pub(crate) fn after_refusal(asked: Duration) -> Duration {
    asked.clamp(REFUSAL_FLOOR, CEILING)
}

/// Returns the delay for the `reconnect_after_ms` of a server that is going away. It has no lower
/// bound, since the server spreads the delays over its clients.
pub(crate) fn after_going_away(asked: Duration) -> Duration {
    asked.min(CEILING)
}

/// Returns the delay for the `Retry-After` of a refused handshake, in whole seconds. Dates are
/// ignored because clocks differ.
pub(crate) fn after_rejection(value: &str) -> Option<Duration> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // A number that does not fit an integer exceeds the ceiling.
    digits.then(|| Duration::from_secs(value.parse().unwrap_or(u64::MAX)).clamp(HANDSHAKE_FLOOR, CEILING))
}

/// Returns the interval between pings for a server that allows this many seconds of silence,
/// written with a decimal point.
pub(crate) fn ping_interval(seconds: &str) -> Option<Duration> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = seconds.split_once('.')?;
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let limit = Duration::try_from_secs_f64(seconds.parse().ok()?).unwrap_or(Duration::MAX);
    Some((limit / 3).max(HEARTBEAT_FLOOR))
}

/// Converts milliseconds as JSON has them; clamps numbers that are out of a `Duration`'s range.
pub(crate) fn from_millis(millis: f64) -> Duration {
    Duration::try_from_secs_f64((millis / 1_000.0).max(0.0)).unwrap_or(Duration::MAX)
}
