//! The registry of live topics: their numbering, subscribers and feeds.

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

/// The live topics of a server, by name.
///
/// The map holds weak references. Subscriptions, publishers' handles and running feeds keep a topic
/// alive. When the last of them is dropped the topic is removed, and the next caller that requests
/// it gets a new epoch.
#[derive(Debug)]
pub(crate) struct Topics {
    map: Mutex<HashMap<Box<str>, Weak<LiveTopic>>>,
    next_id: AtomicU64,
    /// Random, so that epochs differ between runs of the server.
    run_id: u64,
    linger: Duration,
    any_subscribed: AtomicBool,
    first_subscription: Notify,
}

/// A topic that is in use.
#[derive(Debug)]
pub(crate) struct LiveTopic {
    pub(crate) id: TopicId,
    pub(crate) name: Box<str>,
    pub(crate) fragment: &'static Fragment,
    pub(crate) epoch: Box<str>,
    prefix: Prefix,
    slow: SlowConsumer,
    /// Counts updates that were dropped or replaced, summed over subscribers.
    skipped: Arc<AtomicU64>,
    state: Mutex<State>,
    /// A copy of the count in `state` that is read without locking.
    subscribers: AtomicUsize,
    pub(crate) feed: Option<FeedSlot>,
    topics: Arc<Topics>,
}

#[derive(Debug, Default)]
struct State {
    seq: u64,
    /// The shards that have subscribers, and their number.
    shards: Vec<(Inbox, usize)>,
    subscribers: usize,
    /// The number of times that the last subscriber left. An outdated linger timer recognises
    /// itself by it.
    times_emptied: u64,
}

/// The position of a topic's numbering, which a reply to `subscribe` reports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamPosition<'a> {
    pub(crate) epoch: &'a str,
    pub(crate) seq: u64,
}

/// A topic that has subscribers.
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
    /// The number of subscribed connections.
    pub subscribers: usize,
    /// The number of updates dropped or replaced for subscribers that did not keep up, summed over
    /// all subscribers since the epoch began.
    pub skipped: u64,
}

/// The settings that a channel gives its topics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TopicSettings {
    pub(crate) fragment: &'static Fragment,
    /// Whether the topics have feeds.
    pub(crate) served: bool,
    pub(crate) slow: SlowConsumer,
}

impl Topics {
    pub(crate) fn new(linger: Duration) -> Arc<Self> {
        Arc::new(Self {
            map: Mutex::default(),
            next_id: AtomicU64::new(0),
            run_id: uuid::Uuid::new_v4().as_u64_pair().0,
            linger,
            any_subscribed: AtomicBool::new(false),
            first_subscription: Notify::new(),
        })
    }

    /// Returns the topic of that name and creates it if it is not live.
    pub(crate) fn get_or_create(self: &Arc<Self>, name: &str, settings: TopicSettings) -> Arc<LiveTopic> {
        let mut map = self.lock();
        if let Some(topic) = map.get(name).and_then(Weak::upgrade) {
            return topic;
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let topic = Arc::new(LiveTopic {
            id: TopicId(id),
            name: name.into(),
            fragment: settings.fragment,
            epoch: format!("{:016x}-{id:x}", self.run_id).into(),
            prefix: Prefix::new(settings.fragment.update, name),
            slow: settings.slow,
            skipped: Arc::default(),
            state: Mutex::default(),
            subscribers: AtomicUsize::new(0),
            feed: settings.served.then(|| FeedSlot::new(self.linger)),
            topics: Arc::clone(self),
        });
        map.insert(name.into(), Arc::downgrade(&topic));
        topic
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<LiveTopic>> {
        self.lock().get(name)?.upgrade()
    }

    /// Returns the topics that have subscribers, sorted by name.
    pub(crate) fn list(&self) -> Vec<TopicInfo> {
        // Topics are dropped outside the lock, because the drop of the last reference takes the lock.
        let topics: Vec<_> = self.lock().values().filter_map(Weak::upgrade).collect();
        let mut list: Vec<_> = topics
            .iter()
            .map(|topic| TopicInfo {
                topic: topic.name.to_string(),
                subscribers: topic.subscribers(),
                skipped: topic.skipped(),
            })
            .filter(|info| info.subscribers > 0)
            .collect();
        list.sort_by(|left, right| left.topic.cmp(&right.topic));
        list
    }

    /// Waits until the first client of the server has subscribed.
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

    /// Assigns the next number to an update and sends the update to every shard that has
    /// subscribers. Both happen under one lock, so that all shards get updates in numerical order.
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

    /// Returns the number of updates that were dropped or replaced.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Assigns the next number to an update without encoding it, if the topic has no subscribers.
    /// Returns false if it has.
    pub(crate) fn skip_if_empty(&self) -> bool {
        if self.subscribers() > 0 {
            return false;
        }
        let mut state = self.lock();
        let empty = state.subscribers == 0;
        state.seq += u64::from(empty);
        empty
    }

    /// Subscribes a connection. A reply is sent before any update. Without a reply, the shard holds
    /// updates back until [`Handle::release`]. Returns the number of the last update before these.
    pub(crate) fn join(
        self: &Arc<Self>,
        handle: &Handle,
        reply: Option<&dyn Fn(StreamPosition<'_>) -> Frame>,
    ) -> (Subscription, u64) {
        let mut state = self.lock();
        let seq = state.seq;
        state.subscribers += 1;
        self.subscribers.store(state.subscribers, Ordering::Release);
        match state.shards.iter_mut().find(|(shard, _)| shard.is_same(&handle.inbox)) {
            Some((_, count)) => *count += 1,
            None => state.shards.push((handle.inbox.clone(), 1)),
        }
        let reply = reply.map(|reply| reply(StreamPosition { epoch: &self.epoch, seq }));
        let joining = Joining { topic: self.id, seq, slow: self.slow, skipped: Arc::clone(&self.skipped) };
        handle.inbox.push(Command::Join { key: handle.key, joining, reply });
        drop(state);
        if !self.topics.any_subscribed.swap(true, Ordering::AcqRel) {
            self.topics.first_subscription.notify_waiters();
        }
        (Subscription { topic: Arc::clone(self), shard: handle.inbox.clone(), key: handle.key }, seq)
    }

    /// Sends a reply with the position of the numbering, in order with the updates.
    pub(crate) fn reply(&self, handle: &Handle, reply: &dyn Fn(StreamPosition<'_>) -> Frame) {
        let state = self.lock();
        handle.reply(self.id, reply(StreamPosition { epoch: &self.epoch, seq: state.seq }));
    }

    fn leave(self: &Arc<Self>, shard: &Inbox, key: Key) {
        let mut state = self.lock();
        state.subscribers -= 1;
        self.subscribers.store(state.subscribers, Ordering::Release);
        if let Some(at) = state.shards.iter().position(|(other, _)| other.is_same(shard)) {
            state.shards[at].1 -= 1;
            if state.shards[at].1 == 0 {
                state.shards.swap_remove(at);
            }
        }
        shard.push(Command::Leave { key, topic: self.id });
        if state.subscribers > 0 {
            return;
        }
        state.times_emptied += 1;
        let times_emptied = state.times_emptied;
        drop(state);
        if let Some(runtime) = self.feed.as_ref().and_then(FeedSlot::runtime) {
            // The task keeps the topic, and so its numbering, alive while the feed lingers.
            let topic = Arc::clone(self);
            runtime.spawn(async move {
                if let Some(feed) = &topic.feed {
                    feed.end_later(|| topic.is_empty_since(times_emptied)).await;
                }
            });
        }
    }

    fn is_empty_since(&self, times_emptied: u64) -> bool {
        let state = self.lock();
        state.subscribers == 0 && state.times_emptied == times_emptied
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while a topic is locked")
    }
}

impl Drop for LiveTopic {
    fn drop(&mut self) {
        let mut map = self.topics.lock();
        // Another caller may have created the topic again since the last reference was dropped.
        if map.get(&self.name).is_some_and(|topic| topic.strong_count() == 0) {
            map.remove(&self.name);
            if map.capacity() > 1024 && map.len() < map.capacity() / 8 {
                map.shrink_to(1024);
            }
        }
    }
}

/// A connection's subscription to a topic. Dropping it unsubscribes.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) topic: Arc<LiveTopic>,
    shard: Inbox,
    key: Key,
}

impl Subscription {
    /// Encodes a message about this topic other than an update or a reply.
    pub(crate) fn message(&self, kind: &str, seq: Option<u64>, payload: &[u8]) -> Frame {
        topic_message(kind, &self.topic.name, seq, payload)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.topic.leave(&self.shard, self.key);
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
        let topic = Topics::new(Duration::ZERO).get_or_create("bars", settings);
        let (stream, _peer) = tokio::io::duplex(64);
        let transport = Arc::new(Transport::other(stream));
        let mut join = |_| {
            let handle = hub.open(Arc::clone(&transport));
            topic.join(&handle, None).0
        };
        let subscriptions: Vec<Subscription> = (0..4).map(&mut join).collect();
        let counts = || topic.lock().shards.iter().map(|(_, count)| *count).collect::<Vec<_>>();
        let check = |left: &[usize]| assert_eq!(counts(), left);
        check(&[2, 2]);
        let [first, second, third, fourth] = subscriptions.try_into().expect("the array has four subscriptions");
        drop(first);
        check(&[1, 2]);
        drop(third);
        check(&[2]);
        drop((second, fourth));
        check(&[]);
    }
}
