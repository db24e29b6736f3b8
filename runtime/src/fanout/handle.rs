//! A connection's handle to its shard.

use std::sync::Arc;

use crate::{
    fanout::{
        command::Command,
        course::Release,
        ids::{Key, TopicId},
        inbox::Inbox,
        reply::Reply,
        signals::Signals,
    },
    wire::{Frame, Transport},
};

/// Sends commands for one connection to its shard.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) inbox: Inbox,
    pub(crate) key: Key,
    pub(crate) signals: Arc<Signals>,
}

impl Handle {
    /// Registers a connection with a shard.
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

    /// Queues a reply with the number that was last sent of a topic.
    pub(crate) fn reply(&self, topic: TopicId, reply: Reply) {
        self.inbox.push(Command::Reply { key: self.key, topic, reply });
    }

    /// Closes the connection: the shard drops updates whose frames are not started, and sends the
    /// close frame last. Only the first call takes effect.
    pub(crate) fn close(&self, frame: Frame) {
        self.inbox.push(Command::Close { key: self.key, frame });
    }

    /// Starts a subscription whose reply was not ready when it joined.
    pub(crate) fn release(&self, topic: TopicId, start: Release) {
        self.inbox.push(Command::Release { key: self.key, topic, start });
    }

    /// Frees the connection's slot and drops the shard's reference to its stream. The drop of the
    /// last session cannot do this, because sessions may outlive their connections.
    pub(crate) fn remove(&self) {
        self.inbox.push(Command::Remove { key: self.key });
    }
}
