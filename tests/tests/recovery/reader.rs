//! A client and its view of the topics.

use topicast::testing::Client;

use crate::{TOPICS, log::Levels};

/// A client's view of one topic.
#[derive(Debug, Default)]
pub struct View {
    pub phase: Phase,
    pub epoch: String,
    pub position: Option<u64>,
    pub rows: Levels,
    /// The position that the pending request stated.
    pub stated: Option<(String, u64)>,
    /// Subscribes that are not answered.
    pub asked: usize,
}

#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
pub enum Phase {
    #[default]
    Left,
    Subscribed,
    /// The reply announced a snapshot.
    Announced,
}

pub struct Reader {
    pub client: Option<Client>,
    pub views: [View; TOPICS],
}
