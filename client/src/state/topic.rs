//! One topic with listeners: its join state, its position, its current state.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;
use topicast::Refusal;

use super::content::{Content, Shape};
use crate::{
    buffer::Loss,
    disconnect::Disconnect,
    envelope::{self, Incoming, Payload, Start},
    gap::Gap,
    item::{Delivery, Listener, RawItem, Unreadable},
    numbering::{Numbering, Verdict},
    position::Position,
    status::Status,
    table::{Mismatch, RawRows, Verified},
};

/// The request that subscribes to a topic.
#[derive(Debug, Clone)]
pub(crate) struct SubscribeRequest {
    /// The canonical topic.
    pub(crate) topic: String,
    pub(crate) route: &'static str,
    /// The request as JSON.
    pub(crate) payload: Payload,
    pub(crate) shape: Shape,
    pub(crate) options: SubscribeOptions,
}

/// The options of a subscription that the server sees.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SubscribeOptions {
    /// The position of a former run of the program.
    pub(crate) recover: Option<Position>,
    pub(crate) rewind: Option<u32>,
    pub(crate) max_rate: Option<f64>,
}

impl SubscribeOptions {
    /// Checks that a subscription with these options is what a later subscriber to its topic asks
    /// for, because the server knows only one of them.
    ///
    /// # Errors
    /// Returns a message that names the first option that differs.
    pub(super) fn admit(&self, other: &Self) -> Result<(), String> {
        fn check<T: PartialEq + fmt::Display>(name: &str, ours: Option<&T>, other: Option<&T>) -> Result<(), String> {
            let Some(other) = other.filter(|other| Some(*other) != ours) else { return Ok(()) };
            let ours = ours.map_or_else(|| "without it".to_owned(), |ours| format!("with {ours}"));
            Err(format!(
                "{name} is {other}, but the topic is subscribed to {ours}; \
                 all subscriptions of a client to a topic share one on the wire"
            ))
        }
        check("recover", self.recover.as_ref(), other.recover.as_ref())?;
        check("rewind", self.rewind.as_ref(), other.rewind.as_ref())?;
        check("max_rate", self.max_rate.as_ref(), other.max_rate.as_ref())
    }
}

/// The progress of joining a topic on the current connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// The subscribe request is not sent yet.
    Pending,
    /// The subscribe request has this id and times out then.
    Requested {
        id: u64,
        until: Instant,
    },
    Joined,
    /// The subscription ended or was refused for now; the request is repeated at this time.
    RetryAt(Instant),
}

/// What a message did to a subscription.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Applied,
    /// The message violates the contract.
    Fault(String),
    /// The rows are wrong, so the subscription has to start from scratch.
    Wrong {
        item: Broken,
        fault: String,
    },
}

/// Why the rows of a table are wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Mismatch(Mismatch),
    Unreadable(Unreadable),
}

#[derive(Debug)]
pub(super) struct Topic {
    pub(super) request: SubscribeRequest,
    pub(super) join: Join,
    /// Refusals and failures in a row.
    refusals: u32,
    live_since: Option<Instant>,
    listeners: Vec<Listener>,
    numbering: Numbering,
    /// Whether the subscription becomes live with the snapshot that the reply announced, and the
    /// gap that precedes it.
    announced: Option<Option<Gap>>,
    status: watch::Sender<Status>,
    content: Content,
}

impl Topic {
    pub(super) fn new(request: SubscribeRequest) -> Self {
        let numbering = Numbering::new(request.shape.merges(), request.options.recover.clone());
        let numbering = if request.options.rewind.is_some() { numbering.rewinding() } else { numbering };
        let content = Content::new(request.shape);
        Self {
            request,
            join: Join::Pending,
            refusals: 0,
            live_since: None,
            listeners: Vec::new(),
            numbering,
            announced: None,
            status: watch::Sender::new(Status::Joining),
            content,
        }
    }

    pub(super) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    pub(super) fn latest(&self) -> Option<Payload> {
        self.content.latest()
    }

    pub(super) fn rows(&self) -> RawRows {
        self.content.rows()
    }

    #[cfg(test)]
    pub(super) fn position(&self) -> Option<&Position> {
        self.numbering.position()
    }

    /// Writes the subscribe request, with the position to recover from.
    pub(super) fn subscribe_request(&self, id: u64) -> String {
        let SubscribeRequest { route, payload, options, .. } = &self.request;
        let start = Start {
            recover: self.numbering.position(),
            // Past updates are for the start; later ones would come twice.
            rewind: options.rewind.filter(|_| !self.numbering.is_started()),
            max_rate: options.max_rate,
        };
        envelope::subscribe(route, id, payload, &start)
    }

    /// Adds a listener. If the topic was live before, sends it the status, and the state that later
    /// updates apply to.
    pub(super) fn add(&mut self, listener: &Listener) {
        let status = self.status.borrow().clone();
        if matches!(status, Status::Live | Status::Stale(_)) {
            listener.push(self.positioned(RawItem::Status(status)));
        }
        // Without a position the state is obsolete, and the server sends another.
        if let Some(state) = self.catch_up().filter(|state| state.position.is_some()) {
            listener.push(state);
        }
        self.listeners.push(Arc::clone(listener));
    }

    /// Replaces the values that wait for a listener which lost some by the current state, and
    /// returns what was replaced. Events have no state that replaces them.
    pub(super) fn refresh(&self, listener: &Listener) -> Loss {
        self.catch_up().map_or(Loss::Nothing, |state| listener.replace_values(state))
    }

    fn catch_up(&self) -> Option<Delivery> {
        self.content.catch_up().map(|item| self.positioned(item))
    }

    /// Removes a listener, and returns true if it was the last one.
    pub(super) fn remove(&mut self, listener: &Listener) -> bool {
        self.listeners.retain(|other| !Arc::ptr_eq(other, listener));
        self.listeners.is_empty()
    }

    /// Records that the server accepted the subscription. It is live at once, or with the snapshot
    /// that the reply announces.
    pub(super) fn joined(&mut self, now: Instant, reply: &Incoming<'_>) -> Effect {
        self.join = Join::Joined;
        self.live_since = Some(now);
        let joined = self.numbering.join(reply);
        if reply.snapshot && !joined.recovered {
            self.announced = Some(joined.gap);
        } else {
            let emptied = if joined.recovered { None } else { self.content.clear() };
            self.set_live(joined.gap, self.numbering.position().cloned());
            self.deliver(emptied);
        }
        joined.fault.map_or(Effect::Applied, Effect::Fault)
    }

    pub(super) fn update(&mut self, message: &Incoming<'_>) -> Effect {
        let (gap, fault) = match self.numbering.update(message) {
            Verdict::New { gap, fault } => (gap, fault),
            Verdict::Ignore { fault } => return fault.map_or(Effect::Applied, Effect::Fault),
        };
        let applied = self.content.update(message.payload());
        let effect = self.pass_on(applied, message, gap);
        fault.filter(|_| effect == Effect::Applied).map_or(effect, Effect::Fault)
    }

    pub(super) fn snapshot(&mut self, message: &Incoming<'_>) -> Effect {
        if let Err(fault) = self.numbering.snapshot(message) {
            return Effect::Fault(fault);
        }
        let applied = self.content.snapshot(message.payload());
        self.pass_on(applied, message, None)
    }

    /// Passes a value on to the listeners, unless it left the rows of a table wrong.
    fn pass_on(
        &mut self,
        applied: Result<(RawItem, Verified), String>,
        message: &Incoming<'_>,
        gap: Option<Gap>,
    ) -> Effect {
        let (item, verified) = match applied {
            Ok(applied) => applied,
            Err(error) => {
                self.numbering.forget();
                let fault = format!("{} cannot be applied: {error}", message.kind);
                let item = Broken::Unreadable(Unreadable { error, payload: message.payload().to_owned() });
                return Effect::Wrong { item, fault };
            }
        };
        let mismatch = match verified {
            Verified::Wrong(mismatch) => Some(mismatch),
            Verified::Right | Verified::Unverified => None,
        };
        if let Some(mismatch) = mismatch.filter(|mismatch| !mismatch.is_final) {
            self.numbering.forget();
            return Effect::Wrong { item: Broken::Mismatch(mismatch), fault: mismatch.to_string() };
        }
        if let Some(before) = self.announced.take() {
            self.set_live(before, None);
        }
        self.deliver(gap.map(RawItem::Gap));
        self.deliver(mismatch.map(RawItem::Mismatch));
        self.deliver([self.positioned(item)]);
        mismatch.map_or(Effect::Applied, |mismatch| Effect::Fault(mismatch.to_string()))
    }

    /// Records that the topic's epoch changed: the next subscribe request states no position.
    pub(super) fn reset(&mut self) {
        self.numbering.reset();
    }

    /// Records that the connection ended; the topic is joined again on the next one.
    pub(super) fn disconnected(&mut self, why: &Disconnect) {
        if let Join::Joined | Join::Requested { .. } = self.join {
            self.join = Join::Pending;
        }
        self.announced = None;
        if self.status.borrow().is_live() {
            self.set_status(Status::Stale(why.clone()));
        }
    }

    /// Counts a refusal, and returns the number of refusals in a row. Only a subscription that
    /// lasted `stable` ends the row, since a server may accept and end it at once.
    pub(super) fn count_refusal(&mut self, now: Instant, stable: Duration) -> u32 {
        if self.live_since.take().is_some_and(|since| now.saturating_duration_since(since) >= stable) {
            self.refusals = 0;
        }
        self.refusals = self.refusals.saturating_add(1);
        self.refusals
    }

    /// Schedules the next subscribe request after a retryable refusal.
    pub(super) fn retry(&mut self, item: RawItem, refusal: Refusal, at: Instant) {
        self.join = Join::RetryAt(at);
        self.announced = None;
        self.deliver([item]);
        self.status.send_replace(Status::Retrying(refusal));
    }

    /// Ends the streams of all listeners.
    pub(super) fn end(self, item: Option<RawItem>, status: Status) {
        self.deliver(item);
        self.status.send_replace(status);
        self.listeners.iter().for_each(|listener| listener.end());
    }

    /// Becomes live at a position, behind a gap if there is one.
    fn set_live(&mut self, gap: Option<Gap>, position: Option<Position>) {
        let live = RawItem::Status(Status::Live);
        match gap {
            // Only with the gap is everything up to the position accounted for.
            Some(gap) => {
                self.deliver([live]);
                self.deliver([Delivery { item: RawItem::Gap(gap), position }]);
            }
            None => self.deliver([Delivery { item: live, position }]),
        }
        self.status.send_replace(Status::Live);
    }

    fn set_status(&self, status: Status) {
        self.deliver([RawItem::Status(status.clone())]);
        self.status.send_replace(status);
    }

    fn deliver(&self, items: impl IntoIterator<Item = impl Into<Delivery>>) {
        for delivery in items.into_iter().map(Into::into) {
            self.listeners.iter().for_each(|listener| listener.push(delivery.clone()));
        }
    }

    fn positioned(&self, item: RawItem) -> Delivery {
        Delivery { item, position: self.numbering.position().cloned() }
    }
}
