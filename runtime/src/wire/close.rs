//! Close codes: why a connection ended (RFC 6455, section 7.4; `docs/protocol.md`, "Closes").

/// A code that a server may close a connection with.
///
/// ```
/// use topicast::CloseCode;
///
/// assert_eq!(CloseCode::GOING_AWAY.get(), 1001);
/// assert_eq!(CloseCode::application(4001).map(CloseCode::get), Some(4001));
/// assert_eq!(CloseCode::application(1001), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server is going away.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the WebSocket protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// 1003: a fault of form under `compat::fastws()`, or a time limit; the reason tells which.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1007: text that is not UTF-8.
    pub const INVALID_TEXT: Self = Self(1007);
    /// 1008: against the server's policy; too many faults in a row, for example.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message is larger than the limit.
    pub const TOO_BIG: Self = Self(1009);
    /// 1011: a handler failed and cannot answer.
    pub const INTERNAL: Self = Self(1011);
    /// 1013: the consumer is too slow; it may come back.
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// A code of the application's own: 3000 to 4999 (RFC 6455, section 7.4.2).
    pub fn application(code: u16) -> Option<Self> {
        (3000..=4999).contains(&code).then_some(Self(code))
    }

    /// The number on the wire.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// Reasons of FastWS's that clients tell faults apart by.
pub(crate) mod reason {
    /// No envelope, or a payload that does not match.
    pub(crate) const INVALID: &str = "Could not validate payload";
    /// No operation of that type that a client may send.
    pub(crate) const UNKNOWN_TYPE: &str = "No matching type";
    /// The consumer stays behind.
    pub(crate) const TOO_SLOW: &str = "This consumer is too slow";
    /// The server is stopping.
    pub(crate) const GOING_AWAY: &str = "The server is going away";
    /// A handler panicked.
    pub(crate) const HANDLER_FAILED: &str = "A handler failed";
    /// A shard panicked.
    pub(crate) const SHARD_FAILED: &str = "The server failed";
    /// Faults of form in a row under the modern profile.
    pub(crate) const TOO_MANY_FAULTS: &str = "Too many invalid messages in a row";
}
