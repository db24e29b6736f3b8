//! The end of a connection: the request that caused it, and when the next attempt is due.

use std::time::{Duration, Instant};

use topicast::Refusal;

use super::{ClientState, Phase, Purpose};
use crate::{
    connection::Connection,
    disconnect::{Cause, Disconnect, UnansweredRequest},
    item::RawItem,
    request_error::{Doubt, RequestError},
    status::Status,
};

/// How long a connection must have lasted for its token to count as accepted.
const ACCEPTED: Duration = Duration::from_secs(60);

impl ClientState {
    /// Records that the connection ended, or that the attempt to make one failed.
    pub(crate) fn handle_disconnect(&mut self, now: Instant, why: Disconnect) {
        let lasted = match self.phase {
            Phase::Open { since } => now.saturating_duration_since(since),
            Phase::Connecting { .. } => Duration::ZERO,
            Phase::Closing { .. } => {
                self.phase = Phase::Closed;
                return;
            }
            Phase::Waiting { .. } | Phase::Closed => return,
        };
        self.settle_suspect(now, &why);
        for id in self.pipeline.clear().into_iter().rev() {
            self.requests.wait(id, true);
        }
        self.requests.doubt(&Doubt::Disconnected(why.clone()));
        if why.cause.refuses_token() {
            if std::mem::replace(&mut self.token_refused, true) && lasted < ACCEPTED {
                return self.stop(why);
            }
        } else if lasted >= ACCEPTED {
            self.token_refused = false;
        }
        self.topics.values_mut().for_each(|topic| topic.disconnected(&why));
        if let Some(interval) = why.heartbeat() {
            // The server expects heartbeats more often than the client sent them.
            self.settings.heartbeat = self.settings.heartbeat.min(interval);
        }
        let was_live = *self.connection.borrow() == Connection::Live;
        self.failures = if lasted >= self.settings.backoff.stable { 1 } else { self.failures.saturating_add(1) };
        // An announced delay starts with the close that follows the announcement.
        let announced = std::mem::take(&mut self.announced_delay);
        let delay = if why.cause == Cause::GoingAway { announced } else { Duration::ZERO };
        let after = why.least_wait().max(delay) + self.settings.backoff.wait(self.failures, &mut self.random);
        self.phase = Phase::Waiting { until: now + after };
        if was_live {
            self.listeners.push_status(&Status::Stale(why.clone()));
        }
        self.set_connection(Connection::Waiting { why, failures: self.failures, after });
    }

    /// Ends everything for good: the server does not accept this client's tokens.
    fn stop(&mut self, why: Disconnect) {
        let refusal = Refusal::new("unauthenticated", why.reason.clone());
        self.phase = Phase::Closed;
        self.freeze_storage();
        self.requests.refuse(&refusal);
        self.numbers.clear();
        for topic in std::mem::take(&mut self.topics).into_values() {
            topic.end(Some(RawItem::Refused(refusal.clone())), Status::Refused(refusal.clone()));
        }
        self.listeners.end_pushes();
        self.set_connection(Connection::Stopped(why));
        self.listeners.end_events();
    }

    /// Settles the request that the server was handling when it closed the connection.
    fn settle_suspect(&mut self, now: Instant, why: &Disconnect) {
        let Some((id, purpose)) = self.pipeline.suspect() else { return };
        match (why.cause.unanswered_request(), purpose) {
            (UnansweredRequest::Failed, Purpose::Subscribe(number)) => {
                self.refuse(now, number, RawItem::Refused, why.fault());
            }
            (UnansweredRequest::Failed, Purpose::Request) => {
                self.requests.resolve(id, Err(RequestError::Fault(why.fault())));
            }
            (UnansweredRequest::Retried, Purpose::Subscribe(number)) => {
                self.refuse(now, number, RawItem::Refused, Refusal::internal(why.to_string()));
            }
            _ => {}
        }
    }
}
