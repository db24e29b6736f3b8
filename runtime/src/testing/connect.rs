//! The handshake of a client in memory.

use std::{net::SocketAddr, time::Duration};

use axum::extract::ConnectInfo;
use http::{HeaderName, HeaderValue, Request};

use super::{Client, wait};
use crate::{
    Rejection, Server,
    connection::{admit, authenticate, serve_transport},
    wire::Transport,
};

/// A connection to be made: what the handshake carries.
///
/// ```
/// # #[topicast::data]
/// # #[derive(Debug, PartialEq)]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let ws = topicast::Server::builder("Test", "1.0.0").channels(topicast::channels![Bars]).build()?;
/// use topicast::testing::Connect;
///
/// #[derive(Clone)]
/// struct User { account: String }
///
/// let user = User { account: "TEST-001".into() };
/// let client = Connect::new(&ws).extension(user).peer("192.0.2.1:9000".parse()?).socket_bytes(1000).open().await?;
/// assert_eq!(ws.sessions()[0].extension::<User>().map(|user| user.account.as_str()), Some("TEST-001"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Connect<'a> {
    server: &'a Server,
    request: Request<()>,
    socket_bytes: usize,
    wait_limit: Option<Duration>,
}

impl<'a> Connect<'a> {
    /// A handshake with nothing but what it needs.
    pub fn new(server: &'a Server) -> Self {
        Self { server, request: Request::new(()), socket_bytes: 64 * 1024, wait_limit: Some(wait::LIMIT) }
    }

    /// A value that a tower layer of the application would put into the request.
    #[must_use]
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.request.extensions_mut().insert(value);
        self
    }

    /// A header of the request.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.request.headers_mut().insert(name, value);
        self
    }

    /// The target of the request, with its query.
    #[must_use]
    pub fn uri(mut self, uri: http::Uri) -> Self {
        *self.request.uri_mut() = uri;
        self
    }

    /// The address the connection comes from.
    #[must_use]
    pub fn peer(self, peer: SocketAddr) -> Self {
        self.extension(ConnectInfo(peer))
    }

    /// How many bytes the socket takes before the client reads. 64 KiB.
    #[must_use]
    pub fn socket_bytes(mut self, bytes: usize) -> Self {
        self.socket_bytes = bytes;
        self
    }

    /// How long the client waits for a message, in real time. `None` disables the limit.
    /// Default: 5 s.
    #[must_use]
    pub fn wait_limit(mut self, limit: Option<Duration>) -> Self {
        self.wait_limit = limit;
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// When the server refuses the handshake.
    pub async fn open(self) -> Result<Client, Rejection> {
        let core = self.server.core();
        let place = admit(core)?;
        let (parts, ()) = self.request.into_parts();
        let parts = authenticate(core, parts).await?;
        let (server, client) = tokio::io::duplex(self.socket_bytes);
        tokio::spawn(serve_transport(place, Transport::other(server), parts, &[]));
        Ok(Client::new(client, self.wait_limit))
    }
}
