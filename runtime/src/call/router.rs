//! The three handlers that a channel's expansion provides, and the function that each calls.

use std::{any::Any, pin::Pin, sync::Arc};

use serde::Serialize;

use crate::{
    Channel,
    call::hooked::Hooked,
    declare::{Fragment, SubjectText, topic},
    topics::Lease,
    wire::{Form, PublishError, payload, request},
};

/// A channel that a server can list, with its type-erased handlers.
///
/// Implemented by [`#[ws_router]`](crate::ws_router), never by hand. Use it as the bound of code
/// that publishes to any channel:
///
/// ```
/// fn publish_all<C: topicast::Router<Kind: topicast::kind::Publishes>>(topic: &topicast::Topic<C>, updates: &[C::Update]) {
///     for update in updates {
///         topic.publish(update).expect("the documents allow it");
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a channel",
    label = "not declared with `#[ws_router]`",
    note = "put `#[ws_router(route = \"…\", update = …)]` on the struct that clients subscribe with"
)]
pub trait Router: Channel<Kind: Hooked> {
    /// Handles `R.subscribe`.
    #[doc(hidden)]
    fn subscribe<'a>(call: Call<'a>, text: Text<'a>) -> Handled<'a>;

    /// Handles `R.unsubscribe`.
    #[doc(hidden)]
    fn unsubscribe(call: Call<'_>, text: Text<'_>) -> Done;

    /// Publishes `R.update`: an event, a value, or a row of a table.
    #[doc(hidden)]
    fn update(topic: &RawTopic, update: &Self::Update) -> Published;
}

/// A boxed future of the application's code.
pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The future that answers a request. The error is the message of a fault of form.
#[doc(hidden)]
pub type Handled<'a> = Result<Pending<'a, ()>, String>;

/// The result of a request that is answered at once. The error is the message of a fault of form.
#[doc(hidden)]
pub type Done = Result<(), String>;

/// The result of publishing an update.
#[doc(hidden)]
pub type Published = Result<(), PublishError>;

/// The handler of `R.subscribe`.
pub(crate) type Subscribe = for<'a> fn(Call<'a>, Text<'a>) -> Handled<'a>;

/// The handler of `R.unsubscribe`.
pub(crate) type Unsubscribe = for<'a> fn(Call<'a>, Text<'a>) -> Done;

/// A type-erased request, which only the hooks of the same row downcast.
pub(crate) type AnyRequest = dyn Any + Send + Sync;

/// Returns the request that a row's decoder made.
pub(crate) fn typed<C: Channel>(request: &AnyRequest) -> &C {
    request.downcast_ref().expect("a row's hooks see only requests that its own decoder made")
}

/// The payload of a client's message, not yet decoded.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    pub(crate) payload: Option<&'a str>,
    pub(crate) form: Form,
}

/// A channel's type-erased request, with its topic and its subject.
#[doc(hidden)]
pub struct Decoded {
    pub(crate) request: Box<AnyRequest>,
    pub(crate) topic: String,
    pub(crate) subject: Option<SubjectText>,
}

/// One request of one session, which the handlers pass to the runtime.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Call<'a>(pub(crate) &'a dyn Answers);

/// Answers decoded requests.
pub(crate) trait Answers: Sync {
    fn subscribe(&self, fragment: &'static Fragment, decoded: Decoded) -> Pending<'_, ()>;

    fn unsubscribe(&self, fragment: &'static Fragment, decoded: Decoded);
}

/// A topic without its channel's type.
#[doc(hidden)]
#[derive(Clone)]
pub struct RawTopic(pub(crate) Arc<Lease>);

/// Decodes the request of a channel.
///
/// # Errors
/// A message that names the fault and its place, for the client.
#[doc(hidden)]
pub fn decode<C: Channel>(text: Text<'_>) -> Result<Decoded, String> {
    let request: C = request::decode(text.payload, text.form)?;
    let topic = topic::topic_of(&request).map_err(|error| error.to_string())?;
    Ok(Decoded { subject: request.subject(), request: Box::new(request), topic })
}

/// Subscribes the session to the topic of its request, and replies.
#[doc(hidden)]
pub fn subscribe<'a>(call: Call<'a>, fragment: &'static Fragment, decoded: Decoded) -> Handled<'a> {
    Ok(call.0.subscribe(fragment, decoded))
}

/// Ends the session's subscription to the topic of its request, and replies.
#[doc(hidden)]
pub fn unsubscribe(call: Call<'_>, fragment: &'static Fragment, decoded: Decoded) -> Done {
    call.0.unsubscribe(fragment, decoded);
    Ok(())
}

/// Encodes an update and publishes it to the topic's subscribers.
///
/// # Errors
/// When the documents do not allow the update; no subscriber receives anything.
#[doc(hidden)]
pub fn update<U: Serialize>(topic: &RawTopic, update: &U) -> Published {
    // An update that nobody receives or keeps is checked but not encoded, so that the result does
    // not depend on whether the topic has subscribers.
    if topic.0.subscribers() == 0 && !topic.0.retains() {
        payload::check(update)?;
        if topic.0.skip_if_empty() {
            return Ok(());
        }
    }
    payload::with_encoded(update, |bytes| topic.0.publish(bytes))?
}
