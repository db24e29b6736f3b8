//! The handle that users hold.

mod builder;

use std::{fmt, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{oneshot, watch};
use topicast::{Channel, Push, topic_of};

use crate::{
    buffer::{Buffer, Buffering},
    core::{Ask, Call, Core, Loading},
    dial::Dial,
    driver,
    envelope::Payload,
    error::{Doubt, Error, RequestError},
    events::Events,
    item::decode,
    keeper,
    pushes::Pushes,
    shared::{Handle, Shared, now},
    status::Connection,
    storage::Storage,
    subscription::Subscription,
};

pub use builder::Builder;

/// A connection to a topicast server that comes back by itself. Clones are handles to the
/// same one; it is closed with [`close`](Self::close), or when the last handle, subscription
/// and stream of it is gone.
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
    /// Connects with the default settings, and waits for the first connection.
    ///
    /// # Errors
    /// When the address is none, or the first attempt fails. A client from
    /// [`builder`](Self::builder) goes on trying instead.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let mut client = Self::builder(url).build()?;
        let settled = |state: &Connection| !matches!(state, Connection::Connecting);
        match client.connection.wait_for(settled).await.map(|state| state.clone()) {
            Ok(Connection::Live) => Ok(client),
            Ok(Connection::Waiting { why, .. } | Connection::Stopped(why)) => Err(Error::unreachable(why)),
            _ => Err(Error::closed()),
        }
    }

    /// Begins a client for an address like `ws://host:8000/api/v1/ws`.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }

    pub(crate) fn start(
        mut core: Core,
        dial: Dial,
        storage: Option<Arc<dyn Storage>>,
        runtime: &tokio::runtime::Handle,
    ) -> Self {
        let connection = core.connection();
        let keeping = storage.map(|storage| (storage, core.keep()));
        let shared = Shared::new(core);
        if let Some((storage, changed)) = keeping {
            runtime.spawn(keeper::keep(Arc::clone(&shared), storage, changed));
        }
        let handle = Handle::new(&shared);
        runtime.spawn(driver::drive(shared, dial));
        Self { handle, connection }
    }

    /// Subscribes at once, connected or not.
    ///
    /// # Errors
    /// When the request has a value that has no canonical form or is larger than
    /// [what is sent](Builder::send_bytes), or the client was closed. What the server thinks of it is in the stream.
    pub fn subscribe<C: Channel>(&self, request: &C) -> Result<Subscription<C>, Error> {
        self.subscribe_with(request, Buffering::default())
    }

    /// Subscribes with a buffer of one's own size.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub fn subscribe_with<C: Channel>(&self, request: &C, buffering: Buffering) -> Result<Subscription<C>, Error> {
        let topic = topic_of(request)?;
        let payload = serde_json::to_string(request).map_err(|error| Error::encode(&error))?;
        let ask = Ask { name: topic.clone(), route: C::ROUTE, payload: payload.into() };
        let listener = Arc::new(Buffer::new(buffering));
        let (number, status) = self.handle.change(|core| core.subscribe(now(), ask, &listener))?;
        Ok(Subscription::new(self.handle.clone(), number, topic, listener, status))
    }

    /// Subscribes to all of a channel that the [storage](Builder::storage) held when this
    /// client was made; nothing where there is none. Each comes with its request.
    ///
    /// What is kept and has become unreadable, of another version of the program perhaps, is an
    /// [`Event::Storage`](crate::Event::Storage) and forgotten.
    ///
    /// # Errors
    /// When the storage could not be read, or the client was closed.
    ///
    /// # Cancel safety
    /// When the future is dropped, nothing was restored.
    pub async fn restore<C: Channel>(&self) -> Result<Vec<(C, Subscription<C>)>, Error> {
        self.restore_with(Buffering::default()).await
    }

    /// Restores with buffers of one's own size.
    ///
    /// # Errors
    /// As [`restore`](Self::restore).
    ///
    /// # Cancel safety
    /// As [`restore`](Self::restore).
    pub async fn restore_with<C: Channel>(&self, buffering: Buffering) -> Result<Vec<(C, Subscription<C>)>, Error> {
        let mut loading = self.handle.core().loading();
        let settled = loading.wait_for(|loading| *loading != Loading::Begun).await.map(|loading| loading.clone());
        if let Ok(Loading::Failed(error)) = settled {
            return Err(Error::storage(error));
        }
        let entries = self.handle.core().kept_before(C::ROUTE);
        let mut restored = Vec::new();
        for entry in &entries {
            match self.restore_entry(&entry.request, buffering) {
                Ok(subscribed) => restored.push(subscribed),
                Err(error) if error.is_closed() => return Err(error),
                Err(error) => {
                    let what = format!("{} {} is not restored: {error}", entry.route, entry.request);
                    self.handle.core().storage_failed(what);
                }
            }
        }
        self.handle.core().asked_back(&entries);
        Ok(restored)
    }

    /// Listens to a push.
    pub fn pushes<P: Push>(&self) -> Pushes<P> {
        self.pushes_with(Buffering::default())
    }

    /// Listens to a push with a buffer of one's own size.
    pub fn pushes_with<P: Push>(&self, buffering: Buffering) -> Pushes<P> {
        Pushes::new(self.handle.clone(), Arc::new(Buffer::new(buffering)))
    }

    /// Asks an operation that has a reply. Without a connection the request waits for one.
    ///
    /// A request is sent at most once: what was sent when the connection ended, or when
    /// time was up, is reported as [unknown](RequestError::Unknown).
    ///
    /// # Errors
    /// When there is no reply of that type; see [`RequestError`].
    ///
    /// # Cancel safety
    /// When the future is dropped, a request that was not sent yet is not sent any more.
    pub async fn request<R: DeserializeOwned>(
        &self,
        name: &str,
        payload: &(impl Serialize + ?Sized),
    ) -> Result<R, RequestError> {
        let reply = self.call(name, Some(payload), true).await?;
        decode(&reply).map_err(RequestError::Unreadable)
    }

    /// Asks an operation that has no reply, and waits until the server has read the request
    /// and understood its form. That it refused to carry it out is not told.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    ///
    /// # Cancel safety
    /// As [`request`](Self::request).
    pub async fn send(&self, name: &str, payload: &(impl Serialize + ?Sized)) -> Result<(), RequestError> {
        self.call(name, Some(payload), false).await.map(drop)
    }

    /// The time to the server and back, measured now.
    ///
    /// # Errors
    /// When no answer comes; see [`RequestError`].
    pub async fn ping(&self) -> Result<Duration, RequestError> {
        let asked = now();
        self.call("ping", None::<&()>, true).await?;
        Ok(now().saturating_duration_since(asked))
    }

    /// The time to the server and back at the last heartbeat.
    pub fn latency(&self) -> Option<Duration> {
        self.handle.core().latency()
    }

    /// How the connection stands now.
    pub fn connection(&self) -> Connection {
        self.connection.borrow().clone()
    }

    /// What happens to the connection from now on.
    pub fn events(&self) -> Events {
        Events::new(self.handle.clone())
    }

    /// Closes the connection with 1000 and ends every stream. Requests without an answer
    /// are told so.
    pub fn close(&self) {
        self.handle.change(|core| core.close(now()));
    }

    fn restore_entry<C: Channel>(&self, kept: &str, buffering: Buffering) -> Result<(C, Subscription<C>), Error> {
        let request: C = serde_json::from_str(kept).map_err(|error| Error::decode(&error))?;
        let subscription = self.subscribe_with(&request, buffering)?;
        Ok((request, subscription))
    }

    async fn call(
        &self,
        name: &str,
        payload: Option<&(impl Serialize + ?Sized)>,
        reply: bool,
    ) -> Result<Payload, RequestError> {
        let payload = payload.map(serde_json::to_string).transpose();
        let payload = payload.map_err(|error| RequestError::Payload(error.to_string()))?;
        let call = Call { kind: name.to_owned(), payload, reply };
        let (outcome, told) = oneshot::channel();
        let id = self.handle.change(|core| core.request(now(), call, outcome));
        let _guard = Guard { handle: &self.handle, id };
        told.await.unwrap_or(Err(RequestError::Unknown(Doubt::Closed)))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("connection", &*self.connection.borrow()).finish_non_exhaustive()
    }
}

/// Takes a request back when nobody waits for it any more.
struct Guard<'a> {
    handle: &'a Handle,
    id: u64,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.handle.core().forget(self.id);
    }
}
