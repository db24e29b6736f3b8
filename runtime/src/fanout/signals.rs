//! What a connection is told from elsewhere.

use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::wire::CloseCode;

/// What a connection is told, by its shard and by whoever wants it closed.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Somebody wants the connection closed with this code and reason.
    pub(crate) close: Option<Box<(CloseCode, String)>>,
    /// The shard has queued a close frame of its own, for this reason.
    pub(crate) ended: Option<&'static str>,
    /// The close frame and all before it are written.
    pub(crate) flushed: bool,
    /// The stream cannot be written any more.
    pub(crate) broken: bool,
}

impl Signals {
    /// Asks for a close; only the first request counts.
    pub(crate) fn request_close(&self, code: CloseCode, reason: &str) {
        self.lock().close.get_or_insert_with(|| Box::new((code, reason.to_owned())));
        self.changed.notify_one();
    }

    pub(crate) fn set_ended(&self, reason: &'static str) {
        self.lock().ended = Some(reason);
        self.changed.notify_one();
    }

    pub(crate) fn set_flushed(&self) {
        self.lock().flushed = true;
        self.changed.notify_one();
    }

    pub(crate) fn set_broken(&self) {
        self.lock().broken = true;
        self.changed.notify_one();
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while signals are locked")
    }

    /// Waits until something was signalled since the last wait.
    ///
    /// # Cancel safety
    /// A signal is not lost when the future is dropped.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}
