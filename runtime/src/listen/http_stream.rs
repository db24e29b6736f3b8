//! The stream of an HTTP connection until its upgrade, with time limits on each phase of an exchange.

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

/// A stream that fails with `TimedOut` if the head of a request does not arrive in time, or if the
/// peer does not read its response.
///
/// hyper's own time limit for the head also runs while a response waits for a slow peer, and would
/// cut off long downloads.
pub(crate) struct HttpStream<S> {
    stream: S,
    limits: HttpLimits,
    exchanges: Exchanges,
    /// Runs while a request is awaited. The number is that of the exchanges before it.
    head_timer: Option<(u64, Pin<Box<Sleep>>)>,
    /// Runs while the peer reads nothing of its response.
    stall_timer: Option<Pin<Box<Sleep>>>,
}

/// The exchanges of one HTTP connection, shared by its stream and its service.
#[derive(Debug, Clone)]
pub(crate) struct Exchanges(Arc<ExchangeState>);

#[derive(Debug)]
struct ExchangeState {
    begun: AtomicU64,
    ended: AtomicU64,
    /// True while a write waits for the peer to read.
    blocked: watch::Sender<bool>,
    /// Wakes the reader to start the timer for the next request. hyper does not poll the stream
    /// again by itself if nothing arrived during the exchange.
    reader: AtomicWaker,
}

/// One request and its response. It ends when the response's body is dropped.
pub(crate) struct Exchange(Arc<ExchangeState>);

impl Exchanges {
    pub(crate) fn new() -> Self {
        let blocked = watch::Sender::new(false);
        let (begun, ended) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(ExchangeState { begun, ended, blocked, reader: AtomicWaker::new() }))
    }

    /// Begins an exchange, once the head of its request has arrived.
    pub(crate) fn begin(&self) -> Exchange {
        self.0.begun.fetch_add(1, Ordering::AcqRel);
        Exchange(Arc::clone(&self.0))
    }

    /// Waits until the peer has read the previous responses, so that pipelined requests cannot fill
    /// the memory with unread responses.
    pub(crate) async fn unblocked(&self) {
        // An error is impossible, because `self` holds the sender.
        let _ = self.0.blocked.subscribe().wait_for(|blocked| !*blocked).await;
    }

    fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Acquire)
    }

    /// Returns true if the peer is to send the next request: none is in progress and the peer has
    /// read all responses.
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
        Self { stream, limits, exchanges, head_timer: None, stall_timer: None }
    }

    /// Returns the stream without its time limits.
    pub(crate) fn into_inner(self) -> S {
        self.stream
    }

    /// Returns an error once the next request is overdue. Receiving a part of its head does not
    /// extend the time limit.
    fn check_head(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        self.exchanges.0.reader.register(cx.waker());
        if !self.exchanges.awaits_request() {
            self.head_timer = None;
            return Ok(());
        }
        let begun = self.exchanges.begun();
        let (limit, head_timer) = (self.limits.head, &mut self.head_timer);
        let timer = match head_timer {
            Some((before, timer)) if *before == begun => timer,
            _ => &mut head_timer.insert((begun, Box::pin(sleep(limit)))).1,
        };
        check_timer(timer.as_mut(), cx, "no request arrived within the time limit")
    }

    /// Returns the result of a write, or an error once no write has progressed within the time limit.
    fn check_stall<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.exchanges.set_blocked(polled.is_pending());
        if polled.is_ready() {
            self.stall_timer = None;
            return polled;
        }
        let limit: Duration = self.limits.stall;
        let timer = self.stall_timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        match check_timer(timer.as_mut(), cx, "the peer did not read its response within the time limit") {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

fn check_timer(timer: Pin<&mut Sleep>, cx: &mut Context<'_>, message: &str) -> io::Result<()> {
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
