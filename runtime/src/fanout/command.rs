//! The commands that a shard executes.

use std::sync::{Arc, atomic::AtomicU64};

use crate::{
    fanout::{
        ids::{Key, TopicId},
        signals::Signals,
        slow::SlowConsumer,
    },
    wire::{Frame, Transport, Update},
};

/// A command to a shard. The shard executes commands in the order in which they were pushed.
#[derive(Debug)]
pub(crate) enum Command {
    Open {
        key: Key,
        transport: Arc<Transport>,
        signals: Arc<Signals>,
    },
    Send {
        key: Key,
        frame: Frame,
    },
    /// Sends a reply with the position of a topic, in order with the topic's updates.
    Reply {
        key: Key,
        topic: TopicId,
        frame: Frame,
    },
    /// Subscribes a connection to a topic. Updates follow the reply. Without a reply, they are held
    /// back until `Release`.
    Join {
        key: Key,
        joining: Joining,
        reply: Option<Frame>,
    },
    Release {
        key: Key,
        topic: TopicId,
        first: Vec<Frame>,
    },
    Leave {
        key: Key,
        topic: TopicId,
    },
    Deliver {
        topic: TopicId,
        update: Update,
    },
    Close {
        key: Key,
        frame: Frame,
    },
    Remove {
        key: Key,
    },
    /// Makes the shard panic, to test its recovery.
    #[cfg(test)]
    Panic,
}

/// The topic of a [`Command::Join`], with what a shard without subscribers of the topic needs.
#[derive(Debug)]
pub(crate) struct Joining {
    pub(crate) topic: TopicId,
    /// The `seq` of the last update before the join.
    pub(crate) seq: u64,
    pub(crate) slow: SlowConsumer,
    /// Counts updates that are dropped or replaced.
    pub(crate) skipped: Arc<AtomicU64>,
}
