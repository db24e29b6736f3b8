//! The items of a subscription's stream.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use topicast::Refusal;

use crate::{
    buffer::{Buffer, Buffered, Loss, Taken},
    envelope::Payload,
    gap::Gap,
    status::Status,
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
    /// The state of the topic; later updates apply to it.
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
    /// dropped gaps; `None` if the number is unknown.
    Lagged(Option<u64>),
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

/// An item before deserialization; only the reader knows the type.
#[derive(Debug, Clone)]
pub(crate) enum RawItem {
    Update(Payload),
    Snapshot(Payload),
    Gap(Gap),
    Status(Status),
    Refused(Refusal),
    Ended(Refusal),
}

/// The buffer of one reader of a topic or of pushes.
pub(crate) type Listener = Arc<Buffer<RawItem>>;

impl Buffered for RawItem {
    fn loss(&self) -> Loss {
        match self {
            Self::Update(_) => Loss::Values(1),
            // Without the snapshot, the state that the updates apply to is unknown.
            Self::Snapshot(_) => Loss::Unknown,
            Self::Gap(gap) => gap.missed.map_or(Loss::Unknown, Loss::Values),
            Self::Status(_) | Self::Refused(_) | Self::Ended(_) => Loss::Nothing,
        }
    }
}

impl<U: DeserializeOwned> From<Taken<RawItem>> for Item<U> {
    fn from(taken: Taken<RawItem>) -> Self {
        let item = match taken {
            Taken::Lagged(lost) => return Self::Lagged(lost),
            Taken::Item(item) => item,
        };
        match item {
            RawItem::Update(payload) => decode(&payload).map_or_else(Self::Unreadable, Self::Update),
            RawItem::Snapshot(payload) => decode(&payload).map_or_else(Self::Unreadable, Self::Snapshot),
            RawItem::Gap(gap) => Self::Gap(gap),
            RawItem::Status(status) => Self::Status(status),
            RawItem::Refused(refusal) => Self::Refused(refusal),
            RawItem::Ended(refusal) => Self::Ended(refusal),
        }
    }
}

pub(crate) fn decode<U: DeserializeOwned>(payload: &str) -> Result<U, Unreadable> {
    serde_json::from_str(payload).map_err(|error| Unreadable { error: error.to_string(), payload: payload.to_owned() })
}
