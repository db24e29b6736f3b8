//! A share of the connections: one task that drains what was published into outboxes
//! and makes one write for each connection it touched.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    fanout::{
        audience::{Audience, Subscriber},
        batch::{Batch, Item},
        ids::{Key, TopicId},
        inbox::{Command, Inbox, Joining, Taken},
        outbox::Millis,
        peer::Peer,
        run_queue::RunQueue,
        signals::Signals,
        slow::{Policy, TooSlow},
    },
    wire::{CloseCode, Frame, Transport, Update, reason},
};

mod task;

pub(crate) use task::run;

/// How many commands an emptied inbox keeps room for.
const KEPT_COMMANDS: usize = 1024;

/// How often ages are looked at, at the most.
const MIN_SWEEP: Duration = Duration::from_millis(5);

/// The state that only the shard's task sees.
struct Shard {
    inbox: Inbox,
    peers: Vec<Option<Peer>>,
    topics: HashMap<TopicId, Audience>,
    batch: Batch,
    /// Connections with something new to send.
    run_queue: RunQueue,
    /// Commands that were taken from the inbox and not yet carried out.
    commands: VecDeque<Command>,
    /// When the shard began; the zero of its clock.
    began: Instant,
    /// Now, as of the last look at the inbox.
    now: Millis,
    /// When the inbox was emptied last, if there is a flush window.
    flushed: Option<Instant>,
    /// The shortest age limit of any topic here, and when ages are looked at next.
    shortest_age: Option<Duration>,
    next_sweep: Option<Instant>,
}

impl Shard {
    fn new(inbox: Inbox) -> Self {
        Self {
            inbox,
            peers: Vec::new(),
            topics: HashMap::new(),
            batch: Batch::default(),
            run_queue: RunQueue::default(),
            commands: VecDeque::new(),
            began: Instant::now(),
            now: Millis::default(),
            flushed: None,
            shortest_age: None,
            next_sweep: None,
        }
    }

    /// Whether what was asked is to be carried out now. With a flush window, what comes while
    /// connections are being written to waits for the next one.
    fn takes(&self) -> bool {
        self.run_queue.is_empty() || self.inbox.bounds().flush_window.is_zero()
    }

    /// Carries out everything that was asked; false once the shard is shut.
    fn take(&mut self) -> bool {
        // After a panic the rest of its turn is still to be carried out.
        self.carry_out();
        let Taken { commands, writable, lost, shut } = self.inbox.take(std::mem::take(&mut self.commands));
        self.commands = commands;
        self.read_clock();
        self.run_queue.begin_round();
        // They have waited already, and are in the line before whoever gets something now.
        for slot in writable {
            if let Some(Some(peer)) = self.peers.get_mut(slot as usize) {
                peer.unblock();
                self.touch(slot);
            }
        }
        self.carry_out();
        for (topic, update) in lost {
            self.deliver(topic, update);
        }
        self.sweep();
        if shut {
            while !self.run_queue.is_empty() {
                self.flush_next();
            }
        }
        !shut
    }

    fn carry_out(&mut self) {
        while let Some(command) = self.commands.pop_front() {
            self.apply(command);
        }
        self.commands.shrink_to(KEPT_COMMANDS);
    }

    /// Reads the time once for all that was asked, and only where anything depends on it.
    fn read_clock(&mut self) {
        let window = !self.inbox.bounds().flush_window.is_zero();
        if window || self.shortest_age.is_some() {
            let now = Instant::now();
            self.now = Millis(u64::try_from((now - self.began).as_millis()).unwrap_or(u64::MAX));
            self.flushed = window.then_some(now);
        }
    }

    fn apply(&mut self, command: Command) {
        match command {
            Command::Deliver { topic, update } => self.deliver(topic, update),
            Command::Send { key, frame } => self.send(key, frame),
            Command::Join { key, joining, reply } => self.join(key, joining, reply),
            Command::Release { key, topic, first } => self.release(key, topic, first),
            Command::Leave { key, topic } => self.leave(key, topic),
            Command::Open { key, transport, signals } => self.open(key, transport, signals),
            Command::Close { key, frame } => self.close(key, frame),
            Command::Remove { key } => self.remove(key),
            #[cfg(test)]
            Command::Panic => panic!("a test asked for it"),
        }
    }

    /// The connection of that key, settled: what follows is not about updates yet to be written.
    fn peer(&mut self, key: Key) -> Option<&mut Peer> {
        let peer = self.peers.get_mut(key.slot as usize)?.as_mut().filter(|peer| peer.number == key.number)?;
        peer.settle(&self.batch);
        Some(peer)
    }

    fn open(&mut self, key: Key, transport: Arc<Transport>, signals: Arc<Signals>) {
        let slot = key.slot as usize;
        if self.peers.len() <= slot {
            self.peers.resize_with(slot + 1, || None);
        }
        let waker = self.inbox.waker(key.slot);
        self.peers[slot] = Some(Peer::new(key.number, transport, signals, waker, self.inbox.bounds().outbox));
    }

    fn deliver(&mut self, topic: TopicId, update: Update) {
        let Some(entry) = self.topics.get_mut(&topic) else { return };
        // The newest of the updates that found no room in the inbox may be older than the last that did.
        let Some(missed) = update.seq.checked_sub(entry.seq + 1) else { return };
        if missed > 0 {
            self.lose(topic, missed);
        }
        let Some(entry) = self.topics.get_mut(&topic) else { return };
        entry.seq = update.seq;
        let policy = entry.slow.policy;
        if policy == Policy::Latest {
            entry.last = Some(update.clone());
        }
        let at = self.batch.add(Item { topic, policy, since: self.now, update });
        let mut slow = Vec::new();
        // In a crowd the end of the line comes first, and so those who subscribed first.
        for subscriber in entry.subscribers.iter().rev() {
            let Some(peer) = &mut self.peers[subscriber.slot as usize] else { continue };
            let done = if subscriber.held { peer.hold(self.batch.get(at)) } else { peer.deliver(at, &self.batch) };
            if done == Err(TooSlow) {
                slow.push(subscriber.slot);
            } else if !peer.touched {
                peer.touched = true;
                self.run_queue.push(subscriber.slot, at);
            }
        }
        slow.into_iter().for_each(|slot| self.close_slow(slot));
    }

    /// Counts a connection's drops. A topic is forgotten with its last subscriber, so this
    /// happens before the connection leaves.
    fn count_dropped(&mut self, slot: u32) {
        if let Some(Some(peer)) = self.peers.get_mut(slot as usize) {
            count_dropped(peer, &self.topics);
        }
    }

    /// Applies the channel's policy to every subscriber of a topic when the inbox was full and
    /// the next updates were lost: the shard as a whole was too slow, and so is each of them.
    fn lose(&mut self, topic: TopicId, missed: u64) {
        let Some(entry) = self.topics.get_mut(&topic) else { return };
        let slots: Vec<u32> = entry.subscribers.iter().map(|subscriber| subscriber.slot).collect();
        if entry.slow.policy == Policy::Close {
            slots.into_iter().for_each(|slot| self.close_slow(slot));
            return;
        }
        entry.skipped.fetch_add(missed * slots.len() as u64, Ordering::Relaxed);
        for slot in slots {
            if let Some(peer) = &mut self.peers[slot as usize] {
                peer.settle(&self.batch);
                peer.skip(topic, missed);
            }
        }
    }

    fn send(&mut self, key: Key, frame: Frame) {
        if let Some(queued) = self.peer(key).map(|peer| peer.keep(frame)) {
            self.finish(key.slot, queued);
        }
    }

    /// What follows when something was queued, or could not be.
    fn finish(&mut self, slot: u32, queued: Result<(), TooSlow>) {
        match queued {
            Ok(()) => self.touch(slot),
            Err(TooSlow) => self.close_slow(slot),
        }
    }

    fn touch(&mut self, slot: u32) {
        if let Some(peer) = &mut self.peers[slot as usize]
            && !peer.touched
        {
            peer.touched = true;
            self.run_queue.push(slot, self.batch.end());
        }
    }

    /// Writes to the next few connections that have something new.
    fn flush_next(&mut self) {
        let turn = self.run_queue.next_turn();
        for slot in turn.clone() {
            if let Some(peer) = &self.peers[slot as usize] {
                peer.prefetch();
            }
        }
        turn.for_each(|slot| self.flush(slot));
        self.batch.forget_before(self.run_queue.needs_from().unwrap_or(self.batch.end()));
    }

    /// Writes what a connection has; then, if it could take everything, what is newest of the
    /// topics that had found no room.
    fn flush(&mut self, slot: u32) {
        let Some(peer) = &mut self.peers[slot as usize] else { return };
        peer.touched = false;
        peer.flush(&mut self.batch);
        while let Some(topic) = peer.next_overdue() {
            let Some(entry) = self.topics.get(&topic) else { continue };
            let Some(update) = &entry.last else { continue };
            let item = Item { topic, policy: entry.slow.policy, since: self.now, update: update.clone() };
            peer.push_with_skips(&item);
            peer.flush(&mut self.batch);
        }
        if let (true, None, Some(shortest)) = (peer.is_blocked(), self.next_sweep, self.shortest_age) {
            self.next_sweep = Some(Instant::now() + (shortest / 4).max(MIN_SWEEP));
        }
        self.count_dropped(slot);
    }

    fn join(&mut self, key: Key, joining: Joining, reply: Option<Frame>) {
        let Joining { topic, seq, slow, skipped } = joining;
        let Some(peer) = self.peers.get_mut(key.slot as usize).and_then(Option::as_mut) else { return };
        if peer.number != key.number || !peer.is_alive() {
            return;
        }
        let entry = self.topics.entry(topic).or_insert_with(|| Audience {
            seq,
            slow,
            skipped,
            last: None,
            subscribers: Vec::new(),
        });
        let place = u32::try_from(entry.subscribers.len()).expect("there are fewer connections than 2^32");
        if !peer.join(topic, place, reply.is_none()) {
            return;
        }
        entry.subscribers.push(Subscriber { slot: key.slot, held: reply.is_none() });
        if let Some(age) = slow.max_age {
            self.shortest_age = Some(self.shortest_age.map_or(age, |shortest| shortest.min(age)));
        }
        if let Some(reply) = reply {
            self.send(key, reply);
        }
    }

    fn release(&mut self, key: Key, topic: TopicId, first: Vec<Frame>) {
        let since = self.now;
        let Some(place) = self.peer(key).and_then(|peer| peer.memberships.place(topic)) else { return };
        let Some(audience) = self.topics.get_mut(&topic) else { return };
        audience.subscribers[place as usize].held = false;
        let policy = audience.slow.policy;
        if let Some(queued) = self.peer(key).and_then(|peer| peer.release(topic, policy, since, first)) {
            self.finish(key.slot, queued);
        }
    }

    fn leave(&mut self, key: Key, topic: TopicId) {
        self.count_dropped(key.slot);
        if let Some(place) = self.peer(key).and_then(|peer| peer.leave(topic)) {
            self.vacate(topic, place);
        }
    }

    /// Takes a subscriber out of a topic's list; the last one moves to its place.
    fn vacate(&mut self, topic: TopicId, place: u32) {
        let Some(entry) = self.topics.get_mut(&topic) else { return };
        entry.subscribers.swap_remove(place as usize);
        if let Some(moved) = entry.subscribers.get(place as usize) {
            if let Some(peer) = &mut self.peers[moved.slot as usize] {
                peer.memberships.move_to(topic, place);
            }
        } else if entry.subscribers.is_empty() {
            self.topics.remove(&topic);
        }
    }

    fn close(&mut self, key: Key, frame: Frame) {
        self.count_dropped(key.slot);
        let Some(left) = self.peer(key).and_then(|peer| peer.close(frame)) else { return };
        for (topic, place) in left {
            self.vacate(topic, place);
        }
        self.touch(key.slot);
    }

    fn close_slow(&mut self, slot: u32) {
        let Some(peer) = &self.peers[slot as usize] else { return };
        if peer.is_alive() {
            peer.signals.set_ended(reason::TOO_SLOW);
            let key = Key { slot, number: peer.number };
            self.close(key, Frame::close(CloseCode::TRY_AGAIN_LATER, reason::TOO_SLOW));
        }
    }

    fn remove(&mut self, key: Key) {
        self.count_dropped(key.slot);
        let Some(peer) = self.peer(key) else { return };
        for (topic, place) in peer.leave_all() {
            self.vacate(topic, place);
        }
        self.peers[key.slot as usize] = None;
        self.inbox.free(key.slot);
    }

    /// Looks for updates that are older than their channels allow, in connections whose
    /// socket is full: in all others there are none.
    fn sweep(&mut self) {
        let Some(shortest) = self.shortest_age else { return };
        let now = Instant::now();
        if self.next_sweep.is_some_and(|at| now < at) {
            return;
        }
        let mut is_any_blocked = false;
        let mut slow = Vec::new();
        for (slot, peer) in (0_u32..).zip(&mut self.peers) {
            let Some(peer) = peer.as_mut().filter(|peer| peer.is_blocked()) else { continue };
            is_any_blocked = true;
            peer.settle(&self.batch);
            if peer.expire(self.now, &self.topics) == Err(TooSlow) {
                slow.push(slot);
            }
            count_dropped(peer, &self.topics);
        }
        slow.into_iter().for_each(|slot| self.close_slow(slot));
        // While a socket is full there is nothing to wake the shard but the clock.
        self.next_sweep = is_any_blocked.then(|| now + (shortest / 4).max(MIN_SWEEP));
    }
}

/// Adds a connection's drops to the counters of their topics.
fn count_dropped(peer: &mut Peer, topics: &HashMap<TopicId, Audience>) {
    for (topic, count) in peer.take_dropped() {
        if let Some(audience) = topics.get(&topic) {
            audience.skipped.fetch_add(count, Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
