//! The open sessions of a server, and the places that connections take.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;
use uuid::Uuid;

use crate::call::Session;

/// The open sessions of a server.
#[derive(Default)]
pub(crate) struct Sessions {
    map: Mutex<HashMap<Uuid, Session>>,
    /// The number of places taken by open sessions and accepted handshakes.
    places: Mutex<usize>,
    vacated: Notify,
    shutting_down: AtomicBool,
}

impl Sessions {
    /// Takes a place. Returns false if `limit` places are taken.
    pub(crate) fn take_place(&self, limit: Option<usize>) -> bool {
        let mut places = self.lock_places();
        let takes = limit.is_none_or(|limit| *places < limit);
        *places += usize::from(takes);
        takes
    }

    pub(crate) fn free_place(&self) {
        *self.lock_places() -= 1;
        self.vacated.notify_waiters();
    }

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
            if *self.lock_places() == 0 {
                return;
            }
            vacated.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Session>> {
        self.map.lock().expect("nothing panics while the sessions are locked")
    }

    fn lock_places(&self) -> MutexGuard<'_, usize> {
        self.places.lock().expect("nothing panics while places are counted")
    }
}
