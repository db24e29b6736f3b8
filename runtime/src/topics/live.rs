//! A topic that is in use: its numbering, its subscribers and what it retains.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    declare::{Fragment, KindFragment},
    fanout::{Beginning, CaughtUp, Command, Handle, Inbox, Joining, Key, Replay, Reply, SlowConsumer, Source, TopicId},
    topics::{
        commons::Commons,
        feed::{FeedSlot, Linger},
        loader::Loader,
        opening::Opening,
        settings::TopicSettings,
        state::{Change, Content, History, Loaded, Merges, Rows},
    },
    wire::{Frame, Position, Prefix, PublishError, Start, topic_message},
};

mod publish;

/// A topic that is in use or retained.
#[derive(Debug)]
pub(crate) struct LiveTopic {
    pub(crate) id: TopicId,
    pub(crate) name: Box<str>,
    pub(crate) fragment: &'static Fragment,
    prefix: Prefix,
    slow: SlowConsumer,
    /// Counts updates that were dropped or merged, summed over subscribers.
    skipped: Arc<AtomicU64>,
    state: Mutex<State>,
    /// A copy of the count in `state` that is read without locking.
    subscribers: AtomicUsize,
    /// The bytes of the content, as the budget counts them.
    retained: AtomicUsize,
    /// True if the content is lost with the topic, unless a hook can restore it.
    has_state: AtomicBool,
    /// Changes that were merged for subscribers that are behind.
    merges: Mutex<Merges>,
    pub(crate) feed: Option<FeedSlot>,
    pub(crate) loader: Loader,
    /// How long the topic and its feed are retained after their last use.
    retention: Duration,
    commons: Arc<Commons>,
}

#[derive(Debug)]
struct State {
    epoch: Arc<str>,
    seq: u64,
    content: Content,
    /// True while the epoch has no number and no subscriber.
    unused: bool,
    /// The shards that have subscribers, and their number.
    shards: Vec<(Inbox, usize)>,
    subscribers: usize,
    /// The time since which the topic has no subscriber, if it has none.
    empty_since: Instant,
    /// True while a task waits for the end of the feed.
    lingers: bool,
}

impl LiveTopic {
    pub(crate) fn new(id: u64, name: &str, settings: TopicSettings, commons: Arc<Commons>) -> Self {
        let content = Content::new(&settings, commons.table_bytes);
        Self {
            id: TopicId(id),
            name: name.into(),
            fragment: settings.fragment,
            prefix: Prefix::new(settings.fragment.update, name),
            slow: if content.is_state() { SlowConsumer::catch_up() } else { settings.slow },
            skipped: Arc::default(),
            state: Mutex::new(State {
                epoch: commons.epoch(id),
                seq: 0,
                content,
                unused: true,
                shards: Vec::new(),
                subscribers: 0,
                empty_since: Instant::now(),
                lingers: false,
            }),
            subscribers: AtomicUsize::new(0),
            retained: AtomicUsize::new(0),
            has_state: AtomicBool::new(false),
            merges: Mutex::default(),
            feed: settings.served.then(FeedSlot::default),
            loader: Loader::default(),
            retention: settings.retention(commons.retention),
            commons,
        }
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.subscribers.load(Ordering::Acquire)
    }

    /// Returns the number of updates that were dropped or merged.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Returns the position after the newest update.
    pub(crate) fn position(&self) -> Position {
        let state = self.lock();
        Position { epoch: state.epoch.to_string(), seq: state.seq }
    }

    /// Returns true if the topic may be evicted once nothing uses it.
    pub(crate) fn is_evictable(&self) -> bool {
        !self.has_state.load(Ordering::Acquire) || self.commons.has_hook(self.fragment.route)
    }

    pub(crate) fn retention(&self) -> Duration {
        self.retention
    }

    /// Returns true if no client and no publisher has used the topic's epoch.
    pub(crate) fn is_unused(&self) -> bool {
        self.lock().unused
    }

    /// Returns true if the topic keeps a value, rows or a history.
    pub(crate) fn retains(&self) -> bool {
        !matches!(self.fragment.kind, KindFragment::Events { history: None })
    }

    /// Returns true if the topic keeps a value or rows, from which subscribers catch up.
    pub(crate) fn is_state(&self) -> bool {
        !matches!(self.fragment.kind, KindFragment::Events { .. })
    }

    /// Calls `read` with the content, under the topic's lock.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Content) -> T) -> T {
        read(&self.lock().content)
    }

    /// Returns true if the state is known: a hook or a publisher has set it, or there is no hook.
    pub(crate) fn is_known(&self) -> bool {
        self.read(Content::is_known)
    }

    /// Sets the state that the application's hook returned.
    ///
    /// # Errors
    /// When the rows exceed the table's limit or the budget, or cannot be part of a table.
    pub(crate) fn fill(&self, loaded: Loaded) -> Result<(), PublishError> {
        if !matches!(loaded, Loaded::NoHook) {
            self.commons.record_hook(self.fragment.route);
        }
        let mut state = self.lock();
        match (&mut state.content, loaded) {
            (Content::Table(table), loaded) => {
                let mut filled = table.clone();
                let rows = if let Loaded::Rows(rows) = loaded { rows } else { Rows::new() };
                filled.fill(rows).map_err(PublishError::table)?;
                self.check_room(filled.bytes().saturating_sub(table.bytes()))?;
                *table = filled;
            }
            (Content::Latest(latest), loaded) => {
                let value = if let Loaded::Value(value) = loaded { value } else { None };
                self.check_room(value.as_ref().map_or(0, Bytes::len))?;
                latest.fill(value.as_deref());
            }
            (Content::Events(_), _) => {}
        }
        state.unused = false;
        self.account(&state);
        drop(state);
        self.merges().clear();
        Ok(())
    }

    /// Subscribes a connection to a topic of events.
    ///
    /// If `reply` is given and the subscription starts with live updates, the reply is queued before
    /// them. Otherwise the shard holds updates back until [`Handle::release`].
    pub(crate) fn join_events(
        &self,
        handle: &Handle,
        start: &Start,
        reply: Option<&dyn Fn(&Opening) -> Frame>,
    ) -> Opening {
        let mut state = self.lock();
        let opening = self.open_events(&mut state, start);
        let reply = reply.filter(|_| opening.is_live()).map(|reply| reply(&opening));
        self.join(state, handle, reply, None);
        opening
    }

    /// Subscribes a connection to a topic that keeps its state. The subscription starts with
    /// [`Handle::release`].
    pub(crate) fn join_state(self: &Arc<Self>, handle: &Handle) {
        let source = Arc::clone(self);
        self.join(self.lock(), handle, None, Some(source));
    }

    fn join(&self, mut state: MutexGuard<'_, State>, handle: &Handle, reply: Option<Frame>, source: Option<Arc<Self>>) {
        state.unused = false;
        state.subscribers += 1;
        self.subscribers.store(state.subscribers, Ordering::Release);
        match state.shards.iter_mut().find(|(shard, _)| shard.is_same(&handle.inbox)) {
            Some((_, count)) => *count += 1,
            None => state.shards.push((handle.inbox.clone(), 1)),
        }
        let source = source.map(|source| source as Arc<dyn Source>);
        let skipped = Arc::clone(&self.skipped);
        let joining = Joining { topic: self.id, seq: state.seq, slow: self.slow, skipped, source };
        handle.inbox.push(Command::Join { key: handle.key, joining, reply });
        drop(state);
        self.commons.subscribed.record();
    }

    /// Determines how a subscription to events starts.
    fn open_events(&self, state: &mut State, start: &Start) -> Opening {
        let (epoch, newest) = (Arc::clone(&state.epoch), state.seq);
        let mut history = match &mut state.content {
            Content::Events(history) => history.as_mut(),
            Content::Latest(_) | Content::Table(_) => None,
        };
        if let Some(history) = &mut history {
            history.expire();
        }
        let history = history.as_deref();
        if let Some(from) = recoverable(start.recover.as_ref(), &epoch, newest)
            && let Some(beginning) = self.replay(history, from, newest)
        {
            return Opening { epoch, seq: from, recovered: Some(true), snapshot: false, beginning };
        }
        let recovered = start.recover.as_ref().map(|_| false);
        let kept = history.map_or(0, |history| history.len() as u64);
        let from = newest - start.rewind.map_or(0, |count| u64::from(count).min(kept));
        match self.replay(history, from, newest) {
            Some(beginning) => Opening { epoch, seq: from, recovered, snapshot: false, beginning },
            None => Opening { epoch, seq: newest, recovered, snapshot: false, beginning: Beginning::Live },
        }
    }

    /// Returns the updates after the number `from`, or `None` if the history or the memory for
    /// replays does not suffice.
    fn replay(&self, history: Option<&History>, from: u64, newest: u64) -> Option<Beginning> {
        if from == newest {
            return Some(Beginning::Live);
        }
        let payloads = history?.newest(usize::try_from(newest - from).ok()?)?;
        Replay::updates(from, self.prefix.clone(), payloads, &self.commons.replays).map(Beginning::Replay)
    }

    /// Determines how a subscription to a topic that keeps its state starts. The state is known.
    pub(crate) fn open_state(&self, start: &Start) -> Opening {
        let state = self.lock();
        let (epoch, newest, content) = (Arc::clone(&state.epoch), state.seq, state.content.version());
        drop(state);
        let from = recoverable(start.recover.as_ref(), &epoch, newest).filter(|from| content.remembers(*from));
        if let Some(from) = from {
            let missed = self.merges().merged(&epoch, newest, from, || self.encode(newest, &content.merged(from)));
            let beginning = match missed {
                None => Some(Beginning::After { sent: newest }),
                Some(update) => Replay::merged(from, newest, update, &self.commons.replays).map(Beginning::Replay),
            };
            if let Some(beginning) = beginning {
                return Opening { epoch, seq: from, recovered: Some(true), snapshot: false, beginning };
            }
        }
        let snapshot = content.has_snapshot();
        let beginning = if snapshot { Beginning::Snapshot { sent: newest } } else { Beginning::After { sent: newest } };
        Opening { epoch, seq: newest, recovered: start.recover.as_ref().map(|_| false), snapshot, beginning }
    }

    /// Sends another reply to a subscriber, with the number that was last sent to it.
    pub(crate) fn reply(&self, handle: &Handle, reply: impl FnOnce(&str, u64) -> Frame + Send + 'static) {
        let epoch = Arc::clone(&self.lock().epoch);
        handle.reply(self.id, Reply(Box::new(move |sent| reply(&epoch, sent))));
    }

    pub(crate) fn leave(self: &Arc<Self>, shard: &Inbox, key: Key) {
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
        state.empty_since = Instant::now();
        let until = state.empty_since + self.retention;
        // One task for a topic, however often clients subscribe and unsubscribe meanwhile.
        let runtime = self.feed.as_ref().and_then(FeedSlot::runtime).filter(|_| !state.lingers);
        state.lingers |= runtime.is_some();
        drop(state);
        self.merges().clear();
        if let Some(runtime) = runtime {
            // The task keeps the topic alive while the feed lingers.
            let topic = Arc::clone(self);
            runtime.spawn(async move {
                if let Some(feed) = &topic.feed {
                    feed.end_later(until, |is_source| topic.linger(is_source)).await;
                }
            });
        }
    }

    /// Determines whether the feed ends. If it is a source of updates, a new epoch begins without any
    /// state, because the topic misses what happens until the next feed.
    fn linger(&self, is_source: bool) -> Linger {
        let mut state = self.lock();
        let until = state.empty_since + self.retention;
        if state.subscribers == 0 && Instant::now() < until {
            return Linger::Until(until);
        }
        state.lingers = false;
        if state.subscribers > 0 {
            return Linger::Needed;
        }
        if is_source {
            state.epoch = self.commons.next_epoch();
            state.seq = 0;
            self.skipped.store(0, Ordering::Relaxed);
            state.unused = true;
            state.content.reset();
            self.account(&state);
        }
        Linger::Over
    }

    /// Frees the content of a topic that was evicted. The task of its feed may still hold the topic.
    pub(crate) fn discard(&self) {
        let mut state = self.lock();
        state.content.reset();
        self.account(&state);
    }

    /// Encodes a message about this topic other than an update or a reply.
    pub(crate) fn message(&self, kind: &str, seq: Option<u64>, payload: &[u8]) -> Frame {
        topic_message(kind, &self.name, seq, payload)
    }

    fn encode(&self, seq: u64, change: &Change) -> Option<Frame> {
        match change {
            Change::Nothing => None,
            Change::Update(payload) => Some(self.prefix.update(seq, payload).frame),
            Change::Snapshot(payload) => Some(self.message(self.fragment.snapshot, Some(seq), payload)),
        }
    }

    /// Records what the content takes.
    fn account(&self, state: &State) {
        if !matches!(state.content, Content::Events(None)) {
            self.has_state.store(state.content.has_state(), Ordering::Release);
            self.account_bytes(state.content.bytes());
        }
    }

    fn account_bytes(&self, bytes: usize) {
        let before = self.retained.swap(bytes, Ordering::Relaxed);
        self.commons.budget.change(before, bytes);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while a topic is locked")
    }

    fn merges(&self) -> MutexGuard<'_, Merges> {
        self.merges.lock().expect("nothing panics while changes are merged")
    }
}

/// Returns the number of a client's position if the topic has not restarted since.
fn recoverable(position: Option<&Position>, epoch: &str, newest: u64) -> Option<u64> {
    position.filter(|position| position.epoch == epoch && position.seq <= newest).map(|position| position.seq)
}

impl Source for LiveTopic {
    fn catch_up(&self, from: Option<u64>) -> CaughtUp {
        let state = self.lock();
        let (epoch, seq, content) = (Arc::clone(&state.epoch), state.seq, state.content.version());
        drop(state);
        // Outside the publisher's lock. Shards whose subscribers are at the same number wait for one
        // merge and share its frame.
        let frame = self.merges().caught_up(&epoch, seq, from, || self.encode(seq, &content.catch_up(from)));
        CaughtUp { seq, frame }
    }
}

impl Drop for LiveTopic {
    fn drop(&mut self) {
        self.account_bytes(0);
    }
}

#[cfg(test)]
impl LiveTopic {
    /// Returns the number of subscribers of each shard that has any.
    pub(crate) fn shard_counts(&self) -> Vec<usize> {
        self.lock().shards.iter().map(|(_, count)| *count).collect()
    }
}
