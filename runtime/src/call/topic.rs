//! Where updates enter: one topic of a channel.

use std::{fmt, marker::PhantomData, pin::pin};

use futures_util::{Stream, StreamExt as _};
use serde_json::value::RawValue;

use crate::{
    Channel,
    call::router::{RawTopic, Router},
    topics::Feed,
    wire::PublishError,
};

/// One topic of a channel, to publish to.
///
/// Updates reach the subscribers of exactly this topic in the order of publication,
/// whatever threads publish. Publishing enqueues and never waits: there is no
/// acknowledgement, a connection that ends loses what it had not read, and for one that
/// stays behind the channel's [`SlowConsumer`](crate::SlowConsumer) decides.
///
/// ```
/// # #[topicast::data]
/// # #[derive(Debug, PartialEq)]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// # let ws = topicast::Server::builder("Bars", "1.0.0").channels(topicast::channels![Bars]).build()?;
/// let aapl = ws.publisher::<Bars>()?.topic(&Bars { symbol: "AAPL".into() })?;
/// assert_eq!(aapl.name(), r#"bars:{"symbol":"AAPL"}"#);
/// assert_eq!(aapl.subscribers(), 0);
/// aapl.publish(&Bar { close: 150.5 })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Topic<C: ?Sized> {
    raw: RawTopic,
    channel: PhantomData<fn(&C)>,
}

impl<C: Router> Topic<C> {
    /// Publishes an update. Without subscribers it only takes a number.
    ///
    /// # Errors
    /// When the update does not serialize, or has a number that the documents do not allow: NaN,
    /// an infinity, or an integer outside ±(2^53−1). The error names the member. No subscriber
    /// receives anything, and no number is taken.
    pub fn publish(&self, update: &C::Update) -> Result<(), PublishError> {
        C::update(&self.raw, update)
    }
}

impl<C: Channel> Topic<C> {
    /// Publishes a payload that is JSON already, as a relay has it. It is not checked
    /// against the channel's update type.
    pub fn publish_raw(&self, payload: &RawValue) {
        self.raw.0.publish(payload.get().as_bytes());
    }
}

impl<C: ?Sized> Topic<C> {
    pub(crate) fn of(raw: RawTopic) -> Self {
        Self { raw, channel: PhantomData }
    }

    /// The canonical topic.
    pub fn name(&self) -> &str {
        &self.raw.0.name
    }

    /// How many connections are subscribed now.
    pub fn subscribers(&self) -> usize {
        self.raw.0.subscribers()
    }

    /// How many updates were dropped or replaced for subscribers that stayed behind, over
    /// all subscribers, since the epoch began.
    pub fn skipped(&self) -> u64 {
        self.raw.0.skipped()
    }
}

impl<C: ?Sized> Clone for Topic<C> {
    fn clone(&self) -> Self {
        Self { raw: self.raw.clone(), channel: PhantomData }
    }
}

impl<C: ?Sized> fmt::Debug for Topic<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Topic").field(&self.name()).finish()
    }
}

impl Feed {
    /// A stream whose items are published to the topic. An update that the documents do not
    /// allow is logged and left out.
    pub fn stream<C: Router>(topic: Topic<C>, updates: impl Stream<Item = C::Update> + Send + 'static) -> Self {
        Self::task(async move {
            let mut updates = pin!(updates);
            while let Some(update) = updates.next().await {
                if let Err(error) = topic.publish(&update) {
                    tracing::error!(topic = topic.name(), %error, "an update of a feed was not published");
                }
            }
        })
    }
}
