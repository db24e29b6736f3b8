//! The progress of an order to open connections.

use super::order::{Connect, Connected};

pub(super) struct Connecting {
    order: Connect,
    began_us: u64,
    opened: usize,
    subscribed: usize,
    failed: usize,
    /// The error of the first connection that failed.
    failure: Option<String>,
}

impl Connecting {
    pub(super) fn new(order: Connect, now_us: u64) -> Self {
        Self { order, began_us: now_us, opened: 0, subscribed: 0, failed: 0, failure: None }
    }

    pub(super) fn order(&self) -> &Connect {
        &self.order
    }

    /// Takes the base topic of the next connection to open; `None` while the limit of connections
    /// in progress is reached, and after the last one.
    pub(super) fn next(&mut self) -> Option<u32> {
        let in_flight = self.opened.saturating_sub(self.settled());
        if self.opened >= self.order.count || in_flight >= self.order.in_flight {
            return None;
        }
        let number = u32::try_from(self.opened).unwrap_or(u32::MAX);
        self.opened += 1;
        Some(number % self.order.topics)
    }

    pub(super) fn subscribed(&mut self) {
        self.subscribed += 1;
    }

    pub(super) fn fail(&mut self, failure: String) {
        self.failed += 1;
        self.failure.get_or_insert(failure);
    }

    /// Returns true once every connection is subscribed or has failed, and at the time limit.
    pub(super) fn is_over(&self, now_us: u64) -> bool {
        self.settled() == self.order.count || now_us >= self.order.give_up_us
    }

    pub(super) fn finish(mut self, now_us: u64) -> Connected {
        let late = self.order.count - self.settled();
        if late > 0 {
            self.fail(format!("{late} of {} connections were not subscribed in time", self.order.count));
        }
        Connected {
            subscribed: self.subscribed,
            failed: self.order.count - self.subscribed,
            failure: self.failure,
            micros: now_us - self.began_us,
        }
    }

    fn settled(&self) -> usize {
        self.subscribed + self.failed
    }
}
