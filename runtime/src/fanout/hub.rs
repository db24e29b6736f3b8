//! The shards of a server: started with the first connection, shut with the last handle.

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

/// Spreads connections over shards.
#[derive(Debug)]
pub(crate) struct Hub {
    shards: Box<[Inbox]>,
    next: AtomicUsize,
    started: OnceLock<()>,
}

impl Hub {
    pub(crate) fn new(shards: usize, bounds: Bounds) -> Self {
        let shards = (0..shards.max(1)).map(|_| Inbox::new(bounds)).collect();
        Self { shards, next: AtomicUsize::new(0), started: OnceLock::new() }
    }

    /// Gives a connection its shard. The shards' tasks start here and not when the server
    /// is built, because a server may be built where no runtime is, for its documents.
    pub(crate) fn open(&self, transport: Arc<Transport>) -> Handle {
        self.started.get_or_init(|| {
            for shard in &self.shards {
                tokio::spawn(tokio::task::unconstrained(shard::run(shard.clone())));
            }
        });
        let at = self.next.fetch_add(1, Ordering::Relaxed) % self.shards.len();
        Handle::open(&self.shards[at], transport)
    }
}

#[cfg(test)]
impl Hub {
    /// The ways into the shards.
    pub(crate) fn inboxes(&self) -> impl Iterator<Item = &Inbox> {
        self.shards.iter()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.shards.iter().for_each(Inbox::shut);
    }
}
