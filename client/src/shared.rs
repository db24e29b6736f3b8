//! The state that the driver and all handles share.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::sync::Notify;

use crate::state::ClientState;

/// The client's state behind a lock, and the notification of its changes.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<ClientState>,
    changed: Notify,
    handles: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(state: ClientState) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new(), handles: AtomicUsize::new(0) })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, ClientState> {
        // The only user code that runs under the lock are wakers. A waker that panics interrupts
        // a delivery and leaves the state consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a handle has changed the state.
    ///
    /// # Cancel safety
    /// No change is lost if the future is dropped.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// A reference to the client; dropping the last one closes the client.
pub(crate) struct Handle(Arc<Shared>);

impl Handle {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        shared.handles.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }

    /// Locks the state, to read it or for changes that the driver need not notice.
    pub(crate) fn state(&self) -> MutexGuard<'_, ClientState> {
        self.0.state()
    }

    /// Updates the state and wakes the driver.
    pub(crate) fn update<T>(&self, update: impl FnOnce(&mut ClientState) -> T) -> T {
        let result = update(&mut self.0.state());
        self.0.changed.notify_one();
        result
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.0.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.update(|state| state.close(now()));
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

/// Returns the current time of tokio's clock, which tests can pause.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
