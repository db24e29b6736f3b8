//! A table that keeps the state of every number, and a client of it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::{Edit, REMOVAL_OVERHEAD, ROW_OVERHEAD, SPARE_REMOVALS};
use crate::declare::{KeyPart, RowKey};

type Rows = BTreeMap<RowKey, String>;

/// The model. A change that it refuses is `Err(())`.
#[derive(Debug, Clone)]
pub(super) struct Model {
    names: &'static [&'static str],
    checksum: bool,
    pub(super) max_bytes: usize,
    pub(super) is_known: bool,
    /// The rows after each number, from 0.
    states: Vec<Rows>,
    /// The keys that each number changed, from 0.
    changed: Vec<BTreeSet<RowKey>>,
    /// Keys removed before the table is known.
    overridden: BTreeSet<RowKey>,
    /// The number from which subscribers have a state.
    begin: u64,
    /// The newest number of a forgotten removal.
    forgotten: u64,
    last_update: Option<String>,
}

impl Model {
    pub(super) fn new(names: &'static [&'static str], checksum: bool, max_bytes: usize, is_known: bool) -> Self {
        Self {
            names,
            checksum,
            max_bytes,
            is_known,
            states: vec![Rows::new()],
            changed: vec![BTreeSet::new()],
            overridden: BTreeSet::new(),
            begin: 0,
            forgotten: 0,
            last_update: None,
        }
    }

    pub(super) fn seq(&self) -> u64 {
        self.states.len() as u64 - 1
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.states[self.states.len() - 1]
    }

    /// The update of the last change, if that changed anything.
    pub(super) fn last_update(&self) -> Option<String> {
        self.last_update.clone()
    }

    /// The rows at a number that a subscriber may have.
    pub(super) fn state_at(&self, number: u64) -> Option<&Rows> {
        let number = usize::try_from(number).unwrap();
        self.states.get(number).filter(|_| self.is_known && number as u64 >= self.begin)
    }

    pub(super) fn apply(&mut self, edits: &[Edit]) -> Result<Option<String>, ()> {
        let mut rows = self.rows().clone();
        let mut overridden = self.overridden.clone();
        let mut last: BTreeMap<&RowKey, Option<&Bytes>> = BTreeMap::new();
        for edit in edits {
            match edit {
                Edit::Set { key, row } => last.insert(key, Some(row)),
                Edit::Remove { key } => last.insert(key, None),
            };
        }
        for (key, row) in last {
            if let Some(row) = row {
                self.check(row)?;
                rows.insert(key.clone(), String::from_utf8(row.to_vec()).unwrap());
                overridden.remove(key);
            } else {
                rows.remove(key);
                if !self.is_known {
                    overridden.insert(key.clone());
                }
            }
        }
        self.commit(rows, overridden)
    }

    pub(super) fn replace(&mut self, rows: Vec<(RowKey, Bytes)>) -> Result<Option<String>, ()> {
        self.last_update = None;
        let rows = self.unique(rows)?;
        for row in rows.values() {
            self.check(row.as_bytes())?;
        }
        let was_known = self.is_known;
        // Keys that only the hook may have are no change.
        let overridden = self.overridden.iter().filter(|key| !rows.contains_key(key)).cloned().collect();
        let update = self.commit(rows, overridden)?;
        self.becomes_known(was_known);
        Ok(update)
    }

    pub(super) fn fill(&mut self, rows: Vec<(RowKey, Bytes)>) -> Result<(), ()> {
        if self.is_known {
            return Ok(());
        }
        let mut all = self.rows().clone();
        for (key, row) in self.unique(rows)? {
            if !all.contains_key(&key) && !self.overridden.contains(&key) {
                self.check(row.as_bytes())?;
                all.insert(key, row);
            }
        }
        if snapshot(&all, None).len() > self.max_bytes {
            return Err(());
        }
        let last = self.states.len() - 1;
        self.states[last] = all;
        self.becomes_known(false);
        Ok(())
    }

    fn becomes_known(&mut self, was_known: bool) {
        self.is_known = true;
        if !was_known {
            self.overridden.clear();
            self.begin = self.seq();
        }
    }

    fn commit(&mut self, rows: Rows, overridden: BTreeSet<RowKey>) -> Result<Option<String>, ()> {
        self.last_update = None;
        if snapshot(&rows, None).len() > self.max_bytes {
            return Err(());
        }
        let old = self.rows();
        let keys = old.keys().chain(rows.keys());
        let mut changed: BTreeSet<RowKey> = keys.filter(|key| old.get(key) != rows.get(key)).cloned().collect();
        changed.extend(overridden.difference(&self.overridden).cloned());
        if changed.is_empty() {
            return Ok(None);
        }
        let removed = changed.iter().filter(|key| !rows.contains_key(key)).collect();
        let set = changed.iter().filter_map(|key| rows.get(key)).collect();
        self.last_update = Some(self.update(set, removed, &rows));
        self.states.push(rows);
        self.changed.push(changed);
        self.overridden = overridden;
        if self.is_known {
            self.forget();
        }
        Ok(self.last_update.clone())
    }

    /// The number of each key's newest change.
    fn newest(&self) -> BTreeMap<&RowKey, u64> {
        let numbered =
            self.changed.iter().zip(0..).flat_map(|(keys, number)| keys.iter().map(move |key| (key, number)));
        numbered.collect()
    }

    /// The remembered removals by number.
    fn removals(&self) -> Vec<(u64, &RowKey)> {
        let floor = if self.is_known { self.forgotten.max(self.begin) } else { 0 };
        let newest = self.newest().into_iter().map(|(key, number)| (number, key));
        let mut removals: Vec<_> =
            newest.filter(|(number, key)| *number > floor && !self.rows().contains_key(key)).collect();
        removals.sort();
        removals
    }

    fn forget(&mut self) {
        let removals = self.removals();
        let surplus = removals.len().saturating_sub(self.rows().len() + SPARE_REMOVALS);
        if let Some((number, _)) = surplus.checked_sub(1).map(|last| removals[last]) {
            self.forgotten = number;
        }
    }

    pub(super) fn remembers(&self, from: u64) -> bool {
        self.is_known && from >= self.begin.max(self.forgotten) && from <= self.seq()
    }

    pub(super) fn merged(&self, from: u64) -> String {
        let newest = self.newest();
        let changed: BTreeSet<_> =
            newest.into_iter().filter(|(_, number)| *number > from).map(|(key, _)| key).collect();
        let set = changed.iter().filter_map(|key| self.rows().get(key)).collect();
        let removed = changed.iter().filter(|key| !self.rows().contains_key(key)).copied().collect();
        self.update(set, removed, self.rows())
    }

    fn update(&self, set: Vec<&String>, removed: Vec<&RowKey>, rows: &Rows) -> String {
        let mut members = Vec::new();
        if !set.is_empty() {
            members.push(format!("\"set\":[{}]", set.into_iter().cloned().collect::<Vec<_>>().join(",")));
        }
        if !removed.is_empty() {
            let keys: Vec<_> = removed.into_iter().map(|key| self.written(key)).collect();
            members.push(format!("\"remove\":[{}]", keys.join(",")));
        }
        if self.checksum {
            members.push(format!("\"checksum\":{}", sum(rows)));
        }
        format!("{{{}}}", members.join(","))
    }

    fn written(&self, key: &RowKey) -> String {
        let values = key.values();
        let members = self.names.iter().zip(&values).map(|(name, value)| {
            format!("{}:{}", serde_json::to_string(name).unwrap(), serde_json_canonicalizer::to_string(value).unwrap())
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }

    pub(super) fn snapshot(&self) -> String {
        snapshot(self.rows(), self.checksum.then(|| sum(self.rows())))
    }

    pub(super) fn snapshot_size(&self) -> usize {
        snapshot(self.rows(), None).len()
    }

    /// What a client has that has every row.
    pub(super) fn canonical_rows(&self) -> BTreeMap<RowKey, Value> {
        canonical(self.rows())
    }

    pub(super) fn bytes(&self) -> usize {
        let rows = self.rows().iter().map(|(key, text)| ROW_OVERHEAD + key_bytes(key) + text.len());
        let removals = self.removals().into_iter().map(|(_, key)| REMOVAL_OVERHEAD + key_bytes(key));
        rows.chain(removals).sum()
    }

    fn check(&self, row: &[u8]) -> Result<(), ()> {
        let is_wide = self.checksum && String::from_utf8_lossy(row).contains("0.1234567890123456789");
        if is_wide { Err(()) } else { Ok(()) }
    }

    fn unique(&self, rows: Vec<(RowKey, Bytes)>) -> Result<Rows, ()> {
        let count = rows.len();
        let rows: Rows = rows.into_iter().map(|(key, row)| (key, String::from_utf8(row.to_vec()).unwrap())).collect();
        if rows.len() < count { Err(()) } else { Ok(rows) }
    }
}

fn snapshot(rows: &Rows, checksum: Option<u32>) -> String {
    let texts: Vec<_> = rows.values().map(String::as_str).collect();
    let checksum = checksum.map(|sum| format!(",\"checksum\":{sum}")).unwrap_or_default();
    format!("{{\"set\":[{}]{checksum}}}", texts.join(","))
}

fn sum(rows: &Rows) -> u32 {
    canonical(rows).values().fold(0, |sum, row| sum.wrapping_add(crc(row)))
}

fn crc(row: &Value) -> u32 {
    crc32fast::hash(&serde_json_canonicalizer::to_vec(row).unwrap())
}

fn canonical(rows: &Rows) -> BTreeMap<RowKey, Value> {
    rows.iter().map(|(key, text)| (key.clone(), serde_json::from_str(text).unwrap())).collect()
}

fn key_bytes(key: &RowKey) -> usize {
    let part = |part: &KeyPart| {
        size_of::<KeyPart>()
            + match part {
                KeyPart::Text(text) => text.len(),
                KeyPart::Bool(_) | KeyPart::Number(_) => 0,
            }
    };
    key.parts().iter().map(part).sum()
}

/// A client that maintains the rows from what it receives alone.
#[derive(Debug, Clone)]
pub(super) struct Client {
    names: &'static [&'static str],
    rows: BTreeMap<RowKey, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    #[serde(default)]
    set: Vec<Map<String, Value>>,
    #[serde(default)]
    remove: Vec<Map<String, Value>>,
    checksum: Option<u32>,
}

impl Client {
    pub(super) fn new(names: &'static [&'static str], rows: &Rows) -> Self {
        Self { names, rows: canonical(rows) }
    }

    pub(super) fn rows(&self) -> &BTreeMap<RowKey, Value> {
        &self.rows
    }

    pub(super) fn receives(&mut self, payload: &str, is_snapshot: bool) {
        let Payload { set, remove, checksum } = serde_json::from_str(payload).unwrap();
        if is_snapshot {
            assert!(remove.is_empty(), "{payload}");
            self.rows.clear();
        }
        let mut named = BTreeSet::new();
        for row in set {
            let key = RowKey::from_object(self.names, &row).unwrap();
            assert!(named.insert(key.clone()), "{payload} names a key twice");
            self.rows.insert(key, row.into());
        }
        for key in remove {
            let key = RowKey::from_object(self.names, &key).unwrap();
            assert!(named.insert(key.clone()), "{payload} names a key twice");
            self.rows.remove(&key);
        }
        if let Some(checksum) = checksum {
            assert_eq!(self.rows.values().fold(0_u32, |sum, row| sum.wrapping_add(crc(row))), checksum, "{payload}");
        }
    }

    pub(super) fn ends_with(mut self, payload: &str, is_snapshot: bool, model: &Model) {
        self.receives(payload, is_snapshot);
        assert_eq!(self.rows, model.canonical_rows(), "{payload}");
        assert_eq!(payload.contains("\"checksum\""), model.checksum);
    }
}
