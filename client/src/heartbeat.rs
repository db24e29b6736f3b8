//! When a ping is due, and when silence means that the connection is dead.

use std::time::{Duration, Instant};

/// The pings of one connection.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Duration,
    grace: Duration,
    heard: Instant,
    next: Instant,
    asked: Option<Asked>,
}

/// A ping whose answer has not come.
#[derive(Debug, Clone, Copy)]
struct Asked {
    id: u64,
    at: Instant,
}

/// What is due now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Ping,
    Dead,
    Wait(Instant),
}

impl Heartbeat {
    /// Pings go out at this interval; after one, something has to be heard within the grace.
    pub(crate) fn new(interval: Duration, grace: Duration, now: Instant) -> Self {
        Self { interval, grace, heard: now, next: now + interval, asked: None }
    }

    /// Anything from the server counts.
    pub(crate) fn hear(&mut self, now: Instant) {
        self.heard = now;
    }

    pub(crate) fn due(&self, now: Instant) -> Due {
        let dead = self.asked.filter(|asked| asked.at >= self.heard).map(|asked| asked.at + self.grace);
        match dead {
            Some(dead) if dead <= now => Due::Dead,
            _ if self.next <= now => Due::Ping,
            _ => Due::Wait(dead.map_or(self.next, |dead| dead.min(self.next))),
        }
    }

    pub(crate) fn asked(&mut self, id: u64, now: Instant) {
        // A ping that is still unanswered keeps its time: further ones give no respite.
        if self.asked.is_none_or(|asked| asked.at < self.heard) {
            self.asked = Some(Asked { id, at: now });
        }
        self.next = now + self.interval;
    }

    /// The round trip, if this was the ping that is being waited for.
    pub(crate) fn answered(&mut self, id: u64, now: Instant) -> Option<Duration> {
        let asked = self.asked.take_if(|asked| asked.id == id)?;
        Some(now.saturating_duration_since(asked.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pings_go_out_and_silence_after_one_is_death() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(SECOND * 10, SECOND * 5, start);
        assert_eq!(heartbeat.due(start), Due::Wait(start + SECOND * 10));
        assert_eq!(heartbeat.due(start + SECOND * 10), Due::Ping);
        heartbeat.asked(1, start + SECOND * 10);
        assert_eq!(heartbeat.due(start + SECOND * 10), Due::Wait(start + SECOND * 15));
        heartbeat.hear(start + SECOND * 12);
        assert_eq!(heartbeat.answered(1, start + SECOND * 12), Some(SECOND * 2));
        assert_eq!(heartbeat.due(start + SECOND * 15), Due::Wait(start + SECOND * 20));
        heartbeat.asked(2, start + SECOND * 20);
        assert_eq!(heartbeat.due(start + SECOND * 25), Due::Dead);
    }

    #[test]
    fn anything_heard_is_a_sign_of_life_and_more_pings_are_no_respite() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(SECOND * 2, SECOND * 5, start);
        heartbeat.asked(1, start + SECOND * 2);
        heartbeat.asked(2, start + SECOND * 4);
        assert_eq!(heartbeat.due(start + SECOND * 7), Due::Dead);
        heartbeat.hear(start + SECOND * 6);
        assert_eq!(heartbeat.due(start + SECOND * 7), Due::Ping);
        assert_eq!(heartbeat.answered(9, start), None);
    }
}
