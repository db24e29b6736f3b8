//! The inbox of a shard: a queue of commands, bounded in bytes.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    task::{Wake, Waker},
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    fanout::{
        command::Command,
        ids::{Key, TopicId},
        reply::REPLY_WEIGHT,
    },
    wire::{Frame, Update},
};

/// Limits of a shard's buffers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The maximum unsent bytes of one connection.
    pub(crate) outbox: usize,
    /// The maximum bytes of frames in the inbox.
    pub(crate) inbox: usize,
    /// The time that updates wait for others, to be sent in one write.
    pub(crate) flush_window: Duration,
}

/// A handle to the inbox of a shard.
#[derive(Debug, Clone)]
pub(crate) struct Inbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    wake: Notify,
    /// Notified when the inbox has room again.
    room: Notify,
    bounds: Bounds,
    next_number: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    commands: VecDeque<Command>,
    /// Bytes of the frames in `commands`.
    bytes: usize,
    /// The newest update of each topic whose updates exceeded the limit.
    overflow: HashMap<TopicId, Update>,
    /// The slots of connections whose socket was blocked and may be writable again.
    writable: Vec<u32>,
    /// Slots to reuse, and the first slot that was never used.
    free_slots: Vec<u32>,
    next_slot: u32,
    shut: bool,
}

/// The content of an inbox.
#[derive(Debug)]
pub(crate) struct Drained {
    pub(crate) commands: VecDeque<Command>,
    /// The slots of connections whose socket was blocked and may be writable again.
    pub(crate) writable: Vec<u32>,
    /// The newest update of each topic whose updates exceeded the limit. It follows the commands.
    pub(crate) overflow: HashMap<TopicId, Update>,
    pub(crate) shut: bool,
}

impl State {
    /// Queues the newest update of a topic that found no room.
    fn deliver_overflow(&mut self, topic: TopicId) {
        if let Some(update) = self.overflow.remove(&topic) {
            self.bytes += update.frame.weight();
            self.commands.push_back(Command::Deliver { topic, update });
        }
    }
}

impl Inbox {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            wake: Notify::new(),
            room: Notify::new(),
            bounds,
            next_number: AtomicU64::new(0),
        }))
    }

    /// Returns true if both are handles to the same inbox.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Allocates a slot and a number that was never used.
    pub(crate) fn new_key(&self) -> Key {
        let number = self.0.next_number.fetch_add(1, Ordering::Relaxed);
        let mut state = self.lock();
        let slot = state.free_slots.pop().unwrap_or_else(|| {
            state.next_slot += 1;
            state.next_slot - 1
        });
        Key { slot, number }
    }

    /// Queues a command without waiting. Of the updates that exceed the limit only the newest of
    /// each topic is kept, so the memory is bounded by the limit and one update for each topic.
    pub(crate) fn push(&self, command: Command) {
        let mut state = self.lock();
        match &command {
            Command::Deliver { topic, update } => {
                let bytes = update.frame.weight();
                if state.bytes + bytes > self.0.bounds.inbox {
                    state.overflow.insert(*topic, update.clone());
                    drop(state);
                    self.0.wake.notify_one();
                    return;
                }
                state.bytes += bytes;
            }
            Command::Send { frame, .. } | Command::Close { frame, .. } => state.bytes += frame.weight(),
            Command::Join { joining, reply, .. } => {
                state.bytes += reply.as_ref().map_or(0, Frame::weight);
                // The loss of updates before the join concerns only the earlier subscribers.
                state.deliver_overflow(joining.topic);
            }
            Command::Reply { .. } => state.bytes += REPLY_WEIGHT,
            Command::Release { start, .. } => state.bytes += start.first.iter().map(Frame::weight).sum::<usize>(),
            Command::Open { .. } | Command::Leave { .. } | Command::Remove { .. } => {}
            #[cfg(test)]
            Command::Panic => {}
        }
        let idle = state.commands.is_empty();
        state.commands.push_back(command);
        drop(state);
        if idle {
            self.0.wake.notify_one();
        }
    }

    /// Waits until the inbox has room. Connections wait before they continue to read, so that
    /// clients cannot fill the inbox with requests. Publishers never wait.
    pub(crate) async fn room(&self) {
        loop {
            let room = self.0.room.notified();
            if self.lock().bytes <= self.0.bounds.inbox {
                return;
            }
            room.await;
        }
    }

    /// Ends the shard's task once it has executed the queued commands.
    pub(crate) fn shut(&self) {
        self.lock().shut = true;
        self.0.wake.notify_one();
    }

    /// Wakes the shard.
    pub(crate) fn notify(&self) {
        self.0.wake.notify_one();
    }

    /// Waits until the shard is woken.
    pub(crate) async fn woken(&self) {
        self.0.wake.notified().await;
    }

    /// Takes the content of the inbox. `spare` becomes the new, empty command queue.
    pub(crate) fn drain(&self, spare: VecDeque<Command>) -> Drained {
        let mut state = self.lock();
        let drained = Drained {
            commands: std::mem::replace(&mut state.commands, spare),
            writable: std::mem::take(&mut state.writable),
            overflow: std::mem::take(&mut state.overflow),
            shut: state.shut,
        };
        let congested = std::mem::take(&mut state.bytes) > self.0.bounds.inbox;
        drop(state);
        if congested {
            self.0.room.notify_waiters();
        }
        drained
    }

    /// Returns a slot for reuse.
    pub(crate) fn free_slot(&self, slot: u32) {
        self.lock().free_slots.push(slot);
    }

    /// Creates a waker for the socket of a slot.
    pub(crate) fn waker(&self, slot: u32) -> Waker {
        Waker::from(Arc::new(SocketWaker { inbox: self.clone(), slot }))
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.0.bounds
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("nothing panics while an inbox is locked")
    }
}

/// Wakes the shard when the socket of a slot may be writable.
struct SocketWaker {
    inbox: Inbox,
    slot: u32,
}

impl Wake for SocketWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.inbox.lock().writable.push(self.slot);
        self.inbox.0.wake.notify_one();
    }
}
