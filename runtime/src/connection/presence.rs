//! Registers a session with its server, and removes it on drop.

use std::sync::Arc;

use crate::{
    call::Session,
    connection::shared::Shared,
    wire::{CloseCode, reason},
};

/// A guard for a session's entry in the server's list. However the connection ends, the drop of
/// this guard cleans up after it.
pub(crate) struct Presence {
    shared: Arc<Shared>,
    pub(crate) session: Session,
}

impl Presence {
    /// Adds a session to the server's list.
    pub(crate) fn enter(shared: &Arc<Shared>, session: Session) -> Self {
        shared.sessions.add(session.clone());
        let presence = Self { shared: Arc::clone(shared), session };
        // A shutdown may have listed the sessions just before this one was added.
        if shared.sessions.is_shutting_down() {
            presence.session.close(CloseCode::GOING_AWAY, reason::GOING_AWAY);
        }
        presence
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.session.end();
        self.session.handle().remove();
        self.shared.sessions.remove(self.session.id());
    }
}
