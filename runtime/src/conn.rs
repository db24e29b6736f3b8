//! A connection as its shard sees it: an outbox, a socket, and what it has missed.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    audience::Audience,
    frame::Frame,
    ids::TopicId,
    outbox::{Class, Millis, Outbox, Pending},
    signals::Signals,
    slow::Policy,
    transport::Transport,
    update::Update,
};

/// One connection of a shard.
pub(crate) struct Conn {
    pub(crate) number: u64,
    pub(crate) signals: Arc<Signals>,
    /// Whether it is on the shard's list of those to write to.
    pub(crate) touched: bool,
    transport: Arc<Transport>,
    outbox: Outbox,
    /// How many bytes may be unsent.
    limit: usize,
    /// Its topics and its place in each one's list of subscribers, sorted by topic.
    topics: Vec<(TopicId, u32)>,
    /// Present while it is behind or waits for a snapshot, which most never do.
    behind: Option<Box<Behind>>,
    waker: Waker,
    /// The socket was full; the waker tells when it may not be.
    blocked: bool,
    /// The close frame is queued: nothing follows it.
    closing: bool,
    broken: bool,
}

/// What a connection has missed or not been sent yet.
#[derive(Default)]
struct Behind {
    /// How many updates of a topic were skipped since the last one that was queued.
    skips: Vec<(TopicId, u64)>,
    /// Topics under `latest` whose newest update found no room.
    overdue: VecDeque<TopicId>,
    /// Updates of topics whose snapshot is not there yet.
    held: Vec<(TopicId, VecDeque<Update>)>,
    held_bytes: usize,
}

/// An update for a subscriber.
#[derive(Clone, Copy)]
pub(crate) struct Delivery<'a> {
    pub(crate) topic: TopicId,
    pub(crate) update: &'a Update,
    pub(crate) policy: Policy,
    pub(crate) now: Millis,
}

/// The consumer stays behind on a channel where that ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooSlow;

/// How many bytes `,"skipped":N` takes at most.
const SKIPPED_BYTES: usize = 32;

impl Conn {
    pub(crate) fn new(
        number: u64,
        transport: Arc<Transport>,
        signals: Arc<Signals>,
        waker: Waker,
        limit: usize,
    ) -> Self {
        Self {
            number,
            signals,
            touched: false,
            transport,
            outbox: Outbox::default(),
            limit,
            topics: Vec::new(),
            behind: None,
            waker,
            blocked: false,
            closing: false,
            broken: false,
        }
    }

    /// Queues an update; those that make room for it, or that it replaces, are told in
    /// `dropped`.
    pub(crate) fn deliver(&mut self, delivery: &Delivery<'_>, dropped: &mut Vec<TopicId>) -> Result<(), TooSlow> {
        if !self.is_alive() {
            return Ok(());
        }
        let topic = delivery.topic;
        if self.behind.is_none() && self.has_room(delivery.update.frame.bytes().len()) {
            // The way of everybody who keeps up.
            if delivery.policy != Policy::Latest || self.outbox.is_empty() {
                self.push(delivery, 0);
                return Ok(());
            }
        }
        if delivery.policy == Policy::Latest {
            return self.conflate(delivery, dropped);
        }
        if self.finds_room(delivery.update.frame.bytes().len() + SKIPPED_BYTES) {
            let skipped = self.take_skips(topic);
            self.push(delivery, skipped);
        } else if delivery.policy == Policy::Close {
            return Err(TooSlow);
        } else if self.make_room(Some(topic), delivery.update.frame.bytes().len() + SKIPPED_BYTES, dropped) {
            let skipped = self.take_skips(topic);
            self.push(delivery, skipped);
        } else {
            self.skip(topic, 1);
            dropped.push(topic);
        }
        Ok(())
    }

    /// Queues an update in the place of the one that is pending, if there is one.
    fn conflate(&mut self, delivery: &Delivery<'_>, dropped: &mut Vec<TopicId>) -> Result<(), TooSlow> {
        let topic = delivery.topic;
        let skipped = self.take_skips(topic);
        if self.outbox.replace(delivery.update.frame.clone(), delivery.pending(skipped)) {
            dropped.push(topic);
        } else if self.finds_room(delivery.update.frame.bytes().len() + SKIPPED_BYTES) && !self.is_overdue(topic) {
            self.push(delivery, skipped);
        } else {
            if !self.is_overdue(topic) {
                self.behind().overdue.push_back(topic);
            }
            self.skip(topic, skipped + 1);
            dropped.push(topic);
        }
        Ok(())
    }

    /// A topic whose newest update found no room, once everything before it is sent.
    pub(crate) fn next_overdue(&mut self) -> Option<TopicId> {
        if self.blocked || !self.outbox.is_empty() || !self.is_alive() {
            return None;
        }
        let topic = self.behind.as_mut()?.overdue.pop_front();
        self.forget_behind();
        topic
    }

    /// Queues the newest update of a topic that was overdue, which had been counted as
    /// skipped until now.
    pub(crate) fn deliver_overdue(&mut self, delivery: &Delivery<'_>) {
        let skipped = self.take_skips(delivery.topic);
        self.push(delivery, skipped.saturating_sub(1));
    }

    /// Queues a frame that is never dropped.
    pub(crate) fn keep(&mut self, frame: Frame, dropped: &mut Vec<TopicId>) -> Result<(), TooSlow> {
        if !self.is_alive() {
            return Ok(());
        }
        let len = frame.bytes().len();
        if !self.finds_room(len) && !self.make_room(None, len, dropped) {
            return Err(TooSlow);
        }
        self.outbox.push(frame, Class::Kept);
        Ok(())
    }

    /// Keeps an update back until the topic's snapshot is there.
    pub(crate) fn hold(&mut self, delivery: &Delivery<'_>, dropped: &mut Vec<TopicId>) -> Result<(), TooSlow> {
        let len = delivery.update.frame.bytes().len();
        let full = !self.has_room(len);
        if full && delivery.policy == Policy::Close && self.is_alive() {
            return Err(TooSlow);
        }
        let Some(behind) = &mut self.behind else { return Ok(()) };
        let Some((_, held)) = behind.held.iter_mut().find(|(topic, _)| *topic == delivery.topic) else { return Ok(()) };
        let mut skipped = 0;
        // Under `latest` one is enough; otherwise the oldest makes room.
        while (delivery.policy == Policy::Latest || full)
            && let Some(oldest) = held.pop_front()
        {
            behind.held_bytes -= oldest.frame.bytes().len();
            skipped += 1;
            dropped.push(delivery.topic);
            if delivery.policy == Policy::DropOldest {
                break;
            }
        }
        held.push_back(delivery.update.clone());
        behind.held_bytes += len;
        if skipped > 0 {
            self.skip(delivery.topic, skipped);
        }
        Ok(())
    }

    /// The updates that were held back of a topic, if it was held.
    pub(crate) fn take_held(&mut self, topic: TopicId) -> Option<VecDeque<Update>> {
        let behind = self.behind.as_mut()?;
        let at = behind.held.iter().position(|(held, _)| *held == topic)?;
        let (_, updates) = behind.held.swap_remove(at);
        behind.held_bytes -= updates.iter().map(|update| update.frame.bytes().len()).sum::<usize>();
        self.forget_behind();
        Some(updates)
    }

    /// Treats unsent updates that are older than their channels allow as their policies say.
    pub(crate) fn expire(
        &mut self,
        now: Millis,
        audiences: &HashMap<TopicId, Audience>,
        dropped: &mut Vec<TopicId>,
    ) -> Result<(), TooSlow> {
        let expired = |pending: &Pending| {
            let age = std::time::Duration::from_millis(now.0.saturating_sub(pending.since.0));
            let max_age = audiences.get(&pending.topic).and_then(|audience| audience.slow.max_age);
            max_age.is_some_and(|max_age| age > max_age)
        };
        if self.outbox.has_update(|pending| pending.policy == Policy::Close && expired(pending)) {
            return Err(TooSlow);
        }
        let drops = |pending: &Pending| pending.policy == Policy::DropOldest && expired(pending);
        while let Some((topic, missed)) = self.outbox.drop_first(drops) {
            self.skip(topic, missed);
            dropped.push(topic);
        }
        Ok(())
    }

    /// Enters a topic; false if it is there already.
    pub(crate) fn join(&mut self, topic: TopicId, place: u32, held: bool) -> bool {
        let Err(at) = self.find(topic) else { return false };
        self.topics.insert(at, (topic, place));
        if held {
            self.behind().held.push((topic, VecDeque::new()));
        }
        true
    }

    /// Its place among the subscribers of a topic.
    pub(crate) fn place(&self, topic: TopicId) -> Option<u32> {
        self.find(topic).ok().map(|at| self.topics[at].1)
    }

    pub(crate) fn move_to(&mut self, topic: TopicId, place: u32) {
        if let Ok(at) = self.find(topic) {
            self.topics[at].1 = place;
        }
    }

    /// Leaves a topic and tells the place that becomes free.
    pub(crate) fn leave(&mut self, topic: TopicId) -> Option<u32> {
        let at = self.find(topic).ok()?;
        let (_, place) = self.topics.remove(at);
        self.take_held(topic);
        self.take_skips(topic);
        // Whoever comes back has a numbering that begins with the new reply.
        self.outbox.forget(|pending| pending.topic == topic);
        if let Some(behind) = &mut self.behind {
            behind.overdue.retain(|overdue| *overdue != topic);
        }
        self.forget_behind();
        Some(place)
    }

    /// Leaves every topic.
    pub(crate) fn leave_all(&mut self) -> Vec<(TopicId, u32)> {
        self.behind = None;
        std::mem::take(&mut self.topics)
    }

    /// Queues the close frame, behind what is never dropped, and leaves every topic; nothing
    /// if that has happened before.
    pub(crate) fn close(&mut self, frame: Frame) -> Option<Vec<(TopicId, u32)>> {
        if self.closing {
            return None;
        }
        self.outbox.forget(|_| true);
        self.outbox.push(frame, Class::Kept);
        self.closing = true;
        Some(self.leave_all())
    }

    /// Whether anything can still be queued.
    pub(crate) fn is_alive(&self) -> bool {
        !self.closing && !self.broken
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// The socket may have room again.
    pub(crate) fn unblock(&mut self) {
        self.blocked = false;
    }

    /// Writes what the socket takes.
    pub(crate) fn flush(&mut self) {
        if self.blocked || self.broken {
            return;
        }
        match self.outbox.poll_flush(&self.transport, &mut Context::from_waker(&self.waker)) {
            Poll::Ready(Ok(())) => {
                if self.closing {
                    self.signals.set_flushed();
                }
            }
            Poll::Ready(Err(_)) => {
                self.broken = true;
                self.outbox = Outbox::default();
                self.signals.set_broken();
            }
            Poll::Pending => self.blocked = true,
        }
    }

    fn find(&self, topic: TopicId) -> Result<usize, usize> {
        self.topics.binary_search_by_key(&topic, |(topic, _)| *topic)
    }

    fn push(&mut self, delivery: &Delivery<'_>, skipped: u64) {
        self.outbox.push(delivery.update.frame.clone(), Class::Update(delivery.pending(skipped)));
    }

    fn has_room(&self, len: usize) -> bool {
        let held = self.behind.as_ref().map_or(0, |behind| behind.held_bytes);
        self.outbox.bytes() + held + len <= self.limit
    }

    /// Whether there is room once the socket has taken what it can: a burst may be larger
    /// than the limit while the consumer takes all of it, and so may one message.
    fn finds_room(&mut self, len: usize) -> bool {
        if self.has_room(len) {
            return true;
        }
        self.flush();
        self.has_room(len) || self.outbox.is_empty()
    }

    /// Drops old updates whose channels allow it until there is room: those of the same
    /// topic first, so that a busy topic does not drive out a quiet one.
    fn make_room(&mut self, own: Option<TopicId>, len: usize, dropped: &mut Vec<TopicId>) -> bool {
        while !self.has_room(len) && !self.outbox.is_empty() {
            let oldest = own
                .and_then(|own| self.outbox.drop_first(|pending| pending.topic == own))
                .or_else(|| self.outbox.drop_first(|pending| pending.policy == Policy::DropOldest));
            let Some((topic, missed)) = oldest else { return false };
            self.skip(topic, missed);
            dropped.push(topic);
        }
        true
    }

    /// Remembers that updates of a topic are missing, for the next one that is queued.
    pub(crate) fn skip(&mut self, topic: TopicId, count: u64) {
        if count == 0 || self.find(topic).is_err() {
            return;
        }
        let skips = &mut self.behind().skips;
        match skips.iter_mut().find(|(skipped, _)| *skipped == topic) {
            Some((_, skipped)) => *skipped += count,
            None => skips.push((topic, count)),
        }
    }

    fn take_skips(&mut self, topic: TopicId) -> u64 {
        let Some(behind) = &mut self.behind else { return 0 };
        let Some(at) = behind.skips.iter().position(|(skipped, _)| *skipped == topic) else { return 0 };
        let (_, skipped) = behind.skips.swap_remove(at);
        self.forget_behind();
        skipped
    }

    fn is_overdue(&self, topic: TopicId) -> bool {
        self.behind.as_ref().is_some_and(|behind| behind.overdue.contains(&topic))
    }

    fn behind(&mut self) -> &mut Behind {
        self.behind.get_or_insert_default()
    }

    fn forget_behind(&mut self) {
        let caught_up =
            |behind: &Behind| behind.skips.is_empty() && behind.overdue.is_empty() && behind.held.is_empty();
        if self.behind.as_deref().is_some_and(caught_up) {
            self.behind = None;
        }
    }
}

impl Delivery<'_> {
    fn pending(&self, skipped: u64) -> Pending {
        Pending { topic: self.topic, policy: self.policy, since: self.now, split: self.update.split, skipped, told: 0 }
    }
}
