//! When updates are due: absolute times that the publisher and the reader compute alike.

use serde::{Deserialize, Serialize};

use crate::clock;

/// Updates of some topics at a steady rate. Every peer publishes on such a schedule, and an
/// update carries the time at which it was due, so that a server that falls behind cannot
/// hide it by publishing later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    /// The first update, in microseconds since 1970.
    pub(crate) start_us: u64,
    /// From one update of a topic to the next, in nanoseconds.
    pub(crate) period_ns: u64,
    /// Updates of each topic.
    pub(crate) ticks: u64,
    pub(crate) topics: u32,
    /// Whether the topics of a tick are spread over the period, or all due at once.
    pub(crate) spread: bool,
}

impl Schedule {
    /// When update `tick` of a topic is due.
    pub(crate) fn at(&self, tick: u64, topic: u32) -> u64 {
        self.start_us + (tick * self.period_ns + self.offset_ns(topic)) / 1000
    }

    /// Which tick of a topic was due then.
    pub(crate) fn tick(&self, at: u64, topic: u32) -> u64 {
        let since_ns = at.saturating_sub(self.start_us) * 1000;
        (since_ns.saturating_sub(self.offset_ns(topic)) + self.period_ns / 2) / self.period_ns
    }

    /// Returns how many updates of the first topic are due at a time.
    pub(crate) fn due(&self, now: u64) -> u64 {
        let Some(since) = now.checked_sub(self.start_us) else { return 0 };
        (since * 1000 / self.period_ns + 1).min(self.ticks)
    }

    /// When the tick after the last would be due.
    pub(crate) fn end_us(&self) -> u64 {
        self.at(self.ticks, 0)
    }

    /// Returns the command that starts this schedule on a peer.
    pub(crate) fn command(&self) -> String {
        let Self { start_us, period_ns, ticks, topics, spread } = self;
        format!("publish {start_us} {period_ns} {ticks} {topics} {}", u8::from(*spread))
    }

    /// Reads what [`command`](Self::command) wrote.
    pub(crate) fn of_command(line: &str) -> Result<Self, String> {
        let wrong = || format!("`{line}` is no command: allowed is `publish START_US PERIOD_NS TICKS TOPICS SPREAD`");
        let numbers = line.trim().strip_prefix("publish ").ok_or_else(wrong)?;
        let numbers: Vec<u64> = numbers.split(' ').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
        let [start_us, period_ns @ 1..=u64::MAX, ticks, topics, spread @ 0..=1] = numbers[..] else {
            return Err(wrong());
        };
        let topics = u32::try_from(topics).map_err(|_| wrong())?;
        Ok(Self { start_us, period_ns, ticks, topics, spread: spread == 1 })
    }

    fn offset_ns(&self, topic: u32) -> u64 {
        if self.spread { u64::from(topic) * self.period_ns / u64::from(self.topics) } else { 0 }
    }
}

/// The position of a publisher in its schedule.
#[derive(Debug)]
pub(crate) struct Progress {
    schedule: Schedule,
    tick: u64,
    topic: u32,
}

/// What a publisher does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Publish this update of this topic, which was due then.
    Publish {
        topic: u32,
        at: u64,
    },
    /// Nothing is due before then.
    WaitUntil(u64),
    Done,
}

impl Progress {
    pub(crate) fn new(schedule: Schedule) -> Self {
        Self { schedule, tick: 0, topic: 0 }
    }

    /// Returns what to do at `now`.
    pub(crate) fn next(&mut self, now: u64) -> Next {
        if self.tick == self.schedule.ticks {
            return Next::Done;
        }
        let (topic, at) = (self.topic, self.schedule.at(self.tick, self.topic));
        if at > now {
            return Next::WaitUntil(at);
        }
        self.topic += 1;
        if self.topic == self.schedule.topics {
            self.topic = 0;
            self.tick += 1;
        }
        Next::Publish { topic, at }
    }

    /// Publishes everything that is due now, and returns the microseconds until the next update;
    /// `None` at the end.
    pub(crate) fn publish_due(&mut self, mut publish: impl FnMut(u32, u64)) -> Option<u64> {
        let now = clock::now_us();
        loop {
            match self.next(now) {
                Next::Publish { topic, at } => publish(topic, at),
                Next::WaitUntil(at) => return Some(at.saturating_sub(clock::now_us())),
                Next::Done => return None,
            }
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.schedule.ticks * u64::from(self.schedule.topics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVEN: Schedule = Schedule { start_us: 1000, period_ns: 2_500_000, ticks: 3, topics: 2, spread: true };

    #[test]
    fn a_command_says_the_whole_schedule() {
        assert_eq!(EVEN.command(), "publish 1000 2500000 3 2 1");
        assert_eq!(Schedule::of_command(&EVEN.command()), Ok(EVEN));
        for wrong in ["publish 1 0 1 1 0", "publish 1 1 1 1 2", "publish 1 1 1 1", "stop", "publish a 1 1 1 0"] {
            assert!(Schedule::of_command(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_reader_finds_the_tick_that_the_publisher_meant() {
        for schedule in [EVEN, Schedule { spread: false, period_ns: 1_364_256, topics: 7, ..EVEN }] {
            for tick in 0..1000 {
                for topic in 0..schedule.topics {
                    assert_eq!(schedule.tick(schedule.at(tick, topic), topic), tick);
                }
            }
        }
    }

    #[test]
    fn an_update_is_due_from_its_time_on() {
        let due = [999, 1000, 3499, 3500, 6000, 9000].map(|now| EVEN.due(now));
        assert_eq!(due, [0, 1, 1, 2, 3, 3]);
    }

    #[test]
    fn progress_gives_every_update_once_and_in_order() {
        let mut progress = Progress::new(EVEN);
        let mut seen = Vec::new();
        let mut now = 0;
        loop {
            match progress.next(now) {
                Next::Publish { topic, at } => seen.push((topic, at)),
                Next::WaitUntil(at) => now = at,
                Next::Done => break,
            }
        }
        assert_eq!(seen, [(0, 1000), (1, 2250), (0, 3500), (1, 4750), (0, 6000), (1, 7250)]);
        assert_eq!(progress.total(), 6);
    }
}
