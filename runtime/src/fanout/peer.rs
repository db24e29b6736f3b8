//! A shard's view of a connection: its topics, its unsent data, and what it missed.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    task::Waker,
};

use crate::{
    fanout::{
        arrears::{Arrears, Held},
        audience::Audience,
        batch::{Batch, Item},
        ids::TopicId,
        memberships::Memberships,
        pending::{Class, Millis, Pending},
        signals::Signals,
        slow::{Policy, TooSlow},
        writer::{Flushed, Writer},
    },
    wire::{Frame, Transport, reason},
};

/// One connection of a shard.
pub(crate) struct Peer {
    pub(crate) number: u64,
    pub(crate) signals: Arc<Signals>,
    /// Whether the connection is in the run queue.
    pub(crate) scheduled: bool,
    writer: Writer,
    /// The maximum unsent bytes.
    limit: usize,
    pub(crate) memberships: Memberships,
    /// Present while the connection is behind or waits for a snapshot. Most never need it.
    arrears: Option<Box<Arrears>>,
    /// The close frame is queued, and no frame may follow it.
    closing: bool,
}

/// The maximum length of `,"skipped":N`.
const SKIPPED_BYTES: usize = 32;

impl Peer {
    pub(crate) fn new(
        number: u64,
        transport: Arc<Transport>,
        signals: Arc<Signals>,
        waker: Waker,
        limit: usize,
    ) -> Self {
        let writer = Writer::new(transport, waker);
        let memberships = Memberships::default();
        Self { number, signals, scheduled: false, writer, limit, memberships, arrears: None, closing: false }
    }

    /// Queues an update that is in the batch.
    pub(crate) fn deliver(&mut self, at: u32, batch: &Batch) -> Result<(), TooSlow> {
        let item = batch.get(at);
        // The fast path, for a subscriber without a backlog.
        if self.arrears.is_none() && self.is_alive() && self.writer.try_push_batched(at, item.len(), self.limit) {
            return Ok(());
        }
        self.spill_batched(batch);
        self.queue_update(item)
    }

    /// Queues an update in the outbox, or applies its channel's policy if there is no room.
    fn queue_update(&mut self, item: &Item) -> Result<(), TooSlow> {
        if !self.is_alive() {
            return Ok(());
        }
        let bytes = item.len() + SKIPPED_BYTES;
        if item.policy == Policy::Latest {
            if self.writer.blocked || self.is_overdue(item.topic) || !self.flush_for_room(bytes) {
                self.conflate(item);
            } else {
                self.push_with_skips(item);
            }
        } else if self.flush_for_room(bytes)
            || (item.policy == Policy::DropOldest && self.make_room(Some(item.topic), bytes))
        {
            self.push_with_skips(item);
        } else if item.policy == Policy::Close {
            return Err(TooSlow);
        } else {
            self.skip(item.topic, 1);
            self.arrears().drop_updates(item.topic, 1);
        }
        Ok(())
    }

    /// Moves batched updates to the outbox, as every operation but the fast path requires.
    pub(crate) fn spill_batched(&mut self, batch: &Batch) {
        self.writer.spill_batched(batch);
    }

    /// Replaces the pending update of the topic, or queues the update if none is pending. Without
    /// room for it, the topic becomes overdue.
    fn conflate(&mut self, item: &Item) {
        let topic = item.topic;
        let skipped = self.take_skips(topic);
        let newer = item.pending(skipped);
        if self.writer.outbox.replace(item.update.frame.clone(), newer) {
            self.arrears().drop_updates(topic, 1);
        } else if self.is_overdue(topic) {
            self.skip(topic, skipped + 1);
            self.arrears().drop_updates(topic, 1);
        } else if self.flush_for_room(item.len() + SKIPPED_BYTES) {
            self.writer.push(item, skipped);
        } else {
            self.arrears().overdue.push_back(topic);
            self.skip(topic, skipped);
        }
    }

    /// Takes the next topic whose newest update had no room, once the outbox is empty.
    pub(crate) fn next_overdue(&mut self) -> Option<TopicId> {
        if self.writer.blocked || !self.writer.outbox.is_empty() || !self.is_alive() {
            return None;
        }
        let topic = self.arrears.as_mut()?.overdue.pop_front();
        self.release_empty_arrears();
        topic
    }

    /// Queues an update together with the count of updates skipped before it.
    pub(crate) fn push_with_skips(&mut self, item: &Item) {
        let skipped = self.take_skips(item.topic);
        self.writer.push(item, skipped);
    }

    /// Queues a frame that is never dropped.
    pub(crate) fn queue_kept(&mut self, frame: Frame) -> Result<(), TooSlow> {
        if !self.is_alive() {
            return Ok(());
        }
        let len = frame.weight();
        if !self.flush_for_room(len) && !self.make_room(None, len) {
            return Err(TooSlow);
        }
        self.writer.outbox.push(frame, Class::Kept);
        Ok(())
    }

    /// Holds an update back until the topic's snapshot arrives.
    pub(crate) fn hold(&mut self, item: &Item) -> Result<(), TooSlow> {
        let len = item.len();
        if item.policy == Policy::Close && !self.has_room(len) && self.is_alive() {
            return Err(TooSlow);
        }
        let Some(arrears) = &mut self.arrears else { return Ok(()) };
        let mut skipped = arrears.take_skips(item.topic);
        let Some((_, held)) = arrears.held.iter_mut().find(|(topic, _)| *topic == item.topic) else { return Ok(()) };
        let mut dropped = 0;
        let free = self.limit.saturating_sub(self.writer.outbox.bytes());
        // Under `latest` one held update suffices. Otherwise the oldest ones make room.
        while (item.policy == Policy::Latest || arrears.held_bytes + len > free)
            && let Some(oldest) = held.pop_front()
        {
            arrears.held_bytes -= oldest.update.frame.bytes().len();
            dropped += 1;
            match held.front_mut() {
                Some(next) => next.skipped += oldest.skipped + 1,
                None => skipped += oldest.skipped + 1,
            }
        }
        held.push_back(Held { update: item.update.clone(), skipped });
        arrears.held_bytes += len;
        if dropped > 0 {
            arrears.drop_updates(item.topic, dropped);
        }
        Ok(())
    }

    /// Queues the first frames of a subscription, then the updates that were held back.
    /// Returns `None` if the topic is not held.
    pub(crate) fn release(
        &mut self,
        topic: TopicId,
        policy: Policy,
        queued_at: Millis,
        first: Vec<Frame>,
    ) -> Option<Result<(), TooSlow>> {
        let arrears = self.arrears.as_mut()?;
        let held = arrears.take_held(topic)?;
        // Skipped after the last held update, so the next update reports them.
        let after = arrears.take_skips(topic);
        self.release_empty_arrears();
        let queued = first.into_iter().try_for_each(|frame| self.queue_kept(frame)).and_then(|()| {
            held.into_iter().try_for_each(|Held { update, skipped }| {
                self.skip(topic, skipped);
                self.queue_update(&Item { topic, policy, queued_at, update })
            })
        });
        self.skip(topic, after);
        Some(queued)
    }

    /// Applies the channels' policies to unsent updates that exceed the maximum age.
    pub(crate) fn expire(&mut self, now: Millis, audiences: &HashMap<TopicId, Audience>) -> Result<(), TooSlow> {
        let expired = |pending: &Pending| {
            let age = std::time::Duration::from_millis(now.0.saturating_sub(pending.queued_at.0));
            let max_age = audiences.get(&pending.topic).and_then(|audience| audience.slow.max_age);
            max_age.is_some_and(|max_age| age > max_age)
        };
        if self.writer.outbox.has_update(|pending| pending.policy == Policy::Close && expired(pending)) {
            return Err(TooSlow);
        }
        let drops = |pending: &Pending| pending.policy == Policy::DropOldest && expired(pending);
        while let Some((topic, missed)) = self.writer.outbox.drop_first(drops) {
            self.skip(topic, missed);
            self.arrears().drop_updates(topic, 1);
        }
        Ok(())
    }

    /// Joins a topic. Returns false if the connection has already joined it.
    pub(crate) fn join(&mut self, topic: TopicId, index: u32, held: bool) -> bool {
        let new = self.memberships.insert(topic, index);
        if new && held {
            self.arrears().held.push((topic, VecDeque::new()));
        }
        new
    }

    /// Leaves a topic and returns the index that becomes free.
    pub(crate) fn leave(&mut self, topic: TopicId) -> Option<u32> {
        let index = self.memberships.remove(topic)?;
        // If the client subscribes again, its numbering begins with the new reply.
        self.writer.outbox.discard(|pending| pending.topic == topic);
        if let Some(arrears) = &mut self.arrears {
            arrears.forget(topic);
        }
        self.release_empty_arrears();
        Some(index)
    }

    /// Leaves every topic and returns the indices that become free.
    pub(crate) fn leave_all(&mut self) -> Vec<(TopicId, u32)> {
        self.arrears = None;
        self.memberships.take_all()
    }

    /// Drops unsent updates, queues the close frame and leaves every topic. Returns `None` if the
    /// connection is already closing.
    pub(crate) fn close(&mut self, frame: Frame) -> Option<Vec<(TopicId, u32)>> {
        if self.closing {
            return None;
        }
        self.writer.close(frame);
        self.closing = true;
        Some(self.leave_all())
    }

    /// Closes the connection after a panic of its shard. Abandons a connection that was already
    /// closing, because it may have caused the panic.
    pub(crate) fn fail(&mut self, close: Frame) {
        self.writer.blocked = false;
        if self.close(close).is_some() {
            self.signals.set_shard_closed(reason::SHARD_FAILED);
        } else {
            self.writer.abandon();
            self.signals.set_broken();
        }
    }

    /// Returns true if frames can still be queued.
    pub(crate) fn is_alive(&self) -> bool {
        !self.closing && !self.writer.broken
    }

    /// Loads what the next flush needs into the processor's caches.
    pub(crate) fn prefetch(&self) {
        self.writer.prefetch();
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.writer.blocked
    }

    /// Records that the socket may be writable again.
    pub(crate) fn unblock(&mut self) {
        self.writer.blocked = false;
    }

    /// Writes as much as the socket accepts.
    pub(crate) fn flush(&mut self, batch: &mut Batch) {
        let flushed = self.writer.flush(batch);
        self.handle_flushed(flushed);
    }

    /// Signals the result of a flush to the connection's task and records drops.
    fn handle_flushed(&mut self, flushed: Flushed) {
        match flushed {
            Flushed::Everything if self.closing => self.signals.set_flushed(),
            Flushed::Everything | Flushed::Nothing => {}
            Flushed::Blocked(superseded) => {
                for topic in superseded {
                    self.arrears().drop_updates(topic, 1);
                }
            }
            Flushed::Broken => self.signals.set_broken(),
        }
    }

    fn has_room(&self, len: usize) -> bool {
        let held = self.arrears.as_ref().map_or(0, |arrears| arrears.held_bytes);
        self.writer.outbox.bytes() + held + len <= self.limit
    }

    /// Flushes the outbox if `len` bytes exceed the limit. Returns true if there is room then. A
    /// burst or a single message may exceed the limit as long as the socket accepts it.
    fn flush_for_room(&mut self, len: usize) -> bool {
        if self.has_room(len) {
            return true;
        }
        let flushed = self.writer.flush_outbox();
        self.handle_flushed(flushed);
        self.has_room(len) || self.writer.outbox.is_empty()
    }

    /// Drops the oldest updates whose policy allows it until there is room. Updates of the same
    /// topic go first, so that a busy topic does not displace a quiet one.
    fn make_room(&mut self, own: Option<TopicId>, len: usize) -> bool {
        while !self.has_room(len) && !self.writer.outbox.is_empty() {
            let oldest = own
                .and_then(|own| self.writer.outbox.drop_first(|pending| pending.topic == own))
                .or_else(|| self.writer.outbox.drop_first(|pending| pending.policy == Policy::DropOldest));
            if let Some((topic, missed)) = oldest {
                self.skip(topic, missed);
                self.arrears().drop_updates(topic, 1);
            } else if own.is_some() || !self.take_back_latest() {
                return false;
            }
        }
        true
    }

    /// Makes room by removing a pending update under `latest`, whose topic becomes overdue. Returns
    /// false if none is pending.
    fn take_back_latest(&mut self) -> bool {
        let pending = self.writer.outbox.drop_first(|pending| pending.policy == Policy::Latest);
        match pending {
            None => return false,
            // A later update of the topic is pending.
            Some((topic, 0)) => self.arrears().drop_updates(topic, 1),
            Some((topic, missed)) => {
                self.skip(topic, missed - 1);
                self.arrears().overdue.push_back(topic);
            }
        }
        true
    }

    /// Records skipped updates of a topic. The next update that is queued reports them.
    pub(crate) fn skip(&mut self, topic: TopicId, count: u64) {
        if count > 0 && self.memberships.contains(topic) {
            self.arrears().skip(topic, count);
        }
    }

    /// Takes the drops that the shard has not counted.
    pub(crate) fn take_dropped(&mut self) -> Vec<(TopicId, u64)> {
        let Some(arrears) = &mut self.arrears else { return Vec::new() };
        let dropped = arrears.take_dropped();
        self.release_empty_arrears();
        dropped
    }

    fn take_skips(&mut self, topic: TopicId) -> u64 {
        let Some(arrears) = &mut self.arrears else { return 0 };
        let skipped = arrears.take_skips(topic);
        self.release_empty_arrears();
        skipped
    }

    fn is_overdue(&self, topic: TopicId) -> bool {
        self.arrears.as_ref().is_some_and(|arrears| arrears.overdue.contains(&topic))
    }

    fn arrears(&mut self) -> &mut Arrears {
        self.arrears.get_or_insert_default()
    }

    fn release_empty_arrears(&mut self) {
        if self.arrears.as_deref().is_some_and(Arrears::is_empty) {
            self.arrears = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(limit: usize) -> (Peer, tokio::io::DuplexStream) {
        let (server, client) = tokio::io::duplex(64);
        let transport = Arc::new(Transport::other(server));
        (Peer::new(0, transport, Arc::default(), Waker::noop().clone(), limit), client)
    }

    #[test]
    fn a_peer_that_has_missed_nothing_keeps_no_arrears() {
        let (mut peer, _client) = peer(1024);
        let topic = TopicId(0);
        assert!(peer.join(topic, 0, true));
        assert!(peer.arrears.is_some(), "updates are held until the snapshot is there");
        assert_eq!(peer.release(topic, Policy::Close, Millis::default(), Vec::new()), Some(Ok(())));
        assert!(peer.arrears.is_none());
    }

    #[test]
    fn held_updates_stay_within_the_limit_whatever_their_sizes() {
        let (mut peer, _client) = peer(4096);
        let topic = TopicId(0);
        assert!(peer.join(topic, 0, true));
        let mut seq = 0;
        for bytes in [vec![20; 50], vec![1000; 20], vec![10; 3]].concat() {
            seq += 1;
            let update = crate::wire::Prefix::new("r.update", "t").update(seq, &vec![b'1'; bytes]);
            let item = Item { topic, policy: Policy::DropOldest, queued_at: Millis::default(), update };
            assert_eq!(peer.hold(&item), Ok(()));
            let arrears = peer.arrears.as_ref().expect("the topic is held");
            assert!(arrears.held_bytes <= 4096);
            let (_, held) = &arrears.held[0];
            assert_eq!(held.iter().map(|held| held.skipped + 1).sum::<u64>(), seq, "each update is held or counted");
        }
    }
}
