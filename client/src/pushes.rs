//! The stream of one kind of push.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::Stream;
use serde::de::DeserializeOwned;
use topicast::Push;

use crate::{
    buffer::Taken,
    item::{Delivery, Item, Listener, decode, no_rows},
    shared::Handle,
};

/// The pushes of one kind, as a [`Stream`] of [`Item`]s.
///
/// Pushes have no sequence numbers. Those sent while there is no connection are lost, and only
/// the status items show when that was.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # #[topicast::ws_push("notice")]
/// # struct Notice { text: String }
/// # let client = topicast_client::Client::builder("ws://localhost:8000/ws").build()?;
/// use futures_util::StreamExt;
/// use topicast_client::Item;
///
/// let mut notices = client.pushes::<Notice>();
/// while let Some(item) = notices.next().await {
///     if let Item::Update(notice) = item {
///         println!("{}", notice.text);
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Pushes<P> {
    handle: Handle,
    name: &'static str,
    listener: Listener,
    push: PhantomData<fn(P)>,
}

impl<P: Push> Pushes<P> {
    pub(crate) fn new(handle: Handle, listener: Listener) -> Self {
        handle.update(|state| state.listen_pushes(P::NAME, &listener));
        Self { handle, name: P::NAME, listener, push: PhantomData }
    }
}

impl<P: Push + DeserializeOwned> Stream for Pushes<P> {
    type Item = Item<P>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.listener.poll_take(cx).map(|taken| {
            taken.map(|taken| match taken {
                Taken::Item(Delivery { item, .. }) => Item::read(item, decode, no_rows),
                Taken::Lagged(lost) => Item::Lagged(lost),
            })
        })
    }
}

impl<P> Drop for Pushes<P> {
    fn drop(&mut self) {
        self.handle.update(|state| state.leave_pushes(self.name, &self.listener));
    }
}

impl<P> fmt::Debug for Pushes<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pushes({})", self.name)
    }
}
