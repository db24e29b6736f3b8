//! The behaviour of a channel declared `served`, for an application state of one's own.

use std::future::Future;

use crate::{
    Refusal,
    call::{cx::Cx, router::Router, topic::Topic},
    topics::Feed,
};

/// What a channel does beyond relaying: who may subscribe, the state it starts
/// with, and where its updates come from.
///
/// `self` is the request. Every method has a default, so implement what you need:
///
/// ```
/// # use topicast::{Cx, Refusal};
/// # pub struct App;
/// # #[topicast::data]
/// # pub struct Order { number: u32 }
/// #[topicast::ws_router(route = "orders", update = Order, served)]
/// pub struct Orders { account: String }
///
/// impl topicast::Serve<App> for Orders {
///     async fn authorize(&self, cx: &Cx<'_, App>) -> Result<(), Refusal> {
///         if self.account.is_empty() { Err(Refusal::forbidden("no account")) } else { Ok(()) }
///     }
/// }
/// ```
///
/// The state `S` is the application's own type. A server whose application keeps it in an `Arc` is
/// built with [`Builder::shared_state`](crate::Builder::shared_state): the orphan rule forbids
/// `impl Serve<Arc<App>>` for a channel of another crate, and allows `impl Serve<App>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is declared `served` but does not implement `Serve<{S}>`",
    label = "no behaviour for the state `{S}`",
    note = "write `impl topicast::Serve<{S}> for {Self} {{ … }}`, or remove `served` from the declaration"
)]
pub trait Serve<S: Send + Sync + 'static>: Router + Served {
    /// Whether this session may subscribe. Asked once a subscription, before anything else.
    ///
    /// # Errors
    /// The refusal is the reply; the connection stays.
    fn authorize(&self, cx: &Cx<'_, S>) -> impl Future<Output = Result<(), Refusal>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// The state that a new subscriber starts with, sent after the reply and before any
    /// update. It may already include updates that follow: an update must be safe to
    /// apply to a state that has it.
    ///
    /// # Errors
    /// The refusal is the reply; nobody was subscribed.
    fn snapshot(&self, cx: &Cx<'_, S>) -> impl Future<Output = Result<Option<Self::Update>, Refusal>> + Send {
        let _ = cx;
        async { Ok(None) }
    }

    /// Starts what publishes to this topic; asked when the topic gets its first
    /// subscriber. The feed is dropped a linger time after the last one left.
    ///
    /// # Errors
    /// The refusal is the reply; the next subscriber asks again.
    fn feed(&self, cx: &Cx<'_, S>, topic: Topic<Self>) -> impl Future<Output = Result<Feed, Refusal>> + Send
    where
        Self: Sized,
    {
        let _ = (cx, topic);
        async { Ok(Feed::none()) }
    }
}

/// A channel that is declared `served`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not declared `served`",
    label = "nothing would call this behaviour",
    note = "add `served` to the declaration, as in `#[ws_router(route = \"…\", update = …, served)]`"
)]
pub trait Served {}
