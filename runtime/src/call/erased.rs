//! Type erasure: each declaration becomes a row of function pointers.

use std::{any::TypeId, marker::PhantomData};

use bytes::Bytes;

use crate::{
    Push, Refusal, Request, Router, Serve,
    call::{
        cx::RawCx,
        encode::encode,
        pushes::PushRow,
        router::{AnyRequest, Pending, RawTopic, Subscribe, Unsubscribe, typed},
        snapshot::{HookOf, SnapshotHook},
        topic::Topic,
    },
    declare::{Fragment, OperationFragment, Received, same},
    fanout::SlowConsumer,
    topics::{Feed, TopicSettings},
    wire::{Form, request},
};

/// The row of a channel: its fragment, its handlers and its hooks.
#[derive(Clone, Copy)]
pub struct ChannelRow {
    pub(crate) fragment: &'static Fragment,
    pub(crate) type_id: TypeId,
    pub(crate) subscribe: Subscribe,
    pub(crate) unsubscribe: Unsubscribe,
    /// The hooks of a channel declared `served`.
    pub(crate) hooks: Option<Hooks>,
    /// The policy for slow subscribers; the builder may change it.
    pub(crate) slow: SlowConsumer,
}

/// The type-erased methods of [`Serve`].
#[derive(Clone, Copy)]
pub(crate) struct Hooks {
    pub(crate) authorize: for<'a> fn(&'a AnyRequest, RawCx<'a>) -> Pending<'a, Result<(), Refusal>>,
    pub(crate) snapshot: SnapshotHook,
    pub(crate) feed: for<'a> fn(&'a AnyRequest, RawCx<'a>, RawTopic) -> Pending<'a, Result<Feed, Refusal>>,
}

impl ChannelRow {
    /// Creates the row of a channel whose updates the application publishes.
    #[doc(hidden)]
    pub const fn relayed<C: Router>() -> Self {
        Self {
            fragment: C::FRAGMENT,
            type_id: TypeId::of::<C>(),
            subscribe: C::subscribe,
            unsubscribe: C::unsubscribe,
            hooks: None,
            slow: SlowConsumer::close(),
        }
    }

    /// Creates the row of a channel that implements [`Serve`].
    #[doc(hidden)]
    pub const fn served<C: Serve<S, Kind: HookOf<C, S>>, S: Send + Sync + 'static>() -> Self {
        let snapshot = <C::Kind as HookOf<C, S>>::HOOK;
        let hooks = Hooks { authorize: authorize::<C, S>, snapshot, feed: feed::<C, S> };
        Self { hooks: Some(hooks), ..Self::relayed::<C>() }
    }

    pub(crate) fn topic_settings(&self) -> TopicSettings {
        TopicSettings { fragment: self.fragment, served: self.hooks.is_some(), slow: self.slow }
    }
}

fn authorize<'a, C: Serve<S>, S: Send + Sync + 'static>(
    request: &'a AnyRequest,
    cx: RawCx<'a>,
) -> Pending<'a, Result<(), Refusal>> {
    Box::pin(async move { typed::<C>(request).authorize(&cx.typed::<S>()).await })
}

fn feed<'a, C: Serve<S>, S: Send + Sync + 'static>(
    request: &'a AnyRequest,
    cx: RawCx<'a>,
    topic: RawTopic,
) -> Pending<'a, Result<Feed, Refusal>> {
    Box::pin(async move { typed::<C>(request).feed(&cx.typed::<S>(), Topic::of(topic)).await })
}

/// The channels of a server whose state is `S`, listed by [`channels!`](crate::channels).
///
/// ```
/// # #[topicast::data]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// # #[topicast::ws_router(route = "status", update = Bar)]
/// # pub struct Status {}
/// /// The channels of one module of an application.
/// pub fn channels() -> topicast::Channels<()> {
///     topicast::channels![Bars, Status]
/// }
/// let builder = topicast::Server::builder("Bars", "1.0.0").channels(channels());
/// ```
pub struct Channels<S> {
    pub(crate) rows: Vec<ChannelRow>,
    state: PhantomData<fn(S)>,
}

/// A type that `channels!` can list for the state `S`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a channel",
    label = "cannot be listed for the state `{S}`",
    note = "a channel is a struct with `#[ws_router(route = \"…\", update = …)]`"
)]
pub trait ListedChannel<S> {
    const ROW: ChannelRow;
}

/// A state for which a channel implements `Serve`.
///
/// Rows of served channels require this trait instead of `Serve`. If both missing traits were
/// traits of the channel, the compiler would report the outer one.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{C}` is declared `served` but does not implement `Serve<{Self}>`",
    label = "no implementation for the state `{Self}`",
    note = "write `impl topicast::Serve<{Self}> for {C} {{ … }}`, or remove `served` from the declaration"
)]
pub trait Serves<C> {
    const ROW: ChannelRow;
}

#[diagnostic::do_not_recommend]
impl<C: Serve<S, Kind: HookOf<C, S>>, S: Send + Sync + 'static> Serves<C> for S {
    const ROW: ChannelRow = ChannelRow::served::<C, S>();
}

/// A row and its name, which the lists compare at compile time.
#[doc(hidden)]
pub struct NamedRow<T> {
    name: &'static str,
    row: T,
}

/// Returns the named row of a channel.
#[doc(hidden)]
pub const fn channel<C: ListedChannel<S>, S>() -> NamedRow<ChannelRow> {
    NamedRow { name: C::ROW.fragment.route, row: C::ROW }
}

/// Returns the named row of an operation or a push.
#[doc(hidden)]
pub const fn operation<O: ListedOperation<S>, S>() -> NamedRow<OperationRow> {
    NamedRow { name: O::ROW.name(), row: O::ROW }
}

/// Fails the build with `message` if an earlier row has the same name as the row at `at`.
#[doc(hidden)]
#[track_caller]
pub const fn assert_new<T>(rows: &[NamedRow<T>], at: usize, message: &str) {
    let mut earlier = 0;
    while earlier < at {
        assert!(!same(rows[at].name, rows[earlier].name), "{}", message);
        earlier += 1;
    }
}

/// Creates the list that `channels!` returns.
#[doc(hidden)]
pub fn channels<S>(rows: &[NamedRow<ChannelRow>]) -> Channels<S> {
    Channels { rows: rows.iter().map(|row| row.row).collect(), state: PhantomData }
}

/// Creates the list that `operations!` returns.
#[doc(hidden)]
pub fn operations<S>(rows: &[NamedRow<OperationRow>]) -> Operations<S> {
    Operations { rows: rows.iter().map(|row| row.row).collect(), state: PhantomData }
}

/// The row of a plain operation or a push.
#[derive(Clone, Copy)]
pub enum OperationRow {
    /// A request of the client, with or without a reply.
    Request(RequestRow),
    /// A message that the server sends unasked.
    Push(PushRow),
}

/// The future outcome of an operation: the payload of its reply, if it has one.
pub type Answer<'a> = Pending<'a, Result<Option<Bytes>, Refusal>>;

/// Decodes a payload and calls the operation's function. The error is a fault of form.
#[doc(hidden)]
pub type Function = for<'a> fn(RawCx<'a>, Option<&str>) -> Result<Answer<'a>, String>;

/// The type-erased row of a plain operation.
#[derive(Clone, Copy)]
pub struct RequestRow {
    pub(crate) fragment: &'static OperationFragment,
    pub(crate) call: Function,
}

impl OperationRow {
    #[doc(hidden)]
    pub const fn request<O: Request>(call: Function) -> Self {
        Self::Request(RequestRow { fragment: O::FRAGMENT, call })
    }

    #[doc(hidden)]
    pub const fn push<P: Push>() -> Self {
        Self::Push(PushRow::of::<P>())
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Request(row) => row.fragment.name,
            Self::Push(row) => row.fragment.name,
        }
    }
}

/// Decodes the payload of an operation.
#[doc(hidden)]
pub fn payload<P: Received>(text: Option<&str>) -> Result<P, String> {
    request::decode(text, Form::Flat)
}

/// Erases the reply type of an operation's future.
#[doc(hidden)]
pub fn replying<'a, R: serde::Serialize>(future: impl Future<Output = Result<R, Refusal>> + Send + 'a) -> Answer<'a> {
    Box::pin(async move { encode(&future.await?).map(Some) })
}

/// Erases the type of an operation's future that has no reply.
#[doc(hidden)]
pub fn silent<'a>(future: impl Future<Output = Result<(), Refusal>> + Send + 'a) -> Answer<'a> {
    Box::pin(async move { future.await.map(|()| None) })
}

/// The operations and pushes of a server whose state is `S`, listed by
/// [`operations!`](crate::operations).
///
/// ```
/// use topicast::{Cx, Refusal};
///
/// #[topicast::ws_push("notice")]
/// pub struct Notice { text: String }
///
/// #[topicast::ws_operation("notice.me")]
/// async fn notice_me(cx: &Cx<'_>) -> Result<(), Refusal> {
///     cx.session().push(&Notice { text: "you asked".into() }).map_err(|error| Refusal::internal(error.to_string()))
/// }
///
/// /// The operations of one module of an application.
/// pub fn operations() -> topicast::Operations<()> {
///     topicast::operations![notice_me, Notice]
/// }
/// let builder = topicast::Server::builder("Notices", "1.0.0").operations(operations());
/// ```
pub struct Operations<S> {
    pub(crate) rows: Vec<OperationRow>,
    state: PhantomData<fn(S)>,
}

/// A function or type that `operations!` can list for the state `S`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an operation for the state `{S}`",
    label = "cannot be listed for the state `{S}`",
    note = "an operation is a function with `#[ws_operation(\"…\")]` whose context is `&Cx<'_, {S}>`, or a type with `#[ws_push(\"…\")]`"
)]
pub trait ListedOperation<S> {
    const ROW: OperationRow;
}

/// The types that `operations!` resolves to for a function that is not an operation.
#[doc(hidden)]
pub mod undeclared {
    use super::{ListedOperation, OperationRow};

    /// The stand-in for the type that `#[ws_operation]` declares and a plain function lacks.
    #[derive(Debug)]
    #[allow(non_camel_case_types, reason = "the name that `operations!` imports each entry under")]
    pub struct __Listed;

    /// Never implemented, so that the compiler reports its message.
    #[diagnostic::on_unimplemented(
        message = "this function is not an operation",
        label = "declared without `#[ws_operation]`",
        note = "put `#[ws_operation(\"name\")]` on it; its context is `&Cx<'_, {Self}>`"
    )]
    pub trait Declares {}

    impl<S: Declares> ListedOperation<S> for __Listed {
        const ROW: OperationRow = panic!("this function is not an operation");
    }
}
