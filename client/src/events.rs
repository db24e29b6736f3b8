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
