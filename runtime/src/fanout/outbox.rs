//! The unsent frames of one connection, and how much of the first frame is sent.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    task::{Context, Poll},
};

use crate::{
    fanout::{
        ids::TopicId,
        pending::{Class, Pending},
        slow::Policy,
    },
    wire::{Frame, Transport, with_skipped},
};

/// The maximum number of frames in one write.
const MAX_SLICES: usize = 64;

/// A queue of frames. Its owner enforces the limit in bytes.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Entry>,
    /// The bytes of the first frame that are already sent.
    first_sent: usize,
    /// The sum of the frames' weights against the limit, including sent bytes of the first frame.
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    frame: Frame,
    class: Class,
}

impl Entry {
    /// Returns what the entry counts against the limit on unsent bytes.
    fn weight(&self) -> usize {
        if self.class == Class::Paced { 0 } else { self.frame.weight() }
    }
}

impl Outbox {
    pub(crate) fn push(&mut self, frame: Frame, class: Class) {
        let entry = Entry { frame, class };
        self.bytes += entry.weight();
        self.queue.push_back(entry);
    }

    /// Records how many bytes of the next frame are already sent. The outbox must be empty.
    pub(crate) fn set_first_sent(&mut self, sent: usize) {
        debug_assert!(self.queue.is_empty() && self.first_sent == 0);
        self.first_sent = sent;
    }

    /// Returns what the queued frames count against the limit on unsent bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the bytes of all queued frames, whether they count against the limit or not.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queue.iter().map(|entry| entry.frame.bytes().len()).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Discards every unstarted update, snapshot and part of a replay, and the replies that carry
    /// their numbers. A started frame is always finished.
    pub(crate) fn discard_updates(&mut self) {
        self.retain_unstarted(|_, class| *class == Class::Kept);
    }

    /// Discards the unstarted updates of a topic, except those whose number a reply carries.
    pub(crate) fn discard_topic(&mut self, topic: TopicId) {
        let reported = self.queue.iter().rposition(|entry| entry.class == Class::Position(topic));
        self.retain_unstarted(|at, class| match class {
            Class::Update(pending) => pending.topic != topic || reported.is_some_and(|reported| at < reported),
            _ => true,
        });
    }

    fn retain_unstarted(&mut self, keeps: impl Fn(usize, &Class) -> bool) {
        let started = usize::from(self.first_sent > 0);
        let (mut at, mut dropped) = (0, 0);
        self.queue.retain(|entry| {
            at += 1;
            let keep = at <= started || keeps(at - 1, &entry.class);
            if !keep {
                dropped += entry.weight();
            }
            keep
        });
        self.bytes -= dropped;
    }

    /// Drops the oldest unstarted update for which `allows` returns true. The next queued update of
    /// its topic reports the drop. If none is queued, the returned count is not 0, and the caller
    /// adds it to the next update.
    pub(crate) fn drop_first(&mut self, allows: impl Fn(&Pending) -> bool) -> Option<(TopicId, u64)> {
        let at = self.unstarted().find_map(|(at, pending)| {
            let droppable = allows(pending) && !self.is_reported(at, pending.topic);
            droppable.then_some(at)
        })?;
        let entry = self.queue.remove(at)?;
        self.bytes -= entry.weight();
        let Class::Update(Pending { topic, skipped, .. }) = entry.class else { return None };
        let next = self.queue.range_mut(at..).find_map(|entry| match &mut entry.class {
            Class::Update(pending) if pending.topic == topic => Some(pending),
            _ => None,
        });
        match next {
            Some(next) => {
                next.skipped += skipped + 1;
                Some((topic, 0))
            }
            None => Some((topic, skipped + 1)),
        }
    }

    /// Returns true if a reply carries the number of the update at `at`.
    fn is_reported(&self, at: usize, topic: TopicId) -> bool {
        let next = self.queue.range(at + 1..).find_map(|entry| match &entry.class {
            Class::Position(of) if *of == topic => Some(true),
            Class::Update(pending) if pending.topic == topic => Some(false),
            _ => None,
        });
        next == Some(true)
    }

    /// Drops the unstarted updates whose policy is to catch up. Returns the topic and the number of
    /// each, in order.
    ///
    /// An update before a reply stays, because the reply may carry its number.
    pub(crate) fn drop_conflatable(&mut self) -> Vec<(TopicId, u64)> {
        let started = usize::from(self.first_sent > 0);
        let last_reply = self.queue.iter().rposition(|entry| !matches!(entry.class, Class::Update(_)));
        let tail = self.queue.split_off(last_reply.map_or(0, |at| at + 1).max(started).min(self.queue.len()));
        let mut dropped = Vec::new();
        for entry in tail {
            match &entry.class {
                Class::Update(pending) if pending.policy == Policy::CatchUp => {
                    dropped.push((pending.topic, pending.seq));
                    self.bytes -= entry.weight();
                }
                _ => self.queue.push_back(entry),
            }
        }
        dropped
    }

    /// Returns true if `test` returns true for any unstarted update.
    pub(crate) fn has_update(&self, test: impl Fn(&Pending) -> bool) -> bool {
        self.unstarted().any(|(_, pending)| test(pending))
    }

    fn unstarted(&self) -> impl Iterator<Item = (usize, &Pending)> {
        self.queue.iter().enumerate().skip(usize::from(self.first_sent > 0)).filter_map(|(at, entry)| {
            match &entry.class {
                Class::Update(pending) => Some((at, pending)),
                Class::Kept | Class::Position(_) | Class::Paced => None,
            }
        })
    }

    /// Encodes the frames again whose `skipped` count is out of date.
    fn write_skipped(&mut self) {
        let started = usize::from(self.first_sent > 0);
        for entry in self.queue.iter_mut().skip(started).take(MAX_SLICES) {
            if let Class::Update(pending) = &mut entry.class
                && pending.reported != pending.skipped
            {
                self.bytes -= entry.frame.weight();
                entry.frame = with_skipped(&entry.frame, pending.skipped_offset, pending.reported, pending.skipped);
                self.bytes += entry.frame.weight();
                pending.reported = pending.skipped;
            }
        }
    }

    /// Writes until everything is sent (`Ready(Ok)`) or the socket's buffer is full (`Pending`).
    ///
    /// # Errors
    /// Returns the stream's error, after which the stream is unusable.
    pub(crate) fn poll_flush(&mut self, transport: &Transport, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.write_skipped();
            let written = match self.queue.len() {
                0 => break,
                1 => transport.poll_write(cx, &self.queue[0].frame.bytes()[self.first_sent..]),
                _ => {
                    let mut slices = [IoSlice::new(&[]); MAX_SLICES];
                    let mut first_sent = self.first_sent;
                    for (slice, entry) in slices.iter_mut().zip(&self.queue) {
                        *slice = IoSlice::new(&entry.frame.bytes()[std::mem::take(&mut first_sent)..]);
                    }
                    transport.poll_write_vectored(cx, &slices[..self.queue.len().min(MAX_SLICES)])
                }
            };
            match written {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => self.advance(written),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        // Most connections are idle, and updates that are sent at once bypass the outbox. Saving
        // the queue's memory is worth an allocation for the next backlog.
        self.queue = VecDeque::new();
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, written: usize) {
        self.first_sent += written;
        while let Some(first) = self.queue.front() {
            let len = first.frame.bytes().len();
            if self.first_sent < len {
                return;
            }
            self.first_sent -= len;
            self.bytes -= first.weight();
            self.queue.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::fanout::pending::Millis;

    fn frame(text: &str) -> Frame {
        Frame::binary(text.as_bytes())
    }

    fn pending(topic: u64, policy: Policy) -> Pending {
        Pending {
            topic: TopicId(topic),
            policy,
            seq: 1,
            queued_at: Millis(0),
            skipped_offset: 1,
            skipped: 0,
            reported: 0,
        }
    }

    fn update(topic: u64, policy: Policy) -> Class {
        Class::Update(pending(topic, policy))
    }

    /// Flushes the outbox through a stream of a few bytes and returns what the client read.
    async fn drain(mut outbox: Outbox, transport: Transport, mut client: tokio::io::DuplexStream) -> Vec<u8> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut seen = Vec::new();
        while outbox.poll_flush(&transport, &mut cx).is_pending() {
            let mut part = [0; 4];
            let len = client.read(&mut part).await.unwrap();
            seen.extend_from_slice(&part[..len]);
        }
        assert_eq!(outbox.bytes(), 0);
        drop(transport);
        client.read_to_end(&mut seen).await.unwrap();
        seen
    }

    fn started() -> (Outbox, Transport, tokio::io::DuplexStream) {
        let (server, client) = tokio::io::duplex(4);
        let transport = Transport::other(server);
        let mut outbox = Outbox::default();
        outbox.push(frame("started"), update(1, Policy::DropOldest));
        assert!(outbox.poll_flush(&transport, &mut Context::from_waker(Waker::noop())).is_pending());
        (outbox, transport, client)
    }

    #[tokio::test]
    async fn a_started_frame_is_finished_and_kept_frames_are_sent_in_order() {
        let (mut outbox, transport, client) = started();
        outbox.push(frame("dropped"), update(1, Policy::Close));
        outbox.push(frame("dropped"), Class::Paced);
        outbox.push(frame("kept"), Class::Kept);
        outbox.discard_updates();
        assert_eq!(outbox.bytes(), frame("started").weight() + frame("kept").weight());
        let expected = [frame("started").bytes(), frame("kept").bytes()].concat();
        assert_eq!(drain(outbox, transport, client).await, expected);
    }

    #[tokio::test]
    async fn only_an_unstarted_update_that_the_policy_allows_is_dropped() {
        let (mut outbox, transport, client) = started();
        let allows = |pending: &Pending| pending.policy == Policy::DropOldest;
        outbox.push(frame("close"), update(2, Policy::Close));
        for text in ["oldest", "older", "{}"] {
            outbox.push(Frame::text(0, |out| out.extend_from_slice(text.as_bytes())), update(3, Policy::DropOldest));
        }
        assert_eq!(outbox.drop_first(allows), Some((TopicId(3), 0)));
        assert_eq!(outbox.drop_first(allows), Some((TopicId(3), 0)));
        let reported = Frame::text(0, |out| out.extend_from_slice(b"{,\"skipped\":2}"));
        let expected = [frame("started").bytes(), frame("close").bytes(), reported.bytes()].concat();
        assert_eq!(drain(outbox, transport, client).await, expected);
    }

    #[tokio::test]
    async fn updates_whose_subscribers_catch_up_are_dropped_unless_started_or_before_a_reply() {
        let (mut outbox, transport, client) = started();
        let numbered = |topic: u64, seq: u64| Class::Update(Pending { seq, ..pending(topic, Policy::CatchUp) });
        outbox.push(frame("before"), numbered(2, 4));
        outbox.push(frame("kept"), Class::Kept);
        outbox.push(frame("dropped"), numbered(2, 5));
        outbox.push(frame("event"), update(3, Policy::Close));
        outbox.push(frame("dropped"), numbered(4, 1));
        outbox.push(frame("dropped"), numbered(2, 6));
        assert_eq!(outbox.drop_conflatable(), [(TopicId(2), 5), (TopicId(4), 1), (TopicId(2), 6)]);
        assert_eq!(outbox.drop_conflatable(), []);
        let kept = ["started", "before", "kept", "event"].map(|text| frame(text).bytes().to_vec());
        assert_eq!(drain(outbox, transport, client).await, kept.concat());

        let (mut outbox, transport, client) = started();
        outbox.push(frame("dropped"), numbered(1, 2));
        assert_eq!(outbox.drop_conflatable(), [(TopicId(1), 2)]);
        assert_eq!(drain(outbox, transport, client).await, frame("started").bytes());
    }

    #[test]
    fn an_update_whose_number_a_reply_carries_is_not_dropped() {
        let mut outbox = Outbox::default();
        let classes = [update(1, Policy::DropOldest), update(1, Policy::DropOldest), Class::Position(TopicId(1))];
        for class in [classes[0], classes[1], classes[2], update(2, Policy::DropOldest)] {
            outbox.push(frame("x"), class);
        }
        assert_eq!(outbox.drop_first(|_| true), Some((TopicId(1), 0)));
        assert_eq!(outbox.drop_first(|_| true), Some((TopicId(2), 1)));
        assert_eq!(outbox.drop_first(|_| true), None);
    }

    #[test]
    fn paced_frames_do_not_count() {
        let mut outbox = Outbox::default();
        outbox.push(frame(&"x".repeat(1 << 20)), Class::Paced);
        assert_eq!((outbox.bytes(), outbox.is_empty()), (0, false));
    }

    #[tokio::test]
    async fn an_outbox_whose_frames_are_sent_keeps_no_room_for_others() {
        let (server, _client) = tokio::io::duplex(64);
        let (transport, mut outbox) = (Transport::other(server), Outbox::default());
        outbox.push(frame("kept"), Class::Kept);
        assert!(outbox.poll_flush(&transport, &mut Context::from_waker(Waker::noop())).is_ready());
        assert_eq!(outbox.queue.capacity(), 0);
    }

    #[tokio::test]
    async fn more_frames_than_one_write_takes() {
        let (server, client) = tokio::io::duplex(1 << 20);
        let mut outbox = Outbox::default();
        let mut expected = Vec::new();
        for number in 0..3 * MAX_SLICES {
            let frame = frame(&number.to_string());
            expected.extend_from_slice(frame.bytes());
            outbox.push(frame, Class::Kept);
        }
        assert_eq!(drain(outbox, Transport::other(server), client).await, expected);
    }
}
