//! The task of a shard: its loop, and the recovery from a panic.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::time::Instant;

use super::Shard;
use crate::{
    fanout::{batch::Batch, inbox::Inbox, run_queue::RunQueue, timers::Timers},
    panics::panic_message,
    wire::{CloseCode, Frame, reason},
};

/// Executes the commands of the inbox until the shard is shut down.
///
/// A panic in a shard is a bug, and leaves its state inconsistent. The shard then closes its
/// connections with 1011, so that their clients reconnect, and continues without them. Otherwise
/// its connections would appear alive without receiving anything, and aborting the process would
/// end the connections of every shard.
pub(crate) async fn run(inbox: Inbox) {
    let mut shard = Shard::new(inbox);
    while let Err(panic) = AssertUnwindSafe(shard.serve()).catch_unwind().await {
        let connections = shard.recover();
        tracing::error!(panic = panic_message(&*panic), connections, "a shard panicked; its connections are closed");
    }
}

impl Shard {
    async fn serve(&mut self) {
        // The time that the other tasks on this worker had since the shard's last turn.
        let mut yielded = Duration::ZERO;
        loop {
            if self.run_queue.is_empty() {
                self.wait().await;
            }
            if self.accepts_commands() && !self.execute_inbox() {
                return;
            }
            let started_at = Instant::now();
            self.flush_next();
            while !self.run_queue.is_empty() && started_at.elapsed() < yielded {
                self.flush_next();
            }
            // Publishers and readers on this worker run before the next writes, so that a write
            // includes what they produce and they do not wait for the last connection.
            let ended_at = Instant::now();
            tokio::task::yield_now().await;
            yielded = ended_at.elapsed();
        }
    }

    /// Closes every connection and removes all topics after a panic. Returns the number of
    /// connections.
    fn recover(&mut self) -> usize {
        self.topics.clear();
        self.batch = Batch::default();
        self.run_queue = RunQueue::default();
        self.timers = Timers::default();
        let mut connections = 0;
        for (slot, peer) in (0_u32..).zip(&mut self.peers) {
            let Some(peer) = peer else { continue };
            peer.fail(Frame::close(CloseCode::INTERNAL, reason::SHARD_FAILED));
            peer.scheduled = true;
            self.run_queue.push(slot, self.batch.end());
            connections += 1;
        }
        // The panic may have interrupted a turn that had received the signal to shut down.
        self.inbox.notify();
        connections
    }

    /// Waits for a command, a writable socket, the next check of ages or the end of a rest, and then
    /// for the end of the flush window.
    async fn wait(&mut self) {
        match self.next_sweep.into_iter().chain(self.timers.next()).min() {
            None => self.inbox.woken().await,
            Some(at) => {
                let _ = tokio::time::timeout_at(at, self.inbox.woken()).await;
            }
        }
        let window = self.inbox.bounds().flush_window;
        if let (false, Some(drained_at)) = (window.is_zero(), self.drained_at) {
            tokio::time::sleep_until(drained_at + window).await;
        }
    }
}
