//! Bounds that protect a server from its clients.

use std::time::Duration;

/// Bounds of one connection and of the server as a whole.
///
/// ```
/// let limits = topicast::Limits { max_connections: Some(10_000), ..topicast::Limits::default() };
/// # assert_eq!(limits.message_bytes, 64 * 1024);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest message of a client, in bytes; a larger one closes with 1009. 64 KiB.
    pub message_bytes: usize,
    /// The largest frame of a client, in bytes; a larger one closes with 1009. 64 KiB.
    pub frame_bytes: usize,
    /// How many bytes may wait for one client to read them; more closes with 1013. 1 MiB.
    pub unsent_bytes: usize,
    /// How many bytes may wait between publishers and a shard's connections. 64 MiB.
    pub backlog_bytes: usize,
    /// How many topics one connection may be subscribed to; one more is refused with
    /// `too_many_subscriptions`. 1,000.
    pub subscriptions: usize,
    /// How many connections the server takes; one more is refused with 503. Unlimited.
    pub max_connections: Option<usize>,
    /// How long a peer has to answer a close, and to read what precedes it. 5 s.
    pub close_timeout: Duration,
    /// How long answering one message may take: an operation, or the hooks of a channel for one
    /// `subscribe`, `authorize`, `feed` and `snapshot` together. When it is over, the handler is
    /// dropped where it awaits, and the client is refused with `internal`, retryable. The same
    /// limit holds for `authenticate`, whose client gets 503. `None` disables it. Default: 10 s.
    pub handler_timeout: Option<Duration>,
    /// How long a feed goes on after its topic's last subscriber left. 10 s.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024,
            frame_bytes: 64 * 1024,
            unsent_bytes: 1024 * 1024,
            backlog_bytes: 64 * 1024 * 1024,
            subscriptions: 1000,
            max_connections: None,
            close_timeout: Duration::from_secs(5),
            handler_timeout: Some(Duration::from_secs(10)),
            linger: Duration::from_secs(10),
        }
    }
}

/// Time limits of [`topicast::serve`](crate::serve) on a connection that speaks HTTP: before
/// its upgrade, or without one.
///
/// ```
/// # use std::time::Duration;
/// let limits = topicast::HttpLimits { body: Duration::from_secs(300), ..topicast::HttpLimits::default() };
/// # assert_eq!(limits.head, Duration::from_secs(10));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// How long the head of a request may take, counted from the connection's first byte or
    /// from the end of the response before. A connection that sends nothing at all is closed
    /// after the same time. Default: 10 s.
    pub head: Duration,
    /// How long the body of a request may take. Default: 30 s.
    pub body: Duration,
    /// How long the peer may read nothing of a response. Default: 10 s.
    pub stall: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), body: Duration::from_secs(30), stall: Duration::from_secs(10) }
    }
}
