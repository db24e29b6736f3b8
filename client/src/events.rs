//! The stream of connection events.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::Stream;

use crate::{
    buffer::{Buffer, Buffering, Taken},
    connection::Event,
    shared::Handle,
};

/// The [`Event`]s of a client, as a [`Stream`] that ends when the client is closed.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = topicast_client::Client::builder("ws://localhost:8000/ws").build()?;
/// use futures_util::StreamExt;
/// use topicast_client::Event;
///
/// let mut events = client.events();
/// while let Some(event) = events.next().await {
///     match event {
///         Event::Connection(state) => println!("{state:?}"),
///         Event::Fault(why) => println!("a message was not understood: {why}"),
///         other => println!("{other:?}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Events {
    handle: Handle,
    buffer: Arc<Buffer<Event>>,
}

impl Events {
    pub(crate) fn new(handle: Handle) -> Self {
        let buffer = Arc::new(Buffer::new(Buffering::default()));
        handle.update(|state| state.listen_events(&buffer));
        Self { handle, buffer }
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.buffer.poll_take(cx).map(|taken| {
            taken.map(|taken| match taken {
                Taken::Item(event) => event,
                Taken::Lagged(lost) => Event::Lagged(lost.unwrap_or(0)),
            })
        })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.handle.update(|state| state.leave_events(&self.buffer));
    }
}
