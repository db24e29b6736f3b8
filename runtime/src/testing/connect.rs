//! The handshake of an in-memory client.

use std::{net::SocketAddr, time::Duration};

use axum::extract::ConnectInfo;
use http::{HeaderName, HeaderValue, Request};

use super::{Client, wait};
use crate::{
    Rejection, Server,
    connection::{admit, authenticate, serve_transport},
    wire::Transport,
};

/// Configures the handshake of an in-memory client.
#[derive(Debug)]
pub struct Connect<'a> {
    server: &'a Server,
    request: Request<()>,
    socket_bytes: usize,
    wait_limit: Option<Duration>,
}

impl<'a> Connect<'a> {
    /// Creates a handshake without extra headers or extensions.
    pub fn new(server: &'a Server) -> Self {
        Self { server, request: Request::new(()), socket_bytes: 64 * 1024, wait_limit: Some(wait::LIMIT) }
    }

    /// Adds an extension to the request, as a tower layer of the application would.
    #[must_use]
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.request.extensions_mut().insert(value);
        self
    }

    /// Adds a header to the request.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.request.headers_mut().insert(name, value);
        self
    }

    /// Sets the target of the request, with its query.
    #[must_use]
    pub fn uri(mut self, uri: http::Uri) -> Self {
        *self.request.uri_mut() = uri;
        self
    }

    /// Sets the peer address of the connection.
    #[must_use]
    pub fn peer(self, peer: SocketAddr) -> Self {
        self.extension(ConnectInfo(peer))
    }

    /// Sets how many bytes the socket buffers while the client does not read. Default: 64 KiB.
    #[must_use]
    pub fn socket_bytes(mut self, bytes: usize) -> Self {
        self.socket_bytes = bytes;
        self
    }

    /// Sets how long the client waits for a message, in real time. `None` disables the limit.
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
        let shared = self.server.shared();
        let place = admit(shared)?;
        let (parts, ()) = self.request.into_parts();
        let parts = authenticate(shared, parts).await?;
        let (server, client) = tokio::io::duplex(self.socket_bytes);
        tokio::spawn(serve_transport(place, Transport::other(server), parts, &[]));
        Ok(Client::new(client, self.wait_limit))
    }
}
