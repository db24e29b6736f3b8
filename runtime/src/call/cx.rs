//! What a hook or an operation sees: the application's state and the session.

use std::any::Any;

use crate::call::session::Session;

/// The context of a call: the state `S` of the application and the session that asks.
#[derive(Debug)]
pub struct Cx<'a, S = ()> {
    state: &'a S,
    session: &'a Session,
}

impl<'a, S> Cx<'a, S> {
    /// The state given to [`Builder::state`](crate::Builder::state).
    pub fn state(&self) -> &'a S {
        self.state
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
    pub(crate) state: &'a (dyn Any + Send + Sync),
    pub(crate) session: &'a Session,
}

impl<'a> RawCx<'a> {
    #[doc(hidden)]
    pub fn typed<S: Send + Sync + 'static>(self) -> Cx<'a, S> {
        let state = self.state.downcast_ref().expect("the builder takes only rows made for its own state");
        Cx { state, session: self.session }
    }
}
