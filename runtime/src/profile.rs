//! The two behaviours of a server (`docs/protocol.md`, "The profile `compat::fastws()`").

/// How a server treats faults of form, nested requests and liveness.
///
/// The default is the modern behaviour; [`compat::fastws`](crate::compat::fastws) is
/// that of the FastWS services it can replace.
///
/// ```
/// use topicast::{Profile, Server, compat};
///
/// let modern = Server::builder("Modern", "1.0.0").profile(Profile::modern()).build()?;
/// // FastWS's behaviour, and pings that keep quiet clients connected.
/// let replacement = Server::builder("Bars", "1.0.0").profile(compat::fastws().with_server_pings(true)).build()?;
/// # Ok::<(), topicast::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// What a fault of form costs.
    pub(crate) faults: Faults,
    /// Whether a request's fields may also stand inside an object `params`.
    pub(crate) nested_params: bool,
    /// Whether the server sends pings at half the heartbeat interval.
    pub(crate) server_pings: bool,
}

/// What a fault of form costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Faults {
    /// An `error` message; the connection is closed with 1008 after 16 in a row.
    Reply,
    /// The connection, with 1003 and one of FastWS's reasons.
    Close,
}

impl Profile {
    /// The modern behaviour.
    pub fn modern() -> Self {
        Self { faults: Faults::Reply, nested_params: false, server_pings: true }
    }

    /// Turns the server's pings on or off.
    #[must_use]
    pub fn with_server_pings(mut self, on: bool) -> Self {
        self.server_pings = on;
        self
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::modern()
    }
}

/// The behaviour of FastWS 0.1.7: faults close with 1003, requests may be nested in
/// `params`, and the server sends no pings.
pub fn fastws() -> Profile {
    Profile { faults: Faults::Close, nested_params: true, server_pings: false }
}
