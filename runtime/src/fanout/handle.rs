//! A connection's way to its shard.

use std::sync::Arc;

use crate::{
    fanout::{
        ids::{Key, TopicId},
        inbox::{Command, Inbox},
        signals::Signals,
    },
    wire::{Frame, Transport},
};

/// A connection's way to its shard.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) inbox: Inbox,
    pub(crate) key: Key,
    pub(crate) signals: Arc<Signals>,
}

impl Handle {
    /// Takes a connection into a shard.
    pub(crate) fn open(inbox: &Inbox, transport: Arc<Transport>) -> Self {
        let signals = Arc::<Signals>::default();
        let key = inbox.new_key();
        inbox.push(Command::Open { key, transport, signals: Arc::clone(&signals) });
        Self { inbox: inbox.clone(), key, signals }
    }

    /// Queues a message that is never dropped.
    pub(crate) fn send(&self, frame: Frame) {
        self.inbox.push(Command::Send { key: self.key, frame });
    }

    /// Ends the way out: updates that are not started are dropped, the close frame is the
    /// last to go. Only the first call counts.
    pub(crate) fn close(&self, frame: Frame) {
        self.inbox.push(Command::Close { key: self.key, frame });
    }

    /// Lets the updates through that were held since the subscription began, behind these.
    pub(crate) fn release(&self, topic: TopicId, first: Vec<Frame>) {
        self.inbox.push(Command::Release { key: self.key, topic, first });
    }

    /// Frees the connection's place and lets go of its stream. Sessions may outlive their
    /// connections, so this is not left to the last one's end.
    pub(crate) fn remove(&self) {
        self.inbox.push(Command::Remove { key: self.key });
    }
}
