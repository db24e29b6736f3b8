//! A shard's view of a connection: its topics, its unsent data, and what it missed.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    task::Waker,
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    fanout::{
        arrears::Arrears,
        audience::Audience,
        batch::{Batch, Item},
        course::Stage,
        ids::TopicId,
        memberships::Memberships,
        pending::{Class, Millis, Pending},
        reply::{REPLY_WEIGHT, Reply},
        signals::Signals,
        slow::{Policy, TooSlow},
        writer::{Flushed, Writer},
    },
    wire::{Frame, Transport, reason},
};

mod courses;

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
    /// Present while the connection has missed something or a subscription is not up to date. Most
    /// never need it.
    arrears: Option<Box<Arrears>>,
    /// The close frame is queued, and no frame may follow it.
    closing: bool,
}

/// What happened to an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// It is queued, or the connection is to be flushed for another reason.
    Queued,
    /// The client receives it later, or what supersedes it.
    Later,
    /// The client receives it, or what supersedes it, at this time.
    At(Instant),
}

/// The maximum length of `,"skipped":N`.
const SKIPPED_BYTES: usize = 32;

/// The unsent bytes of a connection beyond which updates of `latest` and `table` topics are not
/// queued. A shard that is late then sends what supersedes them, instead of each of them later.
const UNSENT_STATE: usize = 16 * 1024;

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

    /// Queues an update that is in the batch, unless the subscription is not up to date.
    pub(crate) fn deliver(&mut self, at: u32, batch: &Batch) -> Result<Delivered, TooSlow> {
        let item = batch.get(at);
        // The fast path, for a subscriber without a backlog.
        let limit = if item.policy == Policy::CatchUp { self.limit.min(UNSENT_STATE) } else { self.limit };
        if self.arrears.is_none() && self.is_alive() && self.writer.try_push_batched(at, item.len(), limit) {
            return Ok(Delivered::Queued);
        }
        self.spill_batched(batch);
        let course = self.arrears.as_mut().and_then(|arrears| arrears.course_mut(item.topic));
        match course.map(|course| &mut course.stage) {
            None => {}
            Some(Stage::Joining(_) | Stage::Replaying(..)) if item.policy != Policy::CatchUp => {
                return self.hold(item).map(|()| Delivered::Later);
            }
            Some(Stage::Joining(_) | Stage::Replaying(..) | Stage::Behind { .. }) => return Ok(Delivered::Later),
            Some(Stage::Ahead { to }) => {
                if item.update.seq <= *to {
                    return Ok(Delivered::Later);
                }
                self.end_course(item.topic);
            }
            Some(Stage::Resting { sent, until, timer }) => {
                return Ok(if item.update.seq <= *sent || std::mem::replace(timer, true) {
                    Delivered::Later
                } else {
                    Delivered::At(*until)
                });
            }
        }
        self.queue_update(item).map(|()| Delivered::Queued)
    }

    /// Queues an update in the outbox, or applies its channel's policy if there is no room.
    fn queue_update(&mut self, item: &Item) -> Result<(), TooSlow> {
        if !self.is_alive() {
            return Ok(());
        }
        let bytes = item.len() + SKIPPED_BYTES;
        if item.policy == Policy::CatchUp {
            let unsent = self.writer.outbox.bytes();
            let is_superseded = unsent > 0 && unsent + bytes > UNSENT_STATE;
            let has_room = !self.writer.blocked && !is_superseded && self.flush_for_room(bytes);
            // The flush may have filled the socket.
            if has_room && !self.writer.blocked {
                self.writer.push(item, 0);
            } else {
                self.fall_behind(item.topic, item.update.seq - 1);
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

    /// Records that the client has nothing of a topic after the number `sent`. It catches up when
    /// its socket is writable.
    pub(crate) fn fall_behind(&mut self, topic: TopicId, sent: u64) {
        if self.memberships.contains(topic) {
            self.arrears().fall_behind(topic, sent);
        }
    }

    /// Moves batched updates to the outbox, as every operation but the fast path requires.
    pub(crate) fn spill_batched(&mut self, batch: &Batch) {
        self.writer.spill_batched(batch);
    }

    /// Returns the number of the last update or snapshot of a topic that was sent or queued.
    /// `delivered` is the number of the last update that the shard has delivered.
    fn position(&self, topic: TopicId, delivered: u64) -> u64 {
        let Some(arrears) = &self.arrears else { return delivered };
        match arrears.course(topic).map(|course| &course.stage) {
            Some(Stage::Replaying(replay, _)) => replay.position(),
            Some(Stage::Behind { sent, .. } | Stage::Resting { sent, .. }) => *sent,
            Some(Stage::Ahead { to }) => *to,
            Some(Stage::Joining(_)) | None => delivered.saturating_sub(arrears.skipped(topic)),
        }
    }

    /// Queues an update together with the count of updates skipped before it.
    fn push_with_skips(&mut self, item: &Item) {
        let skipped = self.take_skips(item.topic);
        self.writer.push(item, skipped);
    }

    /// Queues a frame that is never dropped.
    pub(crate) fn queue_kept(&mut self, frame: Frame) -> Result<(), TooSlow> {
        if self.is_alive() {
            self.reserve(frame.weight())?;
            self.writer.outbox.push(frame, Class::Kept);
        }
        Ok(())
    }

    /// Queues a reply with the number that was last sent or queued of a topic. `delivered` is the
    /// number of the last update that the shard has delivered.
    pub(crate) fn queue_reply(&mut self, topic: TopicId, delivered: u64, Reply(encode): Reply) -> Result<(), TooSlow> {
        if self.is_alive() {
            // First, because the flush may drop updates, whose subscription then catches up.
            self.reserve(REPLY_WEIGHT)?;
            let reply = encode(self.position(topic, delivered));
            self.writer.outbox.push(reply, Class::Position(topic));
        }
        Ok(())
    }

    /// Makes room for a frame that is never dropped.
    fn reserve(&mut self, len: usize) -> Result<(), TooSlow> {
        if self.flush_for_room(len) || self.make_room(None, len) { Ok(()) } else { Err(TooSlow) }
    }

    /// Applies the channels' policies to unsent updates that exceed the maximum age.
    pub(crate) fn expire(&mut self, now: Millis, audiences: &HashMap<TopicId, Audience>) -> Result<(), TooSlow> {
        let expired = |pending: &Pending| {
            let age = Duration::from_millis(now.0.saturating_sub(pending.queued_at.0));
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

    /// Joins a topic, whose reply follows if `starts_later` is true. Returns false if the connection
    /// has already joined it.
    pub(crate) fn join(&mut self, topic: TopicId, index: u32, starts_later: bool) -> bool {
        let new = self.memberships.insert(topic, index);
        if new && starts_later {
            self.arrears().begin(topic, Stage::Joining(VecDeque::new()));
        }
        new
    }

    /// Leaves a topic and returns the index that becomes free.
    pub(crate) fn leave(&mut self, topic: TopicId) -> Option<u32> {
        let index = self.memberships.remove(topic)?;
        // If the client subscribes again, its numbering begins with the new reply.
        self.writer.outbox.discard_topic(topic);
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
            Flushed::Blocked(dropped) => {
                for (topic, seq) in dropped {
                    self.fall_behind(topic, seq - 1);
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
            } else {
                return false;
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

    fn end_course(&mut self, topic: TopicId) {
        if let Some(arrears) = &mut self.arrears {
            arrears.end(topic);
        }
        self.release_empty_arrears();
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
    use crate::fanout::course::{Beginning, Release};

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
        let start = Release { first: Vec::new(), beginning: Beginning::Live, interval: None };
        assert_eq!(peer.release(topic, Policy::Close, Millis::default(), start), Some(Ok(())));
        assert!(peer.arrears.is_none());
    }

    #[test]
    fn a_timer_of_an_earlier_subscription_does_not_end_a_rest() {
        let (mut peer, _client) = peer(1024);
        let topic = TopicId(0);
        assert!(peer.join(topic, 0, true));
        let now = Instant::now();
        let until = now + Duration::from_secs(10);
        let course = peer.arrears().course_mut(topic).expect("it is joining");
        course.stage = Stage::Resting { sent: 1, until, timer: true };
        assert!(!peer.end_rest(topic, now));
        assert!(peer.end_rest(topic, until));
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
            let arrears = peer.arrears.as_mut().expect("the topic is held");
            assert!(arrears.held_bytes <= 4096);
            let held = arrears.course_mut(topic).and_then(|course| course.stage.held()).expect("it is joining");
            assert_eq!(held.iter().map(|held| held.skipped + 1).sum::<u64>(), seq, "each update is held or counted");
        }
    }
}
