//! The traits that the attributes implement.

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::declare::{
    fragment::{Fragment, OperationFragment, PushFragment, schema_of},
    kind::Kind,
    subject::SubjectText,
};

/// A real-time channel: the type is the request that clients subscribe with.
///
/// Implemented by [`#[ws_router]`](crate::ws_router), never by hand: the attribute
/// also checks what a trait cannot, such as the names on the wire.
///
/// ```
/// use topicast::Channel;
///
/// #[topicast::data]
/// pub struct Bar { pub close: f64 }
///
/// #[topicast::ws_router(route = "bars", update = Bar)]
/// pub struct Bars { pub symbol: String }
///
/// fn subscribe<C: Channel>(request: &C) -> String {
///     serde_json::json!({ "type": format!("{}.subscribe", C::ROUTE), "payload": request }).to_string()
/// }
/// let sent = subscribe(&Bars { symbol: "AAPL".into() });
/// assert_eq!(sent, r#"{"type":"bars.subscribe","payload":{"symbol":"AAPL"}}"#);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a channel",
    label = "not declared with `#[ws_router]`",
    note = "put `#[ws_router(route = \"…\", update = …)]` on the struct that clients subscribe with"
)]
pub trait Channel: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What subscribers receive: an event, a value, or a row of a table.
    type Update: Serialize + JsonSchema + Send + Sync + 'static;

    /// What an update means: [`Events`](crate::kind::Events), [`Latest`](crate::kind::Latest) or
    /// [`Table`](crate::kind::Table).
    type Kind: Kind;

    /// The channel's wire names and its documentation.
    #[doc(hidden)]
    const FRAGMENT: &'static Fragment;

    /// The first part of every topic and operation of this channel.
    const ROUTE: &'static str = Self::FRAGMENT.route;

    /// Returns the value that replies echo.
    #[doc(hidden)]
    fn subject(&self) -> Option<SubjectText>;
}

/// A message that the server sends unasked, to one session or to all.
///
/// Implemented by [`#[ws_push]`](crate::ws_push).
///
/// ```
/// use topicast::Push;
///
/// #[topicast::ws_push("notice")]
/// pub struct Notice { pub text: String }
///
/// assert_eq!(Notice::NAME, "notice");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a push",
    label = "not declared with `#[ws_push]`",
    note = "put `#[ws_push(\"name\")]` on the struct that the server sends"
)]
pub trait Push: Serialize + JsonSchema + Send + Sync + 'static {
    /// The push's wire name and its documentation.
    #[doc(hidden)]
    const FRAGMENT: &'static PushFragment;

    /// The `type` of the message.
    const NAME: &'static str = Self::FRAGMENT.name;
}

/// A plain operation as its clients see it: its payload, its reply and its wire names.
///
/// [`#[ws_operation]`](crate::ws_operation) implements it for a type with the function's name. The
/// type also exists without the feature `server`; the function does not.
///
/// ```
/// use topicast::{Cx, Refusal, Request};
///
/// #[topicast::data]
/// pub struct Order { pub symbol: String }
///
/// #[topicast::data]
/// pub struct Placed { pub number: u32 }
///
/// #[topicast::ws_operation("orders.place", reply = "orders.place.response")]
/// pub async fn place(_: &Cx<'_>, _: Order) -> Result<Placed, Refusal> {
///     Ok(Placed { number: 1 })
/// }
///
/// fn message<O: Request<Payload: serde::Serialize>>(payload: &O::Payload) -> String {
///     serde_json::json!({ "type": O::NAME, "payload": payload }).to_string()
/// }
/// let sent = message::<place>(&Order { symbol: "AAPL".into() });
/// assert_eq!(sent, r#"{"type":"orders.place","payload":{"symbol":"AAPL"}}"#);
/// assert_eq!(place::REPLY, Some("orders.place.response"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an operation",
    label = "not declared with `#[ws_operation]`",
    note = "put `#[ws_operation(\"name\")]` on the function that handles it"
)]
pub trait Request {
    /// What clients send; `()` if the operation ignores its payload.
    type Payload;

    /// What clients receive; `()` without a reply.
    type Reply;

    /// The operation's wire names and its documentation.
    #[doc(hidden)]
    const FRAGMENT: &'static OperationFragment;

    /// The `type` of the request.
    const NAME: &'static str = Self::FRAGMENT.name;

    /// The `type` of the reply, if there is one.
    const REPLY: Option<&'static str> = Self::FRAGMENT.reply;
}

/// Implemented if a server can send values of `T` as updates, pushes or replies.
///
/// A blanket implementation covers every type that meets the bounds. Expansions write
/// `<Wire as Sends<Bar>>::Type` for `Bar`. With `do_not_recommend`, the compiler reports the
/// message below instead of the first bound that the type lacks. `T` is not `Self`, because
/// with two traits on one type the compiler reports the wrong one.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot be sent to clients",
    label = "does not implement what an update, a push or a reply requires",
    note = "put `#[topicast::data]` on it; required are serde's `Serialize`, schemars' `JsonSchema`, `Send`, `Sync` and `'static`"
)]
pub trait Sends<T> {
    /// `T` itself.
    type Type: Serialize + JsonSchema + Send + Sync + 'static;
}

/// The type that implements [`Sends`].
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
    label = "does not implement what a payload requires",
    note = "put `#[topicast::data]` on it; required are serde's `Deserialize`, schemars' `JsonSchema`, `Send` and `'static`"
)]
pub trait Received: DeserializeOwned + JsonSchema + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema + Send + 'static> Received for T {}

/// Returns the schema of an operation's payload. The compiler reports an unsuitable payload type here.
#[doc(hidden)]
pub fn received<T: Received>(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schema_of::<T>(generator)
}

/// A type that a field of a request can have.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a channel's field",
    label = "does not implement what a field requires",
    note = "a type of your own: put `#[topicast::data]` on it",
    note = "a type of another crate: enable the feature of schemars for it, as in `schemars = {{ version = \"1\", features = [\"chrono04\"] }}` (`jiff02` for jiff, `uuid1` for uuid, `rust_decimal1` for rust_decimal; for the `time` crate there is none: give the field `#[serde(with = …)]` and `#[schemars(with = \"String\")]`)",
    note = "required are serde's `Serialize` and `Deserialize`, schemars' `JsonSchema`, `Send`, `Sync` and `'static`"
)]
pub trait Field: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static> Field for T {}

/// A type that a field of a payload can have.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a message",
    label = "does not implement what a message requires",
    note = "a type of your own: put `#[topicast::data]` on it",
    note = "a type of another crate: enable the feature of schemars for it, as in `schemars = {{ version = \"1\", features = [\"chrono04\"] }}` (`jiff02` for jiff, `uuid1` for uuid, `rust_decimal1` for rust_decimal; for the `time` crate there is none: give the field `#[serde(with = …)]` and `#[schemars(with = \"String\")]`)",
    note = "required are serde's `Serialize` and `Deserialize` and schemars' `JsonSchema`"
)]
pub trait Carried: Serialize + DeserializeOwned + JsonSchema {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + JsonSchema> Carried for T {}

/// A type that can be the application's state.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of a server",
    label = "cannot be shared between threads",
    note = "required are `Send`, `Sync` and `'static`"
)]
pub trait State: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> State for T {}
