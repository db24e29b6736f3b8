//! That a session is among its server's sessions.

use std::sync::Arc;

use crate::{
    close::{CloseCode, reason},
    core::Core,
    session::Session,
};

/// A session's stay among the server's sessions. Leaving and disconnecting are one path:
/// whatever ends the connection, this is dropped.
pub(crate) struct Presence {
    core: Arc<Core>,
    pub(crate) session: Session,
}

impl Presence {
    pub(crate) fn enter(core: &Arc<Core>, session: Session) -> Self {
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
        self.session.link().remove();
        self.core.sessions.remove(self.session.id());
    }
}
