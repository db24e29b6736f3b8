//! A persistent map from keys to values in which each key has the number of its newest change.

use std::ops::Bound;

use rpds::RedBlackTreeMapSync;

use crate::declare::RowKey;

/// A map of keys, ordered by key and by number. A clone is a version that never changes, and shares
/// what both have.
#[derive(Debug, Clone)]
pub(super) struct Numbered<V> {
    by_key: RedBlackTreeMapSync<RowKey, (u64, V)>,
    by_number: RedBlackTreeMapSync<(u64, RowKey), ()>,
}

impl<V> Default for Numbered<V> {
    fn default() -> Self {
        Self { by_key: RedBlackTreeMapSync::new_sync(), by_number: RedBlackTreeMapSync::new_sync() }
    }
}

impl<V: Clone> Numbered<V> {
    pub(super) fn len(&self) -> usize {
        self.by_key.size()
    }

    pub(super) fn get(&self, key: &RowKey) -> Option<&V> {
        self.by_key.get(key).map(|(_, value)| value)
    }

    /// Returns the keys and values in the order of the keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&RowKey, &V)> {
        self.by_key.iter().map(|(key, (_, value))| (key, value))
    }

    /// Sets the value of a key that changes under `number`, and returns the value that it replaces.
    pub(super) fn insert(&mut self, key: RowKey, number: u64, value: V) -> Option<V> {
        let replaced = self.remove(&key);
        self.by_number.insert_mut((number, key.clone()), ());
        self.by_key.insert_mut(key, (number, value));
        replaced
    }

    pub(super) fn remove(&mut self, key: &RowKey) -> Option<V> {
        let (number, value) = self.by_key.get(key)?.clone();
        self.by_key.remove_mut(key);
        self.by_number.remove_mut(&(number, key.clone()));
        Some(value)
    }

    /// Returns the keys that changed after `number`, the oldest change first.
    pub(super) fn since(&self, number: u64) -> impl Iterator<Item = &RowKey> {
        // No key precedes that of no members.
        let after = number.checked_add(1).map(|next| (next, RowKey::empty()));
        let entries = after.map(|after| self.by_number.range((Bound::Included(after), Bound::Unbounded)));
        entries.into_iter().flatten().map(|((_, key), ())| key)
    }

    /// Returns the key whose newest change is the oldest of all, and the number of that change.
    pub(super) fn oldest(&self) -> Option<(u64, RowKey)> {
        self.by_number.first().map(|(oldest, ())| oldest.clone())
    }
}
