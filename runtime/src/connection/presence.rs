//! That a session is among its server's sessions.

use std::sync::Arc;

use crate::{
    call::Session,
    connection::shared::Shared,
    wire::{CloseCode, reason},
};

/// A session's stay among the server's sessions. Leaving and disconnecting are one path:
/// whatever ends the connection, this is dropped.
pub(crate) struct Presence {
    core: Arc<Shared>,
    pub(crate) session: Session,
}

impl Presence {
    pub(crate) fn enter(core: &Arc<Shared>, session: Session) -> Self {
        core.sessions.add(session.clone());
        let presence = Self { core: Arc::clone(core), session };
        // A shutdown that listed the sessions just before this one came is not missed.
        if core.sessions.is_shutting_down() {
            presence.session.close(CloseCode::GOING_AWAY, reason::GOING_AWAY);
        }
        presence
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.session.end();
        self.session.handle().remove();
        self.core.sessions.remove(self.session.id());
    }
}
