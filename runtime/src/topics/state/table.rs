//! The rows of a table's topic, and what changed in them since a number.

use std::collections::BTreeMap;

use bytes::Bytes;
use thiserror::Error;

use crate::{
    declare::{ChecksumError, RowKey, row_checksum},
    topics::state::numbered::Numbered,
};

/// How many removals a table remembers beyond the number of its rows.
const SPARE_REMOVALS: usize = 1024;

/// What a row takes beside its text and its key, measured with glibc's allocator: a node and an
/// entry in both trees, and the share of each allocation.
const ROW_OVERHEAD: usize = 384;

/// What a removal takes beside its key.
const REMOVAL_OVERHEAD: usize = 288;

/// The most bytes that a checksum takes in a payload.
const CHECKSUM_BYTES: usize = r#","checksum":4294967295}"#.len();

/// The rows of one topic. A clone is cheap and is a version that never changes.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// The wire names of the key's members.
    key: &'static [&'static str],
    max_bytes: usize,
    /// Whether the rows are all rows. Until then they are only those that changed.
    is_known: bool,
    seq: u64,
    rows: Numbered<Row>,
    removals: Numbered<()>,
    /// Changes up to this number cannot be merged any more.
    floor: u64,
    /// The sum of the lengths of the rows' texts.
    row_bytes: usize,
    /// The sum of what the keys of rows and removals take.
    key_bytes: usize,
    /// The sum of the rows' checksums, where the channel declares one.
    checksum: Option<u32>,
}

#[derive(Debug, Clone)]
struct Row {
    text: Bytes,
    /// What the row adds to the table's checksum.
    checksum: u32,
}

/// Rows by their keys, as a hook or a publisher gives them.
pub(crate) type Rows = Vec<(RowKey, Bytes)>;

/// A change of one row.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Set {
        key: RowKey,
        /// The row's JSON text.
        row: Bytes,
    },
    Remove {
        key: RowKey,
    },
}

/// The payload that brings a subscriber from a number to the newest one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CatchUp {
    /// The subscriber has everything.
    Nothing,
    /// The payload of an `R.update`.
    Merged(Vec<u8>),
    /// The payload of an `R.snapshot`.
    Snapshot(Vec<u8>),
}

/// The reason why a change of a table fails as a whole.
#[derive(Debug, Error)]
pub(crate) enum TableError {
    #[error("the table's snapshot would have {bytes} bytes, more than the limit of {limit}")]
    TooLarge { bytes: usize, limit: usize },
    #[error("row {key}: {source}")]
    Row { key: String, source: ChecksumError },
    #[error("two rows have the key {key}")]
    Duplicate { key: String },
}

impl Table {
    /// Creates a table without rows.
    ///
    /// `max_bytes` limits the payload of its snapshot, its checksum not counted. A table that is
    /// not `is_known` waits for [`fill`](Self::fill) or [`replace`](Self::replace).
    pub(crate) fn new(key: &'static [&'static str], checksum: bool, max_bytes: usize, is_known: bool) -> Self {
        Self {
            key,
            max_bytes,
            is_known,
            seq: 0,
            rows: Numbered::default(),
            removals: Numbered::default(),
            floor: 0,
            row_bytes: 0,
            key_bytes: 0,
            checksum: checksum.then_some(0),
        }
    }

    /// Returns a table of the same declaration without rows, whose hook has not run.
    pub(crate) fn emptied(&self) -> Self {
        Self::new(self.key, self.checksum.is_some(), self.max_bytes, false)
    }

    /// Applies edits as the change `seq`, and returns the payload of its update, or `None` if
    /// nothing changes. A later edit of a key replaces an earlier one.
    ///
    /// # Errors
    /// When the snapshot would exceed its limit, or a row has no checksum. Nothing changes then.
    pub(crate) fn apply(&mut self, seq: u64, edits: Vec<Edit>) -> Result<Option<Vec<u8>>, TableError> {
        let edits = edits.into_iter().map(|edit| match edit {
            Edit::Set { key, row } => (key, Some(row)),
            Edit::Remove { key } => (key, None),
        });
        let mut next = self.clone();
        next.change(seq, edits.collect())?;
        Ok(self.commit(next))
    }

    /// Replaces all rows as the change `seq`, and returns the payload of an update with the smallest
    /// difference, or `None` if nothing changes. The table is known afterwards.
    ///
    /// # Errors
    /// When two rows have one key, the snapshot would exceed its limit, or a row has no checksum.
    /// Nothing changes then.
    pub(crate) fn replace(&mut self, seq: u64, rows: Rows) -> Result<Option<Vec<u8>>, TableError> {
        let mut edits = self.unique(rows)?;
        for (key, _) in self.rows.iter() {
            edits.entry(key.clone()).or_insert(None);
        }
        let mut next = self.clone();
        next.is_known = true;
        next.change(seq, edits)?;
        if !self.is_known {
            // No subscriber has the state of an earlier number.
            next.floor = next.seq;
        }
        Ok(self.commit(next))
    }

    /// Adds the rows that the application's hook returns, except those of keys that changed
    /// before. The table is known afterwards; one that is known already ignores the rows.
    ///
    /// # Errors
    /// The errors of [`replace`](Self::replace). Nothing changes then.
    pub(crate) fn fill(&mut self, rows: Rows) -> Result<(), TableError> {
        if self.is_known {
            return Ok(());
        }
        let mut next = self.clone();
        for (key, row) in self.unique(rows)? {
            if let Some(row) = row
                && next.rows.get(&key).is_none()
                && next.removals.get(&key).is_none()
            {
                next.set(key, next.seq, row)?;
            }
        }
        next.check_size()?;
        next.is_known = true;
        // No subscriber has the state of an earlier number.
        next.floor = next.seq;
        next.forget_removals();
        *self = next;
        Ok(())
    }

    /// Returns whether the table has all rows, and not only those that changed.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the memory that the table takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let entries = self.rows.len() * ROW_OVERHEAD + self.removals.len() * REMOVAL_OVERHEAD;
        entries + self.row_bytes + self.key_bytes
    }

    /// Returns the text of a row.
    pub(crate) fn get(&self, key: &RowKey) -> Option<&Bytes> {
        self.rows.get(key).map(|row| &row.text)
    }

    /// Returns the rows' texts in the order of their keys.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&RowKey, &Bytes)> {
        self.rows.iter().map(|(key, row)| (key, &row.text))
    }

    /// Returns the number of the newest change.
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    /// Returns whether the changes after `from` can be merged: the removals among them are
    /// remembered.
    pub(crate) fn remembers(&self, from: u64) -> bool {
        self.is_known && (self.floor..=self.seq).contains(&from)
    }

    /// Returns the payload of an update with all changes after `from`, which the table must
    /// [remember](Self::remembers).
    pub(crate) fn merged(&self, from: u64) -> Vec<u8> {
        self.closed(self.changes(from))
    }

    /// Returns what brings a subscriber from the number `from` to the newest: the changes merged,
    /// or a snapshot if they are not remembered or are larger than that.
    pub(crate) fn catch_up(&self, from: u64) -> CatchUp {
        if self.is_known && from == self.seq {
            return CatchUp::Nothing;
        }
        if self.remembers(from) {
            // Removals alone can make it larger, for the rows are a part of the snapshot's.
            let changes = self.changes(from);
            if changes.len() < self.snapshot_bytes() {
                return CatchUp::Merged(self.closed(changes));
            }
        }
        CatchUp::Snapshot(self.snapshot())
    }

    /// Returns the payload of a snapshot: all rows in the order of their keys.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.snapshot_bytes() + CHECKSUM_BYTES);
        out.extend_from_slice(b"{\"set\":[");
        join(&mut out, self.rows(), |out, (_, text)| out.extend_from_slice(text));
        out.push(b']');
        self.closed(out)
    }

    /// Returns the length of the snapshot's payload, its checksum not counted.
    fn snapshot_bytes(&self) -> usize {
        "{\"set\":[]}".len() + self.row_bytes + self.rows.len().saturating_sub(1)
    }

    /// Returns an update's payload up to its checksum.
    fn changes(&self, from: u64) -> Vec<u8> {
        let mut set: Vec<_> = self.rows.since(from).collect();
        let mut remove: Vec<_> = self.removals.since(from).collect();
        set.sort_unstable();
        remove.sort_unstable();
        let mut out = vec![b'{'];
        if !set.is_empty() {
            out.extend_from_slice(b"\"set\":[");
            let texts = set.into_iter().filter_map(|key| self.get(key));
            join(&mut out, texts, |out, text| out.extend_from_slice(text));
            out.push(b']');
        }
        if !remove.is_empty() {
            separate(&mut out);
            out.extend_from_slice(b"\"remove\":[");
            join(&mut out, remove.into_iter(), |out, key| key.write(self.key, out));
            out.push(b']');
        }
        out
    }

    /// Ends a payload with the checksum, where the channel declares one.
    fn closed(&self, mut payload: Vec<u8>) -> Vec<u8> {
        if let Some(checksum) = self.checksum {
            separate(&mut payload);
            payload.extend_from_slice(b"\"checksum\":");
            payload.extend_from_slice(checksum.to_string().as_bytes());
        }
        payload.push(b'}');
        payload
    }

    fn check_size(&self) -> Result<(), TableError> {
        let bytes = self.snapshot_bytes();
        if bytes > self.max_bytes { Err(TableError::TooLarge { bytes, limit: self.max_bytes }) } else { Ok(()) }
    }

    /// Makes edits, `None` for a removal, and takes the number if any of them is a change.
    fn change(&mut self, seq: u64, edits: BTreeMap<RowKey, Option<Bytes>>) -> Result<(), TableError> {
        for (key, row) in edits {
            let is_change = match row {
                Some(row) => self.get(&key) != Some(&row) && self.set(key, seq, row).map(|()| true)?,
                None => self.remove(key, seq),
            };
            if is_change {
                self.seq = seq;
            }
        }
        self.check_size()
    }

    fn set(&mut self, key: RowKey, seq: u64, text: Bytes) -> Result<(), TableError> {
        let checksum = if self.checksum.is_some() { self.checksum_of(&key, &text)? } else { 0 };
        self.forget(&key);
        self.key_bytes += key.memory();
        self.row_bytes += text.len();
        self.checksum = self.checksum.map(|sum| sum.wrapping_add(checksum));
        self.rows.insert(key, seq, Row { text, checksum });
        Ok(())
    }

    fn checksum_of(&self, key: &RowKey, row: &[u8]) -> Result<u32, TableError> {
        row_checksum(row).map_err(|source| TableError::Row { key: self.written(key), source })
    }

    /// Removes a row and remembers that. Returns whether it is a change: in an unknown table a key
    /// without a row may be one that the hook has a row of.
    fn remove(&mut self, key: RowKey, seq: u64) -> bool {
        let is_change = self.rows.get(&key).is_some() || (!self.is_known && self.removals.get(&key).is_none());
        if is_change {
            self.forget(&key);
            self.key_bytes += key.memory();
            self.removals.insert(key, seq, ());
        }
        is_change
    }

    /// Drops the row or the removal of a key.
    fn forget(&mut self, key: &RowKey) {
        if let Some(row) = self.rows.remove(key) {
            self.row_bytes -= row.text.len();
            self.key_bytes -= key.memory();
            self.checksum = self.checksum.map(|sum| sum.wrapping_sub(row.checksum));
        } else if self.removals.remove(key).is_some() {
            self.key_bytes -= key.memory();
        }
    }

    /// Forgets the oldest removals beyond the bound, and with them how to merge changes from before
    /// them. An unknown table needs all of them to override the hook's rows.
    fn forget_removals(&mut self) {
        if !self.is_known {
            return;
        }
        while let Some((number, key)) = self.removals.oldest() {
            let is_useful = number > self.floor;
            if is_useful && self.removals.len() <= self.rows.len() + SPARE_REMOVALS {
                return;
            }
            self.floor = self.floor.max(number);
            self.forget(&key);
        }
    }

    /// Becomes `next`, and returns the payload of the update that leads there, if anything changed.
    fn commit(&mut self, mut next: Self) -> Option<Vec<u8>> {
        let update = (next.seq > self.seq).then(|| next.merged(self.seq));
        next.forget_removals();
        *self = next;
        update
    }

    fn unique(&self, rows: Rows) -> Result<BTreeMap<RowKey, Option<Bytes>>, TableError> {
        let mut unique = BTreeMap::new();
        for (key, row) in rows {
            if unique.contains_key(&key) {
                return Err(TableError::Duplicate { key: self.written(&key) });
            }
            unique.insert(key, Some(row));
        }
        Ok(unique)
    }

    /// Returns a key as it is sent, for messages.
    fn written(&self, key: &RowKey) -> String {
        let mut out = Vec::new();
        key.write(self.key, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// Appends a comma where a member precedes.
fn separate(payload: &mut Vec<u8>) {
    if payload.len() > 1 {
        payload.push(b',');
    }
}

/// Appends items with commas between them.
fn join<T>(out: &mut Vec<u8>, items: impl Iterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
}

#[cfg(test)]
mod tests;
