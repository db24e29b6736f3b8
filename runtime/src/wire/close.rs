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
    /// 1000: the connection served its purpose.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server is going away.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the WebSocket protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// 1003: a fault of form under `compat::fastws()`, or a time limit. The reason states which.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1007: a text message is not valid UTF-8.
    pub const INVALID_TEXT: Self = Self(1007);
    /// 1008: the client violated the server's policy, for example by too many faults in a row.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message exceeds the size limit.
    pub const TOO_BIG: Self = Self(1009);
    /// 1011: the server failed, for example because a handler panicked.
    pub const INTERNAL: Self = Self(1011);
    /// 1013: the client reads too slowly. It may reconnect.
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// Returns a code for the application's own use, 3000 to 4999 (RFC 6455, section 7.4.2), or
    /// `None` if the number is outside that range.
    pub fn application(code: u16) -> Option<Self> {
        (3000..=4999).contains(&code).then_some(Self(code))
    }

    /// Returns the number that the close frame carries.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// Close reasons. FastWS clients distinguish faults by these texts, so they must not change.
pub(crate) mod reason {
    /// The message is not an envelope, or its payload does not match its type.
    pub(crate) const INVALID: &str = "Could not validate payload";
    /// Clients cannot send an operation of that type.
    pub(crate) const UNKNOWN_TYPE: &str = "No matching type";
    /// The client does not keep up.
    pub(crate) const TOO_SLOW: &str = "This consumer is too slow";
    /// The server is stopping.
    pub(crate) const GOING_AWAY: &str = "The server is going away";
    /// A handler panicked.
    pub(crate) const HANDLER_FAILED: &str = "A handler failed";
    /// A shard panicked.
    pub(crate) const SHARD_FAILED: &str = "The server failed";
    /// The client reached the number of consecutive faults of form that closes a connection
    /// under the default profile.
    pub(crate) const TOO_MANY_FAULTS: &str = "Too many invalid messages in a row";
}
