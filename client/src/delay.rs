//! Delays that a server sets, within bounds: a number on the wire makes no client spin or sleep for ever.

use std::time::Duration;

/// The longest that a server can make a client wait.
const CEILING: Duration = Duration::from_secs(5 * 60);

/// The shortest wait before a refused subscription is asked for again, where the server gives a time.
const REFUSAL_FLOOR: Duration = Duration::from_millis(100);

/// The shortest wait after a refused handshake, where the server gives a time.
const HANDSHAKE_FLOOR: Duration = Duration::from_secs(1);

/// The shortest interval between pings that a server can bring about.
const HEARTBEAT_FLOOR: Duration = Duration::from_secs(1);

/// `retry_after_ms` of a refusal.
pub(crate) fn of_refusal(asked: Duration) -> Duration {
    asked.clamp(REFUSAL_FLOOR, CEILING)
}

/// `reconnect_after_ms` of a server that is going away; it spreads the times over its clients.
pub(crate) fn of_going_away(asked: Duration) -> Duration {
    asked.min(CEILING)
}

/// `Retry-After` of a refused handshake: whole seconds. A date is not read, for clocks differ.
pub(crate) fn of_handshake(value: &str) -> Option<Duration> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than an integer holds are more than the ceiling.
    digits.then(|| Duration::from_secs(value.parse().unwrap_or(u64::MAX)).clamp(HANDSHAKE_FLOOR, CEILING))
}

/// The interval between pings for a server that allows this many seconds of silence, written
/// with a decimal point.
pub(crate) fn of_heartbeat(seconds: &str) -> Option<Duration> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = seconds.split_once('.')?;
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let limit = Duration::try_from_secs_f64(seconds.parse().ok()?).unwrap_or(Duration::MAX);
    Some((limit / 3).max(HEARTBEAT_FLOOR))
}

/// Milliseconds as JSON has them: negative ones are none, and what no time can hold is the longest.
pub(crate) fn of_millis(millis: f64) -> Duration {
    Duration::try_from_secs_f64((millis / 1_000.0).max(0.0)).unwrap_or(Duration::MAX)
}
