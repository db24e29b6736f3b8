//! What a subscription's stream is made of.

use serde::de::DeserializeOwned;
use topicast::Refusal;

use crate::{
    buffer::{Lost, Queued, Taken},
    envelope::Payload,
    numbering::Gap,
    status::Status,
};

/// One item of a subscription, or of a stream of pushes.
///
/// Only `Update` and `Snapshot` carry values; all else says what the values are worth.
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
    /// The channel's state; updates from here on belong to it.
    Snapshot(U),
    /// Updates are missing here.
    Gap(Gap),
    /// The subscription went live or stale.
    Status(Status),
    /// The server said no. It is asked again by itself if the refusal is retryable; otherwise
    /// this is the last item.
    Refused(Refusal),
    /// The server ended the subscription. It is asked for again by itself if the reason is
    /// retryable; otherwise this is the last item.
    Ended(Refusal),
    /// The reader was too slow, and updates were dropped here: so many, those in gaps that
    /// were dropped with them included; `None` if that cannot be told.
    Lagged(Option<u64>),
    /// An update that is not of the channel's type.
    Unreadable(Unreadable),
}

/// A payload that is not of the declared type.
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
    /// What is wrong with it.
    pub error: String,
    /// The payload as it came.
    pub payload: String,
}

/// An item whose type only the reader knows.
#[derive(Debug, Clone)]
pub(crate) enum RawItem {
    Update(Payload),
    Snapshot(Payload),
    Gap(Gap),
    Status(Status),
    Refused(Refusal),
    Ended(Refusal),
}

impl Queued for RawItem {
    fn lost(&self) -> Lost {
        match self {
            Self::Update(_) => Lost::Values(1),
            // Whoever lacks a snapshot does not know what the updates belong to.
            Self::Snapshot(_) => Lost::Unknown,
            Self::Gap(gap) => gap.missed.map_or(Lost::Unknown, Lost::Values),
            Self::Status(_) | Self::Refused(_) | Self::Ended(_) => Lost::Nothing,
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
