//! The source from which a subscriber that is behind catches up.

use std::fmt;

use crate::wire::Frame;

/// The state of a topic that keeps one. A subscriber that fell behind, or that just subscribed,
/// receives it in place of the updates that it missed.
pub(crate) trait Source: Send + Sync + fmt::Debug {
    /// Returns what brings a client up to date that has everything up to `from`, or nothing at all
    /// (`None`).
    fn catch_up(&self, from: Option<u64>) -> CaughtUp;
}

/// What brings a client up to date.
#[derive(Debug, Clone)]
pub(crate) struct CaughtUp {
    /// The number that the client has then.
    pub(crate) seq: u64,
    /// Nothing, if the client has missed nothing.
    pub(crate) frame: Option<Frame>,
}
