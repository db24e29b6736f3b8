//! Rows of function pointers: all that is left of a type once the server is built.

use std::{
    any::{Any, TypeId},
    marker::PhantomData,
    pin::Pin,
};

use bytes::Bytes;

use crate::{
    Channel, Push, Refusal, Serve,
    call::cx::RawCx,
    declare::{
        ChannelDeclaration, Docs, OperationDeclaration, PushDeclaration, Received, SchemaOf, SubjectText, schema_of,
        topic,
    },
    fanout::SlowConsumer,
    topics::{Feed, RawTopic, TopicSettings},
    wire::{Form, request},
};

/// A future of the user's, with its type forgotten.
pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A request with its type forgotten; only the hooks of the same row look inside.
pub(crate) type AnyRequest = dyn Any + Send + Sync;

/// What a typed edge makes of a channel's payload.
pub(crate) struct Decoded {
    pub(crate) request: Box<AnyRequest>,
    pub(crate) topic: String,
    pub(crate) subject: Option<SubjectText>,
}

/// One channel of a server.
#[derive(Clone, Copy)]
pub struct ChannelSpec {
    pub(crate) declaration: ChannelDeclaration,
    pub(crate) type_id: TypeId,
    /// Decodes a request; the error is what a client reads after `Could not validate payload`.
    pub(crate) decode: fn(Option<&str>, Form) -> Result<Decoded, String>,
    /// The behaviour of a channel declared `served`.
    pub(crate) hooks: Option<Hooks>,
    /// How it treats subscribers that stay behind; the builder may change it.
    pub(crate) slow: SlowConsumer,
}

/// The methods of [`Serve`] with their types forgotten.
#[derive(Clone, Copy)]
pub(crate) struct Hooks {
    pub(crate) authorize: for<'a> fn(&'a AnyRequest, RawCx<'a>) -> Pending<'a, Result<(), Refusal>>,
    pub(crate) snapshot: for<'a> fn(&'a AnyRequest, RawCx<'a>) -> Answer<'a>,
    pub(crate) feed: for<'a> fn(&'a AnyRequest, RawCx<'a>, RawTopic) -> Pending<'a, Result<Feed, Refusal>>,
}

impl ChannelSpec {
    /// A channel whose updates are published by the application.
    #[doc(hidden)]
    pub fn relayed<C: Channel>() -> Self {
        Self {
            declaration: C::declaration(),
            type_id: TypeId::of::<C>(),
            decode: decode::<C>,
            hooks: None,
            slow: SlowConsumer::close(),
        }
    }

    /// A channel with behaviour of its own.
    #[doc(hidden)]
    pub fn served<C: Serve<S>, S: Send + Sync + 'static>() -> Self {
        let hooks = Hooks { authorize: authorize::<C, S>, snapshot: snapshot::<C, S>, feed: feed::<C, S> };
        Self { hooks: Some(hooks), ..Self::relayed::<C>() }
    }
}

impl ChannelSpec {
    pub(crate) fn kind(&self) -> TopicSettings {
        TopicSettings { route: self.declaration.route, served: self.hooks.is_some(), slow: self.slow }
    }
}

fn decode<C: Channel>(payload: Option<&str>, form: Form) -> Result<Decoded, String> {
    let request: C = request::decode(payload, form)?;
    let topic = topic::topic_of(&request).map_err(|error| error.to_string())?;
    Ok(Decoded { subject: request.subject(), request: Box::new(request), topic })
}

fn typed<C: Channel>(request: &AnyRequest) -> &C {
    request.downcast_ref().expect("a row's hooks see only requests that its own decoder made")
}

fn authorize<'a, C: Serve<S>, S: Send + Sync + 'static>(
    request: &'a AnyRequest,
    cx: RawCx<'a>,
) -> Pending<'a, Result<(), Refusal>> {
    Box::pin(async move { typed::<C>(request).authorize(&cx.typed::<S>()).await })
}

fn snapshot<'a, C: Serve<S>, S: Send + Sync + 'static>(
    request: &'a AnyRequest,
    cx: RawCx<'a>,
) -> Pending<'a, Result<Option<Bytes>, Refusal>> {
    Box::pin(async move {
        let state = typed::<C>(request).snapshot(&cx.typed::<S>()).await?;
        state.map(|state| encode(&state)).transpose()
    })
}

fn feed<'a, C: Serve<S>, S: Send + Sync + 'static>(
    request: &'a AnyRequest,
    cx: RawCx<'a>,
    topic: RawTopic,
) -> Pending<'a, Result<Feed, Refusal>> {
    Box::pin(async move { typed::<C>(request).feed(&cx.typed::<S>(), topic.typed()).await })
}

fn encode(value: &impl serde::Serialize) -> Result<Bytes, Refusal> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| {
        tracing::error!(%error, "a payload could not be serialized");
        Refusal::internal("the payload could not be serialized")
    })
}

/// The channels of a server whose state is `S`; made by [`channels!`](crate::channels).
pub struct Channels<S> {
    pub(crate) specs: Vec<ChannelSpec>,
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
    /// The channel's route, for the check that a list has no route twice.
    const ROUTE: &'static str;

    fn spec() -> ChannelSpec;
}

/// A state for which a channel has its behaviour: `Serve` seen from the other side.
///
/// Rows of served channels ask for this rather than for `Serve`, since the compiler reports
/// the outer of two missing traits when both are the channel's.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{C}` is declared `served` but does not implement `Serve<{Self}>`",
    label = "no behaviour for the state `{Self}`",
    note = "write `impl topicast::Serve<{Self}> for {C} {{ … }}`, or remove `served` from the declaration"
)]
pub trait Serves<C> {
    fn spec() -> ChannelSpec;
}

#[diagnostic::do_not_recommend]
impl<C: Serve<S>, S: Send + Sync + 'static> Serves<C> for S {
    fn spec() -> ChannelSpec {
        ChannelSpec::served::<C, S>()
    }
}

/// One entry of a list: its name, known while compiling, and what it is.
#[doc(hidden)]
pub struct Row<T> {
    name: &'static str,
    spec: fn() -> T,
}

/// The row of a channel.
#[doc(hidden)]
pub const fn channel<C: ListedChannel<S>, S>() -> Row<ChannelSpec> {
    Row { name: C::ROUTE, spec: C::spec }
}

/// The row of an operation or a push.
#[doc(hidden)]
pub const fn operation<O: ListedOperation<S>, S>() -> Row<OperationSpec> {
    Row { name: O::NAME, spec: O::spec }
}

/// Fails the build when the name of the row at `at` is an earlier row's too; `message` says
/// which word is too many.
#[doc(hidden)]
#[track_caller]
pub const fn assert_new<T>(rows: &[Row<T>], at: usize, message: &str) {
    let mut earlier = 0;
    while earlier < at {
        assert!(!same(rows[at].name, rows[earlier].name), "{}", message);
        earlier += 1;
    }
}

/// `==` of strings is not to be had in constants.
const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// What `channels!` makes of its rows.
#[doc(hidden)]
pub fn channels<S>(rows: &[Row<ChannelSpec>]) -> Channels<S> {
    Channels { specs: rows.iter().map(|row| (row.spec)()).collect(), state: PhantomData }
}

/// What `operations!` makes of its rows.
#[doc(hidden)]
pub fn operations<S>(rows: &[Row<OperationSpec>]) -> Operations<S> {
    Operations { specs: rows.iter().map(|row| (row.spec)()).collect(), state: PhantomData }
}

/// A plain operation or a push of a server.
#[derive(Clone, Copy)]
pub enum OperationSpec {
    /// A request of the client's, perhaps with a reply.
    Request(RequestSpec),
    /// A message of the server's own accord.
    Push(PushSpec),
}

/// The answer to an operation: its reply's payload, if it has one.
pub type Answer<'a> = Pending<'a, Result<Option<Bytes>, Refusal>>;

/// Decodes a payload and calls the function; the error is a fault of form.
#[doc(hidden)]
pub type Call = for<'a> fn(RawCx<'a>, Option<&str>) -> Result<Answer<'a>, String>;

/// A request of the client's, with its types forgotten.
#[derive(Clone, Copy)]
pub struct RequestSpec {
    pub(crate) declaration: OperationDeclaration,
    pub(crate) call: Call,
}

/// A declared push, with its type forgotten.
#[derive(Clone, Copy)]
pub struct PushSpec {
    pub(crate) declaration: PushDeclaration,
    pub(crate) type_id: TypeId,
}

impl OperationSpec {
    #[doc(hidden)]
    pub fn request(
        name: &'static str,
        docs: Docs,
        payload: Option<SchemaOf>,
        reply: Option<(&'static str, SchemaOf)>,
        call: Call,
    ) -> Self {
        let declaration = OperationDeclaration {
            name,
            reply_name: reply.map(|(name, _)| name),
            summary: docs.summary,
            description: docs.description,
            tags: docs.tags,
            payload,
            reply: reply.map(|(_, schema)| schema),
        };
        Self::Request(RequestSpec { declaration, call })
    }

    #[doc(hidden)]
    pub fn push<P: Push>() -> Self {
        Self::Push(PushSpec { declaration: P::declaration(), type_id: TypeId::of::<P>() })
    }
}

/// Decodes the payload of an operation.
#[doc(hidden)]
pub fn payload<P: Received>(text: Option<&str>) -> Result<P, String> {
    request::decode(text, Form::Flat)
}

/// Forgets the type of an operation with a reply.
#[doc(hidden)]
pub fn replying<'a, R: serde::Serialize>(future: impl Future<Output = Result<R, Refusal>> + Send + 'a) -> Answer<'a> {
    Box::pin(async move { encode(&future.await?).map(Some) })
}

/// Forgets the type of an operation without a reply.
#[doc(hidden)]
pub fn silent<'a>(future: impl Future<Output = Result<(), Refusal>> + Send + 'a) -> Answer<'a> {
    Box::pin(async move { future.await.map(|()| None) })
}

/// The schema of an operation's payload.
#[doc(hidden)]
pub fn received<P: Received>() -> SchemaOf {
    schema_of::<P>
}

/// The operations and pushes of a server whose state is `S`; made by
/// [`operations!`](crate::operations).
pub struct Operations<S> {
    pub(crate) specs: Vec<OperationSpec>,
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
    /// The operation's name, for the check that a list has no name twice.
    const NAME: &'static str;

    fn spec() -> OperationSpec;
}
