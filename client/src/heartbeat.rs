//! When a ping is due, and when a connection without traffic counts as dead.

use std::time::{Duration, Instant};

/// The heartbeat of one connection.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Duration,
    /// How long to wait for any frame after a ping.
    timeout: Duration,
    last_received: Instant,
    next_ping: Instant,
    outstanding: Option<Ping>,
}

/// A ping without an answer.
#[derive(Debug, Clone, Copy)]
struct Ping {
    id: u64,
    at: Instant,
}

/// What the connection has to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Ping,
    Dead,
    Wait(Instant),
}

impl Heartbeat {
    pub(crate) fn new(interval: Duration, timeout: Duration, now: Instant) -> Self {
        Self { interval, timeout, last_received: now, next_ping: now + interval, outstanding: None }
    }

    /// Records that a frame of any kind arrived.
    pub(crate) fn received(&mut self, now: Instant) {
        self.last_received = now;
    }

    pub(crate) fn due(&self, now: Instant) -> Due {
        let unheard = self.outstanding.filter(|ping| ping.at >= self.last_received);
        let dead = unheard.map(|ping| ping.at + self.timeout);
        match dead {
            Some(dead) if dead <= now => Due::Dead,
            _ if self.next_ping <= now => Due::Ping,
            _ => Due::Wait(dead.map_or(self.next_ping, |dead| dead.min(self.next_ping))),
        }
    }

    pub(crate) fn ping_queued(&mut self, id: u64, now: Instant) {
        // The first ping without an answer starts the timeout; later pings do not extend it.
        if self.outstanding.is_none_or(|ping| ping.at < self.last_received) {
            self.outstanding = Some(Ping { id, at: now });
        }
        self.next_ping = now + self.interval;
    }

    /// Records a pong, and returns the round-trip time if it answers the outstanding ping.
    pub(crate) fn pong_received(&mut self, id: u64, now: Instant) -> Option<Duration> {
        let ping = self.outstanding.take_if(|ping| ping.id == id)?;
        Some(now.saturating_duration_since(ping.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn no_frame_after_a_ping_is_death() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(SECOND * 10, SECOND * 5, start);
        assert_eq!(heartbeat.due(start), Due::Wait(start + SECOND * 10));
        assert_eq!(heartbeat.due(start + SECOND * 10), Due::Ping);
        heartbeat.ping_queued(1, start + SECOND * 10);
        assert_eq!(heartbeat.due(start + SECOND * 10), Due::Wait(start + SECOND * 15));
        heartbeat.received(start + SECOND * 12);
        assert_eq!(heartbeat.pong_received(1, start + SECOND * 12), Some(SECOND * 2));
        assert_eq!(heartbeat.due(start + SECOND * 15), Due::Wait(start + SECOND * 20));
        heartbeat.ping_queued(2, start + SECOND * 20);
        assert_eq!(heartbeat.due(start + SECOND * 25), Due::Dead);
    }

    #[test]
    fn any_frame_is_a_sign_of_life_and_more_pings_do_not_extend_the_timeout() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(SECOND * 2, SECOND * 5, start);
        heartbeat.ping_queued(1, start + SECOND * 2);
        heartbeat.ping_queued(2, start + SECOND * 4);
        assert_eq!(heartbeat.due(start + SECOND * 7), Due::Dead);
        heartbeat.received(start + SECOND * 6);
        assert_eq!(heartbeat.due(start + SECOND * 7), Due::Ping);
        assert_eq!(heartbeat.pong_received(9, start), None);
    }
}
