//! The handle that publishes to one topic of a channel.

use std::{fmt, marker::PhantomData, pin::pin};

use futures_util::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{
    Channel, Key as _, Tabular,
    call::{
        router::{RawTopic, Router},
        rows::{Rows, encode_row},
    },
    declare::{
        RowKey,
        kind::{Latest, Publishes},
    },
    topics::{Content, Feed},
    wire::{Position, PublishError},
};

/// Publishes to one topic of a channel.
///
/// Updates reach the subscribers of exactly this topic in the order of publication, also when
/// several threads publish. Publishing enqueues an update and never waits for subscribers. There
/// is no acknowledgement. What a subscriber receives that does not keep up, or that returns,
/// depends on the channel's [kind](crate::kind).
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
    /// Publishes an event, or the new value of a `latest` topic. Without subscribers, a topic
    /// without history only counts an event in `seq`.
    ///
    /// # Errors
    /// When the update does not serialize, or has a number that the documents do not allow: NaN,
    /// an infinity, or an integer outside ±(2^53−1). The error names the member. When the value of a
    /// `latest` topic exceeds [`Limits::retained_bytes`](crate::Limits::retained_bytes). No
    /// subscriber receives anything, and `seq` does not change.
    pub fn publish(&self, update: &C::Update) -> Result<(), PublishError>
    where
        C::Kind: Publishes,
    {
        C::update(&self.raw, update)
    }
}

impl<C: Channel> Topic<C> {
    /// Publishes a payload that is already JSON, for example one that a relay received. It is not
    /// checked against the channel's update type.
    ///
    /// # Errors
    /// When the value of a `latest` topic exceeds
    /// [`Limits::retained_bytes`](crate::Limits::retained_bytes).
    pub fn publish_raw(&self, payload: &RawValue) -> Result<(), PublishError>
    where
        C::Kind: Publishes,
    {
        self.raw.0.publish(payload.get().as_bytes())
    }
}

impl<C: Channel> Topic<C> {
    /// Returns the current value of a `latest` topic, if it has one.
    ///
    /// # Errors
    /// When the value, published as JSON, is not of the channel's update type.
    ///
    /// ```
    /// # #[topicast::data]
    /// # #[derive(Debug, PartialEq)]
    /// # pub struct Quote { bid: f64 }
    /// # #[topicast::ws_router(route = "quotes", update = Quote, latest)]
    /// # pub struct Quotes { symbol: String }
    /// # let ws = topicast::Server::builder("Quotes", "1.0.0").channels(topicast::channels![Quotes]).build()?;
    /// let aapl = ws.publisher::<Quotes>()?.topic(&Quotes { symbol: "AAPL".into() })?;
    /// assert_eq!(aapl.get()?, None);
    /// aapl.publish(&Quote { bid: 150.5 })?;
    /// assert_eq!(aapl.get()?, Some(Quote { bid: 150.5 }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(&self) -> Result<Option<C::Update>, serde_json::Error>
    where
        C: Channel<Kind = Latest, Update: DeserializeOwned>,
    {
        let value = self.raw.0.read(|content| match content {
            Content::Latest(latest) => latest.value().cloned(),
            Content::Events(_) | Content::Table(_) => None,
        });
        value.map(|value| serde_json::from_slice(&value)).transpose()
    }
}

impl<C: Channel> Topic<C> {
    /// Changes rows of a table. All changes have one number and reach subscribers in one message.
    /// Changes that change nothing are not sent.
    ///
    /// # Errors
    /// The error that `change` returns. When a row cannot be part of the table, the table would
    /// exceed [`Limits::table_bytes`](crate::Limits::table_bytes), or all topics
    /// [`Limits::retained_bytes`](crate::Limits::retained_bytes). Nothing changes then.
    ///
    /// ```
    /// # #[topicast::data]
    /// # #[derive(Debug, PartialEq)]
    /// # pub struct Order { id: String, quantity: u32 }
    /// # #[topicast::ws_router(route = "orders", update = Order, table(key = id))]
    /// # pub struct Orders { account: String }
    /// # let ws = topicast::Server::builder("Orders", "1.0.0").channels(topicast::channels![Orders]).build()?;
    /// let orders = ws.publisher::<Orders>()?.topic(&Orders { account: "A".into() })?;
    /// orders.update(|rows| {
    ///     rows.set(&Order { id: "1".into(), quantity: 10 })?;
    ///     rows.set(&Order { id: "2".into(), quantity: 20 })
    /// })?;
    /// orders.update(|rows| rows.remove(&"1".into()))?;
    /// assert_eq!(orders.rows()?, [Order { id: "2".into(), quantity: 20 }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update(&self, change: impl FnOnce(&mut Rows<C>) -> Result<(), PublishError>) -> Result<(), PublishError>
    where
        C: Tabular,
    {
        let mut rows = Rows::new();
        change(&mut rows)?;
        self.raw.0.edit(rows.into_edits())
    }

    /// Replaces all rows of a table. Subscribers receive the smallest difference.
    ///
    /// # Errors
    /// When two rows have the same key, and as [`update`](Self::update). Nothing changes then.
    ///
    /// ```
    /// # #[topicast::data]
    /// # pub struct Order { id: String, quantity: u32 }
    /// # #[topicast::ws_router(route = "orders", update = Order, table(key = id))]
    /// # pub struct Orders { account: String }
    /// # let ws = topicast::Server::builder("Orders", "1.0.0").channels(topicast::channels![Orders]).build()?;
    /// let orders = ws.publisher::<Orders>()?.topic(&Orders { account: "A".into() })?;
    /// orders.replace(&[Order { id: "1".into(), quantity: 10 }])?;
    /// assert_eq!(orders.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replace<'a>(&self, rows: impl IntoIterator<Item = &'a C::Update>) -> Result<(), PublishError>
    where
        C: Tabular,
    {
        let rows = rows.into_iter().map(encode_row::<C>).collect::<Result<_, _>>()?;
        self.raw.0.replace(rows)
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize
    where
        C: Tabular,
    {
        self.raw.0.read(|content| match content {
            Content::Table(table) => table.len(),
            Content::Events(_) | Content::Latest(_) => 0,
        })
    }

    /// Returns true if the table has no rows.
    pub fn is_empty(&self) -> bool
    where
        C: Tabular,
    {
        self.len() == 0
    }

    /// Returns the rows in the order of their keys.
    ///
    /// # Errors
    /// When a row does not deserialize as the channel's update type.
    pub fn rows(&self) -> Result<Vec<C::Update>, serde_json::Error>
    where
        C: Tabular<Update: DeserializeOwned>,
    {
        // The clone is a version that never changes, so publishers do not wait for the rest.
        let table = self.raw.0.read(|content| match content {
            Content::Table(table) => Some(table.clone()),
            Content::Events(_) | Content::Latest(_) => None,
        });
        let Some(table) = table else { return Ok(Vec::new()) };
        table.rows().map(|(_, row)| serde_json::from_slice(row)).collect()
    }

    /// Returns the row with a key, if there is one.
    ///
    /// # Errors
    /// When the key does not serialize, or the row does not deserialize.
    pub fn row(&self, key: &C::Key) -> Result<Option<C::Update>, serde_json::Error>
    where
        C: Tabular<Update: DeserializeOwned>,
    {
        let key = RowKey::from_values(key.values()?).map_err(serde::ser::Error::custom)?;
        let row = self.raw.0.read(|content| match content {
            Content::Table(table) => table.get(&key).cloned(),
            Content::Events(_) | Content::Latest(_) => None,
        });
        row.map(|row| serde_json::from_slice(&row)).transpose()
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

    /// Returns the position after the newest update.
    ///
    /// A client that subscribes with it as `recover` receives every later update, or
    /// `"recovered": false` if the server cannot send them all. So an application can return a
    /// position with data that it sends by other means. The data must include every update up to
    /// the position: read the position first, or publish and read under one lock.
    ///
    /// ```
    /// # #[topicast::data]
    /// # pub struct Bar { close: f64 }
    /// # #[topicast::ws_router(route = "bars", update = Bar, history(count = 500))]
    /// # pub struct Bars { symbol: String }
    /// # let ws = topicast::Server::builder("Bars", "1.0.0").channels(topicast::channels![Bars]).build()?;
    /// let aapl = ws.publisher::<Bars>()?.topic(&Bars { symbol: "AAPL".into() })?;
    /// let before = aapl.position();
    /// aapl.publish(&Bar { close: 150.5 })?;
    /// assert_eq!(before.seq, 0);
    /// assert_eq!(aapl.position(), topicast::Position { seq: 1, ..before });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn position(&self) -> Position {
        self.raw.0.position()
    }

    /// Returns the number of updates that were dropped or merged for slow subscribers since the
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
    pub fn stream<C: Router<Kind: Publishes>>(
        topic: Topic<C>,
        updates: impl Stream<Item = C::Update> + Send + 'static,
    ) -> Self {
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
