//! The state that all connections of a server share.

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

/// The state that a server's connections share.
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
    /// Paces the connections that have received something to answer.
    pub(crate) turnstile: Turnstile,
    /// Whether messages are echoed instead of dispatched, for conformance suites of the WebSocket
    /// layer.
    pub(crate) echo: bool,
}

/// The open sessions of a server.
#[derive(Default)]
pub(crate) struct Sessions {
    map: Mutex<HashMap<Uuid, Session>>,
    /// The number of places taken by open sessions and accepted handshakes.
    places: Mutex<usize>,
    vacated: Notify,
    shutting_down: AtomicBool,
}

/// One of the connections that a server may have. Dropping it frees the place.
pub(crate) struct Place(Arc<Shared>);

impl Place {
    /// Takes a place. Returns `None` if the server has reached its limit of connections.
    pub(crate) fn take(shared: &Arc<Shared>) -> Option<Self> {
        let mut places = shared.sessions.places.lock().expect("nothing panics while places are counted");
        if shared.limits.max_connections.is_some_and(|max| *places >= max) {
            return None;
        }
        *places += 1;
        Some(Self(Arc::clone(shared)))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
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

    /// Makes the server reject further handshakes.
    pub(crate) fn shut(&self) {
        self.shutting_down.store(true, Ordering::Release);
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shutting_down.load(Ordering::Acquire)
    }

    /// Waits until every place is free.
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
