//! The stream of a subscription.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::Stream;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use topicast::Channel;

use crate::{
    buffer::{Loss, Taken},
    delivers::{Delivers, HasRows},
    item::{Delivery, Item, Listener, Unreadable},
    position::Position,
    request_error::{NotSent, RequestError},
    rows::list,
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
    /// The position of the last value that was read.
    position: Option<Position>,
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
        Self { handle, number, topic, listener, status, position: None, channel: PhantomData }
    }

    /// Returns the canonical topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Returns the status of the subscription.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Returns the current state of the topic, whether or not it was read from the stream.
    /// [`status`](Self::status) shows whether it may be out of date.
    ///
    /// - `latest`, and events: the last update or snapshot; `None` if there is none, and after the
    ///   end. It is an error if it does not deserialize as the channel's type.
    /// - a table: a read-only view of its [`Rows`](crate::Rows), by key and in key order.
    pub fn current(&self) -> <C::Kind as Delivers<C>>::Current
    where
        C::Kind: Delivers<C>,
    {
        let state = self.handle.state();
        let (latest, rows) = (state.latest(self.number), state.rows(self.number));
        drop(state);
        C::Kind::current(latest, rows)
    }

    /// Returns the rows of a table, in key order.
    ///
    /// # Errors
    /// Returns an error if a row does not deserialize as the channel's type.
    pub fn rows(&self) -> Result<Vec<C::Update>, Unreadable>
    where
        C::Kind: HasRows,
        C::Update: DeserializeOwned,
    {
        let rows = self.handle.state().rows(self.number);
        list(&rows)
    }

    /// Returns the position of the last value that was read from the stream; `None` before the
    /// subscription is live.
    ///
    /// A program that stores it together with what it made of the value can continue there in its
    /// next run with [`Options::recover`](crate::Options::recover). Values that were still in the
    /// buffer when the program ended arrive again then, since nothing has read them. While the
    /// program runs, the client recovers by itself, from the last value that it put into the buffers:
    /// a buffer outlives the connection, and its values precede what is recovered.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
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

impl<C: Channel<Kind: Delivers<C>>> Stream for Subscription<C> {
    type Item = Item<<C::Kind as Delivers<C>>::Value>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(taken) = ready!(self.listener.poll_take(cx)) else { return Poll::Ready(None) };
        let item = match taken {
            Taken::Item(Delivery { item, position }) => {
                self.position = position.or_else(|| self.position.take());
                Item::read(item, C::Kind::value, C::Kind::rows)
            }
            Taken::Lagged(lost) => {
                let lost = Loss::from(lost).and(self.handle.state().refresh(self.number, &self.listener));
                Item::Lagged(lost.values())
            }
        };
        Poll::Ready(Some(item))
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
