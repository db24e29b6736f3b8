//! The body of an HTTP request, with a time limit.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

/// A request's body that fails if it is not complete within a time limit.
pub(crate) struct HttpBody {
    body: Incoming,
    /// `None` for an empty body.
    timer: Option<Pin<Box<Sleep>>>,
}

impl HttpBody {
    pub(crate) fn new(body: Incoming, limit: Duration) -> Self {
        let timer = (!body.is_end_stream()).then(|| Box::pin(sleep(limit)));
        Self { body, timer }
    }
}

impl Body for HttpBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.timer.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready()) {
            let error =
                io::Error::new(io::ErrorKind::TimedOut, "the request body was not complete within the time limit");
            return Poll::Ready(Some(Err(error)));
        }
        Pin::new(&mut self.body).poll_frame(cx).map_err(io::Error::other)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
