//! What the driver and every handle share: the core, and a bell.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::sync::Notify;

use crate::core::Core;

/// The core and its bell.
#[derive(Debug)]
pub(crate) struct Shared {
    core: Mutex<Core>,
    bell: Notify,
    handles: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(core: Core) -> Arc<Self> {
        Arc::new(Self { core: Mutex::new(core), bell: Notify::new(), handles: AtomicUsize::new(0) })
    }

    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        // All that runs here of a user's are wakers; one that panics interrupts a delivery, and
        // the core is whole.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a handle has changed something.
    ///
    /// # Cancel safety
    /// A change is not lost when the future is dropped.
    pub(crate) async fn changed(&self) {
        self.bell.notified().await;
    }
}

/// A user's share; the last one's end closes the client.
pub(crate) struct Handle(Arc<Shared>);

impl Handle {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        shared.handles.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }

    /// Looks into the core.
    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.0.core()
    }

    /// Changes the core, and has the driver look at it.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let result = change(&mut self.0.core());
        self.0.bell.notify_one();
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
            self.change(|core| core.close(now()));
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

/// The time as tests see it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
