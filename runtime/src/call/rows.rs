//! Changes of a table's rows.

use std::marker::PhantomData;

use bytes::Bytes;

use crate::{
    Key, Tabular,
    call::router::{Published, RawTopic},
    declare::RowKey,
    topics::Edit,
    wire::{PublishError, payload},
};

/// The changes of one [`Topic::update`](crate::Topic::update).
///
/// ```
/// # #[topicast::data]
/// # pub struct Order { id: String, quantity: u32 }
/// # #[topicast::ws_router(route = "orders", update = Order, table(key = id))]
/// # pub struct Orders { account: String }
/// fn fill(topic: &topicast::Topic<Orders>, new: &Order, done: &String) -> Result<(), topicast::PublishError> {
///     topic.update(|rows| {
///         rows.set(new)?;
///         rows.remove(done)
///     })
/// }
/// ```
#[derive(Debug)]
pub struct Rows<C> {
    edits: Vec<Edit>,
    channel: PhantomData<fn(C)>,
}

impl<C> Rows<C> {
    pub(crate) fn new() -> Self {
        Self { edits: Vec::new(), channel: PhantomData }
    }

    pub(crate) fn into_edits(self) -> Vec<Edit> {
        self.edits
    }
}

impl<C: Tabular> Rows<C> {
    /// Adds a row, or replaces the row with the same key.
    ///
    /// # Errors
    /// When the row does not serialize, or has a number that the documents do not allow.
    pub fn set(&mut self, row: &C::Update) -> Result<(), PublishError> {
        let (key, row) = encode_row::<C>(row)?;
        self.edits.push(Edit::Set { key, row });
        Ok(())
    }

    /// Removes the row with a key: the value of the key field, or a tuple of several. Removing a
    /// row that does not exist changes nothing.
    ///
    /// # Errors
    /// When the key does not serialize.
    pub fn remove(&mut self, key: &C::Key) -> Result<(), PublishError> {
        self.edits.push(Edit::Remove { key: row_key(key)? });
        Ok(())
    }
}

/// Sets one row of a table and publishes the change.
///
/// # Errors
/// When the documents do not allow the row; no subscriber receives anything.
#[doc(hidden)]
pub fn update_row<C: Tabular>(topic: &RawTopic, row: &C::Update) -> Published {
    let (key, row) = encode_row::<C>(row)?;
    topic.0.edit(vec![Edit::Set { key, row }])
}

fn row_key(key: &impl Key) -> Result<RowKey, PublishError> {
    let values = key.values().map_err(PublishError::table)?;
    RowKey::from_values(values).map_err(PublishError::table)
}

/// Encodes a row and its key.
pub(crate) fn encode_row<C: Tabular>(row: &C::Update) -> Result<(RowKey, Bytes), PublishError> {
    let key = row_key(&C::key(row))?;
    Ok((key, payload::with_encoded(row, Bytes::copy_from_slice)?))
}
