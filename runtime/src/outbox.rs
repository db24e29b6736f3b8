//! What one connection has yet to send: handles to frames, and how far the first one got.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    task::{Context, Poll},
};

use crate::{frame::Frame, transport::Transport};

/// How many frames one write takes at most.
const MAX_SLICES: usize = 64;

/// How many handles an empty outbox may keep room for.
const IDLE_CAPACITY: usize = 8;

/// A queue of frames, bounded by its owner in bytes.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Entry>,
    /// Bytes of the first frame that are sent already.
    head: usize,
    /// Bytes that are not sent yet.
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    frame: Frame,
    class: Class,
}

/// What may become of a frame that is not sent yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// An update, dropped when the connection closes.
    Update,
    /// A reply, a snapshot, a control frame: never dropped.
    Kept,
}

impl Outbox {
    pub(crate) fn push(&mut self, frame: Frame, class: Class) {
        self.bytes += frame.bytes().len();
        self.queue.push_back(Entry { frame, class });
    }

    /// Bytes that are not sent yet.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Drops every update that is not started; a started frame is always finished.
    pub(crate) fn drop_updates(&mut self) {
        let mut started = self.head > 0;
        let mut dropped = 0;
        self.queue.retain(|entry| {
            let keep = std::mem::take(&mut started) || entry.class == Class::Kept;
            if !keep {
                dropped += entry.frame.bytes().len();
            }
            keep
        });
        self.bytes -= dropped;
    }

    /// Writes until everything is sent (`Ready(Ok)`) or the socket is full (`Pending`).
    ///
    /// # Errors
    /// The stream's own; it is of no use afterwards.
    pub(crate) fn poll_flush(&mut self, transport: &Transport, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let mut count = 0;
            for (slice, entry) in slices.iter_mut().zip(&self.queue) {
                let sent = if count == 0 { self.head } else { 0 };
                *slice = IoSlice::new(&entry.frame.bytes()[sent..]);
                count += 1;
            }
            match transport.poll_write(cx, &slices[..count]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => self.advance(written),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        self.queue.shrink_to(IDLE_CAPACITY);
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, written: usize) {
        self.bytes -= written;
        self.head += written;
        while let Some(first) = self.queue.front() {
            let len = first.frame.bytes().len();
            if self.head < len {
                return;
            }
            self.head -= len;
            self.queue.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::AsyncReadExt;

    use super::*;

    fn update(text: &str) -> Frame {
        Frame::binary(text.as_bytes())
    }

    #[tokio::test]
    async fn a_started_frame_is_finished_and_what_is_kept_goes_out_in_order() {
        let (server, mut client) = tokio::io::duplex(4);
        let transport = Transport::other(server);
        let mut cx = Context::from_waker(Waker::noop());
        let mut outbox = Outbox::default();
        outbox.push(update("started"), Class::Update);
        outbox.push(update("dropped"), Class::Update);
        outbox.push(update("kept"), Class::Kept);
        assert!(outbox.poll_flush(&transport, &mut cx).is_pending());
        outbox.drop_updates();
        assert_eq!(outbox.bytes(), 5 + 6);
        let mut seen = Vec::new();
        while outbox.poll_flush(&transport, &mut cx).is_pending() {
            let mut part = [0; 4];
            let len = client.read(&mut part).await.unwrap();
            seen.extend_from_slice(&part[..len]);
        }
        drop(transport);
        client.read_to_end(&mut seen).await.unwrap();
        assert_eq!(seen, [update("started").bytes(), update("kept").bytes()].concat());
        assert_eq!(outbox.bytes(), 0);
    }

    #[tokio::test]
    async fn more_frames_than_one_write_takes() {
        let (server, mut client) = tokio::io::duplex(1 << 20);
        let transport = Transport::other(server);
        let mut outbox = Outbox::default();
        let mut expected = Vec::new();
        for number in 0..3 * MAX_SLICES {
            let frame = update(&number.to_string());
            expected.extend_from_slice(frame.bytes());
            outbox.push(frame, Class::Update);
        }
        let flushed = outbox.poll_flush(&transport, &mut Context::from_waker(Waker::noop()));
        assert!(matches!(flushed, Poll::Ready(Ok(()))));
        drop(transport);
        let mut seen = Vec::new();
        client.read_to_end(&mut seen).await.unwrap();
        assert_eq!(seen, expected);
    }
}
