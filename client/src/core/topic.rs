//! One topic that somebody listens to: who listens, how it stands, what came last.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;
use topicast::Refusal;

use crate::{
    buffer::Buffer,
    disconnect::Disconnect,
    envelope::{Incoming, Payload},
    item::RawItem,
    numbering::{Numbering, Verdict},
    status::Status,
};

/// A reader of a topic or of pushes.
pub(crate) type Listener = Arc<Buffer<RawItem>>;

/// What a topic is asked for with.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// The canonical topic.
    pub(crate) name: String,
    pub(crate) route: &'static str,
    /// The request as JSON.
    pub(crate) payload: Payload,
}

/// Where a topic stands on the present connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// To be asked for.
    Wanted,
    /// Asked for by this request, whose answer is due at this time.
    Asked {
        id: u64,
        until: Instant,
    },
    Live,
    /// To be asked for again at this time.
    Later(Instant),
}

#[derive(Debug)]
pub(super) struct Topic {
    pub(super) ask: Ask,
    pub(super) standing: Standing,
    /// Refusals and failures in a row.
    refusals: u32,
    live_since: Option<Instant>,
    listeners: Vec<Listener>,
    numbering: Numbering,
    status: watch::Sender<Status>,
    latest: Option<Payload>,
}

impl Topic {
    pub(super) fn new(ask: Ask) -> Self {
        Self {
            ask,
            standing: Standing::Wanted,
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

    /// A listener that comes later learns at once how things stand.
    pub(super) fn add(&mut self, listener: &Listener) {
        let status = self.status.borrow().clone();
        if matches!(status, Status::Live | Status::Stale(_)) {
            listener.push(RawItem::Status(status));
        }
        self.listeners.push(Arc::clone(listener));
    }

    /// Whether nobody listens any more.
    pub(super) fn remove(&mut self, listener: &Listener) -> bool {
        self.listeners.retain(|other| !Arc::ptr_eq(other, listener));
        self.listeners.is_empty()
    }

    /// The server agreed.
    pub(super) fn joined(&mut self, now: Instant, reply: &Incoming<'_>) {
        self.standing = Standing::Live;
        self.live_since = Some(now);
        let gap = self.numbering.join(reply.epoch.as_deref(), reply.seq);
        self.set(Status::Live);
        self.tell(gap.map(RawItem::Gap));
    }

    pub(super) fn update(&mut self, message: &Incoming<'_>) {
        let Verdict::New(gap) = self.numbering.update(message.seq, message.skipped) else { return };
        let payload = Payload::from(message.payload());
        self.latest = Some(Payload::clone(&payload));
        self.tell(gap.map(RawItem::Gap));
        self.tell([RawItem::Update(payload)]);
    }

    pub(super) fn snapshot(&mut self, message: &Incoming<'_>) {
        self.numbering.snapshot(message.seq);
        let payload = Payload::from(message.payload());
        self.latest = Some(Payload::clone(&payload));
        self.tell([RawItem::Snapshot(payload)]);
    }

    /// The connection is gone; it is asked for again on the next one.
    pub(super) fn lost(&mut self, why: &Disconnect) {
        if let Standing::Live | Standing::Asked { .. } = self.standing {
            self.standing = Standing::Wanted;
        }
        if self.status.borrow().is_live() {
            self.set(Status::Stale(why.clone()));
        }
    }

    /// Counts a refusal, and returns how many there were in a row: since the topic last was live
    /// for as long as is stable, for a server may agree and take it back at once.
    pub(super) fn refused(&mut self, now: Instant, stable: Duration) -> u32 {
        if self.live_since.take().is_some_and(|since| now.saturating_duration_since(since) >= stable) {
            self.refusals = 0;
        }
        self.refusals = self.refusals.saturating_add(1);
        self.refusals
    }

    /// The server said no for now.
    pub(super) fn retry(&mut self, item: RawItem, refusal: Refusal, at: Instant) {
        self.standing = Standing::Later(at);
        self.tell([item]);
        self.status.send_replace(Status::Retrying(refusal));
    }

    /// The end for every listener.
    pub(super) fn end(self, item: Option<RawItem>, status: Status) {
        self.tell(item);
        self.status.send_replace(status);
        self.listeners.iter().for_each(|listener| listener.end());
    }

    fn set(&self, status: Status) {
        self.tell([RawItem::Status(status.clone())]);
        self.status.send_replace(status);
    }

    fn tell(&self, items: impl IntoIterator<Item = RawItem>) {
        for item in items {
            self.listeners.iter().for_each(|listener| listener.push(item.clone()));
        }
    }
}
