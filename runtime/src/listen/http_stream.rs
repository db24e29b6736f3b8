//! The stream of an HTTP connection until its upgrade: no phase of an exchange lasts for ever.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
    time::{Sleep, sleep},
};

use crate::limits::HttpLimits;

/// A stream that fails with `TimedOut` when the head of a request does not arrive in time,
/// and when the peer does not read what is written.
///
/// hyper's own limit on the head also runs while a response waits for a slow peer, and would
/// cut long downloads short.
pub(crate) struct HttpStream<S> {
    stream: S,
    limits: HttpLimits,
    exchanges: Exchanges,
    /// Runs while a request is awaited, with the number of exchanges before it.
    head: Option<(u64, Pin<Box<Sleep>>)>,
    /// Runs while the peer takes nothing of what is written.
    stall: Option<Pin<Box<Sleep>>>,
}

/// The exchanges of one HTTP connection, shared by its stream and what answers its requests.
#[derive(Debug, Clone)]
pub(crate) struct Exchanges(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    begun: AtomicU64,
    ended: AtomicU64,
    /// Whether something written waits for the peer to read.
    blocked: watch::Sender<bool>,
    /// Wakes the reader, which then awaits the next request. hyper does not read again by itself
    /// if there was nothing to read while the exchange lasted.
    reader: AtomicWaker,
}

/// One request and its response, until the response's body is dropped.
pub(crate) struct Exchange(Arc<Shared>);

impl Exchanges {
    pub(crate) fn new() -> Self {
        let blocked = watch::Sender::new(false);
        let (begun, ended) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Shared { begun, ended, blocked, reader: AtomicWaker::new() }))
    }

    /// Begins an exchange: the head of a request is here.
    pub(crate) fn begin(&self) -> Exchange {
        self.0.begun.fetch_add(1, Ordering::AcqRel);
        Exchange(Arc::clone(&self.0))
    }

    /// Waits until the peer has taken the responses before, so that pipelined requests cannot
    /// fill the memory with responses that nobody reads.
    pub(crate) async fn unblocked(&self) {
        // The sender is alive: it is this one.
        let _ = self.0.blocked.subscribe().wait_for(|blocked| !*blocked).await;
    }

    fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Acquire)
    }

    /// Whether the peer owes a request: none is being answered and all responses are read.
    fn awaits_request(&self) -> bool {
        self.begun() == self.0.ended.load(Ordering::Acquire) && !*self.0.blocked.borrow()
    }

    fn set_blocked(&self, blocked: bool) {
        if self.0.blocked.send_if_modified(|before| std::mem::replace(before, blocked) != blocked) {
            self.0.reader.wake();
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::AcqRel);
        self.0.reader.wake();
    }
}

impl<S> HttpStream<S> {
    pub(crate) fn new(stream: S, limits: HttpLimits, exchanges: Exchanges) -> Self {
        Self { stream, limits, exchanges, head: None, stall: None }
    }

    /// The stream without its limits.
    pub(crate) fn into_inner(self) -> S {
        self.stream
    }

    /// Fails once a request was awaited for too long. However little arrives of its head does
    /// not prolong the wait.
    fn check_head(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        self.exchanges.0.reader.register(cx.waker());
        if !self.exchanges.awaits_request() {
            self.head = None;
            return Ok(());
        }
        let begun = self.exchanges.begun();
        let (limit, head) = (self.limits.head, &mut self.head);
        let timer = match head {
            Some((before, timer)) if *before == begun => timer,
            _ => &mut head.insert((begun, Box::pin(sleep(limit)))).1,
        };
        elapsed(timer.as_mut(), cx, "no request arrived in time")
    }

    /// Passes on what became of a write, and fails once none made progress for too long.
    fn check_stall<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.exchanges.set_blocked(polled.is_pending());
        if polled.is_ready() {
            self.stall = None;
            return polled;
        }
        let limit: Duration = self.limits.stall;
        let timer = self.stall.get_or_insert_with(|| Box::pin(sleep(limit)));
        match elapsed(timer.as_mut(), cx, "the peer does not read its response") {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

fn elapsed(timer: Pin<&mut Sleep>, cx: &mut Context<'_>, message: &str) -> io::Result<()> {
    match timer.poll(cx) {
        Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::TimedOut, message)),
        Poll::Pending => Ok(()),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HttpStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check_head(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HttpStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.check_stall(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.check_stall(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.check_stall(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.check_stall(cx, shut)
    }
}
