//! The typed rows of a table, and their changes.

use std::{fmt, marker::PhantomData};

use serde::de::DeserializeOwned;
use topicast::{__private::RowKey, Key, Tabular};

use crate::{
    item::{Unreadable, decode},
    table::RawRows,
};

/// A change of a table: an item of a subscription to it.
///
/// In an [`Item::Update`](crate::Item::Update) it holds what changed; the rows that it does not name
/// stay as they are. In an [`Item::Snapshot`](crate::Item::Snapshot) `set` holds all rows in key
/// order, and they replace the rows that were received before.
///
/// ```
/// use std::collections::BTreeMap;
/// use topicast_client::{Change, Item};
///
/// #[derive(Clone)]
/// struct Order { id: String, quantity: u32 }
///
/// /// Applies an item to a copy of the table, which [`current`](topicast_client::Subscription::current)
/// /// makes unnecessary in most programs.
/// fn apply(orders: &mut BTreeMap<String, Order>, item: Item<Change<Order, String>>) {
///     let (Item::Update(change) | Item::Snapshot(change)) = &item else { return };
///     if let Item::Snapshot(_) = &item {
///         orders.clear();
///     }
///     for id in &change.remove {
///         orders.remove(id);
///     }
///     orders.extend(change.set.iter().map(|order| (order.id.clone(), order.clone())));
/// }
/// # let mut orders = BTreeMap::new();
/// # let order = Order { id: "7".into(), quantity: 1 };
/// # apply(&mut orders, Item::Snapshot(Change { set: vec![order], remove: vec![] }));
/// # apply(&mut orders, Item::Update(Change { set: vec![], remove: vec!["7".into()] }));
/// # assert!(orders.values().all(|order| order.quantity > 1));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<R, K> {
    /// The rows that were added or changed.
    pub set: Vec<R>,
    /// The keys of the rows that were removed.
    pub remove: Vec<K>,
}

/// The rows of a table at one moment, by key and in key order.
///
/// The view does not change when updates arrive; [`current`](crate::Subscription::current) returns
/// a newer one. Rows are deserialized when they are read.
///
/// ```no_run
/// # #[topicast::data]
/// # #[derive(Debug)]
/// # pub struct Order { id: String, quantity: u32 }
/// # #[topicast::ws_router(route = "orders", update = Order, table(key = id))]
/// # pub struct Orders { account: String }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = topicast_client::Client::builder("ws://localhost:8000/ws").build()?;
/// let mut orders = client.subscribe(&Orders { account: "me".into() })?;
/// orders.ready().await?;
/// let view = orders.current();
/// println!("{} orders, one of them {:?}", view.len(), view.get(&"7".to_owned())?);
/// for row in view.iter() {
///     let (id, order) = row?;
///     println!("{id}: {}", order.quantity);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Rows<C> {
    rows: RawRows,
    channel: PhantomData<fn(C)>,
}

impl<C> Rows<C> {
    pub(crate) fn new(rows: RawRows) -> Self {
        Self { rows, channel: PhantomData }
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns true if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl<C: Tabular<Update: DeserializeOwned>> Rows<C> {
    /// Returns the row with a key.
    ///
    /// # Errors
    /// Returns an error if the row does not deserialize as the channel's type.
    pub fn get(&self, key: &C::Key) -> Result<Option<C::Update>, Unreadable> {
        // A key that is not valid on the wire is the key of no row.
        let key = key.values().ok().and_then(|values| RowKey::from_values(values).ok());
        key.and_then(|key| self.rows.get(&key)).map(|row| decode(&row.text)).transpose()
    }

    /// Returns the keys and rows, in key order.
    pub fn iter(&self) -> impl Iterator<Item = Result<(C::Key, C::Update), Unreadable>> {
        self.rows.values().map(|row| decode(&row.text).map(|row| (C::key(&row), row)))
    }
}

/// Deserializes the rows, in key order.
pub(crate) fn list<R: DeserializeOwned>(rows: &RawRows) -> Result<Vec<R>, Unreadable> {
    rows.values().map(|row| decode(&row.text)).collect()
}

impl<C> Clone for Rows<C> {
    fn clone(&self) -> Self {
        Self::new(RawRows::clone(&self.rows))
    }
}

impl<C> fmt::Debug for Rows<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rows.values().map(|row| &row.text)).finish()
    }
}
