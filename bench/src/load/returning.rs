//! The progress of connections that were cut and return.

use super::order::{Return, Returned};

/// The state of an order to return.
#[derive(Debug)]
pub(super) struct Returning {
    order: Return,
    began_us: u64,
    opened: usize,
    stages: Vec<Stage>,
    returned: Returned,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The server has not answered.
    Away,
    /// It is live with this update.
    Until(u64),
    Live,
    /// The server did not recover it, or the connection failed.
    Failed,
}

impl Returning {
    pub(super) fn new(order: Return, connections: usize, now: u64) -> Self {
        Self { order, began_us: now, opened: 0, stages: vec![Stage::Away; connections], returned: Returned::default() }
    }

    /// Takes the next connection whose time to connect has come.
    pub(super) fn next(&mut self, now: u64) -> Option<usize> {
        let count = self.stages.len();
        let due = self.began_us + self.order.over_us * self.opened as u64 / (count as u64).max(1);
        if self.opened == count || now < due {
            return None;
        }
        self.opened += 1;
        Some(self.opened - 1)
    }

    /// Records the answer to a connection that has the update `last`.
    pub(super) fn answered(&mut self, at: usize, now: u64, last: u64, recovered: bool) {
        if recovered {
            self.stages[at] = Stage::Until(self.order.schedule.due(now));
            self.advance(at, now, last);
        } else {
            self.stages[at] = Stage::Failed;
            self.returned.refused += 1;
        }
    }

    /// Records an update.
    pub(super) fn update(&mut self, at: usize, now: u64, number: u64) {
        match self.stages[at] {
            Stage::Live => self.returned.followed += 1,
            Stage::Until(_) => {
                self.returned.replayed += 1;
                self.advance(at, now, number);
            }
            Stage::Away | Stage::Failed => {}
        }
    }

    fn advance(&mut self, at: usize, now: u64, last: u64) {
        if let Stage::Until(number) = self.stages[at]
            && last >= number
        {
            self.stages[at] = Stage::Live;
            self.returned.live += 1;
            self.returned.micros = now - self.began_us;
        }
    }

    pub(super) fn fail(&mut self, at: usize, failure: String) {
        if matches!(self.stages[at], Stage::Away | Stage::Until(_)) {
            self.stages[at] = Stage::Failed;
            self.returned.failed += 1;
            self.returned.failure.get_or_insert(failure);
        }
    }

    /// Returns true once every connection is live or has failed, and at the time limit.
    pub(super) fn is_over(&self, now: u64) -> bool {
        let Returned { live, refused, failed, .. } = self.returned;
        live + refused + failed == self.stages.len() || now >= self.order.give_up_us
    }

    pub(super) fn finish(mut self) -> Returned {
        let late = self.stages.len() - self.returned.live - self.returned.refused - self.returned.failed;
        if late > 0 {
            self.returned.failed += late;
            self.returned.failure.get_or_insert(format!("{late} connections were not live in time"));
        }
        self.returned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;

    fn returning(connections: usize) -> Returning {
        let schedule = Schedule { start_us: 0, period_ns: 100_000_000, ticks: 100, topics: 1, spread: false };
        Returning::new(Return { over_us: 1000, schedule, give_up_us: 9_000_000 }, connections, 1_000_000)
    }

    #[test]
    fn connections_return_one_after_the_other() {
        let mut returning = returning(2);
        assert_eq!((returning.next(1_000_000), returning.next(1_000_499)), (Some(0), None));
        assert_eq!((returning.next(1_000_500), returning.next(2_000_000)), (Some(1), None));
    }

    #[test]
    fn a_connection_is_live_with_what_was_due_when_it_was_answered() {
        let mut returning = returning(4);
        // Updates 1 to 12 are due.
        returning.answered(0, 1_150_000, 10, true);
        returning.update(0, 1_160_000, 11);
        assert_eq!(returning.returned.live, 0);
        returning.update(0, 1_170_000, 12);
        returning.update(0, 1_200_000, 13);
        returning.answered(1, 1_180_000, 12, true);
        returning.answered(2, 1_150_000, 10, false);
        assert!(!returning.is_over(1_200_000));
        returning.fail(3, "refused".to_owned());
        returning.fail(0, "later".to_owned());
        assert!(returning.is_over(1_200_000));
        let Returned { live, refused, failed, failure, micros, replayed, followed } = returning.finish();
        assert_eq!((live, refused, failed, failure.as_deref()), (2, 1, 1, Some("refused")));
        assert_eq!((micros, replayed, followed), (180_000, 2, 1));
    }

    #[test]
    fn what_is_late_has_failed() {
        let mut returning = returning(2);
        returning.answered(0, 1_150_000, 12, true);
        assert!(!returning.is_over(8_999_999) && returning.is_over(9_000_000));
        assert_eq!(returning.finish().failed, 1);
    }
}
