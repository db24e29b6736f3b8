//! The handle of a running server.

use std::{any::TypeId, fmt, sync::Arc, time::Duration};

use axum::{Router, extract::Request, routing::any};
use uuid::Uuid;

use crate::{
    Channel, Push,
    call::{Publisher, Session},
    connection::{Shared, upgrade},
    docs::{AsyncApi, Surface, routes},
    error::Error,
    topics::TopicInfo,
    wire::{CloseCode, reason},
};

/// How long a shutdown waits beyond the close timeout, which ends connections by itself.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// A server: its channels, its operations and its connections. Clones are handles to the same
/// server.
///
/// ```
/// use topicast::Server;
///
/// #[topicast::data]
/// pub struct Bar { pub close: f64 }
///
/// #[topicast::ws_router(route = "bars", update = Bar)]
/// pub struct Bars { pub symbol: String }
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let ws = Server::builder("Bars", "1.0.0").channels(topicast::channels![Bars]).build()?;
/// let aapl = ws.publisher::<Bars>()?.topic(&Bars { symbol: "AAPL".into() })?;
/// aapl.publish(&Bar { close: 150.5 })?;
/// let routes: axum::Router = ws.router("/ws");
/// # Ok(())
/// # }
/// # example().unwrap();
/// ```
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
    surface: Arc<Surface>,
}

impl Server {
    pub(crate) fn new(shared: Arc<Shared>, surface: Surface) -> Self {
        Self { shared, surface: Arc::new(surface) }
    }

    /// Returns the publisher of a channel.
    ///
    /// # Errors
    /// When the channel is not listed in this server.
    pub fn publisher<C: Channel>(&self) -> Result<Publisher<C>, Error> {
        let row = self.shared.catalog.channel(TypeId::of::<C>());
        let row = row.ok_or_else(|| Error::unlisted("channel", C::ROUTE, "channels!"))?;
        Ok(Publisher::new(Arc::clone(&self.shared.topics), row.topic_settings()))
    }

    /// Sends a push to every session.
    ///
    /// # Errors
    /// When the push is not listed in this server or does not serialize.
    pub fn push<P: Push>(&self, push: &P) -> Result<(), Error> {
        let frame = self.shared.catalog.pushes.frame(push)?;
        for session in self.shared.sessions.list() {
            session.handle().send(frame.clone());
        }
        Ok(())
    }

    /// Returns the number of connections.
    pub fn connections(&self) -> usize {
        self.shared.sessions.count()
    }

    /// Returns every session, in no particular order.
    pub fn sessions(&self) -> Vec<Session> {
        self.shared.sessions.list()
    }

    /// Returns the session with an identifier, if it is connected.
    pub fn session(&self, id: Uuid) -> Option<Session> {
        self.shared.sessions.get(id)
    }

    /// Returns every topic that has subscribers, sorted.
    pub fn topics(&self) -> Vec<TopicInfo> {
        self.shared.topics.list()
    }

    /// Returns the number of connections that are subscribed to a topic.
    pub fn subscribers(&self, topic: &str) -> usize {
        self.shared.topics.get(topic).map_or(0, |entry| entry.subscribers())
    }

    /// Waits for the first subscription since the server was built. Returns at once if there was
    /// one already.
    ///
    /// # Cancel safety
    /// This method is cancel safe: dropping the future and calling it again loses nothing.
    pub async fn first_subscription(&self) {
        self.shared.topics.commons.subscribed.happened().await;
    }

    /// Returns the documents of this server at a path, for example `/api/v1/ws`.
    pub fn asyncapi(&self, path: &str) -> AsyncApi {
        AsyncApi::of_valid(&self.surface, path)
    }

    /// Returns the routes of this server:
    ///
    /// | path | content |
    /// | --- | --- |
    /// | `{path}` | the WebSocket |
    /// | `{path}/asyncapi.json` | the AsyncAPI 2.4.0 document |
    /// | `{path}/asyncapi-3.json` | the same surface in AsyncAPI 3.0.0 |
    /// | `{path}/asyncapi` | the page, with its live console |
    ///
    /// Merge them into a router of any state, or nest them: the documents contain the full path
    /// of the request. The router may be served by `axum::serve` or, with limits on
    /// handshakes, by [`topicast::serve`](crate::serve).
    ///
    /// [`socket_router`](Self::socket_router) returns the WebSocket alone, and
    /// [`documents_router`](Self::documents_router) the documents and the page under another path.
    ///
    /// # Panics
    /// When the path does not begin with a slash, as axum does.
    pub fn router<S: Clone + Send + Sync + 'static>(&self, path: &str) -> Router<S> {
        let path = path.trim_end_matches('/');
        self.socket_router(path).merge(routes::below(path, Arc::clone(&self.surface)))
    }

    /// Returns the route of the WebSocket alone, without documents and page.
    ///
    /// # Panics
    /// When the path does not begin with a slash, as axum does.
    pub fn socket_router<S: Clone + Send + Sync + 'static>(&self, path: &str) -> Router<S> {
        let path = path.trim_end_matches('/');
        let shared = Arc::clone(&self.shared);
        let path = if path.is_empty() { "/" } else { path };
        Router::new().route(path, any(move |request: Request| upgrade(Arc::clone(&shared), request)))
    }

    /// Returns the routes of the documents and the page alone, at `{path}/asyncapi.json`,
    /// `{path}/asyncapi-3.json` and `{path}/asyncapi`, so that a layer can restrict access to them.
    /// `socket` is the full public path of the WebSocket. The documents contain it, and the page
    /// connects to it.
    ///
    /// ```
    /// # use axum::{Router, extract::Request, http::StatusCode, middleware::{self, Next}, response::Response};
    /// async fn colleagues_only(request: Request, next: Next) -> Result<Response, StatusCode> {
    ///     let is_colleague = request.headers().get("authorization").is_some_and(|value| value == "Bearer secret");
    ///     if is_colleague { Ok(next.run(request).await) } else { Err(StatusCode::UNAUTHORIZED) }
    /// }
    ///
    /// # fn routes() -> Result<Router, topicast::Error> {
    /// let ws = topicast::Server::builder("Quotes", "1.0.0").build()?;
    /// let documents = ws.documents_router("/internal", "/ws").layer(middleware::from_fn(colleagues_only));
    /// Ok(ws.socket_router("/ws").merge(documents))
    /// # }
    /// # routes().unwrap();
    /// ```
    ///
    /// # Panics
    /// When the path does not begin with a slash, as axum does.
    pub fn documents_router<S: Clone + Send + Sync + 'static>(&self, path: &str, socket: &str) -> Router<S> {
        let socket = socket.trim_end_matches('/');
        routes::elsewhere(path.trim_end_matches('/'), Arc::clone(&self.surface), socket)
    }

    /// Closes every connection with 1001 and waits until all have ended. From now on the server
    /// refuses handshakes with 503.
    ///
    /// The wait takes at most [`Limits::close_timeout`](crate::Limits::close_timeout) plus one
    /// second, even if a hook hangs. A connection whose `authenticate` returns later is still
    /// closed with 1001.
    pub async fn shutdown(&self) {
        self.shared.sessions.shut();
        for session in self.shared.sessions.list() {
            session.close(CloseCode::GOING_AWAY, reason::GOING_AWAY);
        }
        let deadline = self.shared.limits.close_timeout + SHUTDOWN_GRACE;
        if tokio::time::timeout(deadline, self.shared.sessions.emptied()).await.is_err() {
            tracing::warn!(connections = self.connections(), "the shutdown ended before all connections did");
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("title", &self.surface.info.title).finish_non_exhaustive()
    }
}
