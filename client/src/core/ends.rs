//! The end of a connection: which request is to blame, when the next attempt is due, and when there is none.

use std::time::{Duration, Instant};

use topicast::Refusal;

use super::{Asked, Core, Phase, Unanswered};
use crate::{
    disconnect::{Cause, Disconnect, Pending},
    error::{Doubt, RequestError},
    item::RawItem,
    status::{Connection, Status},
};

/// How long a connection must have lived for its token to count as accepted.
const ACCEPTED: Duration = Duration::from_secs(60);

impl Core {
    /// The connection ended, or did not come about.
    pub(crate) fn ended(&mut self, now: Instant, why: Disconnect) {
        let lived = match self.phase {
            Phase::Open { since } => now.saturating_duration_since(since),
            Phase::Connecting { .. } => Duration::ZERO,
            Phase::Closing { .. } => {
                self.phase = Phase::Closed;
                return;
            }
            Phase::Waiting { .. } | Phase::Closed => return,
        };
        self.blame(now, &why);
        self.unanswered.clear();
        for (id, _) in std::mem::take(&mut self.outbox).into_iter().rev() {
            self.requests.wait(id, true);
        }
        self.requests.doubt(&Doubt::Disconnected(why.clone()));
        if why.cause.refuses_token() {
            if std::mem::replace(&mut self.token_refused, true) && lived < ACCEPTED {
                return self.stop(why);
            }
        } else if lived >= ACCEPTED {
            self.token_refused = false;
        }
        self.topics.values_mut().for_each(|topic| topic.lost(&why));
        if let Some(interval) = why.heartbeat() {
            // The server wants to hear more often than it did.
            self.settings.heartbeat = self.settings.heartbeat.min(interval);
        }
        let was_live = *self.connection.borrow() == Connection::Live;
        self.failures = if lived >= self.settings.backoff.stable { 1 } else { self.failures.saturating_add(1) };
        // What was announced counts from the close that follows it.
        let announced = std::mem::take(&mut self.away);
        let away = if why.cause == Cause::GoingAway { announced } else { Duration::ZERO };
        let after = why.least_wait().max(away) + self.settings.backoff.wait(self.failures, &mut self.random);
        self.phase = Phase::Waiting { until: now + after };
        if was_live {
            self.tell_pushes(&Status::Stale(why.clone()));
        }
        self.set(Connection::Waiting { why, failures: self.failures, after });
    }

    /// Ends everything for good, for the server does not accept this client's tokens.
    fn stop(&mut self, why: Disconnect) {
        let refusal = Refusal::new("unauthenticated", why.reason.clone());
        self.phase = Phase::Closed;
        self.keep_as_it_is();
        self.requests.refuse(&refusal);
        self.names.clear();
        for topic in std::mem::take(&mut self.topics).into_values() {
            topic.end(Some(RawItem::Refused(refusal.clone())), Status::Refused(refusal.clone()));
        }
        self.pushes.drain().flat_map(|(_, listeners)| listeners).for_each(|listener| listener.end());
        self.set(Connection::Stopped(why));
        self.events.drain(..).for_each(|listener| listener.end());
    }

    /// Finds the request that the server closed for. It answers one after another, so that is
    /// the first that it has not read, if it was sent at all.
    fn blame(&mut self, now: Instant, why: &Disconnect) {
        let Some(Unanswered { id, asked, .. }) = self.unanswered.iter().copied().find(|other| !other.read) else {
            return;
        };
        if self.outbox.front().is_some_and(|(unsent, _)| *unsent == id) {
            return;
        }
        match (why.cause.pending(), asked) {
            (Pending::Failed, Asked::Subscribe(number)) => self.refuse(now, number, RawItem::Refused, why.fault()),
            (Pending::Failed, Asked::Request) => self.requests.resolve(id, Err(RequestError::Fault(why.fault()))),
            (Pending::Retried, Asked::Subscribe(number)) => {
                self.refuse(now, number, RawItem::Refused, Refusal::internal(why.to_string()));
            }
            _ => {}
        }
    }
}
