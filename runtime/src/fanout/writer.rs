//! The write side of one connection: batched updates, the outbox and the socket.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    fanout::{
        batch::{Batch, Item},
        ids::TopicId,
        outbox::Outbox,
        pending::Class,
    },
    wire::{Frame, Transport},
};

/// The capacity for batched updates that an idle connection keeps.
const KEPT_BATCHED: usize = 32;

/// The unsent data of a connection, and its socket.
pub(crate) struct Writer {
    transport: Arc<Transport>,
    pub(crate) outbox: Outbox,
    /// The batch positions of the updates to write next. Empty unless the outbox is empty: they
    /// move to the outbox before anything else is queued.
    batched: Vec<u32>,
    batched_bytes: usize,
    waker: Waker,
    /// The socket's buffer was full. The waker fires when the socket may be writable again.
    pub(crate) blocked: bool,
    /// The socket failed. Nothing more is written.
    pub(crate) broken: bool,
}

/// The result of a flush.
pub(crate) enum Flushed {
    Everything,
    /// The socket's buffer is full. These updates were dropped, because their subscriptions catch up
    /// when the socket is writable.
    Blocked(Vec<(TopicId, u64)>),
    /// Nothing was written, because the socket's buffer was full or the socket had failed before.
    Nothing,
    Broken,
}

impl Writer {
    pub(crate) fn new(transport: Arc<Transport>, waker: Waker) -> Self {
        Self {
            transport,
            outbox: Outbox::default(),
            batched: Vec::new(),
            batched_bytes: 0,
            waker,
            blocked: false,
            broken: false,
        }
    }

    /// Queues an update by its batch position. Returns false if the outbox is not empty, the socket
    /// is blocked or the limit is exceeded.
    pub(crate) fn try_push_batched(&mut self, at: u32, len: usize, limit: usize) -> bool {
        let bytes = self.batched_bytes + len;
        let takes = self.outbox.is_empty() && !self.blocked && bytes <= limit;
        if takes {
            self.batched.push(at);
            self.batched_bytes = bytes;
        }
        takes
    }

    /// Moves batched updates to the outbox. They were checked against the limit when they were
    /// queued, so none is conflated or dropped.
    pub(crate) fn spill_batched(&mut self, batch: &Batch) {
        self.batched_bytes = 0;
        for at in std::mem::take(&mut self.batched) {
            self.push(batch.get(at), 0);
        }
    }

    /// Queues an update in the outbox.
    pub(crate) fn push(&mut self, item: &Item, skipped: u64) {
        self.outbox.push(item.update.frame.clone(), Class::Update(item.pending(skipped)));
    }

    /// Drops batched updates and the unstarted updates of the outbox, and queues the close frame.
    pub(crate) fn close(&mut self, frame: Frame) {
        self.batched.clear();
        self.batched_bytes = 0;
        self.outbox.discard_updates();
        self.outbox.push(frame, Class::Kept);
    }

    /// Drops everything unsent, because the stream cannot be written.
    pub(crate) fn abandon(&mut self) {
        self.broken = true;
        self.outbox = Outbox::default();
    }

    /// Loads what the next flush needs into the processor's caches, from which it is evicted
    /// between updates. The cache misses of several connections then overlap.
    pub(crate) fn prefetch(&self) {
        self.transport.prefetch();
        std::hint::black_box((self.outbox.is_empty(), self.batched.first().copied()));
    }

    /// Writes as much as the socket accepts.
    pub(crate) fn flush(&mut self, batch: &mut Batch) -> Flushed {
        if !self.batched.is_empty() && !self.blocked && !self.broken {
            self.write_batched(batch);
        }
        self.flush_outbox()
    }

    /// Writes batched updates. Those that the socket does not accept move to the outbox.
    fn write_batched(&mut self, batch: &mut Batch) {
        let batched = std::mem::take(&mut self.batched);
        self.batched_bytes = 0;
        let mut cx = Context::from_waker(&self.waker);
        let mut rest = batched.as_slice();
        while !rest.is_empty() {
            let bytes = batch.join(rest);
            let joined = bytes.len();
            // An error occurs again when the outbox is flushed, and is handled there.
            let Poll::Ready(Ok(mut written)) = self.transport.poll_write(&mut cx, bytes) else { break };
            let full = written < joined;
            while let Some((first, others)) = rest.split_first()
                && batch.get(*first).len() <= written
            {
                written -= batch.get(*first).len();
                rest = others;
            }
            if full {
                self.outbox.set_first_sent(written);
                break;
            }
        }
        // The first of these may be started, so the outbox must not replace it.
        for at in rest {
            self.push(batch.get(*at), 0);
        }
        self.batched = batched;
        self.batched.clear();
        self.batched.shrink_to(KEPT_BATCHED);
    }

    /// Flushes the outbox.
    pub(crate) fn flush_outbox(&mut self) -> Flushed {
        if self.blocked || self.broken {
            return Flushed::Nothing;
        }
        match self.outbox.poll_flush(&self.transport, &mut Context::from_waker(&self.waker)) {
            Poll::Ready(Ok(())) => Flushed::Everything,
            Poll::Ready(Err(_)) => {
                self.abandon();
                Flushed::Broken
            }
            Poll::Pending => {
                self.blocked = true;
                Flushed::Blocked(self.outbox.drop_conflatable())
            }
        }
    }
}
