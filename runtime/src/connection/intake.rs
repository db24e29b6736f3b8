//! One read of a connection's stream, decoded.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::{
    connection::reader::{Broken, Incoming, Reader},
    wire::Transport,
};

/// What one read takes at most. The buffer belongs to the thread, so idle connections
/// hold none.
const SCRATCH_BYTES: usize = 64 * 1024;

/// What became of a read.
pub(crate) enum ReadOutcome {
    /// Something was read; whether it could be decoded.
    Bytes(Result<(), Broken>),
    End,
}

/// Reads once and decodes what came, without a buffer of the connection's own.
pub(crate) struct Read<'a> {
    pub(crate) transport: &'a Transport,
    pub(crate) reader: &'a mut Reader,
    pub(crate) pending: &'a mut VecDeque<Incoming>,
}

impl Future for Read<'_> {
    type Output = io::Result<ReadOutcome>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        thread_local! {
            static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let this = &mut *self;
            let len = ready!(this.transport.poll_read(cx, scratch))?;
            if len == 0 {
                return Poll::Ready(Ok(ReadOutcome::End));
            }
            Poll::Ready(Ok(ReadOutcome::Bytes(this.reader.feed(&scratch[..len], this.pending))))
        })
    }
}
