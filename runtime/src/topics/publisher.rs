//! Where updates enter: a publisher of a channel, and its topics.

use std::{fmt, marker::PhantomData, pin::pin, sync::Arc};

use futures_util::{Stream, StreamExt as _};
use serde_json::value::RawValue;

use crate::{
    Channel,
    call::{RawTopic, Router},
    declare::{TopicError, topic},
    topics::{
        feed::Feed,
        registry::{TopicSettings, Topics},
    },
    wire::PublishError,
};

/// Publishes the updates of one channel; from [`Server::publisher`](crate::Server::publisher).
pub struct Publisher<C> {
    topics: Arc<Topics>,
    kind: TopicSettings,
    channel: PhantomData<fn(C)>,
}

impl<C: Channel> Publisher<C> {
    pub(crate) fn new(topics: Arc<Topics>, kind: TopicSettings) -> Self {
        Self { topics, kind, channel: PhantomData }
    }

    /// The topic that this request subscribes to.
    ///
    /// Keep the handle when you publish often, and for as long as the topic's numbering
    /// shall go on: a topic that nobody subscribes to and nobody holds begins a new epoch.
    ///
    /// # Errors
    /// When the request has a value that has no canonical form.
    pub fn topic(&self, request: &C) -> Result<Topic<C>, TopicError> {
        let name = topic::topic_of(request)?;
        Ok(Topic::of(RawTopic(self.topics.get_or_create(&name, self.kind))))
    }
}

impl<C> Clone for Publisher<C> {
    fn clone(&self) -> Self {
        Self { topics: Arc::clone(&self.topics), kind: self.kind, channel: PhantomData }
    }
}

impl<C: Channel> fmt::Debug for Publisher<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Publisher({})", C::ROUTE)
    }
}

/// One topic of a channel, to publish to.
///
/// Updates reach the subscribers of exactly this topic in the order of publication,
/// whatever threads publish. Publishing enqueues and never waits: there is no
/// acknowledgement, a connection that ends loses what it had not read, and for one that
/// stays behind the channel's [`SlowConsumer`](crate::SlowConsumer) decides.
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
