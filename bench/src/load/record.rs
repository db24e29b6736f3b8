//! What a measurement keeps of the updates that arrive.

use hdrhistogram::Histogram;

use super::order::{Measure, Measured, Quantiles};
use crate::message::Stamp;

/// A minute is more than any run may take.
const MAX_US: u64 = 60_000_000;

pub(super) struct Recorder {
    order: Measure,
    from_us: u64,
    until_us: u64,
    measured: Measured,
    latency: Histogram<u64>,
    /// First and last arrival of every update measured, by tick and topic.
    updates: Vec<Update>,
    /// How many connections listen to each topic.
    listeners: Vec<u32>,
    /// Due time and latency of every arrival, if they are to be kept.
    samples: Vec<(u64, u64)>,
}

#[derive(Clone, Copy, Default)]
struct Update {
    first: u64,
    last: u64,
    count: u32,
}

impl Recorder {
    pub(super) fn new(order: Measure, listeners: Vec<u32>) -> Self {
        let ticks = order.end.saturating_sub(order.first);
        let topics = order.schedule.topics as usize;
        let each_tick: u64 = listeners.iter().take(topics).map(|&count| u64::from(count)).sum();
        Self {
            from_us: order.schedule.at(order.first, 0),
            until_us: order.schedule.at(order.end, 0),
            measured: Measured { expected: ticks * each_tick, ..Measured::default() },
            latency: histogram(),
            updates: vec![Update::default(); usize::try_from(ticks).unwrap_or(0) * topics],
            listeners,
            samples: Vec::new(),
            order,
        }
    }

    #[inline]
    pub(super) fn record(&mut self, now: u64, stamp: Stamp, bytes: usize) {
        if (self.from_us..self.until_us).contains(&now) {
            self.measured.arrivals += 1;
            self.measured.arrived_bytes += bytes as u64;
        }
        if !(self.from_us..self.until_us).contains(&stamp.at) {
            return;
        }
        self.measured.received += 1;
        if stamp.at > now {
            self.measured.early += 1;
        }
        let latency = now.saturating_sub(stamp.at);
        self.latency.saturating_record(latency);
        if self.order.keep {
            self.samples.push((stamp.at, latency));
        }
        let tick = self.order.schedule.tick(stamp.at, stamp.topic) - self.order.first;
        let place = tick * u64::from(self.order.schedule.topics) + u64::from(stamp.topic);
        if let Some(update) = usize::try_from(place).ok().and_then(|place| self.updates.get_mut(place)) {
            if update.count == 0 {
                update.first = now;
            }
            update.last = now;
            update.count += 1;
        }
    }

    /// Whether everything has arrived.
    pub(super) fn is_complete(&self) -> bool {
        self.measured.received >= self.measured.expected && !self.order.keep
    }

    pub(super) fn give_up_us(&self) -> u64 {
        self.order.give_up_us
    }

    pub(super) fn gap(&mut self, numbers: u64) {
        self.measured.gaps += numbers;
    }

    pub(super) fn disorder(&mut self) {
        self.measured.disorder += 1;
    }

    pub(super) fn finish(mut self, closed: usize) -> Measured {
        self.measured.closed = closed;
        self.measured.latency = quantiles(&self.latency);
        let topics = self.order.schedule.topics as usize;
        let mut spread = histogram();
        for (place, update) in self.updates.iter().enumerate() {
            if update.count > 0 && update.count == self.listeners[place % topics] {
                spread.saturating_record(update.last - update.first);
            }
        }
        self.measured.spread = quantiles(&spread);
        self.measured
    }

    /// The same for the updates that were due in this time only.
    pub(super) fn cut(mut self, from_us: u64, until_us: u64, closed: usize) -> Measured {
        let mut latency = histogram();
        for &(at, sample) in &self.samples {
            if (from_us..until_us).contains(&at) {
                latency.saturating_record(sample);
            }
        }
        self.latency = latency;
        let topics = self.order.schedule.topics;
        let mut expected = 0;
        for tick in self.order.first..self.order.end {
            for topic in 0..topics {
                if (from_us..until_us).contains(&self.order.schedule.at(tick, topic)) {
                    expected += u64::from(self.listeners[topic as usize]);
                }
            }
        }
        self.measured.expected = expected;
        self.measured.received = self.latency.len();
        self.finish(closed)
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_US, 3).expect("the bounds and the precision are valid")
}

fn quantiles(histogram: &Histogram<u64>) -> Quantiles {
    Quantiles {
        p50: histogram.value_at_quantile(0.5),
        p99: histogram.value_at_quantile(0.99),
        p999: histogram.value_at_quantile(0.999),
        max: histogram.max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;

    fn recorder(keep: bool) -> Recorder {
        let schedule = Schedule { start_us: 1_000_000, period_ns: 100_000_000, ticks: 10, topics: 2, spread: false };
        Recorder::new(Measure { schedule, first: 2, end: 4, give_up_us: 0, keep }, vec![2, 1])
    }

    #[test]
    fn latency_counts_from_when_an_update_was_due() {
        let mut recorder = recorder(false);
        for (at, topic, after) in
            [(1_100_000, 0, 9), (1_200_000, 0, 500), (1_200_000, 0, 800), (1_200_000, 1, 1000), (1_300_000, 1, 1000)]
        {
            assert!(!recorder.is_complete());
            recorder.record(at + after, Stamp { at, number: 1, topic }, 300);
        }
        recorder.record(1_300_700, Stamp { at: 1_300_000, number: 1, topic: 0 }, 300);
        recorder.record(1_300_800, Stamp { at: 1_300_000, number: 1, topic: 0 }, 300);
        assert!(recorder.is_complete());
        let measured = recorder.finish(0);
        assert_eq!((measured.received, measured.expected, measured.arrivals), (6, 6, 6));
        assert_eq!((measured.latency.p50, measured.latency.max), (800, 1000));
        assert_eq!((measured.spread.p50, measured.spread.max), (0, 300));
        assert_eq!(measured.arrived_bytes, 1800);
    }

    #[test]
    fn a_cut_leaves_only_what_was_due_then() {
        let mut recorder = recorder(true);
        recorder.record(1_200_500, Stamp { at: 1_200_000, number: 1, topic: 1 }, 300);
        recorder.record(1_300_900, Stamp { at: 1_300_000, number: 1, topic: 1 }, 300);
        let measured = recorder.cut(1_250_000, 1_350_000, 3);
        assert_eq!((measured.received, measured.expected, measured.closed), (1, 3, 3));
        assert_eq!(measured.latency.max, 900);
    }
}
