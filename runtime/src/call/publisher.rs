//! The publisher of a channel: finds the topic of a request.

use std::{fmt, marker::PhantomData, sync::Arc};

use crate::{
    Channel,
    call::{router::RawTopic, topic::Topic},
    declare::{TopicError, topic},
    topics::{TopicSettings, Topics},
};

/// Publishes the updates of one channel. Returned by [`Server::publisher`](crate::Server::publisher).
///
/// ```
/// # #[topicast::data]
/// # #[derive(Debug, PartialEq)]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// let ws = topicast::Server::builder("Bars", "1.0.0").channels(topicast::channels![Bars]).build()?;
/// let publisher = ws.publisher::<Bars>()?;
/// for symbol in ["AAPL", "MSFT"] {
///     publisher.topic(&Bars { symbol: symbol.into() })?.publish(&Bar { close: 150.5 })?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Publisher<C> {
    topics: Arc<Topics>,
    settings: TopicSettings,
    channel: PhantomData<fn(C)>,
}

impl<C: Channel> Publisher<C> {
    pub(crate) fn new(topics: Arc<Topics>, settings: TopicSettings) -> Self {
        Self { topics, settings, channel: PhantomData }
    }

    /// Returns the topic that this request subscribes to.
    ///
    /// Keep the handle if you publish often. A topic without subscribers and handles keeps its
    /// numbering and its state for the server's [retention](crate::Builder::retention).
    ///
    /// # Errors
    /// When the request has a value that has no canonical form.
    pub fn topic(&self, request: &C) -> Result<Topic<C>, TopicError> {
        let name = topic::topic_of(request)?;
        Ok(Topic::of(RawTopic(self.topics.get_or_create(&name, self.settings))))
    }
}

impl<C> Clone for Publisher<C> {
    fn clone(&self) -> Self {
        Self { topics: Arc::clone(&self.topics), settings: self.settings, channel: PhantomData }
    }
}

impl<C: Channel> fmt::Debug for Publisher<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Publisher({})", C::ROUTE)
    }
}
