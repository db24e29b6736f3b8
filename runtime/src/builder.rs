//! How a server is put together.

use std::{
    any::{Any, TypeId},
    fmt,
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use crate::{
    Channel,
    call::{Authenticate, Catalog, ChannelSpec, Channels, Handshake, OperationSpec, Operations, Rejection, handshake},
    connection::{Sessions, Shared, TimeLimits},
    declare::refusal,
    docs::{AsyncApi, Contact, Info, Licence, ServerInfo, Surface, Tag},
    error::Error,
    fanout::{Bounds, Hub, SlowConsumer},
    limits::Limits,
    listen::Turnstile,
    profile::Profile,
    server::Server,
    topics::Topics,
};

/// How many connections of a shard have what they read answered in one turn of the scheduler.
const READS: usize = 16;

/// Builds a [`Server`]. `S` is the application's state; give it first, because channels,
/// operations and `authenticate` are for a state.
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
///     .slow_consumer::<Bars>(SlowConsumer::latest())
///     .heartbeat(Some(Duration::from_secs(60)))
///     .limits(Limits { max_connections: Some(10_000), ..Limits::default() })
///     .build()?;
/// # Ok::<(), topicast::Error>(())
/// ```
pub struct Builder<S = ()> {
    info: Info,
    state: Arc<S>,
    channels: Vec<ChannelSpec>,
    operations: Vec<OperationSpec>,
    authenticate: Option<Authenticate>,
    /// The method that was called before `state` and after which it is too late for it.
    before_state: Option<&'static str>,
    refusal_codes: Vec<String>,
    profile: Profile,
    limits: Limits,
    heartbeat: Option<Duration>,
    lifespan: Option<Duration>,
    shards: Option<NonZeroUsize>,
    flush_window: Duration,
    slow: Vec<(TypeId, &'static str, SlowConsumer)>,
    echo: bool,
}

impl Server {
    /// Begins a server. Title and version are those of its documents.
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
            slow: Vec::new(),
            echo: false,
        }
    }

    /// The application's state, which hooks and operations see. It comes before
    /// [`channels`](Self::channels), [`operations`](Self::operations) and
    /// [`authenticate`](Self::authenticate); after them, [`build`](Self::build) fails.
    pub fn state<S: Send + Sync + 'static>(self, state: S) -> Builder<S> {
        self.shared_state(Arc::new(state))
    }

    /// A state that the application shares with the server. Hooks and operations see the `S`
    /// within, so `Serve<S>` can be implemented for channels of another crate, as it cannot
    /// for an `Arc<S>`; [`Cx::shared_state`](crate::Cx::shared_state) is the handle.
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
            slow: self.slow,
            echo: self.echo,
        }
    }
}

impl<S: Send + Sync + 'static> Builder<S> {
    /// Lists channels, made by [`channels!`](crate::channels). May be called again.
    #[must_use]
    pub fn channels(mut self, channels: Channels<S>) -> Self {
        self.channels.extend(channels.specs);
        self
    }

    /// Lists operations and pushes, made by [`operations!`](crate::operations). May be
    /// called again.
    #[must_use]
    pub fn operations(mut self, operations: Operations<S>) -> Self {
        self.operations.extend(operations.specs);
        self
    }

    /// Decides who may connect. What the function returns is an extension of the session,
    /// beside those that tower layers left with the request.
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

    /// An identifier of the service, a URI.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.info.id = Some(id.into());
        self
    }

    /// What the service is for, in Markdown.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.info.description = Some(description.into());
        self
    }

    /// Whom to ask.
    #[must_use]
    pub fn contact(mut self, contact: Contact) -> Self {
        self.info.contact = Some(contact);
        self
    }

    /// The licence of the interface.
    #[must_use]
    pub fn licence(mut self, licence: Licence) -> Self {
        self.info.licence = Some(licence);
        self
    }

    /// Where the service runs; may be called for each place.
    #[must_use]
    pub fn server(mut self, server: ServerInfo) -> Self {
        self.info.servers.push(server);
        self
    }

    /// A description of a tag that channels and operations have.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        self.info.tags.push(Tag { name: name.into(), description: Some(description.into()) });
        self
    }

    /// Codes that the application's refusals use beside the contract's own, for the
    /// documents.
    #[must_use]
    pub fn refusal_codes<I: IntoIterator<Item: Into<String>>>(mut self, codes: I) -> Self {
        self.refusal_codes.extend(codes.into_iter().map(Into::into));
        self
    }

    /// How long a client may be silent; `None` is for ever. 30 s.
    #[must_use]
    pub fn heartbeat(mut self, interval: Option<Duration>) -> Self {
        self.heartbeat = interval;
        self
    }

    /// How long a connection may last; `None` is for ever. 3600 s.
    #[must_use]
    pub fn lifespan(mut self, lifespan: Option<Duration>) -> Self {
        self.lifespan = lifespan;
        self
    }

    /// Bounds that protect the server from its clients.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How faults, nested requests and liveness are handled.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Over how many tasks connections are spread. As many as there are cores.
    #[must_use]
    pub fn shards(mut self, shards: NonZeroUsize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// How long updates may wait for others to share a write with. Zero by default: what was
    /// published goes out at once. Either way a message that follows a pause longer than the
    /// window goes out at once.
    #[must_use]
    pub fn flush_window(mut self, window: Duration) -> Self {
        self.flush_window = window;
        self
    }

    /// How a channel treats subscribers that stay behind.
    #[must_use]
    pub fn slow_consumer<C: Channel>(mut self, slow: SlowConsumer) -> Self {
        self.slow.push((TypeId::of::<C>(), C::ROUTE, slow));
        self
    }

    /// Sends every message back as it came, for conformance suites of the WebSocket layer.
    #[doc(hidden)]
    #[must_use]
    pub fn echo(mut self) -> Self {
        self.echo = true;
        self
    }

    /// Builds the server.
    ///
    /// # Errors
    /// When `state` was called too late; when two lists want the same `type`, naming both; when a channel cannot be served
    /// under the profile; when a code of refusal is not in snake_case; when a time limit
    /// is zero; when two types want the same name in the documents.
    pub fn build(self) -> Result<Server, Error> {
        if let Some(method) = self.before_state {
            return Err(Error::configuration(format!(
                "`state` was called after `{method}`, which is for a state; call `state` first"
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
                    "{name} is zero; give a longer time, or `None` to turn it off"
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
            let spec = channels.iter_mut().find(|spec| spec.type_id == type_id);
            spec.ok_or_else(|| Error::unlisted("channel", route, "channels!"))?.slow = slow;
        }
        let catalog = Catalog::new(channels, self.operations, &self.refusal_codes, self.profile)?;
        let surface = Surface {
            info: self.info,
            channels: catalog.channels.iter().map(|spec| *spec.fragment).collect(),
            operations: catalog.requests.iter().map(|spec| *spec.fragment).collect(),
            pushes: catalog.pushes.0.iter().map(|spec| *spec.fragment).collect(),
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
        let core = Shared {
            catalog: Arc::new(catalog),
            state,
            authenticate: self.authenticate,
            topics: Topics::new(self.limits.linger),
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
        Ok(Server::new(Arc::new(core), surface))
    }
}

impl<S> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("info", &self.info).field("limits", &self.limits).finish_non_exhaustive()
    }
}
