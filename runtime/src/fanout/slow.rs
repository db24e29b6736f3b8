//! What becomes of the updates that a consumer does not keep up with.

use std::time::Duration;

/// How a channel treats subscribers that stay behind.
///
/// A connection may have so many bytes unsent
/// ([`Limits::unsent_bytes`](crate::Limits::unsent_bytes)); when an update finds no room, its
/// channel's policy decides. Updates that are dropped or replaced keep their numbers, and
/// the next one that the client gets says in `skipped` how many there were. Replies,
/// snapshots and control frames are never dropped.
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
    /// The connection is closed with 1013: every update counts, and whoever cannot take them
    /// has to begin anew. The default.
    pub const fn close() -> Self {
        Self { policy: Policy::Close, max_age: None }
    }

    /// The oldest unsent updates make room for the new one: of the same topic while there are
    /// any, then of every channel with this policy.
    pub const fn drop_oldest() -> Self {
        Self { policy: Policy::DropOldest, max_age: None }
    }

    /// Conflation: at most one update of a topic is pending, and a newer one takes its place.
    pub const fn latest() -> Self {
        Self { policy: Policy::Latest, max_age: None }
    }

    /// The oldest an unsent update may be, checked about every quarter of that time. Older
    /// ones are treated as if there were no room: `close` closes, `drop_oldest` drops them.
    /// Under `latest` an unsent update is never out of date, and this changes nothing.
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

/// The consumer stays behind on a channel where that ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooSlow;
