//! Signals to a connection's task from other tasks.

use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::wire::CloseCode;

/// Signals to a connection's task: from its shard, and from callers that close the connection.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// A caller requested a close with this code and reason.
    pub(crate) close: Option<Box<(CloseCode, String)>>,
    /// The shard has queued a close frame itself, for this reason.
    pub(crate) shard_closed: Option<&'static str>,
    /// The close frame and everything before it are written.
    pub(crate) flushed: bool,
    /// The stream can no longer be written.
    pub(crate) broken: bool,
}

impl Signals {
    /// Requests a close. Only the first request takes effect.
    pub(crate) fn request_close(&self, code: CloseCode, reason: &str) {
        self.lock().close.get_or_insert_with(|| Box::new((code, reason.to_owned())));
        self.changed.notify_one();
    }

    /// Records that the shard closed the connection.
    pub(crate) fn set_shard_closed(&self, reason: &'static str) {
        self.lock().shard_closed = Some(reason);
        self.changed.notify_one();
    }

    /// Records that the close frame is written.
    pub(crate) fn set_flushed(&self) {
        self.lock().flushed = true;
        self.changed.notify_one();
    }

    /// Records that the stream failed.
    pub(crate) fn set_broken(&self) {
        self.lock().broken = true;
        self.changed.notify_one();
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while signals are locked")
    }

    /// Waits for a signal that was sent after the last wait.
    ///
    /// # Cancel safety
    /// This method is cancel safe: dropping the future loses no signal.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}
