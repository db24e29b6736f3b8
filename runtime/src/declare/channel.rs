//! What a declaration is to the compiler: the traits that the attributes implement.

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::declare::{
    declaration::{ChannelDeclaration, PushDeclaration, SchemaOf},
    subject::SubjectText,
};

/// A real-time channel: the type is the request that clients subscribe with.
///
/// Implemented by [`#[ws_router]`](crate::ws_router), never by hand: the attribute
/// also checks what a trait cannot, such as the names on the wire.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a channel",
    label = "not declared with `#[ws_router]`",
    note = "put `#[ws_router(route = \"…\", update = …)]` on the struct that clients subscribe with"
)]
pub trait Channel: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What subscribers receive.
    type Update: Serialize + JsonSchema + Send + Sync + 'static;

    /// The first part of every topic and operation of this channel.
    const ROUTE: &'static str;

    /// The row that documents are made of.
    #[doc(hidden)]
    fn declaration() -> ChannelDeclaration;

    /// The wire name and schema of the field that replies echo.
    #[doc(hidden)]
    fn subject_field() -> Option<(&'static str, SchemaOf)>;

    /// The value that replies echo.
    #[doc(hidden)]
    fn subject(&self) -> Option<SubjectText>;
}

/// A message that the server sends of its own accord, to one session or to all.
///
/// Implemented by [`#[ws_push]`](crate::ws_push).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a push",
    label = "not declared with `#[ws_push]`",
    note = "put `#[ws_push(\"name\")]` on the struct that is sent"
)]
pub trait Push: Serialize + JsonSchema + Send + Sync + 'static {
    /// The `type` of the message.
    const NAME: &'static str;

    /// The row that documents are made of.
    #[doc(hidden)]
    fn declaration() -> PushDeclaration;
}

/// Whether a server can send values of `T`: updates, pushes and replies.
///
/// Implemented for everything that has what it takes. Expansions write
/// `<Wire as Sends<Bar>>::Type` for `Bar`, and `do_not_recommend` stands here, so that the
/// compiler says in our words that a type cannot be sent rather than which trait it lacks
/// first. `T` is not `Self`, as of two traits of one type the compiler names the wrong one.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot be sent to clients",
    label = "lacks what an update, a push or a reply needs",
    note = "put `#[topicast::data]` on it; needed are serde's `Serialize`, schemars' `JsonSchema`, `Send`, `Sync` and `'static`"
)]
pub trait Sends<T> {
    /// `T` itself.
    type Type: Serialize + JsonSchema + Send + Sync + 'static;
}

/// What [`Sends`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Wire;

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema + Send + Sync + 'static> Sends<T> for Wire {
    type Type = T;
}

/// A type whose values clients send as the payload of an operation.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the payload of an operation",
    label = "lacks what a payload needs",
    note = "put `#[topicast::data]` on it; needed are serde's `Deserialize`, schemars' `JsonSchema`, `Send` and `'static`"
)]
pub trait Received: DeserializeOwned + JsonSchema + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema + Send + 'static> Received for T {}

/// A type that a field of a request can have.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a channel's field",
    label = "lacks what a field needs",
    note = "put `#[topicast::data]` on it; needed are serde's `Serialize` and `Deserialize`, schemars' `JsonSchema`, `Send`, `Sync` and `'static`"
)]
pub trait Field: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static> Field for T {}

/// What an application's state must be.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of a server",
    label = "is shared between threads",
    note = "needed are `Send`, `Sync` and `'static`"
)]
pub trait State: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> State for T {}
