//! The settings that a channel gives its topics.

use std::time::Duration;

use crate::{
    declare::{Fragment, HistoryFragment, KindFragment},
    fanout::SlowConsumer,
};

/// The longest retention, 30 years. A clock can add it to the current time without an overflow.
const LONGEST_RETENTION: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The settings that a channel gives its topics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TopicSettings {
    pub(crate) fragment: &'static Fragment,
    /// Whether the topics have hooks.
    pub(crate) served: bool,
    pub(crate) slow: SlowConsumer,
}

impl TopicSettings {
    /// Returns how long a topic and its feed are retained: at least as long as the history covers.
    pub(super) fn retention(&self, configured: Duration) -> Duration {
        let history = match self.fragment.kind {
            KindFragment::Events { history } => history.and_then(|HistoryFragment { age_ms, .. }| age_ms),
            KindFragment::Latest | KindFragment::Table { .. } => None,
        };
        configured.max(Duration::from_millis(history.unwrap_or(0))).min(LONGEST_RETENTION)
    }
}
