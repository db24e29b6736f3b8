//! The rows of a table as the server sends them, and their checksum.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use topicast::__private::{RowKey, row_checksum};

use crate::envelope::Payload;

/// How a channel identifies its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableShape {
    /// The wire names of the key's members.
    pub(crate) key: &'static [&'static str],
    /// Whether messages carry a checksum.
    pub(crate) checksum: bool,
}

/// The rows in key order, which readers share. A change copies them only while a reader holds them.
pub(crate) type RawRows = Arc<BTreeMap<RowKey, RawRow>>;

/// One row. It is part of hidden functions of a public trait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRow {
    /// The row as JSON.
    pub(crate) text: Payload,
    /// The CRC-32 of its canonical text; 0 if the table is not verified.
    crc: u32,
}

/// A checksum that does not describe the rows that this client has.
///
/// A table declared with `checksum` carries a checksum in every message, and the client computes it
/// from its rows. When the two differ, the client unsubscribes, and subscribes again from scratch
/// after a backoff. After two mismatches in a row it keeps the subscription and stops verifying it.
///
/// ```
/// use topicast_client::{Item, Mismatch};
///
/// fn report<U>(item: &Item<U>) {
///     if let Item::Mismatch(Mismatch { is_final, .. }) = item {
///         eprintln!("the rows are wrong; verified from here on: {}", !is_final);
///     }
/// }
/// # report(&Item::Update(1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mismatch {
    /// The checksum that the server sent.
    pub expected: u32,
    /// The checksum of the client's rows.
    pub computed: u32,
    /// Whether this was the second mismatch in a row, after which the client no longer verifies the
    /// checksums of this subscription.
    pub is_final: bool,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, computed, is_final } = self;
        let effect = if *is_final { "checksums are no longer verified" } else { "the table is requested again" };
        write!(f, "the checksum is {computed} and the server sent {expected}; {effect}")
    }
}

/// The result of verifying a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verified {
    /// The message has no checksum, or the table is not verified.
    Unverified,
    Right,
    Wrong(Mismatch),
}

/// A table: its rows, and the state of their verification.
#[derive(Debug)]
pub(crate) struct Table {
    key: &'static [&'static str],
    rows: RawRows,
    /// The sum of the rows' CRC-32 modulo 2^32.
    checksum: u32,
    verifies: bool,
    /// Whether the last checksum that was verified was wrong.
    mismatched: bool,
}

/// The payload of an update or a snapshot.
#[derive(Deserialize)]
struct Change<'a> {
    #[serde(borrow, default)]
    set: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    remove: Vec<&'a RawValue>,
    checksum: Option<u32>,
}

impl Table {
    pub(crate) fn new(shape: TableShape) -> Self {
        let TableShape { key, checksum } = shape;
        Self { key, rows: RawRows::default(), checksum: 0, verifies: checksum, mismatched: false }
    }

    /// Returns the rows, in key order.
    pub(crate) fn rows(&self) -> RawRows {
        Arc::clone(&self.rows)
    }

    /// Removes all rows, and returns true if there were any.
    pub(crate) fn clear(&mut self) -> bool {
        self.checksum = 0;
        !std::mem::take(&mut self.rows).is_empty()
    }

    /// Applies the payload of an update.
    ///
    /// # Errors
    /// Returns an error if it is not a change of this table; the rows are then unchanged.
    pub(crate) fn update(&mut self, payload: &str) -> Result<Verified, String> {
        let change: Change<'_> = serde_json::from_str(payload).map_err(|error| error.to_string())?;
        let set = self.read_rows(&change.set)?;
        let remove = change.remove.iter().map(|key| self.read_key(key)).collect::<Result<Vec<_>, _>>()?;
        for key in &remove {
            let before = Arc::make_mut(&mut self.rows).remove(key);
            self.checksum = self.checksum.wrapping_sub(before.map_or(0, |row| row.crc));
        }
        for (key, row) in set {
            let crc = row.crc;
            let before = Arc::make_mut(&mut self.rows).insert(key, row);
            self.checksum = self.checksum.wrapping_sub(before.map_or(0, |row| row.crc)).wrapping_add(crc);
        }
        Ok(self.verify(change.checksum))
    }

    /// Replaces all rows by those of a snapshot's payload.
    ///
    /// # Errors
    /// Returns an error if it is not a snapshot of this table; the rows are then unchanged.
    pub(crate) fn replace(&mut self, payload: &str) -> Result<Verified, String> {
        let snapshot: Change<'_> = serde_json::from_str(payload).map_err(|error| error.to_string())?;
        let rows: BTreeMap<_, _> = self.read_rows(&snapshot.set)?.into_iter().collect();
        self.checksum = rows.values().fold(0, |sum: u32, row| sum.wrapping_add(row.crc));
        self.rows = Arc::new(rows);
        Ok(self.verify(snapshot.checksum))
    }

    fn verify(&mut self, expected: Option<u32>) -> Verified {
        let Some(expected) = expected.filter(|_| self.verifies) else { return Verified::Unverified };
        if expected == self.checksum {
            self.mismatched = false;
            return Verified::Right;
        }
        let is_final = std::mem::replace(&mut self.mismatched, true);
        self.verifies = !is_final;
        Verified::Wrong(Mismatch { expected, computed: self.checksum, is_final })
    }

    fn read_rows(&self, rows: &[&RawValue]) -> Result<Vec<(RowKey, RawRow)>, String> {
        rows.iter()
            .map(|row| {
                let members = object(row)?;
                let key = RowKey::from_object(self.key, &members).map_err(|error| error.to_string())?;
                let crc = if self.verifies { crc(row)? } else { 0 };
                Ok((key, RawRow { text: row.get().into(), crc }))
            })
            .collect()
    }

    fn read_key(&self, key: &RawValue) -> Result<RowKey, String> {
        RowKey::from_object(self.key, &object(key)?).map_err(|error| error.to_string())
    }
}

fn object(text: &RawValue) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text.get()).map_err(|error| error.to_string())
}

fn crc(row: &RawValue) -> Result<u32, String> {
    row_checksum(row.get().as_bytes()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LEVELS: TableShape = TableShape { key: &["side", "price"], checksum: true };

    fn table(rows: &Value) -> Table {
        let mut table = Table::new(LEVELS);
        table.replace(&json!({ "set": rows }).to_string()).unwrap();
        table
    }

    fn level(side: &str, price: f64, size: u32) -> Value {
        json!({ "side": side, "price": price, "size": size })
    }

    fn texts(table: &Table) -> Vec<Value> {
        table.rows().values().map(|row| serde_json::from_str(&row.text).unwrap()).collect()
    }

    #[test]
    fn a_change_sets_and_removes_rows_by_key() {
        let mut table = table(&json!([level("bid", 10.0, 1), level("bid", 9.0, 1), level("ask", 11.0, 1)]));
        assert_eq!(texts(&table), [level("ask", 11.0, 1), level("bid", 9.0, 1), level("bid", 10.0, 1)]);
        let change = json!({
            "set": [level("bid", 10.0, 5), level("ask", 12.0, 1)],
            "remove": [{ "side": "bid", "price": 9 }, { "side": "bid", "price": 1 }],
        });
        assert_eq!(table.update(&change.to_string()), Ok(Verified::Unverified));
        assert_eq!(texts(&table), [level("ask", 11.0, 1), level("ask", 12.0, 1), level("bid", 10.0, 5)]);
        assert_eq!(table.replace(r#"{"set":[]}"#), Ok(Verified::Unverified));
        assert_eq!((texts(&table).len(), table.checksum), (0, 0));
    }

    #[test]
    fn a_change_that_cannot_be_read_changes_nothing() {
        let mut table = table(&json!([level("bid", 10.0, 1)]));
        for (change, expected) in [
            (json!([]), ""),
            (json!({ "set": [level("bid", 9.0, 1), { "side": "bid" }] }), "member `price` of the key is missing"),
            (json!({ "set": [7] }), "invalid type"),
            (
                json!({ "set": [level("bid", 9.0, 1)], "remove": [{ "side": null, "price": 1 }] }),
                "`side` of the key is null",
            ),
        ] {
            let error = table.update(&change.to_string()).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert_eq!(texts(&table), [level("bid", 10.0, 1)], "{change}");
        }
    }

    #[test]
    fn the_checksum_is_the_sum_of_the_rows_whatever_their_history() {
        let rows = [level("bid", 10.0, 1), level("bid", 9.5, 2), level("ask", 11.0, 3)];
        let crc = |row: &Value| row_checksum(row.to_string().as_bytes()).unwrap();
        let sum = rows.iter().map(crc).fold(0, u32::wrapping_add);
        let mut table = table(&json!([level("bid", 10.0, 7), level("bid", 1.0, 1)]));
        let change = json!({ "set": rows, "remove": [{ "side": "bid", "price": 1 }], "checksum": sum });
        assert_eq!(table.update(&change.to_string()), Ok(Verified::Right));
        let snapshot = json!({ "set": rows, "checksum": sum });
        assert_eq!(table.replace(&snapshot.to_string()), Ok(Verified::Right));
        // The members' order and the notation of numbers do not matter.
        let other = format!(r#"{{"set":[{{"size":1,"price":1e1,"side":"bid"}}],"checksum":{sum}}}"#);
        assert_eq!(table.update(&other), Ok(Verified::Right));
    }

    #[test]
    fn the_second_mismatch_in_a_row_ends_the_verification() {
        let mut table = table(&json!([]));
        let wrong = |is_final| Ok(Verified::Wrong(Mismatch { expected: 7, computed: 0, is_final }));
        assert_eq!(table.replace(r#"{"set":[],"checksum":7}"#), wrong(false));
        assert_eq!(table.replace(r#"{"set":[],"checksum":0}"#), Ok(Verified::Right));
        assert_eq!(table.replace(r#"{"set":[],"checksum":7}"#), wrong(false));
        assert_eq!(table.update(r#"{"checksum":7}"#), wrong(true));
        assert_eq!(table.update(r#"{"checksum":7}"#), Ok(Verified::Unverified));
    }

    #[test]
    fn readers_keep_the_rows_that_they_took() {
        let mut table = table(&json!([level("bid", 10.0, 1)]));
        let taken = table.rows();
        table.update(&json!({ "remove": [{ "side": "bid", "price": 10 }] }).to_string()).unwrap();
        assert_eq!((taken.len(), table.rows().len()), (1, 0));
    }

    /// A case of `tests/contract/tables.json`.
    #[derive(Debug, Deserialize)]
    struct Case {
        name: String,
        key: Vec<String>,
        messages: Vec<(String, Box<RawValue>)>,
        mismatch: Option<usize>,
        rows: Vec<(String, u32)>,
        checksum: u32,
    }

    #[test]
    fn tables_are_as_the_contract_says() {
        #[derive(Deserialize)]
        struct Cases {
            tables: Vec<Case>,
        }
        let Cases { tables } = serde_json::from_str(include_str!("../../tests/contract/tables.json")).unwrap();
        assert!(tables.len() > 10);
        for Case { name, key, messages, mismatch, rows, checksum } in tables {
            // A declaration's names live as long as the program.
            let key: Vec<&'static str> = key.into_iter().map(|name| &*name.leak()).collect();
            let mut table = Table::new(TableShape { key: key.leak(), checksum: true });
            for (at, (kind, payload)) in messages.iter().enumerate() {
                let verified = match &**kind {
                    "snapshot" => table.replace(payload.get()),
                    _ => table.update(payload.get()),
                };
                let expected = |verified: &Verified| match verified {
                    Verified::Wrong(_) => mismatch == Some(at),
                    Verified::Right | Verified::Unverified => mismatch != Some(at),
                };
                assert!(verified.as_ref().is_ok_and(expected), "{name}: {verified:?} of message {at}");
            }
            // Equal checksums of equal numbers of rows, in key order: they are the same rows.
            let found: Vec<_> = table.rows().values().map(|row| row.crc).collect();
            assert_eq!(found, rows.iter().map(|(_, crc)| *crc).collect::<Vec<_>>(), "{name}");
            assert_eq!(table.checksum, checksum, "{name}");
        }
    }
}
