//! What all topics of a server share.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    fanout::ReplayBudget,
    topics::budget::{Budget, Evict},
};

/// Settings of a server's topics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retention {
    /// How long a topic and its feed outlast their last user.
    pub(crate) time: Duration,
    /// The memory for histories, values and rows.
    pub(crate) bytes: usize,
    /// The maximum size of a table's snapshot.
    pub(crate) table_bytes: usize,
    /// The memory for replays.
    pub(crate) replay_bytes: usize,
}

/// What all topics of a server share.
#[derive(Debug)]
pub(crate) struct Commons {
    pub(crate) budget: Budget,
    pub(crate) replays: Arc<ReplayBudget>,
    pub(crate) table_bytes: usize,
    pub(crate) retention: Duration,
    pub(crate) subscribed: FirstSubscription,
    /// The routes of the channels whose snapshot hook has returned a state. The server learns that
    /// an application implements the hook only by a call.
    hooked: Mutex<HashSet<&'static str>>,
    next_number: AtomicU64,
    /// Random, so that epochs differ between runs of the server.
    run_id: u64,
}

impl Commons {
    pub(crate) fn new(retention: Retention, topics: Weak<dyn Evict>) -> Self {
        Self {
            budget: Budget::new(retention.bytes, topics),
            replays: ReplayBudget::new(retention.replay_bytes),
            table_bytes: retention.table_bytes,
            retention: retention.time,
            subscribed: FirstSubscription::default(),
            hooked: Mutex::default(),
            next_number: AtomicU64::new(0),
            run_id: uuid::Uuid::new_v4().as_u64_pair().0,
        }
    }

    /// Records that the snapshot hook of a channel can restore the state of its topics.
    pub(crate) fn record_hook(&self, route: &'static str) {
        if self.hooked().insert(route) {
            self.budget.release_kept(route);
        }
    }

    /// Returns true if the state of a channel's topics can be restored.
    pub(crate) fn has_hook(&self, route: &str) -> bool {
        self.hooked().contains(route)
    }

    fn hooked(&self) -> MutexGuard<'_, HashSet<&'static str>> {
        self.hooked.lock().expect("nothing panics while the hooks are locked")
    }

    /// Returns a number that no topic and no epoch has.
    pub(crate) fn next_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the epoch with a number.
    pub(crate) fn epoch(&self, number: u64) -> Arc<str> {
        format!("{:016x}-{number:x}", self.run_id).into()
    }

    /// Returns an epoch that was never used.
    pub(crate) fn next_epoch(&self) -> Arc<str> {
        self.epoch(self.next_number())
    }
}

/// Whether any client has subscribed to anything.
#[derive(Debug, Default)]
pub(crate) struct FirstSubscription {
    happened: AtomicBool,
    notify: Notify,
}

impl FirstSubscription {
    /// Records a subscription.
    pub(crate) fn record(&self) {
        if !self.happened.swap(true, Ordering::AcqRel) {
            self.notify.notify_waiters();
        }
    }

    /// Waits until the first client of the server has subscribed.
    pub(crate) async fn happened(&self) {
        let subscribed = self.notify.notified();
        if !self.happened.load(Ordering::Acquire) {
            subscribed.await;
        }
    }
}
