//! The messages of one connection that are queued, or sent and not yet answered.

use std::collections::VecDeque;

/// Why a message was sent, which says how to handle the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Subscribes to the topic of this number.
    Subscribe(u64),
    Unsubscribe,
    Request,
    Ping,
    /// A ping after a request without a reply: its answer shows that the server read the request.
    Confirm(u64),
}

/// A message that the server has yet to answer.
#[derive(Debug)]
struct Unanswered {
    id: u64,
    purpose: Purpose,
    /// How many times it was queued; the server answers each copy.
    copies: u32,
    /// Whether a later message was answered, so the server has read this one without fault.
    read: bool,
}

/// The queue of a connection. The server answers in the order of the messages.
#[derive(Debug)]
pub(super) struct Pipeline {
    /// Messages not yet handed to the socket, in order.
    unsent: VecDeque<(u64, String)>,
    /// Messages without an answer, in order; those in `unsent` are among them.
    unanswered: VecDeque<Unanswered>,
    /// Whether a message was sent since progress is watched.
    progressed: bool,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self { unsent: VecDeque::new(), unanswered: VecDeque::new(), progressed: true }
    }
}

impl Pipeline {
    pub(super) fn push(&mut self, id: u64, text: String, purpose: Purpose) {
        self.unsent.push_back((id, text));
        self.unanswered.push_back(Unanswered { id, purpose, copies: 1, read: false });
    }

    /// Queues another copy of an unanswered message; replaces the one that is still queued.
    pub(super) fn repeat(&mut self, id: u64, text: String) {
        if let Some((_, queued)) = self.unsent.iter_mut().find(|(other, _)| *other == id) {
            *queued = text;
        } else {
            self.unsent.push_back((id, text));
            self.unanswered.iter_mut().filter(|other| other.id == id).for_each(|other| other.copies += 1);
        }
    }

    /// Takes the next message to send.
    pub(super) fn pop(&mut self) -> Option<(u64, String)> {
        let next = self.unsent.pop_front()?;
        self.progressed = true;
        Some(next)
    }

    /// Starts to watch whether messages are sent.
    pub(super) fn watch_progress(&mut self) {
        self.progressed = false;
    }

    /// Returns true if messages are queued and none was sent since progress is watched.
    pub(super) fn is_stalled(&self) -> bool {
        !self.unsent.is_empty() && !self.progressed
    }

    /// Removes a message that is not to be sent any more.
    pub(super) fn withdraw(&mut self, id: u64) {
        self.unsent.retain(|(other, _)| *other != id);
        self.forget(id);
    }

    /// Stops waiting for the answer to a message.
    pub(super) fn forget(&mut self, id: u64) {
        self.unanswered.retain(|other| other.id != id);
    }

    /// Stops waiting for the answers to requests that the server has read and that are abandoned.
    pub(super) fn forget_read_requests(&mut self, is_abandoned: impl Fn(u64) -> bool) {
        self.unanswered.retain(|other| !(other.read && other.purpose == Purpose::Request && is_abandoned(other.id)));
    }

    /// Returns the number of requests that are queued, or sent and not answered, including those
    /// whose callers no longer wait: they take memory until the server has read them.
    pub(super) fn requests(&self) -> usize {
        self.unanswered.iter().filter(|other| other.purpose == Purpose::Request).count()
    }

    /// Returns the id of the unanswered subscribe request of a topic.
    pub(super) fn subscribe_id(&self, topic: u64) -> Option<u64> {
        self.unanswered.iter().find(|other| other.purpose == Purpose::Subscribe(topic)).map(|other| other.id)
    }

    /// Withdraws the copy of an answered message that is still queued.
    pub(super) fn withdraw_copy(&mut self, id: u64) {
        let Some(at) = self.unsent.iter().position(|(other, _)| *other == id) else { return };
        self.unsent.remove(at);
        self.unanswered.iter_mut().filter(|other| other.id == id).for_each(|other| other.copies -= 1);
        self.unanswered.retain(|other| other.copies > 0);
    }

    /// Withdraws the subscribe request of a topic, or stops waiting for its answers.
    pub(super) fn forget_subscribe(&mut self, topic: u64) {
        if let Some(id) = self.subscribe_id(topic) {
            self.withdraw(id);
        }
    }

    /// Records an answer, and returns the purpose of the message; `None` if none has this id.
    pub(super) fn answered(&mut self, id: u64) -> Option<Purpose> {
        let at = self.unanswered.iter().position(|other| other.id == id)?;
        let message = self.unanswered.get_mut(at)?;
        let purpose = message.purpose;
        message.copies -= 1;
        if message.copies == 0 {
            self.unanswered.remove(at);
        }
        self.unanswered.iter_mut().take(at).for_each(|earlier| earlier.read = true);
        Some(purpose)
    }

    /// Returns the message that the server was handling when it closed the connection: the first
    /// that it has not read, if it was sent.
    pub(super) fn suspect(&self) -> Option<(u64, Purpose)> {
        let first = self.unanswered.iter().find(|other| !other.read)?;
        let is_unsent = self.unsent.front().is_some_and(|(unsent, _)| *unsent == first.id);
        (!is_unsent).then_some((first.id, first.purpose))
    }

    /// Removes all messages, and returns the ids of the unsent ones, in order.
    pub(super) fn clear(&mut self) -> Vec<u64> {
        let unsent = std::mem::take(self).unsent;
        unsent.into_iter().map(|(id, _)| id).collect()
    }

    #[cfg(test)]
    pub(super) fn unanswered_subscribes(&self, topic: u64) -> usize {
        self.unanswered.iter().filter(|other| other.purpose == Purpose::Subscribe(topic)).count()
    }
}
