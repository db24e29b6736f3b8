//! The limits that protect a server from its clients.

use std::time::Duration;

/// The limits of each connection and of the whole server.
///
/// ```
/// let limits = topicast::Limits { max_connections: Some(10_000), ..topicast::Limits::default() };
/// # assert_eq!(limits.message_bytes, 64 * 1024);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest message of a client, in bytes. A larger one closes the connection with 1009.
    /// Default: 64 KiB.
    pub message_bytes: usize,
    /// The largest frame of a client, in bytes. A larger one closes the connection with 1009.
    /// Default: 64 KiB.
    pub frame_bytes: usize,
    /// The number of bytes that may wait for one client to read them. Beyond it, the channel's
    /// [`SlowConsumer`](crate::SlowConsumer) decides; by default the connection is closed with 1013.
    /// Default: 1 MiB.
    pub unsent_bytes: usize,
    /// The number of bytes that may wait between publishers and a shard's connections.
    /// Default: 64 MiB.
    pub backlog_bytes: usize,
    /// The number of topics that one connection may be subscribed to. Another subscription is
    /// refused with `too_many_subscriptions`. Default: 1,000.
    pub subscriptions: usize,
    /// The number of connections that the server accepts. Another handshake is refused with 503.
    /// `None` disables the limit. Default: `None`.
    pub max_connections: Option<usize>,
    /// How long a peer may take to read what precedes a close and to answer it. Default: 5 s.
    pub close_timeout: Duration,
    /// How long the handler of one message may take: an operation, or the hooks `authorize`, `feed`
    /// and `snapshot` of one `subscribe` together. After it, the server drops the handler at its
    /// await point and refuses the request with `internal`, retryable. The same limit applies to
    /// `authenticate`, whose client receives 503. `None` disables the limit. Default: 10 s.
    pub handler_timeout: Option<Duration>,
    /// The largest canonical topic, in bytes. A subscription to a longer one is refused with
    /// `topic_too_long`. Default: 512.
    pub topic_bytes: usize,
    /// The largest snapshot of a table, in bytes. A change beyond it fails, as an error to the
    /// publisher. Default: 1 MiB.
    pub table_bytes: usize,
    /// The memory for what topics retain: histories, values and rows. Beyond it, topics without
    /// subscribers and publishers are evicted, the one released longest ago first; the next use of
    /// an evicted topic begins a new epoch. If none can be evicted, a history covers less, and a
    /// change of a `latest` topic or a table fails. Default: 64 MiB.
    pub retained_bytes: usize,
    /// The memory for replays to returning clients that their sockets have not accepted. Beyond it,
    /// a client that returns is not recovered and starts like a new one. Default: 64 MiB.
    pub replay_bytes: usize,
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
            topic_bytes: 512,
            table_bytes: 1024 * 1024,
            retained_bytes: 64 * 1024 * 1024,
            replay_bytes: 64 * 1024 * 1024,
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
    /// How long the head of a request may take, from the connection's first byte or from the end
    /// of the previous response. A connection that sends nothing is closed after the same time.
    /// Default: 10 s.
    pub head: Duration,
    /// How long the body of a request may take. Default: 30 s.
    pub body: Duration,
    /// How long the peer may stop reading a response. Default: 10 s.
    pub stall: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), body: Duration::from_secs(30), stall: Duration::from_secs(10) }
    }
}
