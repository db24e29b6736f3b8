//! Reads what slow connections missed.

use super::connection::Connection;
use super::order::Drained;
use crate::message;

/// The state of draining slow connections.
pub(super) struct Drain {
    pub(super) quiet_us: u64,
    pub(super) give_up_us: u64,
    /// When the last message arrived.
    pub(super) heard_us: u64,
    drained: Drained,
}

impl Drain {
    pub(super) fn new(quiet_us: u64, give_up_us: u64, now: u64) -> Self {
        Self { quiet_us, give_up_us, heard_us: now, drained: Drained::default() }
    }

    pub(super) fn message(&mut self, payload: &[u8]) {
        self.drained.received += 1;
        self.drained.reported += message::skipped(payload);
    }

    pub(super) fn gap(&mut self, numbers: u64) {
        self.drained.gaps += numbers;
    }

    pub(super) fn is_over(&self, now: u64) -> bool {
        now >= self.give_up_us || now >= self.heard_us + self.quiet_us
    }

    pub(super) fn finish(mut self, closed: impl Iterator<Item = u16>) -> Drained {
        for code in closed {
            *self.drained.closed.entry(code).or_default() += 1;
        }
        self.drained
    }
}

/// Counts the close codes of the slow connections that have ended.
pub(super) fn closed(connections: &[Connection]) -> impl Iterator<Item = u16> {
    connections
        .iter()
        .filter(|connection| connection.is_slow() && connection.phase == super::connection::Phase::Closed)
        .map(|connection| connection.close_code)
}
