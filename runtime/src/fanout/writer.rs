//! The way out of one connection: what is written next, what is unsent, and the socket.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    fanout::{
        batch::{Batch, Item},
        ids::TopicId,
        outbox::{Class, Outbox},
    },
    wire::{Frame, Transport},
};

/// How many places of updates an idle connection keeps room for.
const KEPT_FRESH: usize = 32;

/// What a connection has to write and where it writes to.
pub(crate) struct Writer {
    transport: Arc<Transport>,
    pub(crate) outbox: Outbox,
    /// Updates to be written next, by their places in the batch. Only while the outbox is
    /// empty: before anything else is queued they are moved to the outbox.
    fresh: Vec<u32>,
    fresh_bytes: usize,
    waker: Waker,
    /// The socket was full; the waker fires when it may be writable again.
    pub(crate) blocked: bool,
    /// The socket failed; nothing is written any more.
    pub(crate) broken: bool,
}

/// What became of a flush.
pub(crate) enum Flushed {
    Everything,
    /// The socket is full. Of these topics an update was dropped, because a newer one supersedes it.
    Blocked(Vec<TopicId>),
    /// The socket was full or had failed before.
    Nothing,
    Broken,
}

impl Writer {
    pub(crate) fn new(transport: Arc<Transport>, waker: Waker) -> Self {
        Self {
            transport,
            outbox: Outbox::default(),
            fresh: Vec::new(),
            fresh_bytes: 0,
            waker,
            blocked: false,
            broken: false,
        }
    }

    /// Takes an update to be written next if nothing is unsent and the limit allows it.
    /// Returns false otherwise.
    pub(crate) fn take_fresh(&mut self, at: u32, len: usize, limit: usize) -> bool {
        let bytes = self.fresh_bytes + len;
        let takes = self.outbox.is_empty() && !self.blocked && bytes <= limit;
        if takes {
            self.fresh.push(at);
            self.fresh_bytes = bytes;
        }
        takes
    }

    /// Moves the updates that are to be written next to the outbox. They found room when they
    /// came, and the socket is not known to be full: nothing is conflated or dropped.
    pub(crate) fn settle(&mut self, batch: &Batch) {
        self.fresh_bytes = 0;
        for at in std::mem::take(&mut self.fresh) {
            self.push(batch.get(at), 0);
        }
    }

    /// Queues an update.
    pub(crate) fn push(&mut self, item: &Item, skipped: u64) {
        self.outbox.push(item.update.frame.clone(), Class::Update(item.pending(skipped)));
    }

    /// Forgets everything but a frame that is started, and queues the close frame.
    pub(crate) fn close(&mut self, frame: Frame) {
        self.fresh.clear();
        self.fresh_bytes = 0;
        self.outbox.forget(|_| true);
        self.outbox.push(frame, Class::Kept);
    }

    /// Gives up on a stream that cannot be written.
    pub(crate) fn abandon(&mut self) {
        self.broken = true;
        self.outbox = Outbox::default();
    }

    /// Reads from memory what the next flush needs. Between two updates the kernel pushes it
    /// out of the caches; when several connections are fetched at once, one does not wait for
    /// the other.
    pub(crate) fn prefetch(&self) {
        self.transport.prefetch();
        std::hint::black_box((self.outbox.is_empty(), self.fresh.first().copied()));
    }

    /// Writes what the socket takes.
    pub(crate) fn flush(&mut self, batch: &mut Batch) -> Flushed {
        if !self.fresh.is_empty() && !self.blocked && !self.broken {
            self.write_fresh(batch);
        }
        self.flush_outbox()
    }

    /// Writes updates from the batch, and moves what the socket does not take to the outbox.
    fn write_fresh(&mut self, batch: &mut Batch) {
        let fresh = std::mem::take(&mut self.fresh);
        self.fresh_bytes = 0;
        let mut cx = Context::from_waker(&self.waker);
        let mut rest = fresh.as_slice();
        while !rest.is_empty() {
            let bytes = batch.join(rest);
            let joined = bytes.len();
            // An error shows again when the outbox is written, which deals with it.
            let Poll::Ready(Ok(mut written)) = self.transport.poll_write(&mut cx, bytes) else { break };
            let full = written < joined;
            while let Some((first, others)) = rest.split_first()
                && batch.get(*first).len() <= written
            {
                written -= batch.get(*first).len();
                rest = others;
            }
            if full {
                self.outbox.start_at(written);
                break;
            }
        }
        // The first may be started; the outbox does not replace it.
        for at in rest {
            self.push(batch.get(*at), 0);
        }
        self.fresh = fresh;
        self.fresh.clear();
        self.fresh.shrink_to(KEPT_FRESH);
    }

    /// Writes the outbox.
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
                // From here on, one pending update of a topic under `latest` is enough.
                Flushed::Blocked(self.outbox.conflate())
            }
        }
    }
}
