//! The two ends that a connection and its shard hold of each other.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::{
    close::CloseCode,
    frame::Frame,
    shard::{Command, ShardHandle},
    topics::TopicId,
};

/// Which connection of a shard is meant. Slots are used again; the number never is,
/// so that a late command cannot reach a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) slot: u32,
    pub(crate) number: u64,
}

/// A connection's way to its shard.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) shard: ShardHandle,
    pub(crate) key: Key,
    pub(crate) signals: Arc<Signals>,
}

impl Link {
    /// Queues a message that is never dropped.
    pub(crate) fn send(&self, frame: Frame) {
        self.shard.push(Command::Send { key: self.key, frame });
    }

    /// Ends the way out: updates that are not started are dropped, the close frame is the
    /// last to go. Only the first call counts.
    pub(crate) fn close(&self, frame: Frame) {
        self.shard.push(Command::Close { key: self.key, frame });
    }

    /// Lets the updates through that were held since the subscription began, behind these.
    pub(crate) fn release(&self, topic: TopicId, first: Vec<Frame>) {
        self.shard.push(Command::Release { key: self.key, topic, first });
    }

    /// Frees the connection's place and lets go of its stream. Sessions may outlive their
    /// connections, so this is not left to the last one's end.
    pub(crate) fn remove(&self) {
        self.shard.push(Command::Remove { key: self.key });
    }
}

/// What a connection is told, by its shard and by whoever wants it closed.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Somebody wants the connection closed with this code and reason.
    pub(crate) close: Option<(CloseCode, String)>,
    /// The shard has closed it already: the consumer is too slow.
    pub(crate) slow: bool,
    /// The close frame and all before it are written.
    pub(crate) flushed: bool,
    /// The stream cannot be written any more.
    pub(crate) broken: bool,
}

impl Signals {
    /// Asks for a close; only the first request counts.
    pub(crate) fn request_close(&self, code: CloseCode, reason: &str) {
        self.lock().close.get_or_insert_with(|| (code, reason.to_owned()));
        self.changed.notify_one();
    }

    pub(crate) fn set_slow(&self) {
        self.lock().slow = true;
        self.changed.notify_one();
    }

    pub(crate) fn set_flushed(&self) {
        self.lock().flushed = true;
        self.changed.notify_one();
    }

    pub(crate) fn set_broken(&self) {
        self.lock().broken = true;
        self.changed.notify_one();
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while signals are locked")
    }

    /// Waits until something was signalled since the last wait.
    ///
    /// # Cancel safety
    /// A signal is not lost when the future is dropped.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}
