//! The registry of topics: those in use, and those that are retained.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, Weak},
};

use tokio::{runtime::Handle, time::Instant};

use crate::topics::{
    budget::Evict,
    commons::{Commons, Retention},
    lease::{Keeper, Lease},
    live::LiveTopic,
    released::Released,
    settings::TopicSettings,
};

/// What a topic that nothing uses takes beside its content and its name.
const UNUSED_BYTES: usize = 1024;

/// The topics of a server, by name.
///
/// Subscriptions, publishers' handles and running feeds have leases. When the last lease of a topic
/// is dropped, the topic is released: it keeps its numbering and its state for the retention time.
/// Then it is removed, and the next caller that requests it gets a new epoch.
#[derive(Debug)]
pub(crate) struct Topics {
    state: Mutex<State>,
    pub(crate) commons: Arc<Commons>,
    this: Weak<Self>,
}

#[derive(Debug, Default)]
struct State {
    map: HashMap<Box<str>, Entry>,
    released: Released,
    /// Whether a task waits for the next topic to expire.
    is_sweeping: bool,
}

/// A topic in the registry.
#[derive(Debug)]
struct Entry {
    topic: Arc<LiveTopic>,
    lease: Weak<Lease>,
    usage: Use,
}

/// Whether a topic is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Leased,
    /// With its ticket among the released topics.
    Released(u64),
    /// Nothing uses it, and it is kept because nothing could restore its state.
    Kept,
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
    /// The number of updates dropped or merged for subscribers that did not keep up, summed over
    /// all subscribers since the epoch began.
    pub skipped: u64,
}

impl Topics {
    pub(crate) fn new(retention: Retention) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            state: Mutex::default(),
            commons: Arc::new(Commons::new(retention, this.clone() as Weak<dyn Evict>)),
            this: this.clone(),
        })
    }

    /// Returns the topic of that name, and creates it unless it is in use or retained.
    pub(crate) fn get_or_create(self: &Arc<Self>, name: &str, settings: TopicSettings) -> Arc<Lease> {
        self.expire();
        let mut state = self.lock();
        let State { map, released, .. } = &mut *state;
        if let Some(entry) = map.get_mut(name) {
            if let Some(lease) = entry.lease.upgrade() {
                return lease;
            }
            if let Use::Released(ticket) = entry.usage {
                released.remove(ticket);
            }
            if entry.usage != Use::Leased {
                self.commons.budget.change(unused_bytes(name), 0);
            }
            let lease =
                Arc::new(Lease { topic: Arc::clone(&entry.topic), keeper: Arc::clone(self) as Arc<dyn Keeper> });
            entry.lease = Arc::downgrade(&lease);
            entry.usage = Use::Leased;
            return lease;
        }
        let number = self.commons.next_number();
        let topic = Arc::new(LiveTopic::new(number, name, settings, Arc::clone(&self.commons)));
        let lease = Arc::new(Lease { topic: Arc::clone(&topic), keeper: Arc::clone(self) as Arc<dyn Keeper> });
        map.insert(name.into(), Entry { topic, lease: Arc::downgrade(&lease), usage: Use::Leased });
        lease
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<LiveTopic>> {
        self.lock().map.get(name).map(|entry| Arc::clone(&entry.topic))
    }

    /// Returns the topics that have subscribers, sorted by name.
    pub(crate) fn list(&self) -> Vec<TopicInfo> {
        let topics: Vec<_> = self.lock().map.values().map(|entry| Arc::clone(&entry.topic)).collect();
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

    /// Removes the topics whose retention has passed.
    fn expire(&self) {
        let mut state = self.lock();
        if state.released.next_expiry().is_none() {
            return;
        }
        let now = Instant::now();
        let mut expired = Vec::new();
        while let Some(topic) = state.released.take_expired(now) {
            state.remove(&topic.name);
            self.commons.budget.change(unused_bytes(&topic.name), 0);
            expired.push(topic);
        }
        // Topics are dropped outside the lock, because a feed may run the application's code then.
        drop(state);
    }

    /// Removes expired topics in time, even if nobody requests a topic.
    fn sweep_later(&self, state: &mut State) {
        if state.is_sweeping {
            return;
        }
        // A topic may be released on a thread without a runtime. Then the next caller removes it.
        let Ok(runtime) = Handle::try_current() else { return };
        state.is_sweeping = true;
        let topics = self.this.clone();
        runtime.spawn(async move {
            while let Some(next) = topics.upgrade().and_then(|topics| topics.sweep()) {
                tokio::time::sleep_until(next).await;
            }
        });
    }

    /// Removes expired topics. Returns the time at which the next one expires.
    fn sweep(&self) -> Option<Instant> {
        self.expire();
        let mut state = self.lock();
        let next = state.released.next_expiry();
        state.is_sweeping = next.is_some();
        next
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while the topics are locked")
    }
}

impl State {
    /// Retains a topic that nothing uses until it expires or is evicted.
    fn retain(&mut self, topic: &Arc<LiveTopic>) {
        let ticket = self.released.add(Arc::clone(topic), Instant::now() + topic.retention());
        if let Some(entry) = self.map.get_mut(&topic.name) {
            entry.usage = Use::Released(ticket);
        }
    }

    fn remove(&mut self, name: &str) {
        self.map.remove(name);
        if self.map.capacity() > 1024 && self.map.len() < self.map.capacity() / 8 {
            self.map.shrink_to(1024);
        }
    }
}

impl Keeper for Topics {
    fn release(&self, topic: &Arc<LiveTopic>) {
        let mut state = self.lock();
        let Some(entry) = state.map.get_mut(&topic.name) else { return };
        if !Arc::ptr_eq(&entry.topic, topic) || entry.lease.strong_count() > 0 || entry.usage != Use::Leased {
            return;
        }
        // Publishers evict topics while they hold the lock of theirs. This topic has none.
        if topic.is_unused() {
            state.remove(&topic.name);
            return;
        }
        if topic.is_evictable() {
            state.retain(topic);
            self.sweep_later(&mut state);
        } else {
            entry.usage = Use::Kept;
        }
        self.commons.budget.change(0, unused_bytes(&topic.name));
        drop(state);
        self.commons.budget.has_room(0);
    }
}

impl Evict for Topics {
    fn evict(&self, suffices: &dyn Fn() -> bool) -> bool {
        while !suffices() {
            let mut state = self.lock();
            let Some(topic) = state.released.take_oldest() else { return false };
            state.remove(&topic.name);
            drop(state);
            self.commons.budget.change(unused_bytes(&topic.name), 0);
            topic.discard();
        }
        true
    }

    fn release_kept(&self, route: &str) {
        let mut state = self.lock();
        let is_kept = |entry: &&Entry| entry.usage == Use::Kept && entry.topic.fragment.route == route;
        let kept: Vec<_> = state.map.values().filter(is_kept).map(|entry| Arc::clone(&entry.topic)).collect();
        for topic in kept {
            state.retain(&topic);
            self.sweep_later(&mut state);
        }
    }
}

fn unused_bytes(name: &str) -> usize {
    UNUSED_BYTES + 2 * name.len()
}

#[cfg(test)]
mod tests;
