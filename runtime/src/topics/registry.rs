//! Every topic that somebody holds: its numbering, its subscribers, its feed.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    declare::Fragment,
    fanout::{Command, Handle, Inbox, Joining, Key, SlowConsumer, TopicId},
    topics::feed::FeedSlot,
    wire::{Frame, Prefix, topic_message},
};

/// The topics of a server, by name.
///
/// The map holds no topic alive: subscriptions, publishers' handles and running feeds
/// do. When the last of them is gone the topic is forgotten, and whoever asks for it
/// again gets a new epoch.
#[derive(Debug)]
pub(crate) struct Topics {
    map: Mutex<HashMap<Box<str>, Weak<LiveTopic>>>,
    next: AtomicU64,
    /// Makes epochs differ between runs of the server.
    run: u64,
    linger: Duration,
    any_subscribed: AtomicBool,
    first_subscription: Notify,
}

/// One topic.
#[derive(Debug)]
pub(crate) struct LiveTopic {
    pub(crate) id: TopicId,
    pub(crate) name: Box<str>,
    pub(crate) fragment: &'static Fragment,
    pub(crate) epoch: Box<str>,
    prefix: Prefix,
    slow: SlowConsumer,
    /// Updates that were dropped or replaced for some subscriber.
    skipped: Arc<AtomicU64>,
    state: Mutex<State>,
    /// A copy of the count in `state`, for whoever only wants to know.
    subscribers: AtomicUsize,
    pub(crate) feed: Option<FeedSlot>,
    topics: Arc<Topics>,
}

#[derive(Debug, Default)]
struct State {
    seq: u64,
    /// The shards that have subscribers, and how many.
    shards: Vec<(Inbox, usize)>,
    subscribers: usize,
    /// Counts how often the last subscriber left, so that an old linger timer knows
    /// that it is not its turn.
    emptied: u64,
}

/// Where a topic's numbering stands when somebody joins it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing<'a> {
    pub(crate) epoch: &'a str,
    pub(crate) seq: u64,
}

/// A topic with somebody in it.
///
/// ```
/// fn report(ws: &topicast::Server) {
///     for info in ws.topics() {
///         println!("{}: {} subscribers, {} updates skipped", info.topic, info.subscribers, info.skipped);
///     }
/// }
/// # report(&topicast::Server::builder("Report", "1.0.0").build().unwrap());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicInfo {
    /// The canonical topic.
    pub topic: String,
    /// How many connections are subscribed.
    pub subscribers: usize,
    /// How many updates were dropped or replaced for subscribers that stayed behind, over
    /// all subscribers, since the epoch began.
    pub skipped: u64,
}

/// What a channel makes of its topics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TopicSettings {
    pub(crate) fragment: &'static Fragment,
    /// Whether its topics have feeds.
    pub(crate) served: bool,
    pub(crate) slow: SlowConsumer,
}

impl Topics {
    pub(crate) fn new(linger: Duration) -> Arc<Self> {
        Arc::new(Self {
            map: Mutex::default(),
            next: AtomicU64::new(0),
            run: uuid::Uuid::new_v4().as_u64_pair().0,
            linger,
            any_subscribed: AtomicBool::new(false),
            first_subscription: Notify::new(),
        })
    }

    /// The topic of that name, made if nobody holds it.
    pub(crate) fn get_or_create(self: &Arc<Self>, name: &str, kind: TopicSettings) -> Arc<LiveTopic> {
        let mut map = self.lock();
        if let Some(entry) = map.get(name).and_then(Weak::upgrade) {
            return entry;
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = Arc::new(LiveTopic {
            id: TopicId(id),
            name: name.into(),
            fragment: kind.fragment,
            epoch: format!("{:016x}-{id:x}", self.run).into(),
            prefix: Prefix::new(kind.fragment.update, name),
            slow: kind.slow,
            skipped: Arc::default(),
            state: Mutex::default(),
            subscribers: AtomicUsize::new(0),
            feed: kind.served.then(|| FeedSlot::new(self.linger)),
            topics: Arc::clone(self),
        });
        map.insert(name.into(), Arc::downgrade(&entry));
        entry
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<LiveTopic>> {
        self.lock().get(name)?.upgrade()
    }

    /// Every topic with subscribers, sorted by name.
    pub(crate) fn list(&self) -> Vec<TopicInfo> {
        // Entries are let go outside the lock: the last one's end takes it.
        let entries: Vec<_> = self.lock().values().filter_map(Weak::upgrade).collect();
        let mut list: Vec<_> = entries
            .iter()
            .map(|entry| TopicInfo {
                topic: entry.name.to_string(),
                subscribers: entry.subscribers(),
                skipped: entry.skipped(),
            })
            .filter(|info| info.subscribers > 0)
            .collect();
        list.sort_by(|left, right| left.topic.cmp(&right.topic));
        list
    }

    /// Waits until somebody has subscribed to anything.
    pub(crate) async fn first_subscription(&self) {
        let subscribed = self.first_subscription.notified();
        if !self.any_subscribed.load(Ordering::Acquire) {
            subscribed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Weak<LiveTopic>>> {
        self.map.lock().expect("nothing panics while the topics are locked")
    }
}

impl LiveTopic {
    pub(crate) fn subscribers(&self) -> usize {
        self.subscribers.load(Ordering::Acquire)
    }

    /// Gives the update its number and hands it to every shard with subscribers. Order
    /// is given here: numbers and hand-overs happen under one lock.
    pub(crate) fn publish(&self, payload: &[u8]) {
        let mut state = self.lock();
        state.seq += 1;
        if state.subscribers == 0 {
            return;
        }
        let update = self.prefix.update(state.seq, payload);
        for (shard, _) in &state.shards {
            shard.push(Command::Deliver { topic: self.id, update: update.clone() });
        }
    }

    /// How many updates were dropped or replaced for subscribers that stayed behind.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Gives a number to an update that nobody would get; false if somebody would.
    pub(crate) fn skip_if_empty(&self) -> bool {
        if self.subscribers() > 0 {
            return false;
        }
        let mut state = self.lock();
        let empty = state.subscribers == 0;
        state.seq += u64::from(empty);
        empty
    }

    /// Subscribes a connection. With a reply, it goes out before any update; without,
    /// updates are held until the link releases them. The number is where updates begin.
    pub(crate) fn join(
        self: &Arc<Self>,
        handle: &Handle,
        reply: Option<&dyn Fn(Standing<'_>) -> Frame>,
    ) -> (Subscription, u64) {
        let mut state = self.lock();
        let seq = state.seq;
        state.subscribers += 1;
        self.subscribers.store(state.subscribers, Ordering::Release);
        match state.shards.iter_mut().find(|(shard, _)| shard.is(&handle.inbox)) {
            Some((_, count)) => *count += 1,
            None => state.shards.push((handle.inbox.clone(), 1)),
        }
        let reply = reply.map(|reply| reply(Standing { epoch: &self.epoch, seq }));
        let joining = Joining { topic: self.id, seq, slow: self.slow, skipped: Arc::clone(&self.skipped) };
        handle.inbox.push(Command::Join { key: handle.key, joining, reply });
        drop(state);
        if !self.topics.any_subscribed.swap(true, Ordering::AcqRel) {
            self.topics.first_subscription.notify_waiters();
        }
        (Subscription { entry: Arc::clone(self), shard: handle.inbox.clone(), key: handle.key }, seq)
    }

    /// Sends a reply that tells where the numbering stands, in order with the updates.
    pub(crate) fn reply(&self, handle: &Handle, reply: &dyn Fn(Standing<'_>) -> Frame) {
        let state = self.lock();
        handle.send(reply(Standing { epoch: &self.epoch, seq: state.seq }));
    }

    fn leave(self: &Arc<Self>, shard: &Inbox, key: Key) {
        let mut state = self.lock();
        state.subscribers -= 1;
        self.subscribers.store(state.subscribers, Ordering::Release);
        if let Some(at) = state.shards.iter().position(|(other, _)| other.is(shard)) {
            state.shards[at].1 -= 1;
            if state.shards[at].1 == 0 {
                state.shards.swap_remove(at);
            }
        }
        shard.push(Command::Leave { key, topic: self.id });
        if state.subscribers > 0 {
            return;
        }
        state.emptied += 1;
        let emptied = state.emptied;
        drop(state);
        if let Some(runtime) = self.feed.as_ref().and_then(FeedSlot::runtime) {
            // The task holds the topic, and so its numbering, for as long as the feed lingers.
            let entry = Arc::clone(self);
            runtime.spawn(async move {
                if let Some(feed) = &entry.feed {
                    feed.end_later(|| entry.is_empty_since(emptied)).await;
                }
            });
        }
    }

    fn is_empty_since(&self, emptied: u64) -> bool {
        let state = self.lock();
        state.subscribers == 0 && state.emptied == emptied
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while a topic is locked")
    }
}

impl Drop for LiveTopic {
    fn drop(&mut self) {
        let mut map = self.topics.lock();
        // Somebody may have made the topic anew between the last handle's end and now.
        if map.get(&self.name).is_some_and(|entry| entry.strong_count() == 0) {
            map.remove(&self.name);
            if map.capacity() > 1024 && map.len() < map.capacity() / 8 {
                map.shrink_to(1024);
            }
        }
    }
}

/// A connection's place in a topic; dropping it leaves.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) entry: Arc<LiveTopic>,
    shard: Inbox,
    key: Key,
}

impl Subscription {
    /// A message about this topic, other than an update or reply.
    pub(crate) fn message(&self, kind: &str, seq: Option<u64>, payload: &[u8]) -> Frame {
        topic_message(kind, &self.entry.name, seq, payload)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.entry.leave(&self.shard, self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fanout::{Bounds, Hub},
        wire::Transport,
    };

    #[tokio::test]
    async fn a_shard_whose_last_subscriber_left_is_sent_no_more_updates() {
        // Nothing is sent, so the names on the wire do not matter.
        const FRAGMENT: Fragment = Fragment::faulty("bars");
        let hub = Hub::new(2, Bounds { outbox: 1024, inbox: 1024, flush_window: Duration::ZERO });
        let settings = TopicSettings { fragment: &FRAGMENT, served: false, slow: SlowConsumer::close() };
        let entry = Topics::new(Duration::ZERO).get_or_create("bars", settings);
        let (stream, _peer) = tokio::io::duplex(64);
        let transport = Arc::new(Transport::other(stream));
        let mut join = |_| {
            let handle = hub.open(Arc::clone(&transport));
            entry.join(&handle, None).0
        };
        let subscriptions: Vec<Subscription> = (0..4).map(&mut join).collect();
        let counts = || entry.lock().shards.iter().map(|(_, count)| *count).collect::<Vec<_>>();
        let check = |left: &[usize]| assert_eq!(counts(), left);
        check(&[2, 2]);
        let [first, second, third, fourth] = subscriptions.try_into().expect("there are four");
        drop(first);
        check(&[1, 2]);
        drop(third);
        check(&[2]);
        drop((second, fourth));
        check(&[]);
    }
}
