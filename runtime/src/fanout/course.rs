//! The course of a subscription that does not simply receive each update as it is published.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::{
    fanout::{ids::TopicId, replay::Replay},
    wire::{Frame, Update},
};

/// A subscription that is starting, replaying, behind, ahead of its shard, or limited in its rate.
pub(crate) struct Course {
    pub(crate) topic: TopicId,
    pub(crate) stage: Stage,
    /// The minimum interval between two updates, if the client asked for one.
    pub(crate) interval: Option<Duration>,
}

/// What the subscription waits for.
pub(crate) enum Stage {
    /// The reply is not ready. Updates of events are held back.
    Joining(VecDeque<Held>),
    /// The socket accepts the replay part by part. Updates of events are held back.
    Replaying(Replay, VecDeque<Held>),
    /// The client has everything up to `sent`, and catches up when its socket is writable. It has
    /// nothing yet if `snapshot` is true.
    Behind { sent: u64, snapshot: bool },
    /// The client has caught up to a number that the shard has not delivered yet.
    Ahead { to: u64 },
    /// The client has everything up to `sent`, and receives nothing until then.
    Resting { sent: u64, until: Instant, timer: bool },
}

/// An update that is held back until the reply or the replay is sent.
pub(crate) struct Held {
    pub(crate) update: Update,
    /// The number of updates skipped before this one.
    pub(crate) skipped: u64,
}

/// How a subscription continues after its reply.
#[derive(Debug)]
pub(crate) enum Beginning {
    /// With live updates.
    Live,
    /// With past updates.
    Replay(Replay),
    /// With the topic's state; the reply carried the number `sent`.
    Snapshot { sent: u64 },
    /// With what was published after the number `sent`.
    After { sent: u64 },
}

/// The start of a subscription whose reply was not ready when it joined.
#[derive(Debug)]
pub(crate) struct Release {
    pub(crate) first: Vec<Frame>,
    pub(crate) beginning: Beginning,
    /// The minimum interval between two updates, if the client asked for one.
    pub(crate) interval: Option<Duration>,
}

impl Stage {
    /// Returns the updates that are held back.
    pub(crate) fn held(&mut self) -> Option<&mut VecDeque<Held>> {
        match self {
            Self::Joining(held) | Self::Replaying(_, held) => Some(held),
            Self::Behind { .. } | Self::Ahead { .. } | Self::Resting { .. } => None,
        }
    }
}
