//! The items of a subscription's stream.

use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;
use topicast::Refusal;

use crate::{
    buffer::{Buffer, Buffered, Loss},
    envelope::Payload,
    gap::Gap,
    position::Position,
    status::Status,
    table::{Mismatch, RawRows},
};

/// One item of a subscription, or of a stream of pushes.
///
/// `Update` and `Snapshot` carry values; the other variants report on their completeness.
///
/// ```
/// use topicast_client::Item;
///
/// /// Returns the value of an item that has one.
/// fn value<U>(item: Item<U>) -> Option<U> {
///     match item {
///         Item::Update(value) | Item::Snapshot(value) => Some(value),
///         _ => None,
///     }
/// }
/// assert_eq!(value(Item::Update(150.5)), Some(150.5));
/// assert_eq!(value::<f64>(Item::Lagged(Some(3))), None);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Item<U> {
    /// The next update, or push.
    Update(U),
    /// The state of the topic, which replaces what was received before; later updates apply to it.
    Snapshot(U),
    /// Updates are missing here.
    Gap(Gap),
    /// The subscription became live or stale.
    Status(Status),
    /// The server refused the subscription. The client retries by itself if the refusal is
    /// retryable; otherwise this is the last item.
    Refused(Refusal),
    /// The server ended the subscription. The client subscribes again by itself if the reason is
    /// retryable; otherwise this is the last item.
    Ended(Refusal),
    /// The reader was too slow, and this many updates were dropped here, including those of
    /// dropped gaps; `None` if the number is unknown. On `latest` and `table` channels a snapshot
    /// follows, so that nothing is missing after it.
    Lagged(Option<u64>),
    /// The checksum of a table's rows is wrong.
    Mismatch(Mismatch),
    /// An update that does not deserialize as the channel's type.
    Unreadable(Unreadable),
}

/// A payload that does not deserialize as the declared type.
///
/// ```
/// use topicast_client::{Item, Unreadable};
///
/// fn report<U>(item: &Item<U>) {
///     if let Item::Unreadable(Unreadable { error, payload }) = item {
///         eprintln!("{error} in {payload}");
///     }
/// }
/// # report(&Item::Update(1));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The error of the deserialization.
    pub error: String,
    /// The payload, as JSON text.
    pub payload: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value is not of the declared type: {}", self.error)
    }
}

impl std::error::Error for Unreadable {}

/// An item before deserialization; only the reader knows the type.
#[derive(Debug, Clone)]
pub(crate) enum RawItem {
    Update(Payload),
    Snapshot(Payload),
    /// A snapshot of a table.
    Rows(RawRows),
    Gap(Gap),
    Status(Status),
    Refused(Refusal),
    Ended(Refusal),
    Mismatch(Mismatch),
    Unreadable(Unreadable),
}

/// An item, and the topic's position after it.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) item: RawItem,
    pub(crate) position: Option<Position>,
}

/// The buffer of one reader of a topic or of pushes.
pub(crate) type Listener = Arc<Buffer<Delivery>>;

impl From<RawItem> for Delivery {
    fn from(item: RawItem) -> Self {
        Self { item, position: None }
    }
}

impl Buffered for Delivery {
    fn loss(&self) -> Loss {
        match &self.item {
            RawItem::Update(_) | RawItem::Unreadable(_) => Loss::Values(1),
            // Without the snapshot, the state that the updates apply to is unknown.
            RawItem::Snapshot(_) | RawItem::Rows(_) => Loss::Unknown,
            RawItem::Gap(gap) => gap.missed.map_or(Loss::Unknown, Loss::Values),
            RawItem::Status(_) | RawItem::Refused(_) | RawItem::Ended(_) | RawItem::Mismatch(_) => Loss::Nothing,
        }
    }

    fn replaces(&self, earlier: &Self) -> bool {
        std::mem::discriminant(&self.item) == std::mem::discriminant(&earlier.item)
    }
}

impl<V> Item<V> {
    /// Deserializes the value of an item, if it has one.
    pub(crate) fn read(
        item: RawItem,
        decode: fn(&str) -> Result<V, Unreadable>,
        list: fn(&RawRows) -> Result<V, Unreadable>,
    ) -> Self {
        match item {
            RawItem::Update(payload) => decode(&payload).map_or_else(Self::Unreadable, Self::Update),
            RawItem::Snapshot(payload) => decode(&payload).map_or_else(Self::Unreadable, Self::Snapshot),
            RawItem::Rows(rows) => list(&rows).map_or_else(Self::Unreadable, Self::Snapshot),
            RawItem::Gap(gap) => Self::Gap(gap),
            RawItem::Status(status) => Self::Status(status),
            RawItem::Refused(refusal) => Self::Refused(refusal),
            RawItem::Ended(refusal) => Self::Ended(refusal),
            RawItem::Mismatch(mismatch) => Self::Mismatch(mismatch),
            RawItem::Unreadable(unreadable) => Self::Unreadable(unreadable),
        }
    }
}

/// Reports rows where the channel has none.
pub(crate) fn no_rows<V>(_: &RawRows) -> Result<V, Unreadable> {
    Err(Unreadable { error: "the channel is not a table".to_owned(), payload: String::new() })
}

pub(crate) fn decode<U: DeserializeOwned>(payload: &str) -> Result<U, Unreadable> {
    serde_json::from_str(payload).map_err(|error| Unreadable { error: error.to_string(), payload: payload.to_owned() })
}
