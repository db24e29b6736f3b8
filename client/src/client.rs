//! The handle to a client.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{oneshot, watch};
use topicast::{Channel, Push, Request, topic_of};

use crate::{
    buffer::{Buffer, Buffering},
    connection::Connection,
    dial::Dialer,
    driver,
    envelope::Payload,
    error::Error,
    events::Events,
    item::decode,
    options::Options,
    persist,
    pushes::Pushes,
    request_error::{Doubt, RequestError},
    shared::{Handle, Shared, now},
    state::{Call, ClientState, Loading, Shape, SubscribeRequest},
    storage::Storage,
    subscription::Subscription,
};

/// A connection to a topicast server that reconnects by itself.
///
/// Clones are handles to the same connection. It is closed by [`close`](Self::close), or when the
/// last handle, subscription and stream is dropped.
///
/// ```no_run
/// # #[topicast::data]
/// # #[derive(Debug)]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use topicast_client::Client;
///
/// let client = Client::connect("ws://localhost:8000/ws").await?;
/// let bars = client.subscribe(&Bars { symbol: "AAPL".into() })?;
/// let latency: Duration = client.ping().await?;
/// client.close();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    handle: Handle,
    connection: watch::Receiver<Connection>,
}

impl Client {
    pub(crate) fn start(
        state: ClientState,
        dialer: Dialer,
        storage: Option<Arc<dyn Storage>>,
        runtime: &tokio::runtime::Handle,
    ) -> Self {
        let connection = state.connection();
        let storage = storage.map(|storage| (storage, state.enable_storage()));
        let shared = Shared::new(state);
        if let Some((storage, changed)) = storage {
            runtime.spawn(persist::persist(Arc::clone(&shared), storage, changed));
        }
        let handle = Handle::new(&shared);
        runtime.spawn(driver::drive(shared, dialer));
        Self { handle, connection }
    }

    /// Waits for the first connection.
    ///
    /// # Errors
    /// Returns an error if the first attempt fails.
    pub(crate) async fn connected(mut self) -> Result<Self, Error> {
        let settled = |state: &Connection| !matches!(state, Connection::Connecting);
        match self.connection.wait_for(settled).await.map(|state| state.clone()) {
            Ok(Connection::Live) => Ok(self),
            Ok(Connection::Waiting { why, .. } | Connection::Stopped(why)) => Err(Error::unreachable(why)),
            _ => Err(Error::closed()),
        }
    }

    /// Subscribes to the topic of a request, whether or not the client is connected. The stream
    /// reports if the server refuses.
    ///
    /// # Errors
    /// Returns an error if the request has a value without a canonical form or exceeds
    /// [the size limit](crate::Builder::send_bytes), or if the client was closed.
    pub fn subscribe<C: Channel>(&self, request: &C) -> Result<Subscription<C>, Error> {
        self.subscribe_with(request, Options::new())
    }

    /// Subscribes with options: a [`Buffering`], or [`Options`] that fit the channel's kind.
    ///
    /// # Errors
    /// See [`subscribe`](Self::subscribe). Besides, an option that is not valid, and one that
    /// contradicts another subscription to the topic, is an error.
    pub fn subscribe_with<C: Channel>(
        &self,
        request: &C,
        options: impl Into<Options<C::Kind>>,
    ) -> Result<Subscription<C>, Error> {
        let options = options.into();
        options.check::<C>()?;
        let Options { buffering, start, .. } = options;
        let topic = topic_of(request)?;
        let payload = serde_json::to_string(request).map_err(|error| Error::encode(&error))?;
        let request = SubscribeRequest {
            topic: topic.clone(),
            route: C::ROUTE,
            payload: payload.into(),
            shape: Shape::of(C::FRAGMENT.kind),
            options: start,
        };
        let listener = Arc::new(Buffer::new(buffering));
        let (number, status) = self.handle.update(|state| state.subscribe(now(), request, &listener))?;
        Ok(Subscription::new(self.handle.clone(), number, topic, listener, status))
    }

    /// Restores the saved subscriptions of a channel, each with its request. Returns an empty list
    /// if the client has no [storage](crate::Builder::storage).
    ///
    /// An entry that is not a request of the channel, for example from another version of the
    /// program, is reported as [`Event::Storage`](crate::Event::Storage) and removed.
    ///
    /// # Errors
    /// Returns an error if the storage could not be read, or if the client was closed.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is restored.
    pub async fn restore<C: Channel>(&self) -> Result<Vec<(C, Subscription<C>)>, Error> {
        self.restore_with(Buffering::default()).await
    }

    /// Restores subscriptions with the given buffering.
    ///
    /// # Errors
    /// See [`restore`](Self::restore).
    ///
    /// # Cancel safety
    /// See [`restore`](Self::restore).
    pub async fn restore_with<C: Channel>(&self, buffering: Buffering) -> Result<Vec<(C, Subscription<C>)>, Error> {
        let mut loading = self.handle.state().storage_loading();
        let settled = loading.wait_for(|loading| *loading != Loading::Begun).await.map(|loading| loading.clone());
        if let Ok(Loading::Failed(error)) = settled {
            return Err(Error::storage(error));
        }
        let entries = self.handle.state().restorable(C::ROUTE);
        let mut restored = Vec::new();
        for entry in &entries {
            match self.restore_entry(&entry.request, buffering) {
                Ok(subscribed) => restored.push(subscribed),
                Err(error) if error.is_closed() => return Err(error),
                Err(error) => {
                    let what = format!("cannot restore {} {}: {error}", entry.route, entry.request);
                    self.handle.state().storage_failed(what);
                }
            }
        }
        self.handle.state().mark_restored(&entries);
        Ok(restored)
    }

    /// Listens to a push.
    pub fn pushes<P: Push>(&self) -> Pushes<P> {
        self.pushes_with(Buffering::default())
    }

    /// Listens to a push with the given buffering.
    pub fn pushes_with<P: Push>(&self, buffering: Buffering) -> Pushes<P> {
        Pushes::new(self.handle.clone(), Arc::new(Buffer::new(buffering)))
    }

    /// Sends a request to an operation, typed by its declaration, and waits for the reply. For an
    /// operation without a reply it waits as [`send`](Self::send) does.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = topicast_client::Client::builder("ws://localhost:8000/ws").build()?;
    /// #[topicast::data]
    /// pub struct Order { pub symbol: String }
    ///
    /// #[topicast::data]
    /// pub struct Placed { pub number: u32 }
    ///
    /// #[topicast::ws_operation("orders.place", reply = "orders.place.response")]
    /// pub async fn place(_: &topicast::Cx<'_>, _: Order) -> Result<Placed, topicast::Refusal> {
    ///     Ok(Placed { number: 1 })
    /// }
    ///
    /// let placed = client.call::<place>(&Order { symbol: "AAPL".into() }).await?;
    /// println!("order {}", placed.number);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`request`](Self::request).
    ///
    /// # Cancel safety
    /// See [`request`](Self::request).
    pub async fn call<O>(&self, payload: &O::Payload) -> Result<O::Reply, RequestError>
    where
        O: Request<Payload: Serialize, Reply: DeserializeOwned>,
    {
        let reply = self.exchange(O::NAME, Some(payload), O::REPLY.is_some()).await?;
        // Without a reply the type is `()`, whose JSON is null.
        decode(if O::REPLY.is_some() { &reply } else { "null" }).map_err(RequestError::Unreadable)
    }

    /// Sends a request to an operation by its name, and waits for the reply. Without a connection
    /// the request waits for one.
    ///
    /// A request is sent at most once. If the connection ends or the timeout elapses after it was
    /// sent, its outcome is [unknown](RequestError::Unknown).
    ///
    /// # Errors
    /// Returns a [`RequestError`] if there is no reply, or none of type `R`.
    ///
    /// # Cancel safety
    /// If the future is dropped before the request was sent, the request is not sent.
    pub async fn request<R: DeserializeOwned>(
        &self,
        name: &str,
        payload: &(impl Serialize + ?Sized),
    ) -> Result<R, RequestError> {
        let reply = self.exchange(name, Some(payload), true).await?;
        decode(&reply).map_err(RequestError::Unreadable)
    }

    /// Sends a request to an operation without a reply, and waits until the server has read it and
    /// found it valid. Whether the server carried it out is not reported.
    ///
    /// # Errors
    /// See [`request`](Self::request).
    ///
    /// # Cancel safety
    /// See [`request`](Self::request).
    pub async fn send(&self, name: &str, payload: &(impl Serialize + ?Sized)) -> Result<(), RequestError> {
        self.exchange(name, Some(payload), false).await.map(drop)
    }

    /// Measures the round-trip time to the server.
    ///
    /// # Errors
    /// Returns a [`RequestError`] if the server does not answer.
    pub async fn ping(&self) -> Result<Duration, RequestError> {
        let start = now();
        self.exchange("ping", None::<&()>, true).await?;
        Ok(now().saturating_duration_since(start))
    }

    /// Returns the round-trip time of the last heartbeat.
    pub fn latency(&self) -> Option<Duration> {
        self.handle.state().latency()
    }

    /// Returns the state of the connection.
    pub fn connection(&self) -> Connection {
        self.connection.borrow().clone()
    }

    /// Returns a stream of the events from now on.
    pub fn events(&self) -> Events {
        Events::new(self.handle.clone())
    }

    /// Closes the connection with 1000, and ends every stream and every pending request.
    pub fn close(&self) {
        self.handle.update(|state| state.close(now()));
    }

    fn restore_entry<C: Channel>(&self, saved: &str, buffering: Buffering) -> Result<(C, Subscription<C>), Error> {
        let request: C = serde_json::from_str(saved).map_err(|error| Error::decode(&error))?;
        let subscription = self.subscribe_with(&request, buffering)?;
        Ok((request, subscription))
    }

    async fn exchange(
        &self,
        name: &str,
        payload: Option<&(impl Serialize + ?Sized)>,
        has_reply: bool,
    ) -> Result<Payload, RequestError> {
        let payload = payload.map(serde_json::to_string).transpose();
        let payload = payload.map_err(|error| RequestError::Payload(error.to_string()))?;
        let call = Call { operation: name.to_owned(), payload, has_reply };
        let (outcome, receiver) = oneshot::channel();
        let id = self.handle.update(|state| state.request(now(), call, outcome));
        let _guard = ForgetOnDrop { handle: &self.handle, id };
        receiver.await.unwrap_or(Err(RequestError::Unknown(Doubt::Closed)))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("connection", &*self.connection.borrow()).finish_non_exhaustive()
    }
}

/// Drops the request when the caller drops its future.
struct ForgetOnDrop<'a> {
    handle: &'a Handle,
    id: u64,
}

impl Drop for ForgetOnDrop<'_> {
    fn drop(&mut self) {
        self.handle.state().forget(self.id);
    }
}
