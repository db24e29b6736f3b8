//! A connection's place among the connections of its server, and its session's entry.

use std::sync::Arc;

use crate::{
    call::Session,
    connection::shared::Shared,
    wire::{CloseCode, reason},
};

/// One of the connections that a server may have, from the handshake on. Dropping it frees the
/// place.
pub(crate) struct Place(Arc<Shared>);

impl Place {
    /// Takes a place. Returns `None` if the server has reached its limit of connections.
    pub(crate) fn take(shared: &Arc<Shared>) -> Option<Self> {
        shared.sessions.take_place(shared.limits.max_connections).then(|| Self(Arc::clone(shared)))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// Adds the connection's session to the server's list.
    pub(crate) fn enter(self, session: Session) -> Presence {
        self.0.sessions.add(session.clone());
        // A shutdown may have listed the sessions just before this one was added.
        if self.0.sessions.is_shutting_down() {
            session.close(CloseCode::GOING_AWAY, reason::GOING_AWAY);
        }
        Presence { session, place: self }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.sessions.free_place();
    }
}

/// The guard of a connection. However the connection ends, the drop of this guard cleans up after
/// it: the session leaves every topic, the shard and the server's list, and then its place is free.
pub(crate) struct Presence {
    session: Session,
    place: Place,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.session.end();
        self.session.handle().remove();
        self.place.0.sessions.remove(self.session.id());
    }
}
