//! The hooks of a channel declared `served`, for an application's state.

use std::future::Future;

use crate::{
    Refusal,
    call::{cx::Cx, hooked::Hooked, router::Router, topic::Topic},
    topics::Feed,
};

/// The hooks of a channel: who may subscribe, the snapshot that subscribers start with, and the
/// feed that publishes its updates.
///
/// `self` is the request. Every method has a default, so implement only the methods you need:
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
/// The state `S` is the application's own type. If the application keeps it in an `Arc`, build the
/// server with [`Builder::shared_state`](crate::Builder::shared_state): the orphan rule forbids
/// `impl Serve<Arc<App>>` for a channel of another crate, and allows `impl Serve<App>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is declared `served` but does not implement `Serve<{S}>`",
    label = "no implementation for the state `{S}`",
    note = "write `impl topicast::Serve<{S}> for {Self} {{ … }}`, or remove `served` from the declaration"
)]
pub trait Serve<S: Send + Sync + 'static>: Router + Served {
    /// Decides whether this session may subscribe. Called first and once for each subscription.
    ///
    /// # Errors
    /// The refusal is sent as the reply, and the connection stays open.
    fn authorize(&self, cx: &Cx<'_, S>) -> impl Future<Output = Result<(), Refusal>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Returns the state that subscribers start with. What the hook receives and returns depends on
    /// the channel's [kind](crate::kind):
    ///
    /// | kind | signature |
    /// | --- | --- |
    /// | events | `async fn snapshot(&self, cx: &Cx<'_, S>) -> Result<Option<Update>, Refusal>` |
    /// | `latest` | `async fn snapshot(&self, state: &S) -> Result<Option<Update>, Refusal>` |
    /// | `table` | `async fn snapshot(&self, state: &S) -> Result<Vec<Update>, Refusal>` |
    ///
    /// For events, the server calls the hook for each subscriber and sends the snapshot after the
    /// reply and before any update. The snapshot may already include updates that follow it, so an
    /// update must be safe to apply to a state that includes it.
    ///
    /// For the other kinds, the server keeps the state itself. It calls the hook once for a topic,
    /// and all subscribers share the result. An update that is published while the hook runs
    /// overrides the result. Without the hook, a topic starts without a value or rows.
    ///
    /// # Errors
    /// The refusal is sent as the reply to the subscribers that wait, and they are not subscribed.
    fn snapshot<'a>(
        &self,
        from: &'a <Self::Kind as Hooked>::Context<'a, S>,
    ) -> impl Future<Output = Result<<Self::Kind as Hooked>::Snapshot<Self::Update>, Refusal>> + Send {
        let _ = from;
        async { Err(Refusal::no_hook()) }
    }

    /// Starts the feed that publishes to this topic. Called when the topic gets its first
    /// subscriber. The feed is dropped a linger time after the last subscriber leaves.
    ///
    /// # Errors
    /// The refusal is sent as the reply, and the next subscription calls the hook again.
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
    label = "the server would never call these hooks",
    note = "add `served` to the declaration, as in `#[ws_router(route = \"…\", update = …, served)]`"
)]
pub trait Served {}
