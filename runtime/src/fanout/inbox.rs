//! The way into a shard: what it is asked to do, in order and bounded in bytes.

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
        ids::{Key, TopicId},
        signals::Signals,
        slow::SlowConsumer,
    },
    wire::{Frame, Transport, Update},
};

/// What a shard is asked to do. Commands are carried out in the order of their pushes.
#[derive(Debug)]
pub(crate) enum Command {
    Open {
        key: Key,
        transport: Arc<Transport>,
        signals: Arc<Signals>,
    },
    Send {
        key: Key,
        frame: Frame,
    },
    /// Joins a topic. With a reply, updates follow it; without, they are held until `Release`.
    Join {
        key: Key,
        joining: Joining,
        reply: Option<Frame>,
    },
    Release {
        key: Key,
        topic: TopicId,
        first: Vec<Frame>,
    },
    Leave {
        key: Key,
        topic: TopicId,
    },
    Deliver {
        topic: TopicId,
        update: Update,
    },
    Close {
        key: Key,
        frame: Frame,
    },
    Remove {
        key: Key,
    },
    /// Makes the shard panic, to test what follows.
    #[cfg(test)]
    Panic,
}

/// The topic that a connection joins, for a shard that may not know it yet.
#[derive(Debug)]
pub(crate) struct Joining {
    pub(crate) topic: TopicId,
    /// The last number given before.
    pub(crate) seq: u64,
    pub(crate) slow: SlowConsumer,
    /// Counts what is dropped or replaced.
    pub(crate) skipped: Arc<AtomicU64>,
}

/// Bounds of what waits in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Unsent bytes of one connection.
    pub(crate) outbox: usize,
    /// Bytes of what was published or answered and is not yet in any outbox.
    pub(crate) inbox: usize,
    /// How long updates may wait for others to share a write with.
    pub(crate) flush_window: Duration,
}

/// The way into a shard.
#[derive(Debug, Clone)]
pub(crate) struct Inbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    wake: Notify,
    /// Told when the inbox has room again.
    room: Notify,
    bounds: Bounds,
    numbers: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    commands: VecDeque<Command>,
    /// Bytes of the frames in `commands`.
    bytes: usize,
    /// Of each topic whose updates found no room, the newest of them.
    lost: HashMap<TopicId, Update>,
    /// Connections whose socket was full and may have room again.
    writable: Vec<u32>,
    /// Slots to use again, and the first that was never used.
    free: Vec<u32>,
    unused: u32,
    shut: bool,
}

/// What a shard was asked since it last looked.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) commands: VecDeque<Command>,
    /// Connections whose socket was full and may have room again.
    pub(crate) writable: Vec<u32>,
    /// Of each topic whose updates found no room, the newest of them. It follows the commands.
    pub(crate) lost: HashMap<TopicId, Update>,
    pub(crate) shut: bool,
}

impl Inbox {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            wake: Notify::new(),
            room: Notify::new(),
            bounds,
            numbers: AtomicU64::new(0),
        }))
    }

    /// Whether both lead into the same shard.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A free slot and a number that was never used.
    pub(crate) fn new_key(&self) -> Key {
        let number = self.0.numbers.fetch_add(1, Ordering::Relaxed);
        let mut state = self.lock();
        let slot = state.free.pop().unwrap_or_else(|| {
            state.unused += 1;
            state.unused - 1
        });
        Key { slot, number }
    }

    /// Enqueues a command. Never waits; of the updates of a topic that find no room only the
    /// newest is kept, so what waits is bounded by the limit and one update a topic.
    pub(crate) fn push(&self, command: Command) {
        let mut state = self.lock();
        match &command {
            Command::Deliver { topic, update } => {
                let bytes = update.frame.weight();
                if state.bytes + bytes > self.0.bounds.inbox {
                    state.lost.insert(*topic, update.clone());
                    drop(state);
                    self.0.wake.notify_one();
                    return;
                }
                state.bytes += bytes;
            }
            Command::Send { frame, .. } | Command::Close { frame, .. } => state.bytes += frame.weight(),
            Command::Join { joining, reply, .. } => {
                state.bytes += reply.as_ref().map_or(0, Frame::weight);
                // What was lost before the join concerns only the subscribers before it.
                let topic = joining.topic;
                if let Some(update) = state.lost.remove(&topic) {
                    state.commands.push_back(Command::Deliver { topic, update });
                }
            }
            Command::Release { first, .. } => state.bytes += first.iter().map(Frame::weight).sum::<usize>(),
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

    /// Waits until the inbox is not full. Connections wait here before they read on, so
    /// that clients cannot fill it with requests; publishers never do.
    pub(crate) async fn room(&self) {
        loop {
            let room = self.0.room.notified();
            if self.lock().bytes <= self.0.bounds.inbox {
                return;
            }
            room.await;
        }
    }

    /// Ends the shard's task once it has carried out what it was asked.
    pub(crate) fn shut(&self) {
        self.lock().shut = true;
        self.0.wake.notify_one();
    }

    /// Gives the shard another turn.
    pub(crate) fn notify(&self) {
        self.0.wake.notify_one();
    }

    /// Waits until there is something to do.
    pub(crate) async fn woken(&self) {
        self.0.wake.notified().await;
    }

    /// Takes everything that was asked; `spare` is filled from now on.
    pub(crate) fn take(&self, spare: VecDeque<Command>) -> Taken {
        let mut state = self.lock();
        let taken = Taken {
            commands: std::mem::replace(&mut state.commands, spare),
            writable: std::mem::take(&mut state.writable),
            lost: std::mem::take(&mut state.lost),
            shut: state.shut,
        };
        let congested = std::mem::take(&mut state.bytes) > self.0.bounds.inbox;
        drop(state);
        if congested {
            self.0.room.notify_waiters();
        }
        taken
    }

    /// Gives a slot back, to be used again.
    pub(crate) fn free(&self, slot: u32) {
        self.lock().free.push(slot);
    }

    /// A waker for the socket of a slot.
    pub(crate) fn waker(&self, slot: u32) -> Waker {
        Waker::from(Arc::new(Writable { inbox: self.clone(), slot }))
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.0.bounds
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("nothing panics while an inbox is locked")
    }
}

/// Wakes the shard for one connection.
struct Writable {
    inbox: Inbox,
    slot: u32,
}

impl Wake for Writable {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.inbox.lock().writable.push(self.slot);
        self.inbox.0.wake.notify_one();
    }
}
