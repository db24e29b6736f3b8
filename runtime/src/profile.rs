//! The default profile and the profile of `docs/protocol.md`, "The profile `compat::fastws()`".

/// How a server treats faults of form, nested requests and liveness.
///
/// The default is [`Profile::modern`]. [`compat::fastws`](crate::compat::fastws) behaves as
/// FastWS services do, so that a server can replace one.
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
    /// How the server responds to a fault of form.
    pub(crate) faults: Faults,
    /// True if a request's fields may also be inside an object `params`.
    pub(crate) nested_params: bool,
    /// True if the server sends pings at half the heartbeat interval.
    pub(crate) server_pings: bool,
}

/// The server's response to a fault of form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Faults {
    /// Sends an `error` message. After 16 faults in a row, closes the connection with 1008.
    Reply,
    /// Closes the connection with 1003 and one of FastWS's reasons.
    Close,
}

impl Profile {
    /// Returns the default profile: faults are answered with an `error`, and the server sends
    /// pings.
    pub fn modern() -> Self {
        Self { faults: Faults::Reply, nested_params: false, server_pings: true }
    }

    /// Enables or disables the server's pings.
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

/// Returns the profile of FastWS 0.1.7: a fault closes the connection with 1003, requests may be
/// nested in `params`, and the server sends no pings.
pub fn fastws() -> Profile {
    Profile { faults: Faults::Close, nested_params: true, server_pings: false }
}
