//! Where updates enter: a publisher of a channel, and its topics.

use std::{cell::RefCell, fmt, marker::PhantomData, sync::Arc};

use serde_json::value::RawValue;

use crate::{
    Channel,
    declare::{TopicError, topic},
    topics::registry::{LiveTopic, TopicSettings, Topics},
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
        Ok(RawTopic(self.topics.get_or_create(&name, self.kind)).typed())
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
    entry: Arc<LiveTopic>,
    channel: PhantomData<fn(&C)>,
}

impl<C: Channel> Topic<C> {
    /// Publishes an update. Without subscribers it only takes a number.
    ///
    /// # Errors
    /// When the update does not serialize; nobody was sent anything.
    pub fn publish(&self, update: &C::Update) -> Result<(), PublishError> {
        thread_local! {
            /// Encoding needs no allocation of its own; a huge update's is given back.
            static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        const KEEP: usize = 64 * 1024;

        if self.entry.skip_if_empty() {
            return Ok(());
        }
        // A Serialize implementation may itself publish, so the buffer is taken, not borrowed.
        let mut payload = SCRATCH.take();
        payload.clear();
        let encoded = serde_json::to_writer(&mut payload, update);
        if encoded.is_ok() {
            self.entry.publish(&payload);
        }
        payload.shrink_to(KEEP);
        SCRATCH.set(payload);
        encoded.map_err(PublishError)
    }

    /// Publishes a payload that is JSON already, as a relay has it. It is not checked
    /// against the channel's update type.
    pub fn publish_raw(&self, payload: &RawValue) {
        self.entry.publish(payload.get().as_bytes());
    }
}

impl<C: ?Sized> Topic<C> {
    /// The canonical topic.
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// How many connections are subscribed now.
    pub fn subscribers(&self) -> usize {
        self.entry.subscribers()
    }

    /// How many updates were dropped or replaced for subscribers that stayed behind, over
    /// all subscribers, since the epoch began.
    pub fn skipped(&self) -> u64 {
        self.entry.skipped()
    }
}

impl<C: ?Sized> Clone for Topic<C> {
    fn clone(&self) -> Self {
        Self { entry: Arc::clone(&self.entry), channel: PhantomData }
    }
}

impl<C: ?Sized> fmt::Debug for Topic<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Topic").field(&self.name()).finish()
    }
}

/// A topic that has forgotten its channel's type.
pub(crate) struct RawTopic(pub(crate) Arc<LiveTopic>);

impl RawTopic {
    pub(crate) fn typed<C: ?Sized>(self) -> Topic<C> {
        Topic { entry: self.0, channel: PhantomData }
    }
}

/// An update that does not serialize.
#[derive(Debug)]
pub struct PublishError(serde_json::Error);

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the update does not serialize: {}", self.0)
    }
}

impl std::error::Error for PublishError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
