//! The builder of a server.

use std::{
    any::{Any, TypeId},
    fmt,
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use crate::{
    Channel,
    call::{Authenticate, Catalog, ChannelRow, Channels, Handshake, OperationRow, Operations, Rejection, handshake},
    connection::{Sessions, Shared, TimeLimits},
    declare::{kind::Events, refusal},
    docs::{AsyncApi, Contact, Info, Licence, ServerInfo, Surface, Tag},
    error::Error,
    fanout::{Bounds, Hub, SlowConsumer},
    limits::Limits,
    listen::Turnstile,
    profile::Profile,
    server::Server,
    topics::{Retention, Topics},
};

/// The number of connections of a shard whose messages are answered in one turn of the scheduler.
const READS: usize = 16;

/// Builds a [`Server`]. `S` is the application's state. Set it first, because channels,
/// operations and `authenticate` depend on its type.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use topicast::{Limits, Server, SlowConsumer};
///
/// #[topicast::data]
/// pub struct Bar { pub close: f64 }
///
/// #[topicast::ws_router(route = "bars", update = Bar)]
/// pub struct Bars { pub symbol: String }
///
/// pub struct App { pub name: String }
///
/// let ws = Server::builder("Bars", "1.0.0")
///     .state(Arc::new(App { name: "desk".into() }))
///     .description("Bars of every symbol.")
///     .channels(topicast::channels![Arc<App>; Bars])
///     .slow_consumer::<Bars>(SlowConsumer::drop_oldest())
///     .heartbeat(Some(Duration::from_secs(60)))
///     .limits(Limits { max_connections: Some(10_000), ..Limits::default() })
///     .build()?;
/// # Ok::<(), topicast::Error>(())
/// ```
pub struct Builder<S = ()> {
    info: Info,
    state: Arc<S>,
    channels: Vec<ChannelRow>,
    operations: Vec<OperationRow>,
    authenticate: Option<Authenticate>,
    /// The state-dependent method that the caller called before `state`, so that `build` fails.
    before_state: Option<&'static str>,
    refusal_codes: Vec<String>,
    profile: Profile,
    limits: Limits,
    heartbeat: Option<Duration>,
    lifespan: Option<Duration>,
    shards: Option<NonZeroUsize>,
    flush_window: Duration,
    retention: Duration,
    slow: Vec<(TypeId, &'static str, SlowConsumer)>,
    echo: bool,
}

impl Server {
    /// Returns a builder. The documents have this title and this version.
    pub fn builder(title: impl Into<String>, version: impl Into<String>) -> Builder {
        Builder::new(title.into(), version.into())
    }
}

impl Builder {
    pub(crate) fn new(title: String, version: String) -> Self {
        Self {
            info: Info { title, version, ..Info::default() },
            state: Arc::new(()),
            channels: Vec::new(),
            operations: Vec::new(),
            authenticate: None,
            before_state: None,
            refusal_codes: Vec::new(),
            profile: Profile::modern(),
            limits: Limits::default(),
            heartbeat: Some(Duration::from_secs(30)),
            lifespan: Some(Duration::from_secs(3600)),
            shards: None,
            flush_window: Duration::ZERO,
            retention: Duration::from_secs(60),
            slow: Vec::new(),
            echo: false,
        }
    }

    /// Sets the application's state, which hooks and operations receive. Call it before
    /// [`channels`](Self::channels), [`operations`](Self::operations) and
    /// [`authenticate`](Self::authenticate); otherwise [`build`](Self::build) fails.
    pub fn state<S: Send + Sync + 'static>(self, state: S) -> Builder<S> {
        self.shared_state(Arc::new(state))
    }

    /// Sets a state that the application shares with the server. Hooks and operations receive the
    /// inner `S`, so `Serve<S>` can be implemented for channels of another crate; `Serve<Arc<S>>`
    /// cannot. [`Cx::shared_state`](crate::Cx::shared_state) returns the `Arc`.
    pub fn shared_state<S: Send + Sync + 'static>(self, state: Arc<S>) -> Builder<S> {
        let listed = [
            ("channels", !self.channels.is_empty()),
            ("operations", !self.operations.is_empty()),
            ("authenticate", self.authenticate.is_some()),
        ];
        let before_state = listed.into_iter().find_map(|(method, was_called)| was_called.then_some(method));
        Builder {
            info: self.info,
            state,
            channels: Vec::new(),
            operations: Vec::new(),
            authenticate: None,
            before_state: self.before_state.or(before_state),
            refusal_codes: self.refusal_codes,
            profile: self.profile,
            limits: self.limits,
            heartbeat: self.heartbeat,
            lifespan: self.lifespan,
            shards: self.shards,
            flush_window: self.flush_window,
            retention: self.retention,
            slow: self.slow,
            echo: self.echo,
        }
    }
}

impl<S: Send + Sync + 'static> Builder<S> {
    /// Adds channels, listed by [`channels!`](crate::channels). May be called several times.
    #[must_use]
    pub fn channels(mut self, channels: Channels<S>) -> Self {
        self.channels.extend(channels.rows);
        self
    }

    /// Adds operations and pushes, listed by [`operations!`](crate::operations). May be
    /// called several times.
    #[must_use]
    pub fn operations(mut self, operations: Operations<S>) -> Self {
        self.operations.extend(operations.rows);
        self
    }

    /// Sets the function that decides which clients may connect. Its return value becomes an
    /// extension of the session, in addition to those that tower layers added to the request.
    #[must_use]
    pub fn authenticate<T, F, Fut>(mut self, function: F) -> Self
    where
        T: Clone + Send + Sync + 'static,
        F: Fn(Handshake<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, Rejection>> + Send + 'static,
    {
        self.authenticate = Some(handshake::authenticate(function));
        self
    }

    /// Sets the identifier of the service, a URI.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.info.id = Some(id.into());
        self
    }

    /// Sets the description of the service, in Markdown.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.info.description = Some(description.into());
        self
    }

    /// Sets the contact information for the API.
    #[must_use]
    pub fn contact(mut self, contact: Contact) -> Self {
        self.info.contact = Some(contact);
        self
    }

    /// Sets the licence of the API.
    #[must_use]
    pub fn licence(mut self, licence: Licence) -> Self {
        self.info.licence = Some(licence);
        self
    }

    /// Adds an address at which the service runs. May be called several times.
    #[must_use]
    pub fn server(mut self, server: ServerInfo) -> Self {
        self.info.servers.push(server);
        self
    }

    /// Adds the description of a tag that groups channels and operations.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        self.info.tags.push(Tag { name: name.into(), description: Some(description.into()) });
        self
    }

    /// Adds the codes of the application's refusals to the documents, which already contain the
    /// codes of the protocol.
    #[must_use]
    pub fn refusal_codes<I: IntoIterator<Item: Into<String>>>(mut self, codes: I) -> Self {
        self.refusal_codes.extend(codes.into_iter().map(Into::into));
        self
    }

    /// Sets how long a client may be silent. `None` disables the limit. Default: 30 s.
    #[must_use]
    pub fn heartbeat(mut self, interval: Option<Duration>) -> Self {
        self.heartbeat = interval;
        self
    }

    /// Sets how long a connection may last. `None` disables the limit. Default: 3600 s.
    #[must_use]
    pub fn lifespan(mut self, lifespan: Option<Duration>) -> Self {
        self.lifespan = lifespan;
        self
    }

    /// Sets the limits that protect the server from its clients.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how the server handles faults, nested requests and liveness.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Sets the number of tasks that share the connections. Default: the number of cores.
    #[must_use]
    pub fn shards(mut self, shards: NonZeroUsize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// Sets how long an update may wait to share a write with later ones. A message that follows
    /// a pause longer than the window is sent at once. Default: zero, so that every update is
    /// sent at once.
    #[must_use]
    pub fn flush_window(mut self, window: Duration) -> Self {
        self.flush_window = window;
        self
    }

    /// Sets how long a topic and its feed outlast their last subscriber and publisher. A topic keeps
    /// its numbering, its state and its history for that time, or as long as its history covers if
    /// that is longer, so that clients that return can catch up. Default: 60 s.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Sets the policy for slow subscribers of a channel of events. Subscribers of `latest` and
    /// `table` channels need none: they catch up when their socket is writable.
    #[must_use]
    pub fn slow_consumer<C: Channel<Kind = Events>>(mut self, slow: SlowConsumer) -> Self {
        self.slow.push((TypeId::of::<C>(), C::ROUTE, slow));
        self
    }

    /// Echoes every message, for conformance suites of the WebSocket layer.
    #[doc(hidden)]
    #[must_use]
    pub fn echo(mut self) -> Self {
        self.echo = true;
        self
    }

    /// Builds the server.
    ///
    /// # Errors
    /// When `state` is called too late; when two declarations use the same `type` (the error names
    /// both); when a channel is incompatible with the profile; when a refusal code is not in
    /// snake_case; when a time limit is zero; when two types have the same name in the documents.
    pub fn build(self) -> Result<Server, Error> {
        if let Some(method) = self.before_state {
            return Err(Error::configuration(format!(
                "`state` was called after `{method}`, which depends on the state; call `state` first"
            )));
        }
        let limits = [
            ("heartbeat", self.heartbeat),
            ("lifespan", self.lifespan),
            ("handler_timeout", self.limits.handler_timeout),
        ];
        for (name, limit) in limits {
            if limit.is_some_and(|limit| limit.is_zero()) {
                return Err(Error::configuration(format!(
                    "{name} is zero; give a longer time, or `None` to disable the limit"
                )));
            }
        }
        if let Some(code) = self.refusal_codes.iter().find(|code| !refusal::is_code(code)) {
            return Err(Error::configuration(format!(
                "refusal code `{code}` is not in snake_case; allowed are lower-case letters, digits and underscores, \
                 beginning with a letter"
            )));
        }
        let mut channels = self.channels;
        for (type_id, route, slow) in self.slow {
            let row = channels.iter_mut().find(|row| row.type_id == type_id);
            row.ok_or_else(|| Error::unlisted("channel", route, "channels!"))?.slow = slow;
        }
        let catalog = Catalog::new(channels, self.operations, &self.refusal_codes, self.profile)?;
        let surface = Surface {
            info: self.info,
            channels: catalog.channels.iter().map(|row| *row.fragment).collect(),
            operations: catalog.requests.iter().map(|row| *row.fragment).collect(),
            pushes: catalog.pushes.0.iter().map(|row| *row.fragment).collect(),
            refusal_codes: self.refusal_codes,
            profile: self.profile,
        };
        AsyncApi::of(&surface, "/").map_err(|error| Error::configuration(error.to_string()))?;
        let bounds = Bounds {
            outbox: self.limits.unsent_bytes,
            inbox: self.limits.backlog_bytes,
            flush_window: self.flush_window,
        };
        let shards = self.shards.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let state: Arc<dyn Any + Send + Sync> = self.state;
        let shared = Shared {
            catalog: Arc::new(catalog),
            state,
            authenticate: self.authenticate,
            topics: Topics::new(Retention {
                time: self.retention,
                bytes: self.limits.retained_bytes,
                table_bytes: self.limits.table_bytes,
                replay_bytes: self.limits.replay_bytes,
            }),
            hub: Hub::new(shards, bounds),
            profile: self.profile,
            limits: self.limits,
            time_limits: TimeLimits {
                heartbeat: self.heartbeat,
                lifespan: self.lifespan,
                pings: self.profile.server_pings,
            },
            sessions: Sessions::default(),
            turnstile: Turnstile::new(READS * shards),
            echo: self.echo,
        };
        Ok(Server::new(Arc::new(shared), surface))
    }
}

impl<S> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("info", &self.info).field("limits", &self.limits).finish_non_exhaustive()
    }
}
