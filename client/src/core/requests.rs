//! Requests that somebody waits for, and the order in which the server will answer.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Instant,
};

use tokio::sync::oneshot;
use topicast::Refusal;

use crate::{
    envelope::Payload,
    error::{Doubt, NotSent, RequestError},
};

/// What becomes of a request.
pub(crate) type Outcome = Result<Payload, RequestError>;

/// A request's text, and whether it has a reply.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) kind: String,
    /// The payload as JSON.
    pub(crate) payload: Option<String>,
    pub(crate) reply: bool,
}

/// The requests of the user that have no outcome yet.
#[derive(Debug, Default)]
pub(super) struct Requests {
    map: BTreeMap<u64, Request>,
    /// Those that wait for a connection, in order.
    waiting: VecDeque<u64>,
    /// How many have not left this client, with a connection or without.
    unsent: usize,
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
        self.unsent += 1;
        self.deadlines.insert((deadline, id));
        self.map.insert(id, Request { call, outcome, deadline, sent: false });
    }

    /// Lets a request wait for a connection; `first` if it waited before.
    pub(super) fn wait(&mut self, id: u64, first: bool) {
        if !self.has(id) {
            return;
        }
        if first {
            self.waiting.push_front(id);
        } else {
            self.waiting.push_back(id);
        }
    }

    pub(super) fn unsent(&self) -> usize {
        self.unsent
    }

    pub(super) fn take_waiting(&mut self) -> VecDeque<u64> {
        std::mem::take(&mut self.waiting)
    }

    pub(super) fn call(&self, id: u64) -> Option<&Call> {
        self.map.get(&id).map(|request| &request.call)
    }

    /// Whether somebody waits for the outcome.
    pub(super) fn has(&self, id: u64) -> bool {
        self.map.contains_key(&id)
    }

    /// The request leaves this client: from now on nobody can say that it was not carried out.
    pub(super) fn sent(&mut self, id: u64) {
        if let Some(request) = self.map.get_mut(&id) {
            self.unsent -= usize::from(!request.sent);
            request.sent = true;
        }
    }

    pub(super) fn resolve(&mut self, id: u64, outcome: Outcome) {
        if let Some(request) = self.remove(id) {
            // Whoever asked may have gone.
            let _ = request.outcome.send(outcome);
        }
    }

    /// Nobody waits for the outcome any more; true if the request need not be sent.
    pub(super) fn forget(&mut self, id: u64) -> bool {
        self.waiting.retain(|other| *other != id);
        self.remove(id).is_some_and(|request| !request.sent)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Ends the requests whose time is over, and returns those that were not sent.
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

    /// Ends those that were sent; nobody knows what became of them.
    pub(super) fn doubt(&mut self, doubt: &Doubt) {
        let sent: Vec<u64> = self.map.iter().filter(|(_, request)| request.sent).map(|(id, _)| *id).collect();
        for id in sent {
            self.resolve(id, Err(RequestError::Unknown(doubt.clone())));
        }
    }

    /// Ends all of them, for the client is closed.
    pub(super) fn close(&mut self) {
        self.doubt(&Doubt::Closed);
        self.end(&RequestError::NotSent(NotSent::Closed));
    }

    /// Ends all of them, for the server refuses this client.
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
        self.unsent -= usize::from(!request.sent);
        self.deadlines.remove(&(request.deadline, id));
        Some(request)
    }
}
