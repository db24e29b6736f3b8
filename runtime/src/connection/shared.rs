//! What all connections of a server share.

use std::{
    any::Any,
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    call::{Authenticate, Catalog, Session},
    connection::liveness::TimeLimits,
    fanout::Hub,
    limits::Limits,
    listen::Turnstile,
    profile::Profile,
    topics::Topics,
};

/// A server's insides.
pub(crate) struct Shared {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) state: Arc<dyn Any + Send + Sync>,
    pub(crate) authenticate: Option<Authenticate>,
    pub(crate) topics: Arc<Topics>,
    pub(crate) hub: Hub,
    pub(crate) profile: Profile,
    pub(crate) limits: Limits,
    pub(crate) time_limits: TimeLimits,
    pub(crate) sessions: Sessions,
    /// What connections read passes here before it is answered.
    pub(crate) turnstile: Turnstile,
    /// Messages are sent back as they came instead of being dispatched: what the
    /// conformance suites of the WebSocket layer speak to.
    pub(crate) echo: bool,
}

/// The sessions of a server while they last.
#[derive(Default)]
pub(crate) struct Sessions {
    map: Mutex<HashMap<Uuid, Session>>,
    /// Places that are taken: open sessions and handshakes that were accepted.
    places: Mutex<usize>,
    vacated: Notify,
    shutting_down: AtomicBool,
}

/// A place among the connections of a server, given back when dropped.
pub(crate) struct Place(Arc<Shared>);

impl Place {
    /// Takes a place; `None` if the server has as many connections as it may.
    pub(crate) fn take(core: &Arc<Shared>) -> Option<Self> {
        let mut places = core.sessions.places.lock().expect("nothing panics while places are counted");
        if core.limits.max_connections.is_some_and(|max| *places >= max) {
            return None;
        }
        *places += 1;
        Some(Self(Arc::clone(core)))
    }

    pub(crate) fn core(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.sessions.places.lock().expect("nothing panics while places are counted") -= 1;
        self.0.sessions.vacated.notify_waiters();
    }
}

impl Sessions {
    pub(crate) fn add(&self, session: Session) {
        self.lock().insert(session.id(), session);
    }

    pub(crate) fn remove(&self, id: Uuid) {
        self.lock().remove(&id);
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<Session> {
        self.lock().get(&id).cloned()
    }

    pub(crate) fn list(&self) -> Vec<Session> {
        self.lock().values().cloned().collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// No handshake is accepted any more.
    pub(crate) fn shut(&self) {
        self.shutting_down.store(true, Ordering::Release);
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shutting_down.load(Ordering::Acquire)
    }

    /// Waits until every place is given back.
    pub(crate) async fn emptied(&self) {
        loop {
            let vacated = self.vacated.notified();
            if *self.places.lock().expect("nothing panics while places are counted") == 0 {
                return;
            }
            vacated.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Session>> {
        self.map.lock().expect("nothing panics while the sessions are locked")
    }
}
