//! What a subscription delivers, by the kind of its channel.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use topicast::{
    __private::KindFragment,
    Channel, Key, Tabular,
    kind::{Events, Kind, Latest, Table},
};

use crate::{
    envelope::Payload,
    item::{Unreadable, decode, no_rows},
    rows::{Change, Rows, list},
    table::RawRows,
};

/// What a subscription to a channel of this kind delivers. It is implemented for every kind, and is
/// a bound of code that works with subscriptions to any channel:
///
/// ```
/// use futures_util::StreamExt;
/// use topicast::Channel;
/// use topicast_client::{Delivers, Item, Subscription};
///
/// /// Counts the values of a subscription until it ends.
/// async fn count<C: Channel<Kind: Delivers<C>>>(subscription: Subscription<C>) -> usize {
///     let values = subscription.filter(|item| std::future::ready(matches!(item, Item::Update(_))));
///     values.count().await
/// }
/// ```
pub trait Delivers<C: Channel>: Kind {
    /// The value of an item: the update of the channel, or a [`Change`] of a table.
    type Value;

    /// The current state: the last value, or the [`Rows`] of a table.
    type Current;

    #[doc(hidden)]
    fn value(payload: &str) -> Result<Self::Value, Unreadable>;

    #[doc(hidden)]
    fn rows(rows: &RawRows) -> Result<Self::Value, Unreadable>;

    #[doc(hidden)]
    fn current(latest: Option<Payload>, rows: RawRows) -> Self::Current;
}

macro_rules! delivers_updates {
    ($($kind:ident)*) => { $(
        impl<C: Channel<Kind = $kind, Update: DeserializeOwned>> Delivers<C> for $kind {
            type Value = C::Update;
            type Current = Result<Option<C::Update>, Unreadable>;

            fn value(payload: &str) -> Result<C::Update, Unreadable> {
                decode(payload)
            }

            fn rows(rows: &RawRows) -> Result<C::Update, Unreadable> {
                no_rows(rows)
            }

            fn current(latest: Option<Payload>, _: RawRows) -> Self::Current {
                latest.map(|payload| decode(&payload)).transpose()
            }
        }
    )* };
}

delivers_updates! { Events Latest }

/// The payload of a table's update or snapshot.
#[derive(Deserialize)]
#[serde(bound = "R: DeserializeOwned")]
struct WireChange<R> {
    #[serde(default = "Vec::new")]
    set: Vec<R>,
    #[serde(default)]
    remove: Vec<Map<String, Value>>,
}

impl<C: Tabular<Update: DeserializeOwned>> Delivers<C> for Table {
    type Value = Change<C::Update, C::Key>;
    type Current = Rows<C>;

    fn value(payload: &str) -> Result<Self::Value, Unreadable> {
        let WireChange { set, remove } = decode(payload)?;
        let unreadable =
            |error: serde_json::Error| Unreadable { error: error.to_string(), payload: payload.to_owned() };
        let remove = remove.into_iter().map(key::<C>).collect::<Result<_, _>>().map_err(unreadable)?;
        Ok(Change { set, remove })
    }

    fn rows(rows: &RawRows) -> Result<Self::Value, Unreadable> {
        Ok(Change { set: list(rows)?, remove: Vec::new() })
    }

    fn current(_: Option<Payload>, rows: RawRows) -> Rows<C> {
        Rows::new(rows)
    }
}

/// Reads a key from its object.
fn key<C: Tabular>(mut object: Map<String, Value>) -> Result<C::Key, serde_json::Error> {
    let KindFragment::Table { key, .. } = C::FRAGMENT.kind else { return C::Key::from_values(Vec::new()) };
    C::Key::from_values(key.iter().filter_map(|name| object.remove(*name)).collect())
}

/// A kind whose state is rows.
///
/// ```
/// use topicast::Channel;
/// use topicast_client::{HasRows, Subscription, Unreadable};
///
/// fn size<C: Channel<Kind: HasRows, Update: serde::de::DeserializeOwned>>(
///     table: &Subscription<C>,
/// ) -> Result<usize, Unreadable> {
///     Ok(table.rows()?.len())
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a channel of the kind `{Self}` has no rows",
    label = "only a table has rows",
    note = "read the last value with `current()`, or declare the channel with `table(key = …)`"
)]
pub trait HasRows: Kind {}

impl HasRows for Table {}
