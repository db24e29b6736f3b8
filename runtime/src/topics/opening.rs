//! The opening of a subscription: what its reply reports, and how it continues.

use std::sync::Arc;

use crate::fanout::Beginning;

/// The opening of a subscription.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) epoch: Arc<str>,
    /// The last number that the reply includes.
    pub(crate) seq: u64,
    /// Whether everything after the client's position follows, if the client stated one.
    pub(crate) recovered: Option<bool>,
    /// Whether a snapshot follows.
    pub(crate) snapshot: bool,
    pub(crate) beginning: Beginning,
}

impl Opening {
    /// Returns true if live updates follow the reply.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.beginning, Beginning::Live)
    }
}
