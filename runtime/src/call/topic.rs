//! The handle that publishes to one topic of a channel.

use std::{fmt, marker::PhantomData, pin::pin};

use futures_util::{Stream, StreamExt as _};
use serde_json::value::RawValue;

use crate::{
    Channel,
    call::router::{RawTopic, Router},
    topics::Feed,
    wire::PublishError,
};

/// Publishes to one topic of a channel.
///
/// Updates reach the subscribers of exactly this topic in the order of publication, also when
/// several threads publish. Publishing enqueues an update and never waits for subscribers. There
/// is no acknowledgement. A connection that ends loses the updates that it has not received. The
/// channel's [`SlowConsumer`](crate::SlowConsumer) decides what happens to slow subscribers.
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
    /// Publishes an update. Without subscribers, the topic only counts it in `seq`.
    ///
    /// # Errors
    /// When the update does not serialize, or has a number that the documents do not allow: NaN,
    /// an infinity, or an integer outside ±(2^53−1). The error names the member. No subscriber
    /// receives anything, and `seq` does not change.
    pub fn publish(&self, update: &C::Update) -> Result<(), PublishError> {
        C::update(&self.raw, update)
    }
}

impl<C: Channel> Topic<C> {
    /// Publishes a payload that is already JSON, for example one that a relay received. It is not
    /// checked against the channel's update type.
    pub fn publish_raw(&self, payload: &RawValue) {
        self.raw.0.publish(payload.get().as_bytes());
    }
}

impl<C: ?Sized> Topic<C> {
    pub(crate) fn of(raw: RawTopic) -> Self {
        Self { raw, channel: PhantomData }
    }

    /// Returns the canonical topic.
    pub fn name(&self) -> &str {
        &self.raw.0.name
    }

    /// Returns the number of connections that are subscribed now.
    pub fn subscribers(&self) -> usize {
        self.raw.0.subscribers()
    }

    /// Returns the number of updates that were dropped or replaced for slow subscribers since the
    /// epoch began, summed over all subscribers.
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
    /// Creates a feed that publishes the items of a stream to the topic. It logs and skips an update
    /// that the documents do not allow.
    pub fn stream<C: Router>(topic: Topic<C>, updates: impl Stream<Item = C::Update> + Send + 'static) -> Self {
        Self::task(async move {
            let mut updates = pin!(updates);
            while let Some(update) = updates.next().await {
                if let Err(error) = topic.publish(&update) {
                    tracing::error!(topic = topic.name(), %error, "the feed skipped an update");
                }
            }
        })
    }
}
