//! What a hook or an operation sees: the application's state and the session.

use std::{any::Any, sync::Arc};

use crate::call::session::Session;

/// The context of a call: the state `S` of the application and the session that asks.
#[derive(Debug)]
pub struct Cx<'a, S = ()> {
    state: &'a S,
    shared: &'a Arc<dyn Any + Send + Sync>,
    session: &'a Session,
}

impl<'a, S> Cx<'a, S> {
    /// The state given to [`Builder::state`](crate::Builder::state).
    pub fn state(&self) -> &'a S {
        self.state
    }

    /// The same state as a handle of its own, for a task that outlives the call.
    ///
    /// # Panics
    /// Never: the state has the type that the context names.
    pub fn shared_state(&self) -> Arc<S>
    where
        S: Send + Sync + 'static,
    {
        Arc::clone(self.shared).downcast().expect("the state has the type that the context names")
    }

    /// The session that asks.
    pub fn session(&self) -> &'a Session {
        self.session
    }

    /// A value that `authenticate` or a tower layer left in the session's extensions.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&'a T> {
        self.session.extension::<T>()
    }
}

/// A [`Cx`] that has forgotten the type of the state.
#[derive(Clone, Copy)]
pub struct RawCx<'a> {
    pub(crate) state: &'a Arc<dyn Any + Send + Sync>,
    pub(crate) session: &'a Session,
}

impl<'a> RawCx<'a> {
    #[doc(hidden)]
    pub fn typed<S: Send + Sync + 'static>(self) -> Cx<'a, S> {
        let state = self.state.downcast_ref().expect("the builder takes only rows made for its own state");
        Cx { state, shared: self.state, session: self.session }
    }
}
