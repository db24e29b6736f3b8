//! The context of a hook or an operation: the application's state and the session.

use std::{any::Any, sync::Arc};

use crate::call::session::Session;

/// The context of a call: the state `S` of the application and the session that sent the request.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use topicast::{Cx, Refusal};
///
/// #[derive(Default)]
/// pub struct App { calls: AtomicU32 }
///
/// #[derive(Clone)]
/// pub struct User { name: String }
///
/// /// Counts calls, and greets the user that the application's layer identified.
/// #[topicast::ws_operation("hello", reply = "hello.response")]
/// async fn hello(cx: &Cx<'_, App>) -> Result<String, Refusal> {
///     let calls = cx.state().calls.fetch_add(1, Ordering::Relaxed);
///     let user = cx.extension::<User>().ok_or_else(|| Refusal::forbidden("who are you?"))?;
///     Ok(format!("{} is call {calls}, from session {}", user.name, cx.session().id()))
/// }
/// ```
#[derive(Debug)]
pub struct Cx<'a, S = ()> {
    state: &'a S,
    shared: &'a Arc<dyn Any + Send + Sync>,
    session: &'a Session,
}

impl<'a, S> Cx<'a, S> {
    /// Returns the state given to [`Builder::state`](crate::Builder::state).
    pub fn state(&self) -> &'a S {
        self.state
    }

    /// Returns an owned handle to the same state, for a task that outlives the call.
    ///
    /// # Panics
    /// Never: the state has the type that the context names.
    pub fn shared_state(&self) -> Arc<S>
    where
        S: Send + Sync + 'static,
    {
        Arc::clone(self.shared).downcast().expect("the state has the type that the context names")
    }

    /// Returns the session that sent the request.
    pub fn session(&self) -> &'a Session {
        self.session
    }

    /// Returns a value that `authenticate` or a tower layer put into the session's extensions.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&'a T> {
        self.session.extension::<T>()
    }
}

/// A [`Cx`] without the type of the state.
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
