//! The stream of a subscription.

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
    buffer::Taken,
    item::{Delivery, Item, Listener, Plain, Unreadable, decode},
    request_error::{NotSent, RequestError},
    shared::Handle,
    status::Status,
};

/// The updates of one topic, as a [`Stream`] of [`Item`]s.
///
/// The subscription outlives connections: the client subscribes again after a disconnect, and the
/// stream reports what was missed. The stream ends after a final refusal, and when the client is
/// closed.
///
/// All subscriptions to one topic share one subscription on the wire. Dropping one removes its
/// stream only; dropping the last one unsubscribes from the topic.
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

    /// Returns the canonical topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Returns the status of the subscription.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Returns the latest update or snapshot of the topic, whether or not it was read from the
    /// stream; `None` before the first one and after the end. [`status`](Self::status) shows
    /// whether it may be out of date.
    ///
    /// # Errors
    /// Returns an error if the payload does not deserialize as the channel's type.
    pub fn current(&self) -> Result<Option<C::Update>, Unreadable>
    where
        C::Update: DeserializeOwned,
    {
        let latest = self.handle.state().latest(self.number);
        latest.map(|payload| decode(&payload)).transpose()
    }

    /// Waits until the subscription is live. This is not needed before reading from the stream.
    ///
    /// # Errors
    /// Returns an error if the server refuses for good, or if the client is closed.
    ///
    /// # Cancel safety
    /// This method is cancel safe.
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
        self.listener.poll_take(cx).map(|taken| {
            taken.map(|taken| match taken {
                Taken::Item(Delivery { item, .. }) => Item::read::<Plain>(item),
                Taken::Lagged(lost) => Item::Lagged(lost),
            })
        })
    }
}

impl<C> Drop for Subscription<C> {
    fn drop(&mut self) {
        self.handle.update(|state| state.unsubscribe(self.number, &self.listener));
    }
}

impl<C> fmt::Debug for Subscription<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.borrow();
        f.debug_struct("Subscription").field("topic", &self.topic).field("status", &*status).finish_non_exhaustive()
    }
}
