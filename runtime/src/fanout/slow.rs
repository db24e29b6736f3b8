//! Policies for subscribers that do not keep up with their updates.

use std::time::Duration;

/// How a channel of events treats subscribers that do not keep up.
///
/// [`Limits::unsent_bytes`](crate::Limits::unsent_bytes) limits the unsent bytes of a connection.
/// The channel's policy applies to an update that would exceed the limit. Updates that are dropped
/// keep their numbers, and the next update that the client receives reports their count
/// in `skipped`. Replies, snapshots and control frames are never dropped.
///
/// Channels declared `latest` or `table` have no such policy: a subscriber that does not keep up
/// receives the newest value, or all changes merged into one update, once its socket is writable.
///
/// ```
/// use std::time::Duration;
/// use topicast::SlowConsumer;
/// let orders = SlowConsumer::close();
/// let trades = SlowConsumer::drop_oldest().max_age(Duration::from_secs(2));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlowConsumer {
    pub(crate) policy: Policy,
    pub(crate) max_age: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Close,
    DropOldest,
    /// The subscriber falls behind, and later catches up from the topic's state.
    CatchUp,
}

impl SlowConsumer {
    /// Closes the connection with 1013. For channels on which every update matters: a client that
    /// cannot keep up has to reconnect and start from current state. This is the default.
    pub const fn close() -> Self {
        Self { policy: Policy::Close, max_age: None }
    }

    /// Drops the oldest unsent updates to make room for the new one: first those of the same topic,
    /// then those of every channel with this policy.
    pub const fn drop_oldest() -> Self {
        Self { policy: Policy::DropOldest, max_age: None }
    }

    /// The policy of channels whose state the server keeps.
    pub(crate) const fn catch_up() -> Self {
        Self { policy: Policy::CatchUp, max_age: None }
    }

    /// Sets the maximum age of an unsent update. The server checks ages about every quarter of that
    /// time and applies the policy to older updates: [`close`](Self::close) closes the connection,
    /// [`drop_oldest`](Self::drop_oldest) drops the updates.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }
}

impl Default for SlowConsumer {
    fn default() -> Self {
        Self::close()
    }
}

/// The client does not keep up with a channel whose policy is to close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooSlow;
