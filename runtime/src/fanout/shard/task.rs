//! The task of a shard: its turns, and what follows a panic in one.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::time::Instant;

use super::Shard;
use crate::{
    fanout::{batch::Batch, inbox::Inbox, run_queue::RunQueue},
    panics::panic_message,
    wire::{CloseCode, Frame, reason},
};

/// Carries out the commands of the inbox until it is shut.
///
/// A panic in here is a bug, and what it leaves behind cannot be trusted. The shard then closes
/// its connections with 1011, so that their clients reconnect, and goes on without them: silent
/// connections would look alive, and ending the process would cost the connections of every shard.
pub(crate) async fn run(inbox: Inbox) {
    let mut shard = Shard::new(inbox);
    while let Err(panic) = AssertUnwindSafe(shard.serve()).catch_unwind().await {
        let connections = shard.recover();
        tracing::error!(panic = panic_message(&*panic), connections, "a shard panicked; its connections are closed");
    }
}

impl Shard {
    async fn serve(&mut self) {
        // How long the other tasks on this worker had since the shard's last turn.
        let mut others = Duration::ZERO;
        loop {
            if self.run_queue.is_empty() {
                self.wait().await;
            }
            if self.takes() && !self.take() {
                return;
            }
            let began = Instant::now();
            self.flush_next();
            while !self.run_queue.is_empty() && began.elapsed() < others {
                self.flush_next();
            }
            // Publishers and readers on this worker go on before the next writes: what they
            // produce shares them, and nothing waits until the last connection is written to.
            let ended = Instant::now();
            tokio::task::yield_now().await;
            others = ended.elapsed();
        }
    }

    /// Closes every connection after a panic and forgets the topics. Returns the number of
    /// connections. One that was closing already may be the cause and is abandoned.
    fn recover(&mut self) -> usize {
        self.topics.clear();
        self.batch = Batch::default();
        self.run_queue = RunQueue::default();
        let mut connections = 0;
        for (slot, peer) in (0_u32..).zip(&mut self.peers) {
            let Some(peer) = peer else { continue };
            peer.fail(Frame::close(CloseCode::INTERNAL, reason::SHARD_FAILED));
            peer.touched = true;
            self.run_queue.push(slot, self.batch.end());
            connections += 1;
        }
        // The panic may have cut short a turn that had taken the signal to shut.
        self.inbox.notify();
        connections
    }

    /// Waits until there is something to do, and then until the flush window is over.
    async fn wait(&mut self) {
        match self.next_sweep {
            None => self.inbox.woken().await,
            Some(at) => {
                let _ = tokio::time::timeout_at(at, self.inbox.woken()).await;
            }
        }
        let window = self.inbox.bounds().flush_window;
        if let (false, Some(flushed)) = (window.is_zero(), self.flushed) {
            tokio::time::sleep_until(flushed + window).await;
        }
    }
}
