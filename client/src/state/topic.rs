//! One topic with listeners: its join state, its numbering, its latest payload.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;
use topicast::Refusal;

use crate::{
    disconnect::Disconnect,
    envelope::{Incoming, Payload},
    item::{Listener, RawItem},
    numbering::{Numbering, Verdict},
    status::Status,
};

/// The request that subscribes to a topic.
#[derive(Debug, Clone)]
pub(crate) struct SubscribeRequest {
    /// The canonical topic.
    pub(crate) topic: String,
    pub(crate) route: &'static str,
    /// The request as JSON.
    pub(crate) payload: Payload,
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
    /// The server refused for now; the request is repeated at this time.
    RetryAt(Instant),
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
    status: watch::Sender<Status>,
    latest: Option<Payload>,
}

impl Topic {
    pub(super) fn new(request: SubscribeRequest) -> Self {
        Self {
            request,
            join: Join::Pending,
            refusals: 0,
            live_since: None,
            listeners: Vec::new(),
            numbering: Numbering::default(),
            status: watch::Sender::new(Status::Joining),
            latest: None,
        }
    }

    pub(super) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    pub(super) fn latest(&self) -> Option<Payload> {
        self.latest.clone()
    }

    /// Adds a listener, and sends it the status if the topic was live before.
    pub(super) fn add(&mut self, listener: &Listener) {
        let status = self.status.borrow().clone();
        if matches!(status, Status::Live | Status::Stale(_)) {
            listener.push(RawItem::Status(status));
        }
        self.listeners.push(Arc::clone(listener));
    }

    /// Removes a listener, and returns true if it was the last one.
    pub(super) fn remove(&mut self, listener: &Listener) -> bool {
        self.listeners.retain(|other| !Arc::ptr_eq(other, listener));
        self.listeners.is_empty()
    }

    /// Records that the server accepted the subscription.
    pub(super) fn joined(&mut self, now: Instant, reply: &Incoming<'_>) {
        self.join = Join::Joined;
        self.live_since = Some(now);
        let gap = self.numbering.join(reply.epoch.as_deref(), reply.seq);
        self.set_status(Status::Live);
        self.deliver(gap.map(RawItem::Gap));
    }

    pub(super) fn update(&mut self, message: &Incoming<'_>) {
        let Verdict::New(gap) = self.numbering.update(message.seq, message.skipped) else { return };
        let payload = Payload::from(message.payload());
        self.latest = Some(Payload::clone(&payload));
        self.deliver(gap.map(RawItem::Gap));
        self.deliver([RawItem::Update(payload)]);
    }

    pub(super) fn snapshot(&mut self, message: &Incoming<'_>) {
        self.numbering.snapshot(message.seq);
        let payload = Payload::from(message.payload());
        self.latest = Some(Payload::clone(&payload));
        self.deliver([RawItem::Snapshot(payload)]);
    }

    /// Records that the connection ended; the topic is joined again on the next one.
    pub(super) fn disconnected(&mut self, why: &Disconnect) {
        if let Join::Joined | Join::Requested { .. } = self.join {
            self.join = Join::Pending;
        }
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
        self.deliver([item]);
        self.status.send_replace(Status::Retrying(refusal));
    }

    /// Ends the streams of all listeners.
    pub(super) fn end(self, item: Option<RawItem>, status: Status) {
        self.deliver(item);
        self.status.send_replace(status);
        self.listeners.iter().for_each(|listener| listener.end());
    }

    fn set_status(&self, status: Status) {
        self.deliver([RawItem::Status(status.clone())]);
        self.status.send_replace(status);
    }

    fn deliver(&self, items: impl IntoIterator<Item = RawItem>) {
        for item in items {
            self.listeners.iter().for_each(|listener| listener.push(item.clone()));
        }
    }
}
