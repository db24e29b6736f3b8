//! A listener's end of a subscription: a stream of items.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::Stream;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use topicast::Channel;

use crate::{
    core::Listener,
    error::{NotSent, RequestError},
    item::{Item, Unreadable, decode},
    shared::Handle,
    status::Status,
};

/// The updates of one topic, as a [`Stream`] of [`Item`]s.
///
/// It outlives connections: after a cut it is subscribed again by itself, and the stream
/// says what was missed. It ends after a refusal for good, and when the client is closed.
///
/// Many listeners of one topic are one subscription on the wire. Dropping this takes away
/// this listener only; the last one's end leaves the topic.
///
/// ```no_run
/// # #[topicast::data]
/// # #[derive(Debug)]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = topicast_client::Client::builder("ws://localhost:8000/ws").build()?;
/// use futures_util::StreamExt;
/// use topicast_client::Item;
///
/// let mut bars = client.subscribe(&Bars { symbol: "AAPL".into() })?;
/// bars.ready().await?;
/// while let Some(item) = bars.next().await {
///     match item {
///         Item::Update(bar) | Item::Snapshot(bar) => println!("{bar:?}"),
///         Item::Gap(gap) => println!("{gap}"),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Subscription<C> {
    handle: Handle,
    number: u64,
    topic: String,
    listener: Listener,
    status: watch::Receiver<Status>,
    channel: PhantomData<fn(C)>,
}

impl<C: Channel> Subscription<C> {
    pub(crate) fn new(
        handle: Handle,
        number: u64,
        topic: String,
        listener: Listener,
        status: watch::Receiver<Status>,
    ) -> Self {
        Self { handle, number, topic, listener, status, channel: PhantomData }
    }

    /// The canonical topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// How the subscription stands now.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// The latest update or snapshot of the topic, whoever has read it; `None` before the
    /// first and after the end. [`status`](Self::status) tells whether it may be out of date.
    ///
    /// # Errors
    /// When it is not of the channel's type.
    pub fn current(&self) -> Result<Option<C::Update>, Unreadable>
    where
        C::Update: DeserializeOwned,
    {
        let latest = self.handle.core().latest(self.number);
        latest.map(|payload| decode(&payload)).transpose()
    }

    /// Waits until the subscription is live. Not needed before reading: the stream waits too.
    ///
    /// # Errors
    /// When the server refuses it for good, or the client is closed.
    ///
    /// # Cancel safety
    /// The future may be dropped and asked for again.
    pub async fn ready(&mut self) -> Result<(), RequestError> {
        let settled = |status: &Status| matches!(status, Status::Live | Status::Refused(_) | Status::Closed);
        match self.status.wait_for(settled).await.map(|status| status.clone()) {
            Ok(Status::Live) => Ok(()),
            Ok(Status::Refused(refusal)) => Err(RequestError::Refused(refusal)),
            _ => Err(RequestError::NotSent(NotSent::Closed)),
        }
    }
}

impl<C: Channel<Update: DeserializeOwned>> Stream for Subscription<C> {
    type Item = Item<C::Update>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.listener.poll_take(cx).map(|taken| taken.map(Item::from))
    }
}

impl<C> Drop for Subscription<C> {
    fn drop(&mut self) {
        self.handle.change(|core| core.unsubscribe(self.number, &self.listener));
    }
}

impl<C> fmt::Debug for Subscription<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.borrow();
        f.debug_struct("Subscription").field("topic", &self.topic).field("status", &*status).finish_non_exhaustive()
    }
}
