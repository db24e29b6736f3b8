//! A shard: one task that serves a share of the connections. It drains its inbox, queues updates
//! for subscribers, and makes one write for each connection in a turn.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    fanout::{
        audience::Audience,
        batch::{Batch, Item},
        command::{Command, Joining},
        course::Release,
        ids::{Key, TopicId},
        inbox::{Drained, Inbox},
        peer::{Delivered, Peer},
        pending::Millis,
        reply::Reply,
        run_queue::RunQueue,
        signals::Signals,
        slow::{Policy, TooSlow},
        timers::Timers,
    },
    wire::{CloseCode, Frame, Transport, Update, reason},
};

mod task;

pub(crate) use task::run;

/// The capacity that an empty command queue keeps.
const KEPT_COMMANDS: usize = 1024;

/// The number of writes of snapshots, merged changes and parts of replays that a connection
/// receives in a turn. A client that reads as fast as the shard writes would otherwise delay all others until its
/// replay ends.
const RESUMED_PER_TURN: usize = 4;

/// The minimum interval between two checks of ages.
const MIN_SWEEP: Duration = Duration::from_millis(5);

/// The state of a shard, owned by its task.
struct Shard {
    inbox: Inbox,
    peers: Vec<Option<Peer>>,
    topics: HashMap<TopicId, Audience>,
    batch: Batch,
    /// Connections with unsent data.
    run_queue: RunQueue,
    /// Commands that were taken from the inbox and are not yet executed.
    commands: VecDeque<Command>,
    /// The zero of the shard's clock.
    started_at: Instant,
    /// The time at which the inbox was last drained.
    now: Millis,
    /// The same as an instant, if a flush window is configured.
    drained_at: Option<Instant>,
    /// The shortest maximum age of any topic of the shard, and the time of the next check.
    shortest_age: Option<Duration>,
    next_sweep: Option<Instant>,
    timers: Timers,
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
            started_at: Instant::now(),
            now: Millis::default(),
            drained_at: None,
            shortest_age: None,
            next_sweep: None,
            timers: Timers::default(),
        }
    }

    /// Returns true if the shard executes commands now. With a flush window, commands wait until
    /// every queued connection is written to.
    fn accepts_commands(&self) -> bool {
        self.run_queue.is_empty() || self.inbox.bounds().flush_window.is_zero()
    }

    /// Drains the inbox and executes its commands. Returns false once the shard is shut down.
    fn execute_inbox(&mut self) -> bool {
        // A panic leaves the rest of its turn's commands behind.
        self.execute_commands();
        let Drained { commands, writable, overflow, shut } = self.inbox.drain(std::mem::take(&mut self.commands));
        self.commands = commands;
        self.read_clock();
        self.run_queue.begin_round();
        // These connections have already waited, so they are queued before the commands' connections.
        for slot in writable {
            if let Some(Some(peer)) = self.peers.get_mut(slot as usize) {
                peer.unblock();
                self.schedule(slot);
            }
        }
        self.execute_commands();
        for (topic, update) in overflow {
            self.deliver(topic, update);
        }
        self.end_rests();
        self.sweep();
        if shut {
            while !self.run_queue.is_empty() {
                self.flush_next();
            }
        }
        !shut
    }

    fn execute_commands(&mut self) {
        while let Some(command) = self.commands.pop_front() {
            self.execute(command);
        }
        self.commands.shrink_to(KEPT_COMMANDS);
    }

    /// Reads the clock once for all commands, and only if a setting depends on it.
    fn read_clock(&mut self) {
        let window = !self.inbox.bounds().flush_window.is_zero();
        if window || self.shortest_age.is_some() {
            let now = Instant::now();
            self.now = Millis(u64::try_from((now - self.started_at).as_millis()).unwrap_or(u64::MAX));
            self.drained_at = window.then_some(now);
        }
    }

    fn execute(&mut self, command: Command) {
        match command {
            Command::Deliver { topic, update } => self.deliver(topic, update),
            Command::Send { key, frame } => self.send(key, frame),
            Command::Reply { key, topic, reply } => self.reply(key, topic, reply),
            Command::Join { key, joining, reply } => self.join(key, joining, reply),
            Command::Release { key, topic, start } => self.release(key, topic, start),
            Command::Leave { key, topic } => self.leave(key, topic),
            Command::Open { key, transport, signals } => self.open(key, transport, signals),
            Command::Close { key, frame } => self.close(key, frame),
            Command::Remove { key } => self.remove(key),
            #[cfg(test)]
            Command::Panic => panic!("a test requested this panic"),
        }
    }

    /// Returns the connection of a key, with its batched updates moved to the outbox.
    fn peer(&mut self, key: Key) -> Option<&mut Peer> {
        let peer = self.peers.get_mut(key.slot as usize)?.as_mut().filter(|peer| peer.number == key.number)?;
        peer.spill_batched(&self.batch);
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
        let Some(audience) = self.topics.get_mut(&topic) else { return };
        // An update that overflowed the inbox may be older than the last one that was delivered.
        let Some(missed) = update.seq.checked_sub(audience.seq + 1) else { return };
        if missed > 0 {
            self.skip_lost(topic, missed);
        }
        let Some(audience) = self.topics.get_mut(&topic) else { return };
        audience.seq = update.seq;
        let policy = audience.slow.policy;
        let at = self.batch.add(Item { topic, policy, queued_at: self.now, update });
        let mut slow = Vec::new();
        // Under overload the run queue serves its back first, which is then the earliest subscriber.
        for &slot in audience.subscribers.iter().rev() {
            let Some(peer) = &mut self.peers[slot as usize] else { continue };
            match peer.deliver(at, &self.batch) {
                Ok(Delivered::Queued) => {
                    if !peer.scheduled {
                        peer.scheduled = true;
                        self.run_queue.push(slot, at);
                    }
                }
                Ok(Delivered::Later) => {}
                Ok(Delivered::At(at)) => self.timers.add(at, Key { slot, number: peer.number }, topic),
                Err(TooSlow) => slow.push(slot),
            }
        }
        slow.into_iter().for_each(|slot| self.close_slow(slot));
    }

    /// Adds a connection's drops to the topics' counters. This has to happen before the connection
    /// leaves, because a topic is removed together with its last subscriber.
    fn count_dropped(&mut self, key: Key) {
        if let Some(Some(peer)) = self.peers.get_mut(key.slot as usize)
            && peer.number == key.number
        {
            count_dropped(peer, &self.topics);
        }
    }

    /// Applies the channel's policy to every subscriber of a topic whose updates overflowed the
    /// inbox: if the shard does not keep up, none of its subscribers does.
    fn skip_lost(&mut self, topic: TopicId, missed: u64) {
        let Some(audience) = self.topics.get_mut(&topic) else { return };
        let (delivered, policy) = (audience.seq, audience.slow.policy);
        let slots = audience.subscribers.clone();
        if policy == Policy::Close {
            slots.into_iter().for_each(|slot| self.close_slow(slot));
            return;
        }
        if policy == Policy::DropOldest {
            audience.skipped.fetch_add(missed * slots.len() as u64, Ordering::Relaxed);
        }
        for slot in slots {
            let Some(peer) = &mut self.peers[slot as usize] else { continue };
            peer.spill_batched(&self.batch);
            if policy == Policy::CatchUp {
                peer.lose(topic, delivered, delivered + missed);
                self.schedule(slot);
            } else {
                peer.skip(topic, missed);
            }
        }
    }

    /// Sends a reply with the number that was last sent of a topic.
    fn reply(&mut self, key: Key, topic: TopicId, reply: Reply) {
        let delivered = self.topics.get(&topic).map_or(0, |audience| audience.seq);
        if let Some(queued) = self.peer(key).map(|peer| peer.queue_reply(topic, delivered, reply)) {
            self.handle_queued(key.slot, queued);
        }
    }

    fn send(&mut self, key: Key, frame: Frame) {
        if let Some(queued) = self.peer(key).map(|peer| peer.queue_kept(frame)) {
            self.handle_queued(key.slot, queued);
        }
    }

    /// Schedules a connection for which a frame was queued, or closes it as too slow.
    fn handle_queued(&mut self, slot: u32, queued: Result<(), TooSlow>) {
        match queued {
            Ok(()) => self.schedule(slot),
            Err(TooSlow) => self.close_slow(slot),
        }
    }

    fn schedule(&mut self, slot: u32) {
        if let Some(peer) = &mut self.peers[slot as usize]
            && !peer.scheduled
        {
            peer.scheduled = true;
            self.run_queue.push(slot, self.batch.end());
        }
    }

    /// Writes to the connections of the next turn.
    fn flush_next(&mut self) {
        let turn = self.run_queue.next_turn();
        for slot in turn.clone() {
            if let Some(peer) = &self.peers[slot as usize] {
                peer.prefetch();
            }
        }
        turn.for_each(|slot| self.flush(slot));
        self.batch.discard_before(self.run_queue.oldest_position().unwrap_or(self.batch.end()));
    }

    /// Writes a connection's unsent data and then, while the socket accepts it, what its
    /// subscriptions need to continue.
    fn flush(&mut self, slot: u32) {
        let Some(peer) = &mut self.peers[slot as usize] else { return };
        peer.scheduled = false;
        peer.flush(&mut self.batch);
        let mut resumed = Ok(None);
        for _ in 0..RESUMED_PER_TURN {
            if resumed.is_err() || !peer.is_due() {
                break;
            }
            while let (Ok(_), Some(topic)) = (resumed, peer.next_due()) {
                let Some(audience) = self.topics.get(&topic) else { continue };
                resumed = peer.resume(topic, audience, self.now);
                if let Ok(Some(at)) = resumed {
                    self.timers.add(at, Key { slot, number: peer.number }, topic);
                }
            }
            peer.flush(&mut self.batch);
        }
        if let (true, None, Some(shortest)) = (peer.is_blocked(), self.next_sweep, self.shortest_age) {
            self.next_sweep = Some(Instant::now() + (shortest / 4).max(MIN_SWEEP));
        }
        count_dropped(peer, &self.topics);
        let has_more = peer.is_due();
        if resumed == Err(TooSlow) {
            self.close_slow(slot);
        } else if has_more {
            self.schedule(slot);
        }
    }

    /// Ends the pauses that clients' `max_rate` required.
    fn end_rests(&mut self) {
        if self.timers.next().is_none() {
            return;
        }
        let now = Instant::now();
        while let Some((key, topic)) = self.timers.take_due(now) {
            if self.peer(key).is_some_and(|peer| peer.end_rest(topic, now)) {
                self.schedule(key.slot);
            }
        }
    }

    fn join(&mut self, key: Key, joining: Joining, reply: Option<Frame>) {
        let Joining { topic, seq, slow, skipped, source } = joining;
        let Some(peer) = self.peers.get_mut(key.slot as usize).and_then(Option::as_mut) else { return };
        if peer.number != key.number || !peer.is_alive() {
            return;
        }
        let audience = self.topics.entry(topic).or_insert_with(|| Audience {
            seq,
            slow,
            skipped,
            source,
            subscribers: Vec::new(),
        });
        let index = u32::try_from(audience.subscribers.len()).expect("there are fewer connections than 2^32");
        if !peer.join(topic, index, reply.is_none()) {
            return;
        }
        audience.subscribers.push(key.slot);
        if let Some(age) = slow.max_age {
            self.shortest_age = Some(self.shortest_age.map_or(age, |shortest| shortest.min(age)));
        }
        if let Some(reply) = reply {
            self.send(key, reply);
        }
    }

    fn release(&mut self, key: Key, topic: TopicId, start: Release) {
        let queued_at = self.now;
        let Some(policy) = self.topics.get(&topic).map(|audience| audience.slow.policy) else { return };
        if let Some(queued) = self.peer(key).and_then(|peer| peer.release(topic, policy, queued_at, start)) {
            self.handle_queued(key.slot, queued);
        }
    }

    fn leave(&mut self, key: Key, topic: TopicId) {
        self.count_dropped(key);
        if let Some(index) = self.peer(key).and_then(|peer| peer.leave(topic)) {
            self.vacate(topic, index);
        }
    }

    /// Removes a subscriber from a topic. The last subscriber is moved into the free slot.
    fn vacate(&mut self, topic: TopicId, index: u32) {
        let Some(audience) = self.topics.get_mut(&topic) else { return };
        audience.subscribers.swap_remove(index as usize);
        if let Some(&moved) = audience.subscribers.get(index as usize) {
            if let Some(peer) = &mut self.peers[moved as usize] {
                peer.memberships.set_index(topic, index);
            }
        } else if audience.subscribers.is_empty() {
            self.topics.remove(&topic);
        }
    }

    fn close(&mut self, key: Key, frame: Frame) {
        self.count_dropped(key);
        let Some(left) = self.peer(key).and_then(|peer| peer.close(frame)) else { return };
        for (topic, index) in left {
            self.vacate(topic, index);
        }
        self.schedule(key.slot);
    }

    fn close_slow(&mut self, slot: u32) {
        let Some(peer) = &self.peers[slot as usize] else { return };
        if peer.is_alive() {
            peer.signals.set_shard_closed(reason::TOO_SLOW);
            let key = Key { slot, number: peer.number };
            self.close(key, Frame::close(CloseCode::TRY_AGAIN_LATER, reason::TOO_SLOW));
        }
    }

    fn remove(&mut self, key: Key) {
        self.count_dropped(key);
        let Some(peer) = self.peer(key) else { return };
        for (topic, index) in peer.leave_all() {
            self.vacate(topic, index);
        }
        self.peers[key.slot as usize] = None;
        self.inbox.free_slot(key.slot);
    }

    /// Checks the ages of unsent updates. Only connections whose socket is blocked have any that
    /// could be old.
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
            peer.spill_batched(&self.batch);
            if peer.expire(self.now, &self.topics) == Err(TooSlow) {
                slow.push(slot);
            }
            count_dropped(peer, &self.topics);
        }
        slow.into_iter().for_each(|slot| self.close_slow(slot));
        // While a socket is blocked, only the timer may wake the shard.
        self.next_sweep = is_any_blocked.then(|| now + (shortest / 4).max(MIN_SWEEP));
    }
}

/// Adds a connection's drops to the topics' counters.
fn count_dropped(peer: &mut Peer, topics: &HashMap<TopicId, Audience>) {
    for (topic, count) in peer.take_dropped() {
        if let Some(audience) = topics.get(&topic) {
            audience.skipped.fetch_add(count, Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
