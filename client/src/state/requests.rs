//! Requests whose callers wait for an outcome.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Instant,
};

use tokio::sync::oneshot;
use topicast::Refusal;

use crate::{
    envelope::Payload,
    request_error::{Doubt, NotSent, RequestError},
};

/// The reply to a request, or why there is none.
pub(crate) type Outcome = Result<Payload, RequestError>;

/// A request of the user.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) operation: String,
    /// The payload as JSON.
    pub(crate) payload: Option<String>,
    /// Whether the operation has a reply.
    pub(crate) has_reply: bool,
}

/// The requests that have no outcome yet.
#[derive(Debug, Default)]
pub(super) struct Requests {
    map: BTreeMap<u64, Request>,
    /// Requests that wait for a connection, in order.
    waiting: VecDeque<u64>,
    deadlines: BTreeSet<(Instant, u64)>,
}

#[derive(Debug)]
struct Request {
    call: Call,
    outcome: oneshot::Sender<Outcome>,
    deadline: Instant,
    sent: bool,
}

impl Requests {
    pub(super) fn add(&mut self, id: u64, call: Call, deadline: Instant, outcome: oneshot::Sender<Outcome>) {
        self.deadlines.insert((deadline, id));
        self.map.insert(id, Request { call, outcome, deadline, sent: false });
    }

    /// Queues a request until there is a connection, at the front if it was queued before.
    pub(super) fn wait(&mut self, id: u64, at_front: bool) {
        if !self.has(id) {
            return;
        }
        if at_front {
            self.waiting.push_front(id);
        } else {
            self.waiting.push_back(id);
        }
    }

    /// Returns the number of requests that wait for a connection.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn take_waiting(&mut self) -> VecDeque<u64> {
        std::mem::take(&mut self.waiting)
    }

    pub(super) fn call(&self, id: u64) -> Option<&Call> {
        self.map.get(&id).map(|request| &request.call)
    }

    /// Returns true if a caller waits for the outcome.
    pub(super) fn has(&self, id: u64) -> bool {
        self.map.contains_key(&id)
    }

    /// Marks a request as sent: from now on it may have been carried out.
    pub(super) fn sent(&mut self, id: u64) {
        if let Some(request) = self.map.get_mut(&id) {
            request.sent = true;
        }
    }

    pub(super) fn resolve(&mut self, id: u64, outcome: Outcome) {
        if let Some(request) = self.remove(id) {
            // The caller may have dropped its future.
            let _ = request.outcome.send(outcome);
        }
    }

    /// Removes a request whose caller no longer waits, and returns true if it was not sent.
    pub(super) fn forget(&mut self, id: u64) -> bool {
        self.waiting.retain(|other| *other != id);
        self.remove(id).is_some_and(|request| !request.sent)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Ends the requests that timed out, and returns the ids of the unsent ones.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<u64> {
        let mut unsent = Vec::new();
        while let Some((_, id)) = self.deadlines.first().copied().filter(|(deadline, _)| *deadline <= now) {
            self.waiting.retain(|other| *other != id);
            let Some(request) = self.remove(id) else { continue };
            let error = if request.sent {
                RequestError::Unknown(Doubt::TimedOut)
            } else {
                unsent.push(id);
                RequestError::NotSent(NotSent::TimedOut)
            };
            let _ = request.outcome.send(Err(error));
        }
        unsent
    }

    /// Ends the requests that were sent, with an unknown outcome.
    pub(super) fn doubt(&mut self, doubt: &Doubt) {
        let sent: Vec<u64> = self.map.iter().filter(|(_, request)| request.sent).map(|(id, _)| *id).collect();
        for id in sent {
            self.resolve(id, Err(RequestError::Unknown(doubt.clone())));
        }
    }

    /// Ends all requests because the client is closed.
    pub(super) fn close(&mut self) {
        self.doubt(&Doubt::Closed);
        self.end(&RequestError::NotSent(NotSent::Closed));
    }

    /// Ends all requests because the server refuses this client.
    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        self.end(&RequestError::Refused(refusal.clone()));
    }

    fn end(&mut self, error: &RequestError) {
        self.waiting.clear();
        let rest: Vec<u64> = self.map.keys().copied().collect();
        for id in rest {
            self.resolve(id, Err(error.clone()));
        }
    }

    fn remove(&mut self, id: u64) -> Option<Request> {
        let request = self.map.remove(&id)?;
        self.deadlines.remove(&(request.deadline, id));
        Some(request)
    }
}
