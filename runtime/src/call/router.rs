//! What the expansion of a channel gives a server: three handlers, and the one function behind each.

use std::{any::Any, pin::Pin, sync::Arc};

use serde::Serialize;

use crate::{
    Channel,
    declare::{Fragment, SubjectText, topic},
    topics::LiveTopic,
    wire::{Form, PublishError, payload, request},
};

/// A channel that a server can serve: its handlers, with nothing generic left in them.
///
/// Implemented by [`#[ws_router]`](crate::ws_router), never by hand. Code that publishes to any
/// channel asks for it:
///
/// ```
/// fn publish_all<C: topicast::Router>(topic: &topicast::Topic<C>, updates: &[C::Update]) {
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
pub trait Router: Channel {
    /// Answers `R.subscribe`.
    #[doc(hidden)]
    fn subscribe<'a>(call: Call<'a>, text: Text<'a>) -> Handled<'a>;

    /// Answers `R.unsubscribe`.
    #[doc(hidden)]
    fn unsubscribe(call: Call<'_>, text: Text<'_>) -> Done;

    /// Publishes `R.update`.
    #[doc(hidden)]
    fn update(topic: &RawTopic, update: &Self::Update) -> Published;
}

/// A future of the user's, with its type forgotten.
pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An answer under way; the error is a fault of form, as the client reads it.
#[doc(hidden)]
pub type Handled<'a> = Result<Pending<'a, ()>, String>;

/// An answer given; the error is a fault of form, as the client reads it.
#[doc(hidden)]
pub type Done = Result<(), String>;

/// What becomes of an update.
#[doc(hidden)]
pub type Published = Result<(), PublishError>;

/// The handler of `R.subscribe`.
pub(crate) type Subscribe = for<'a> fn(Call<'a>, Text<'a>) -> Handled<'a>;

/// The handler of `R.unsubscribe`.
pub(crate) type Unsubscribe = for<'a> fn(Call<'a>, Text<'a>) -> Done;

/// A request with its type forgotten; only the hooks of the same row look inside.
pub(crate) type AnyRequest = dyn Any + Send + Sync;

/// The payload of a client's message, not yet decoded.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    pub(crate) payload: Option<&'a str>,
    pub(crate) form: Form,
}

/// A channel's request with its type forgotten, and what the runtime needs of it.
#[doc(hidden)]
pub struct Decoded {
    pub(crate) request: Box<AnyRequest>,
    pub(crate) topic: String,
    pub(crate) subject: Option<SubjectText>,
}

/// One request of one session, as a handler passes it on.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Call<'a>(pub(crate) &'a dyn Answers);

/// What answers a request once it is decoded.
pub(crate) trait Answers: Sync {
    fn subscribe(&self, fragment: &'static Fragment, decoded: Decoded) -> Pending<'_, ()>;

    fn unsubscribe(&self, fragment: &'static Fragment, decoded: Decoded);
}

/// A topic that has forgotten its channel's type.
#[doc(hidden)]
#[derive(Clone)]
pub struct RawTopic(pub(crate) Arc<LiveTopic>);

/// Decodes the request of a channel.
///
/// # Errors
/// What was wrong and where, for the client to read.
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

/// Encodes an update and hands it to the topic's subscribers.
///
/// # Errors
/// When the documents do not allow the update; no subscriber receives anything.
#[doc(hidden)]
pub fn update<U: Serialize>(topic: &RawTopic, update: &U) -> Published {
    // Without subscribers nothing is encoded. The update is looked at all the same, so that
    // whether it may be published does not depend on who listens.
    if topic.0.subscribers() == 0 {
        payload::check(update)?;
        if topic.0.skip_if_empty() {
            return Ok(());
        }
    }
    payload::with_encoded(update, |bytes| topic.0.publish(bytes)).map_err(PublishError::from)
}
