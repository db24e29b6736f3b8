//! Reads from a connection's stream and decodes the result.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::{
    connection::reader::{DecodeError, Incoming, Reader},
    wire::Transport,
};

/// The maximum bytes of one read. The buffer is thread-local, so that idle connections need no
/// memory for it.
const SCRATCH_BYTES: usize = 64 * 1024;

/// The result of a read.
pub(crate) enum ReadOutcome {
    /// Bytes were read, and decoded or not.
    Bytes(Result<(), DecodeError>),
    /// The end of the stream.
    End,
}

/// A future that reads once and decodes the bytes, without a buffer for each connection.
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
