//! The settings that a channel gives its topics.

use std::time::Duration;

use crate::{
    declare::{Fragment, HistoryFragment, KindFragment},
    fanout::SlowConsumer,
};

/// The settings that a channel gives its topics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TopicSettings {
    pub(crate) fragment: &'static Fragment,
    /// Whether the topics have hooks.
    pub(crate) served: bool,
    pub(crate) slow: SlowConsumer,
}

impl TopicSettings {
    /// Returns how long a topic is retained: at least as long as its history covers.
    pub(super) fn retention(&self, configured: Duration) -> Duration {
        let history = match self.fragment.kind {
            KindFragment::Events { history } => history.and_then(|HistoryFragment { age_ms, .. }| age_ms),
            KindFragment::Latest | KindFragment::Table { .. } => None,
        };
        configured.max(Duration::from_millis(history.unwrap_or(0)))
    }
}
