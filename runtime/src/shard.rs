//! A share of the connections: one task that drains what was published into outboxes
//! and makes one write for each connection it touched.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use tokio::sync::Notify;

use crate::{
    close::{CloseCode, reason},
    frame::Frame,
    link::{Key, Link, Signals},
    outbox::{Class, Outbox},
    topics::TopicId,
    transport::Transport,
};




/// What a shard is asked to do. Commands are carried out in the order of their pushes.
#[derive(Debug)]
pub(crate) enum Command {
    Open { key: Key, transport: Arc<Transport>, signals: Arc<Signals> },
    Send { key: Key, frame: Frame },
    /// Joins a topic. With a reply, updates follow it; without, they are held until `Release`.
    Join { key: Key, topic: TopicId, seq: u64, reply: Option<Frame> },
    Release { key: Key, topic: TopicId, first: Vec<Frame> },
    Leave { key: Key, topic: TopicId },
    Deliver { topic: TopicId, seq: u64, frame: Frame },
    Close { key: Key, frame: Frame },
    Remove { key: Key },
}

/// Bounds of what waits in memory, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Unsent bytes of one connection.
    pub(crate) outbox: usize,
    /// What was published or answered and is not yet in any outbox.
    pub(crate) inbox: usize,
}

/// The way into a shard.
#[derive(Debug, Clone)]
pub(crate) struct ShardHandle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    inbox: Mutex<Inbox>,
    wake: Notify,
    /// Told when the inbox has room again.
    room: Notify,
    bounds: Bounds,
    numbers: AtomicU64,
}

#[derive(Debug, Default)]
struct Inbox {
    commands: Vec<Command>,
    /// Bytes of the frames in `commands`.
    bytes: usize,
    /// Updates that found no room, by topic: the last number lost.
    lost: HashMap<TopicId, u64>,
    /// Connections whose socket was full and may have room again.
    writable: Vec<u32>,
    /// Slots to use again, and the first that was never used.
    free: Vec<u32>,
    unused: u32,
    closed: bool,
}

impl ShardHandle {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Shared {
            inbox: Mutex::default(),
            wake: Notify::new(),
            room: Notify::new(),
            bounds,
            numbers: AtomicU64::new(0),
        }))
    }

    /// Whether both lead into the same shard.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Takes a connection into the shard.
    pub(crate) fn open(&self, transport: Arc<Transport>) -> Link {
        let signals = Arc::<Signals>::default();
        let number = self.0.numbers.fetch_add(1, Ordering::Relaxed);
        let slot = {
            let mut inbox = self.lock();
            inbox.free.pop().unwrap_or_else(|| {
                inbox.unused += 1;
                inbox.unused - 1
            })
        };
        let key = Key { slot, number };
        self.push(Command::Open { key, transport, signals: Arc::clone(&signals) });
        Link { shard: self.clone(), key, signals }
    }

    /// Enqueues a command. Never waits; an update that finds no room is recorded as lost.
    pub(crate) fn push(&self, command: Command) {
        let mut inbox = self.lock();
        match &command {
            Command::Deliver { topic, seq, frame } => {
                if inbox.bytes + frame.bytes().len() > self.0.bounds.inbox {
                    let (topic, seq) = (*topic, *seq);
                    inbox.lost.insert(topic, seq);
                    return;
                }
                inbox.bytes += frame.bytes().len();
            }
            Command::Send { frame, .. } => inbox.bytes += frame.bytes().len(),
            _ => {}
        }
        let idle = inbox.commands.is_empty();
        inbox.commands.push(command);
        drop(inbox);
        if idle {
            self.0.wake.notify_one();
        }
    }

    /// Waits until the inbox is not full. Connections wait here before they read on, so
    /// that clients cannot fill it with requests; publishers never do.
    pub(crate) async fn room(&self) {
        loop {
            let room = self.0.room.notified();
            if self.lock().bytes <= self.0.bounds.inbox {
                return;
            }
            room.await;
        }
    }

    /// Ends the shard's task once it has carried out what it was asked.
    pub(crate) fn shut(&self) {
        self.lock().closed = true;
        self.0.wake.notify_one();
    }

    /// The task of the shard; runs until [`shut`](Self::shut).
    pub(crate) async fn run(self) {
        let mut shard = Shard { handle: self, conns: Vec::new(), topics: HashMap::new(), touched: Vec::new(), spare: Vec::new() };
        loop {
            shard.handle.0.wake.notified().await;
            if !shard.tick() {
                return;
            }
            // Whoever publishes or reads on this worker goes on before the next tick, and
            // what that yields shares one write.
            tokio::task::yield_now().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.0.inbox.lock().expect("nothing panics while an inbox is locked")
    }
}

/// The state that only the shard's task sees.
struct Shard {
    handle: ShardHandle,
    conns: Vec<Option<Conn>>,
    topics: HashMap<TopicId, Topic>,
    /// Connections with something new to send.
    touched: Vec<u32>,
    /// The emptied list of commands, to be filled again.
    spare: Vec<Command>,
}

struct Conn {
    number: u64,
    transport: Arc<Transport>,
    signals: Arc<Signals>,
    outbox: Outbox,
    /// Its topics and its place in each one's list of subscribers, sorted by topic.
    topics: Vec<(TopicId, u32)>,
    /// Updates of topics whose snapshot is not there yet.
    held: Vec<(TopicId, Vec<Frame>)>,
    held_bytes: usize,
    waker: Waker,
    touched: bool,
    /// The socket was full; the waker tells when it may not be.
    blocked: bool,
    /// The close frame is queued: nothing follows it.
    closing: bool,
    broken: bool,
}

/// A topic as far as this shard has subscribers of it.
struct Topic {
    /// The last number delivered here.
    seq: u64,
    subscribers: Vec<Subscriber>,
}

#[derive(Clone, Copy)]
struct Subscriber {
    slot: u32,
    held: bool,
}

/// Wakes the shard for one connection.
struct Writable {
    shard: ShardHandle,
    slot: u32,
}

impl Wake for Writable {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.shard.lock().writable.push(self.slot);
        self.shard.0.wake.notify_one();
    }
}

impl Shard {
    /// Carries out everything that was asked; false once the shard is shut.
    fn tick(&mut self) -> bool {
        let mut inbox = self.handle.lock();
        let spare = std::mem::take(&mut self.spare);
        let mut commands = std::mem::replace(&mut inbox.commands, spare);
        let writable = std::mem::take(&mut inbox.writable);
        let lost = std::mem::take(&mut inbox.lost);
        let congested = std::mem::take(&mut inbox.bytes) > 0;
        let closed = inbox.closed;
        drop(inbox);
        if congested {
            self.handle.0.room.notify_waiters();
        }

        for command in commands.drain(..) {
            self.apply(command);
        }
        commands.shrink_to(1024);
        self.spare = commands;
        for (topic, seq) in lost {
            self.lose(topic, seq);
        }
        for slot in writable {
            if let Some(Some(conn)) = self.conns.get_mut(slot as usize) {
                conn.blocked = false;
                conn.flush();
            }
        }
        while let Some(slot) = self.touched.pop() {
            if let Some(conn) = &mut self.conns[slot as usize] {
                conn.touched = false;
                conn.flush();
            }
        }
        !closed
    }

    fn apply(&mut self, command: Command) {
        match command {
            Command::Deliver { topic, seq, frame } => self.deliver(topic, seq, &frame),
            Command::Send { key, frame } => self.send(key, frame),
            Command::Join { key, topic, seq, reply } => self.join(key, topic, seq, reply),
            Command::Release { key, topic, first } => self.release(key, topic, first),
            Command::Leave { key, topic } => self.leave(key, topic),
            Command::Open { key, transport, signals } => self.open(key, transport, signals),
            Command::Close { key, frame } => self.close(key, frame),
            Command::Remove { key } => self.remove(key),
        }
    }

    fn conn(&mut self, key: Key) -> Option<&mut Conn> {
        self.conns.get_mut(key.slot as usize)?.as_mut().filter(|conn| conn.number == key.number)
    }

    fn open(&mut self, key: Key, transport: Arc<Transport>, signals: Arc<Signals>) {
        let slot = key.slot as usize;
        if self.conns.len() <= slot {
            self.conns.resize_with(slot + 1, || None);
        }
        let waker = Waker::from(Arc::new(Writable { shard: self.handle.clone(), slot: key.slot }));
        self.conns[slot] = Some(Conn {
            number: key.number,
            transport,
            signals,
            outbox: Outbox::default(),
            topics: Vec::new(),
            held: Vec::new(),
            held_bytes: 0,
            waker,
            touched: false,
            blocked: false,
            closing: false,
            broken: false,
        });
    }

    fn deliver(&mut self, topic: TopicId, seq: u64, frame: &Frame) {
        let limit = self.handle.0.bounds.outbox;
        let mut slow = Vec::new();
        let Some(entry) = self.topics.get_mut(&topic) else { return };
        if seq > entry.seq + 1 {
            return self.lose(topic, seq);
        }
        entry.seq = seq;
        for subscriber in &entry.subscribers {
            let Some(conn) = &mut self.conns[subscriber.slot as usize] else { continue };
            let fits = if subscriber.held {
                conn.hold(topic, frame, limit)
            } else {
                conn.queue(frame.clone(), Class::Update, limit)
            };
            if !fits {
                slow.push(subscriber.slot);
            } else if !conn.touched {
                conn.touched = true;
                self.touched.push(subscriber.slot);
            }
        }
        slow.into_iter().for_each(|slot| self.close_slow(slot));
    }

    /// The inbox was full and updates up to this number are gone: as the shard as a whole
    /// was too slow, so is every subscriber of the topic here.
    fn lose(&mut self, topic: TopicId, seq: u64) {
        let Some(entry) = self.topics.get(&topic) else { return };
        if entry.seq < seq {
            let slots: Vec<u32> = entry.subscribers.iter().map(|subscriber| subscriber.slot).collect();
            slots.into_iter().for_each(|slot| self.close_slow(slot));
        }
    }

    fn send(&mut self, key: Key, frame: Frame) {
        let limit = self.handle.0.bounds.outbox;
        let Some(conn) = self.conn(key) else { return };
        if conn.queue(frame, Class::Kept, limit) {
            self.touch(key.slot);
        } else {
            self.close_slow(key.slot);
        }
    }

    fn touch(&mut self, slot: u32) {
        if let Some(conn) = &mut self.conns[slot as usize]
            && !conn.touched
        {
            conn.touched = true;
            self.touched.push(slot);
        }
    }

    fn join(&mut self, key: Key, topic: TopicId, seq: u64, reply: Option<Frame>) {
        let Some(conn) = self.conn(key) else { return };
        if conn.closing {
            return;
        }
        let Err(at) = conn.topics.binary_search_by_key(&topic, |(topic, _)| *topic) else { return };
        let held = reply.is_none();
        let entry = self.topics.entry(topic).or_insert_with(|| Topic { seq, subscribers: Vec::new() });
        let place = u32::try_from(entry.subscribers.len()).expect("there are fewer connections than 2^32");
        entry.subscribers.push(Subscriber { slot: key.slot, held });
        let conn = self.conn(key).expect("the connection was there a moment ago");
        conn.topics.insert(at, (topic, place));
        match reply {
            Some(reply) => self.send(key, reply),
            None => conn.held.push((topic, Vec::new())),
        }
    }

    fn release(&mut self, key: Key, topic: TopicId, first: Vec<Frame>) {
        let Some(conn) = self.conn(key) else { return };
        let Some(at) = conn.held.iter().position(|(held, _)| *held == topic) else { return };
        let (_, updates) = conn.held.swap_remove(at);
        conn.held_bytes -= updates.iter().map(|frame| frame.bytes().len()).sum::<usize>();
        let place = conn.topics.binary_search_by_key(&topic, |(topic, _)| *topic).map(|at| conn.topics[at].1);
        if let (Ok(place), Some(entry)) = (place, self.topics.get_mut(&topic)) {
            entry.subscribers[place as usize].held = false;
        }
        let limit = self.handle.0.bounds.outbox;
        let conn = self.conn(key).expect("the connection was there a moment ago");
        let fits = first.into_iter().all(|frame| conn.queue(frame, Class::Kept, limit))
            && updates.into_iter().all(|frame| conn.queue(frame, Class::Update, limit));
        if fits {
            self.touch(key.slot);
        } else {
            self.close_slow(key.slot);
        }
    }

    fn leave(&mut self, key: Key, topic: TopicId) {
        let Some(conn) = self.conn(key) else { return };
        let Ok(at) = conn.topics.binary_search_by_key(&topic, |(topic, _)| *topic) else { return };
        let (_, place) = conn.topics.remove(at);
        if let Some(at) = conn.held.iter().position(|(held, _)| *held == topic) {
            let (_, updates) = conn.held.swap_remove(at);
            conn.held_bytes -= updates.iter().map(|frame| frame.bytes().len()).sum::<usize>();
        }
        self.vacate(topic, place);
    }

    /// Takes a subscriber out of a topic's list; the last one moves to its place.
    fn vacate(&mut self, topic: TopicId, place: u32) {
        let Some(entry) = self.topics.get_mut(&topic) else { return };
        entry.subscribers.swap_remove(place as usize);
        if let Some(moved) = entry.subscribers.get(place as usize) {
            if let Some(conn) = &mut self.conns[moved.slot as usize]
                && let Ok(at) = conn.topics.binary_search_by_key(&topic, |(topic, _)| *topic)
            {
                conn.topics[at].1 = place;
            }
        } else if entry.subscribers.is_empty() {
            self.topics.remove(&topic);
        }
    }

    fn leave_all(&mut self, slot: u32) {
        let Some(conn) = &mut self.conns[slot as usize] else { return };
        conn.held.clear();
        conn.held_bytes = 0;
        for (topic, place) in std::mem::take(&mut conn.topics) {
            self.vacate(topic, place);
        }
    }

    fn close(&mut self, key: Key, frame: Frame) {
        let Some(conn) = self.conn(key) else { return };
        if conn.closing {
            return;
        }
        conn.outbox.drop_updates();
        conn.outbox.push(frame, Class::Kept);
        conn.closing = true;
        self.leave_all(key.slot);
        self.touch(key.slot);
    }

    fn close_slow(&mut self, slot: u32) {
        let Some(conn) = &self.conns[slot as usize] else { return };
        if !conn.closing && !conn.broken {
            conn.signals.set_slow();
            let key = Key { slot, number: conn.number };
            self.close(key, Frame::close(CloseCode::TRY_AGAIN_LATER, reason::TOO_SLOW));
        }
    }

    fn remove(&mut self, key: Key) {
        if self.conn(key).is_some() {
            self.leave_all(key.slot);
            self.conns[key.slot as usize] = None;
            self.handle.lock().free.push(key.slot);
        }
    }
}

impl Conn {
    /// Queues a frame; false if the connection has more unsent bytes than it may.
    ///
    /// A burst may be larger than the limit while the socket takes all of it, so the
    /// socket is tried before the consumer is called slow.
    fn queue(&mut self, frame: Frame, class: Class, limit: usize) -> bool {
        if self.closing || self.broken {
            return true;
        }
        if self.outbox.bytes() + self.held_bytes + frame.bytes().len() > limit {
            self.flush();
            if self.outbox.bytes() + self.held_bytes + frame.bytes().len() > limit && !self.broken {
                // A message larger than the limit still goes out to a consumer that has
                // read everything before it.
                if !self.outbox.is_empty() {
                    return false;
                }
            }
        }
        self.outbox.push(frame, class);
        true
    }

    fn hold(&mut self, topic: TopicId, frame: &Frame, limit: usize) -> bool {
        if self.outbox.bytes() + self.held_bytes + frame.bytes().len() > limit {
            return false;
        }
        if let Some((_, updates)) = self.held.iter_mut().find(|(held, _)| *held == topic) {
            self.held_bytes += frame.bytes().len();
            updates.push(frame.clone());
        }
        true
    }

    fn flush(&mut self) {
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
}
