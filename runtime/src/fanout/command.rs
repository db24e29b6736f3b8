//! The commands that a shard executes.

use std::sync::{Arc, atomic::AtomicU64};

use crate::{
    fanout::{
        course::Release,
        ids::{Key, TopicId},
        reply::Reply,
        signals::Signals,
        slow::SlowConsumer,
        source::Source,
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
    /// Sends a reply with the number that was last sent of a topic.
    Reply {
        key: Key,
        topic: TopicId,
        reply: Reply,
    },
    /// Subscribes a connection to a topic. Updates follow the reply. Without a reply, the
    /// subscription starts with `Release`.
    Join {
        key: Key,
        joining: Joining,
        reply: Option<Frame>,
    },
    Release {
        key: Key,
        topic: TopicId,
        start: Release,
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
    /// Counts updates that are dropped or merged.
    pub(crate) skipped: Arc<AtomicU64>,
    /// Where subscribers catch up, if the topic keeps its state.
    pub(crate) source: Option<Arc<dyn Source>>,
}
