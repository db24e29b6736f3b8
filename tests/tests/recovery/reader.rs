//! A client and its view of the topics.

use topicast::testing::Client;

use crate::{TOPICS, log::Levels};

/// A client's view of one topic.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) phase: Phase,
    pub(crate) epoch: String,
    pub(crate) position: Option<u64>,
    pub(crate) rows: Levels,
    /// The position that the pending request stated.
    pub(crate) stated: Option<(String, u64)>,
    /// Subscribes that are not answered.
    pub(crate) asked: usize,
}

#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Phase {
    #[default]
    Left,
    Subscribed,
    /// The reply announced a snapshot.
    Announced,
}

pub(crate) struct Reader {
    pub(crate) client: Option<Client>,
    pub(crate) views: [View; TOPICS],
}
