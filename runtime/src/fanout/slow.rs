//! Policies for subscribers that do not keep up with their updates.

use std::time::Duration;

/// How a channel treats subscribers that do not keep up.
///
/// [`Limits::unsent_bytes`](crate::Limits::unsent_bytes) limits the unsent bytes of a connection.
/// The channel's policy applies to an update that would exceed the limit. Updates that are dropped
/// or replaced keep their numbers, and the next update that the client receives reports their count
/// in `skipped`. Replies, snapshots and control frames are never dropped.
///
/// ```
/// use std::time::Duration;
/// use topicast::SlowConsumer;
/// let quotes = SlowConsumer::latest();
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
    Latest,
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

    /// Conflates updates: at most one update of a topic is pending, and a newer one replaces it.
    pub const fn latest() -> Self {
        Self { policy: Policy::Latest, max_age: None }
    }

    /// Sets the maximum age of an unsent update. The server checks ages about every quarter of that
    /// time and applies the policy to older updates: [`close`](Self::close) closes the connection,
    /// [`drop_oldest`](Self::drop_oldest) drops the updates. The setting has no effect under
    /// [`latest`](Self::latest), whose unsent update is always current.
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
