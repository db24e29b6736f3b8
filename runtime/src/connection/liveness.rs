//! Time limits of a connection, as pure functions of the time that is handed in.

use std::time::Duration;

use tokio::time::Instant;

/// Heartbeat and lifespan (`docs/protocol.md`, "Time limits"); `None` is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeLimits {
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) lifespan: Option<Duration>,
    /// Whether the server sends pings at half the heartbeat interval.
    pub(crate) pings: bool,
}

impl TimeLimits {
    /// The close reason, with seconds that always have a decimal point.
    pub(crate) fn reason(&self) -> String {
        let seconds = |limit: Option<Duration>| {
            limit.map_or_else(|| "unset".to_owned(), |limit| format!("{:?}", limit.as_secs_f64()))
        };
        format!(
            "Connection timed out. Heartbeat interval {}. Max connection lifespan {}",
            seconds(self.heartbeat),
            seconds(self.lifespan)
        )
    }
}

/// When a connection was last heard, and what follows from it.
#[derive(Debug)]
pub(crate) struct Liveness {
    opened: Instant,
    heard: Instant,
    /// When the last ping went out, or the connection was opened.
    pinged: Instant,
}

/// What is due now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A limit is over.
    Close,
    /// A ping.
    Ping,
    /// Nothing until then; nothing ever if there is no limit.
    Wait(Option<Instant>),
}

impl Liveness {
    pub(crate) fn new(now: Instant) -> Self {
        Self { opened: now, heard: now, pinged: now }
    }

    /// Any frame from the client counts.
    pub(crate) fn hear(&mut self, now: Instant) {
        self.heard = now;
    }

    pub(crate) fn due(&mut self, limits: &TimeLimits, now: Instant) -> Due {
        let silent = limits.heartbeat.map(|limit| self.heard + limit);
        let aged = limits.lifespan.map(|limit| self.opened + limit);
        let end = silent.into_iter().chain(aged).min();
        if end.is_some_and(|end| end <= now) {
            return Due::Close;
        }
        let ping = limits.heartbeat.filter(|_| limits.pings).map(|limit| self.pinged.max(self.heard) + limit / 2);
        if ping.is_some_and(|ping| ping <= now) {
            self.pinged = now;
            return Due::Ping;
        }
        Due::Wait(end.into_iter().chain(ping).min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    const NO_LIMITS: TimeLimits = TimeLimits { heartbeat: None, lifespan: None, pings: true };

    fn limits(heartbeat: u32, lifespan: u32, pings: bool) -> TimeLimits {
        let limit = |seconds: u32| (seconds > 0).then_some(SECOND * seconds);
        TimeLimits { heartbeat: limit(heartbeat), lifespan: limit(lifespan), pings }
    }

    #[test]
    fn reasons_have_a_decimal_point_or_say_unset() {
        let check = |limits: TimeLimits, reason: &str| assert_eq!(limits.reason(), reason);
        check(limits(30, 3600, false), "Connection timed out. Heartbeat interval 30.0. Max connection lifespan 3600.0");
        check(limits(0, 1, false), "Connection timed out. Heartbeat interval unset. Max connection lifespan 1.0");
        let short = TimeLimits { heartbeat: Some(SECOND / 2), lifespan: None, pings: false };
        check(short, "Connection timed out. Heartbeat interval 0.5. Max connection lifespan unset");
    }

    #[test]
    fn silence_and_age_end_a_connection() {
        let start = Instant::now();
        let (limits, mut liveness) = (limits(30, 100, false), Liveness::new(start));
        assert_eq!(liveness.due(&limits, start), Due::Wait(Some(start + SECOND * 30)));
        liveness.hear(start + SECOND * 29);
        assert_eq!(liveness.due(&limits, start + SECOND * 30), Due::Wait(Some(start + SECOND * 59)));
        liveness.hear(start + SECOND * 58);
        liveness.hear(start + SECOND * 87);
        assert_eq!(liveness.due(&limits, start + SECOND * 99), Due::Wait(Some(start + SECOND * 100)));
        assert_eq!(liveness.due(&limits, start + SECOND * 100), Due::Close);
        assert_eq!(liveness.due(&NO_LIMITS, start + SECOND * 9999), Due::Wait(None));
    }

    #[test]
    fn pings_are_sent_at_half_the_interval_of_silence() {
        let start = Instant::now();
        let (limits, mut liveness) = (limits(30, 0, true), Liveness::new(start));
        assert_eq!(liveness.due(&limits, start), Due::Wait(Some(start + SECOND * 15)));
        assert_eq!(liveness.due(&limits, start + SECOND * 15), Due::Ping);
        assert_eq!(liveness.due(&limits, start + SECOND * 15), Due::Wait(Some(start + SECOND * 30)));
        liveness.hear(start + SECOND * 16);
        assert_eq!(liveness.due(&limits, start + SECOND * 16), Due::Wait(Some(start + SECOND * 31)));
        assert_eq!(liveness.due(&limits, start + SECOND * 31), Due::Ping);
        assert_eq!(liveness.due(&limits, start + SECOND * 46), Due::Close);
    }
}
