//! The shards of a server: started by the first connection, stopped when the last handle to the server
//! is dropped.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    fanout::{
        handle::Handle,
        inbox::{Bounds, Inbox},
        shard,
    },
    wire::Transport,
};

/// Distributes connections over shards.
#[derive(Debug)]
pub(crate) struct Hub {
    shards: Box<[Inbox]>,
    next_shard: AtomicUsize,
    started: OnceLock<()>,
}

impl Hub {
    pub(crate) fn new(shards: usize, bounds: Bounds) -> Self {
        let shards = (0..shards.max(1)).map(|_| Inbox::new(bounds)).collect();
        Self { shards, next_shard: AtomicUsize::new(0), started: OnceLock::new() }
    }

    /// Assigns a connection to a shard. The first call starts the shards' tasks: a server may be
    /// built outside a runtime, for example to generate its documents.
    pub(crate) fn open(&self, transport: Arc<Transport>) -> Handle {
        self.started.get_or_init(|| {
            for shard in &self.shards {
                tokio::spawn(tokio::task::unconstrained(shard::run(shard.clone())));
            }
        });
        let at = self.next_shard.fetch_add(1, Ordering::Relaxed) % self.shards.len();
        Handle::open(&self.shards[at], transport)
    }
}

#[cfg(test)]
impl Hub {
    /// Returns the inboxes of all shards.
    pub(crate) fn inboxes(&self) -> impl Iterator<Item = &Inbox> {
        self.shards.iter()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.shards.iter().for_each(Inbox::shut);
    }
}
